// A tree of plain data, put into the document in place, so that focus, selection and scrolling stay where they are.

const SVG = "http://www.w3.org/2000/svg";
const DRAWN = new Set(["svg", "path", "line", "circle", "g"]);

/** One node: a tag, its attributes (null and false ones are left out) and its children. */
export function h(tag, attributes, ...children) {
  const kept = Object.entries(attributes || {}).filter(([, value]) => value !== null && value !== undefined && value !== false);
  return { tag, attributes: Object.fromEntries(kept), children: children.flat(3).filter((child) => child !== null && child !== false && child !== undefined && child !== "") };
}

function fresh(child, text) {
  if (text) return document.createTextNode("");
  return DRAWN.has(child.tag) ? document.createElementNS(SVG, child.tag) : document.createElement(child.tag);
}

/** Make the children of an element be these: strings and nodes of `h`. */
export function patch(parent, children) {
  children.forEach((child, index) => {
    const text = typeof child !== "object";
    const name = text ? "#text" : child.tag;
    let node = parent.childNodes[index];
    if (!node || node.nodeName.toLowerCase() !== name) {
      const made = fresh(child, text);
      if (node) parent.replaceChild(made, node);
      else parent.appendChild(made);
      node = made;
    }
    if (text) {
      if (node.data !== String(child)) node.data = String(child);
      return;
    }
    // Where the keyboard stands (tabindex) is not ours to forget.
    for (const { name: known } of [...node.attributes]) if (known !== "tabindex" && !(known in child.attributes)) node.removeAttribute(known);
    for (const [key, value] of Object.entries(child.attributes)) if (node.getAttribute(key) !== String(value)) node.setAttribute(key, value);
    patch(node, child.children);
  });
  while (parent.childNodes.length > children.length) parent.removeChild(parent.lastChild);
}
