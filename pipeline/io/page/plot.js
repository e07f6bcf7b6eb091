// Small plots of the last hours: today's line, and that of the same weekday last week, which goes on a little further.

import { h } from "/tree.js";

const WIDTH = 400;
const HEIGHT = 100;

/** Where the values of a line are on the time axis (ms): at the end of their step, the last one now. */
function moments(line, values, until) {
  return values.map((_, index) => Math.min(line.from_ms + (index + 1) * line.step_ms, until));
}

function path(points) {
  let gap = true;
  return points
    .map(([x, y]) => {
      if (y === null) {
        gap = true;
        return "";
      }
      const step = `${gap ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
      gap = false;
      return step;
    })
    .join("");
}

/** The smallest round number that is not below. */
export function ceiling(value) {
  if (value <= 1) return 1;
  const size = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((step) => step * size).find((step) => step >= value);
}

/** A plot: `ratio` lines go from 0 to 1 and may have a target. `now`: until when the line is known; `live`: what has
 *  become of it since; `show`: what the last value is shown as.
 */
export function plot({ line, title, now, zone, lang, ratio, target, live, show }) {
  const { say } = lang;
  const ahead = line.week_ago.length > 0 ? 3600000 : 0;
  const end = Math.max(now + ahead, live ? live.at : 0);
  const known = [...line.values, ...line.week_ago, live ? live.value : null].filter((value) => value !== null);
  const top = ratio ? 1 : ceiling(Math.max(...known, 1));
  const write = (value) => (value === null || value === undefined ? say("none_yet") : ratio ? lang.ratio(value) : lang.count(value));
  const x = (ms) => ((ms - line.from_ms) / (end - line.from_ms)) * WIDTH;
  const y = (value) => (value === null ? null : HEIGHT - (value / top) * HEIGHT);
  const at = (values, until) => moments(line, values, until).map((ms, index) => [x(ms), y(values[index])]);
  const today = [...at(line.values, now), ...(live ? [[x(live.at), y(live.value)]] : [])];
  const last = live ? live.value : [...line.values].reverse().find((value) => value !== null);
  const most = Math.max(...line.values.filter((value) => value !== null), live ? live.value : 0, 0);
  const then = line.week_ago[line.values.length - 1];
  const told = say(ratio ? "plotRatio" : "plotCount", { title, now: write(last), most: write(most), then: write(then) });
  const hours = [];
  for (let ms = Math.ceil(line.from_ms / 3600000) * 3600000; ms <= end; ms += 3600000) hours.push(ms);
  return h("figure", { class: "plot" },
    h("figcaption", null, h("span", null, title), h("strong", null, show(write(last)))),
    h("div", { class: "area" },
      h("span", { class: "top", "aria-hidden": "true" }, ratio ? lang.percent(1) : write(top)),
      h("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": told },
        ...hours.map((ms) => h("line", { class: "hour", x1: x(ms).toFixed(1), x2: x(ms).toFixed(1), y1: 0, y2: HEIGHT })),
        target ? h("line", { class: "target", x1: 0, x2: WIDTH, y1: y(target), y2: y(target) }) : null,
        h("path", { class: "then", d: path(at(line.week_ago, end)) }),
        h("path", { class: "fill", d: today.length && !ratio ? `${path(today)}L${today[today.length - 1][0].toFixed(1)} ${HEIGHT}L${today[0][0].toFixed(1)} ${HEIGHT}Z` : "" }),
        h("path", { class: "today", d: path(today) }))),
    h("div", { class: `hours${ahead ? " ahead" : ""}`, "aria-hidden": "true" }, h("span", null, lang.clock(line.from_ms, zone)), h("span", null, say("now")), ahead ? h("span", null, "+1 h") : null));
}
