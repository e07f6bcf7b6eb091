// What the tests ask of the page. Evaluated as one expression.
({
  /** Numbers on their own: not in a sentence, and of now. */
  numbers: () => [...document.querySelectorAll("main button[data-number]:not([data-words], [data-apart])")].map((button) => ({ ...button.dataset, text: button.textContent })),

  sentences: () => [...document.querySelectorAll("main button[data-words]")].map((button) => [button.dataset.kind, button.dataset.number, button.textContent]),

  /** The text of what is not wholly there: cells of tables, numbers of tiles, the sentence. */
  cut: () =>
    [...document.querySelectorAll("th, td, .value, h1")]
      .filter((each) => each.offsetParent !== null && !each.closest("thead"))
      .filter((each) => {
        const box = each.getBoundingClientRect();
        return box.right > innerWidth + 1 || box.left < -1 || each.scrollWidth > each.clientWidth + 1;
      })
      .map((each) => each.textContent),

  tiles: (kind) =>
    Object.fromEntries([...document.querySelectorAll(`section[aria-labelledby=${kind}] .tile`)].map((tile) => [tile.querySelector("h3").textContent, tile.innerText.replace(/([✓▲◆·◐])\s+/g, "$1 ")])),

  lists: () =>
    Object.fromEntries([...document.querySelectorAll(".list")].map((list) => [list.querySelector("h3").id, [...list.querySelectorAll("tbody tr")].map((row) => [...row.cells].map((cell) => cell.innerText.trim()))])),

  queues: (kind) => [...document.querySelectorAll(`section[aria-labelledby=${kind}] .queues tbody th`)].map((head) => head.innerText.trim()),

  /** Whether there is nothing to scroll and nothing hidden beyond an edge. */
  fits: () =>
    document.documentElement.scrollHeight <= innerHeight && document.documentElement.scrollWidth <= innerWidth &&
    [...document.querySelectorAll(".half")].every((half) => half.scrollHeight <= half.clientHeight + 1) &&
    [...document.querySelectorAll(".half > *")].every((part) => part.getBoundingClientRect().bottom <= innerHeight),

  parts: () => [...document.querySelectorAll(".parts tr")].map((row) => row.innerText.replace(/\s+/g, " ").trim()),

  focused: () => ({ ...document.activeElement.dataset }),

  outlineOfFocus: () => {
    const style = getComputedStyle(document.activeElement);
    return [style.outlineStyle, parseFloat(style.outlineWidth)];
  },

  /** One stop for the tabulator in each table. */
  stops: () => [...document.querySelectorAll("table[data-roving]")].map((table) => [...table.querySelectorAll("button.num")].filter((button) => button.tabIndex === 0).length),

  /** Text whose contrast with what is behind it is below 4.5, or 3 where it is large. */
  faint: () => {
    const channel = (value) => (value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
    const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    const colour = (text) => {
      const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number);
      return text.startsWith("color(") ? [r * 255, g * 255, b * 255, a] : [r, g, b, a];
    };
    const behind = (node) => {
      for (let at = node; at; at = at.parentElement) {
        const found = colour(getComputedStyle(at).backgroundColor);
        if (found[3] > 0.99) return found;
      }
      return [255, 255, 255, 1];
    };
    return [...document.querySelectorAll("body *")]
      .filter((node) => node.offsetParent && [...node.childNodes].some((child) => child.nodeType === Node.TEXT_NODE && child.data.trim()))
      .map((node) => {
        const style = getComputedStyle(node);
        const [a, b] = [light(colour(style.color)), light(behind(node))];
        const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && parseInt(style.fontWeight, 10) >= 700);
        return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), large ? 3 : 4.5, node.textContent.slice(0, 30), style.color];
      })
      .filter(([contrast, least]) => contrast < least);
  },

  /** What a screen reader finds its way by. */
  outline: () => {
    const all = (selector) => [...document.querySelectorAll(selector)];
    const headed = (table) =>
      table.caption && all("thead th").every((head) => head.scope === "col" && head.textContent) && [...table.tBodies[0].rows].every((row) => row.querySelector("th[scope=row]"));
    return {
      landmarks: ["header", "main", "footer", "nav"].map((tag) => all(`body ${tag}:not(dialog *)`).length),
      headings: all("h1").length,
      announced: all("[aria-live=polite]").length,
      tables: all("table").every(headed),
      sections: all("main section[aria-labelledby]").every((section) => document.getElementById(section.getAttribute("aria-labelledby"))),
      buttons: all("button").every((button) => button.textContent.trim() && button.type === "button" && (!button.dataset.number || button.getAttribute("aria-haspopup"))),
      plots: all("svg").every((svg) => svg.getAttribute("role") === "img" && svg.getAttribute("aria-label")),
      ids: new Set(all("[id]").map((each) => each.id)).size === all("[id]").length,
      states: all(".mark").every((mark) => mark.textContent.trim().length > 2),
    };
  },
})
