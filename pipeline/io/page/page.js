// The live page: shows what the stream /live says, once a second, and says honestly when it says nothing.

import { about, dialog } from "/about.js";
import { board } from "/board.js";
import { h, patch } from "/tree.js";
import { verdict, reasons } from "/verdict.js";
import { chooseLanguage, speak } from "/words.js";

const address = new URLSearchParams(location.search);
const lang = speak(chooseLanguage(location.search, navigator.languages || []));
const { say, duration, count } = lang;
const byId = (id) => document.getElementById(id);
const OLD_MS = 5 * 60 * 1000;
const LOST_MS = 5000;
const DEFINED_MS = 2 * 60 * 1000;
const ANNOUNCE_MS = 15000;

/** This page's address with some things changed; null takes one away. */
function link(changes) {
  const next = new URLSearchParams(address);
  for (const [key, value] of Object.entries(changes)) {
    next.delete(key);
    if (value !== null) next.set(key, value);
  }
  return `?${next}`;
}

const view = { wall: address.get("wall") === "1", byChannel: address.get("by") === "channel", queues: address.getAll("queue"), link };
const heard = { summary: null, past: null, telling: null, definitions: null, at: 0 };

// ---- the frame around the board

function nav() {
  const item = (text, href, current, language) => h("a", { href, "aria-current": current ? "true" : null, lang: language, hreflang: language }, text);
  const views = view.wall
    ? [item(say("desk"), link({ wall: null }), false)]
    : [item(say(view.byChannel ? "byQueue" : "byChannel"), link({ by: view.byChannel ? null : "channel" }), false), item(say("wall"), link({ wall: "1" }), false)];
  return [...views, item("Deutsch", link({ lang: "de" }), lang.language === "de", "de"), item("English", link({ lang: "en" }), lang.language === "en", "en")];
}

function footer(summary) {
  const parts = summary.partitions;
  const add = (read) => parts.reduce((total, part) => total + read(part), 0);
  const rejected = add((part) => Object.values(part.rejected).reduce((a, b) => a + b, 0));
  const silent = Object.entries(summary.source_silence_ms).filter(([, ms]) => ms > OLD_MS).map(([source, ms]) => say("silence", { source, age: duration(ms) }));
  const read = summary.partitions_total > parts.length || summary.missing?.length ? say("partitionsOf", { n: summary.partitions_total - (summary.missing?.length || 0), m: count(summary.partitions_total) }) : say("partitions", { n: parts.length });
  const links = view.wall ? [] : [h("p", null, ...["/metrics", "/live.json", "/past.json", "/health/ready"].flatMap((path, index) => [index ? " · " : "", h("a", { href: path }, path)]))];
  return [h("p", null, [read, say("applied", { n: add((p) => p.applied) }), say("duplicates", { n: add((p) => p.duplicate) }), say("rejectedN", { n: rejected }), ...silent].join(" · ")), ...links];
}

function demo(summary) {
  const { telling } = heard;
  const act = telling ? say("act", { number: count(telling.number), of: count(telling.of) }) : "";
  byId("demo").hidden = !summary.simulated;
  byId("demo").dataset.telling = telling ? "1" : "0";
  patch(byId("demo"), [h("strong", null, "DEMO"), " ", h("span", null, telling ? `${act}: ${telling.text[lang.language]}` : say("demo"))]);
}

let announced = ["", 0];

function announce(state, text) {
  const [before, at] = announced;
  if (text === before || (Date.now() - at < ANNOUNCE_MS && byId("verdict").dataset.state === state)) return;
  announced = [text, Date.now()];
  byId("said").textContent = text;
}

const upToDate = dialog(byId("about"), byId("main"), (asked, shown) => about({ asked, summary: heard.summary, definitions: heard.definitions, queues: view.queues, lang, shown }));

// ---- a wall has no scrollbar: what is shown of tables and lists is what there is room for, the worst first

const FITS = [
  [12, 8, 5], [12, 5, 5], [10, 4, 5], [10, 3, 4], [10, 4, 2], [10, 3, 2], [8, 3, 2], [8, 2, 2], [8, 1, 2], [6, 1, 2], [5, 1, 1], [5, 0, 0], [3, 0, 0],
].map(([rows, cases, lists]) => ({ rows, cases, lists }));
let fit = 0;
let tried = 0;

function draw(summary) {
  if (view.wall && Date.now() - tried > 10000) {
    fit = 0;
    tried = Date.now();
  }
  for (;;) {
    view.fit = FITS[fit];
    patch(byId("main"), board({ summary, past: heard.past, definitions: heard.definitions, view, lang }));
    const cut = view.wall && [...document.querySelectorAll(".half")].some((half) => half.scrollHeight > half.clientHeight + 1);
    if (!cut || fit === FITS.length - 1) return;
    fit += 1;
  }
}

