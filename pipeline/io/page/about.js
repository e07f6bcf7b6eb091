// What a number is: its definition, the parts it is made of, and the SQL that gives it. A dialog for every number.

import { h, patch } from "/tree.js";

const WINDOWS = new Set(["recent", "today"]);

/** The row or total a number belongs to, as it stands now. */
function found(summary, asked) {
  if (asked.apart) return undefined;
  if (!asked.queue && !asked.channel) return summary.totals.find((one) => one.kind === asked.kind);
  const rows = asked.channel ? summary.queues : summary.by_queue;
  return (rows || []).find((row) => row.kind === asked.kind && row.queue === asked.queue && (row.channel || "") === (asked.channel || ""));
}

const quoted = (name) => `'${name.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

function place(asked, definitions, queues) {
  const channels = asked.channel ? [asked.channel] : definitions.channels[asked.kind] || [];
  const names = asked.queue ? [asked.queue] : queues;
  const conditions = [["channel", channels], ["queue", names]].filter(([, values]) => values.length);
  return conditions.map(([column, values]) => ` AND ${column}${values.length === 1 ? ` = ${quoted(values[0])}` : ` IN (${values.map(quoted).join(", ")})`}`).join("");
}

/** The dialog's content. `asked`: the data of the button. */
export function about({ asked, summary, definitions, queues, lang, shown }) {
  const { say } = lang;
  const said = definitions?.numbers[asked.number];
  if (!said) return [h("p", null, say("noDefinition"))];
  const of = found(summary, asked);
  const window = of && WINDOWS.has(asked.period) ? of.numbers[asked.period] : null;
  const value = (name) => {
    for (const from of [window?.parts, window, asked.period === "days" ? of?.numbers.fcr_provisional?.parts : null, asked.period === "confirmed" ? of?.numbers.fcr_confirmed?.parts : null, of?.numbers.today?.parts, of?.numbers]) if (typeof from?.[name] === "number") return from[name];
    return null;
  };
  const write = (name) => (name.endsWith("_ms") ? lang.duration(value(name)) : lang.count(value(name)));
  const part = ({ sign, name }, first) => h("tr", null, h("td", { class: "sign" }, sign < 0 ? "−" : first ? "" : "+"), h("th", { scope: "row" }, definitions.numbers[name]?.title || name, h("small", null, ` ${name}`)), h("td", null, write(name)));
  const told = asked.apart ? [] : said.above;
  const parts = (some) => some.map((each, index) => part(each, index === 0 || (some.length > 1 && !said.below.length)));
  const where = [asked.queue ? lang.name(summary.titles.queues, asked.queue) : say(asked.kind), asked.channel ? lang.name(summary.titles.channels, asked.channel) : "", say(`periods.${asked.period}`)].filter(Boolean).join(" · ");
  const sql = said.sql[asked.period] || Object.values(said.sql)[0];
  return [
    h("header", null, h("h2", { id: "about-title" }, said.title), h("button", { type: "button", class: "close", "data-close": "1", "aria-label": say("close") }, "✕")),
    h("p", { class: "line" }, where),
    h("p", { class: "value" }, shown),
    h("p", { lang: said.definition_language }, said.definition),
    told.length ? h("h3", null, say("parts")) : null,
    told.length ? h("table", { class: "parts" }, h("caption", null, say("parts")), h("tbody", null, ...parts(said.above)), said.below.length ? h("tbody", { class: "below" }, ...parts(said.below)) : null) : null,
    ...[...told, ...(told.length ? said.below : [])].filter(({ name }) => definitions.numbers[name]?.booked_at).map(({ name }) => h("p", { class: "line", lang: "en" }, h("strong", null, name), `: ${definitions.numbers[name].definition} (${definitions.numbers[name].booked_at})`)),
    sql ? h("h3", null, "SQL") : null,
    sql ? h("pre", { tabindex: "0" }, h("code", null, sql.replaceAll("{place}", place(asked, definitions, queues)))) : null,
    sql && asked.period === "now" && asked.kind === "live" ? h("p", { class: "line" }, say("sqlNow")) : null,
  ].filter(Boolean);
}

/** Let numbers open the dialog, and the dialog close. Returns a function that brings it up to date. */
export function dialog(element, main, content) {
  let asked = null;
  let shown = "";
  const draw = () => asked && patch(element, content(asked, shown));
  main.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-number]");
    if (!button) return;
    asked = { ...button.dataset };
    shown = button.textContent;
    draw();
    element.showModal();
  });
  element.addEventListener("click", (event) => {
    if (event.target === element || event.target.closest("[data-close]")) element.close();
  });
  element.addEventListener("close", () => {
    asked = null;
  });
  return () => {
    if (!asked) return;
    const same = [...main.querySelectorAll(`button[data-number="${asked.number}"]`)].find((button) => ["period", "kind", "channel", "queue", "apart", "words"].every((key) => button.dataset[key] === asked[key]));
    if (same && !asked.apart) shown = same.textContent;
    draw();
  };
}