function show() {
  const { summary } = heard;
  if (summary === null) {
    byId("sentence").textContent = say("connecting");
    return;
  }
  const lost = Date.now() - heard.at > LOST_MS;
  const { state, text, also } = lost ? { state: "lost", text: say("lost", { time: lang.time(summary.now_ms, summary.zone) }), also: "" } : verdict(summary, lang);
  announce(state, text);
  patch(byId("sentence"), [h("span", { "aria-hidden": "true", class: "symbol" }, { ok: "✓", late: "▲", soon: "◆", wait: "…", lost: "✕" }[state]), h("span", null, text)]);
  patch(byId("also"), also ? [also] : []);
  byId("verdict").dataset.state = state;
  document.documentElement.dataset.state = state;
  document.title = `${{ ok: "✓", late: "▲", soon: "◆", wait: "…", lost: "✕" }[state]} ${text}`;
  const complete = summary.partitions.every((part) => !part.log_lag);
  const until = complete ? summary.newest_ms : summary.data_until_ms;
  const age = until === null ? 0 : Math.max(summary.now_ms - until, 0) + (Date.now() - heard.at);
  byId("age").textContent = until === null ? "" : say("age", { time: lang.time(until, summary.zone), age: duration(age) });
  byId("age").dataset.state = age > OLD_MS ? "late" : "ok";
  byId("organisation").textContent = lang.title(summary.titles.organisation);
  patch(byId("filter"), view.queues.length ? [say("only", { names: view.queues.map((queue) => lang.name(summary.titles.queues, queue)).join(", ") }), view.wall ? "" : " ", view.wall ? "" : h("a", { href: link({ queue: null }) }, say("allQueues"))].filter(Boolean) : []);
  demo(summary);
  const why = lost ? [] : reasons(summary, lang);
  byId("why").hidden = why.length === 0;
  patch(byId("why"), why.map((line) => h("span", null, line)));
  draw(summary);
  patch(byId("footer"), footer(summary));
  rove();
  upToDate();
}

// ---- keyboard: a table is one stop, arrows go from number to number

function rove() {
  for (const table of document.querySelectorAll("table[data-roving]")) {
    const numbers = [...table.querySelectorAll("button.num")];
    const current = numbers.includes(document.activeElement) ? document.activeElement : numbers.find((one) => one.getAttribute("tabindex") === "0") || numbers[0];
    for (const one of numbers) one.tabIndex = one === current ? 0 : -1;
  }
}

byId("main").addEventListener("keydown", (event) => {
  const button = event.target.closest("table[data-roving] button.num");
  if (!button) return;
  const rows = [...button.closest("tbody").rows].map((row) => [...row.querySelectorAll("button.num")].filter((one) => one.offsetParent !== null));
  const y = rows.findIndex((row) => row.includes(button));
  const x = rows[y].indexOf(button);
  const to = { ArrowRight: [y, x + 1], ArrowLeft: [y, x - 1], ArrowDown: [y + 1, x], ArrowUp: [y - 1, x], Home: [y, 0], End: [y, rows[y].length - 1] }[event.key];
  const next = to && rows[to[0]]?.[to[1]];
  if (!to) return;
  event.preventDefault();
  if (!next) return;
  next.tabIndex = 0;
  next.focus();
  rove();
});

// ---- the stream

const queueing = new URLSearchParams(view.queues.map((queue) => ["queue", queue])).toString();

let defined = 0;

async function define() {
  if (Date.now() - defined < DEFINED_MS) return;
  defined = Date.now();
  try {
    const answer = await fetch(`/definitions.json?lang=${lang.language}`);
    if (answer.ok) heard.definitions = await answer.json();
  } catch {
    defined = 0; // the stream says that the server is away; definitions come when it is back
  }
}

function connect() {
  const stream = new EventSource(`/live${queueing ? `?${queueing}` : ""}`);
  stream.onopen = () => define().then(show);
  stream.onmessage = (event) => {
    heard.summary = JSON.parse(event.data);
    heard.at = Date.now();
    show();
  };
  stream.addEventListener("past", (event) => {
    heard.past = JSON.parse(event.data);
    define();
  });
  stream.addEventListener("telling", (event) => {
    heard.telling = JSON.parse(event.data);
  });
  stream.onerror = () => {
    if (stream.readyState !== EventSource.CLOSED) return; // it tries again by itself
    stream.close();
    setTimeout(connect, 2000);
  };
}

document.documentElement.lang = lang.language;
document.documentElement.classList.toggle("wall", view.wall);
patch(byId("nav"), nav());
show();
connect();
setInterval(show, 1000);
