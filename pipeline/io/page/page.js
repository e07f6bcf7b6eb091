// The live page: shows what the stream /live says, once a second, and says honestly when it says nothing.

import { chooseLanguage, speak } from "/words.js";

const lang = speak(chooseLanguage(location.search, navigator.languages || []));
const { say, duration, count, ratio } = lang;
const byId = (id) => document.getElementById(id);
const OLD_MS = 5 * 60 * 1000;
const LOST_MS = 5000;
const ANNOUNCE_MS = 15000;

// ---- a tree of plain data, put into the document in place, so that focus and selection stay where they are

const h = (tag, attributes, ...children) => ({ tag, attributes: attributes || {}, children: children.flat().filter((c) => c !== null && c !== false && c !== undefined) });

function patch(parent, children) {
  children.forEach((child, index) => {
    let node = parent.childNodes[index];
    const text = typeof child !== "object";
    const name = text ? "#text" : child.tag.toUpperCase();
    if (!node || node.nodeName !== name) {
      const fresh = text ? document.createTextNode("") : document.createElement(child.tag);
      if (node) parent.replaceChild(fresh, node);
      else parent.appendChild(fresh);
      node = fresh;
    }
    if (text) {
      if (node.data !== String(child)) node.data = String(child);
      return;
    }
    for (const { name: known } of [...node.attributes]) if (!(known in child.attributes)) node.removeAttribute(known);
    for (const [key, value] of Object.entries(child.attributes)) if (node.getAttribute(key) !== String(value)) node.setAttribute(key, value);
    patch(node, child.children);
  });
  while (parent.childNodes.length > children.length) parent.removeChild(parent.lastChild);
}

// ---- small parts

const mark = (state, text) => h("span", { class: "mark", "data-state": state }, h("span", { "aria-hidden": "true" }, { ok: "✓", late: "▲", quiet: "·" }[state]), " ", text);
const overdue = (n) => mark(n > 0 ? "late" : "ok", say("overdueNow", { n }));

function targets(rows, read) {
  const found = [...new Set(rows.map(read).filter((ms) => ms !== null))].sort((a, b) => a - b);
  if (!found.length) return null;
  const [low, high] = [lang.promised(found[0]), lang.promised(found[found.length - 1])];
  return low === high ? { one: low } : { low, high };
}

const promise = (found) => (found === null ? say("noTarget") : found.one ? say("target", { target: found.one }) : say("targets", found));

function responseTargets(rows) {
  const found = [...new Set(rows.map((row) => lang.target(row.response_target)).filter(Boolean))];
  return found.length ? say("target", { target: found.join(" / ") }) : say("noTarget");
}

/** A number in large type, its units in small type. */
const value = (text) => h("p", { class: "value" }, ...text.split(/(\u00a0[^\s\d]+)/).filter(Boolean).map((part) => (part.startsWith("\u00a0") ? h("small", null, part) : part)));
const line = (text) => text && h("p", { class: "line" }, text);
const tile = (kind, title, period, late, ...inside) => h("section", { class: `tile ${kind}`, "data-state": late > 0 ? "late" : "" }, h("h3", null, title), h("p", { class: "period" }, period), ...inside);
const pair = (left, right) => h("div", { class: "pair" }, ...[left, right].map(([text, ...under]) => h("div", null, value(text), ...under.map(line))));

function fcrTile(numbers, summary) {
  const half = (fcr, name) => [fcr ? ratio(fcr.ratio) : say("none_yet"), name, fcr ? say("ofClosings", { n: fcr.eligible }) : say("notKnown")];
  const until = summary.confirmed_until_ms === null ? say("confirmed") : say("confirmedUntil", { day: lang.day(summary.confirmed_until_ms - 1, summary.zone) });
  return tile("wide", say("fcr"), say("days", { n: summary.cohort_days }), 0, pair(half(numbers.fcr_provisional, say("provisional")), half(numbers.fcr_confirmed, until)));
}

// ---- the two halves

function liveTiles(numbers, rows, summary) {
  const headline = summary.headline_service_level;
  const wait = targets(rows, (row) => row.wait_target_ms);
  const { today, recent } = numbers;
  const waiting = numbers.waiting_now;
  return [
    tile("", say("waitingNow"), say("now"), numbers.overdue_now,
      value(count(waiting)), line(overdue(numbers.overdue_now)), line(say("talking", { n: numbers.in_conversation_now })),
      line(numbers.waiting_stale > 0 && say("stale", { n: numbers.waiting_stale })),
      line(numbers.unanswered_overdue_now > 0 && mark("late", say("messagesOverdue", { n: numbers.unanswered_overdue_now })))),
    tile("", say("longestWait"), say("now"), numbers.overdue_now,
      value(waiting ? duration(numbers.longest_wait_ms) : say("none_yet")), line(promise(wait)),
      line(waiting ? say("half", { time: duration(numbers.waiting_age_p50_ms) }) : say("nobody"))),
    tile("wide", say("serviceLevel"), wait !== null && wait.one ? say("within", { target: wait.one }) : say("withinTarget"), 0,
      pair([ratio(today.service_levels[headline]), say("today")], [ratio(recent.service_levels[headline]), say("recent")]),
      line(say(`formulas.${headline}`)), line(today.undecided > 0 && say("undecided", { n: today.undecided }))),
    tile("", say("abandoned"), say("today"), 0,
      value(ratio(today.abandon_ratio)), line(say("of", { part: count(today.abandoned), whole: count(today.offered) })),
      line(numbers.not_called_back_today > 0 && say("callBackCount", { n: numbers.not_called_back_today }))),
    fcrTile(numbers, summary),
  ];
}

function deferredTiles(numbers, rows, summary) {
  const { today, recent } = numbers;
  const open = numbers.oldest_unanswered_open_ms;
  const waiting = numbers.unanswered_now;
  return [
    tile("", say("unansweredNow"), say("now"), numbers.unanswered_overdue_now,
      value(count(waiting)), line(overdue(numbers.unanswered_overdue_now)),
      line(numbers.replies_last_hour !== null && say("repliesLastHour", { n: numbers.replies_last_hour })),
      line(numbers.waiting_now > 0 && say("alsoWaiting", { n: numbers.waiting_now }))),
    tile("", say("oldest"), say("now"), numbers.unanswered_overdue_now,
      value(waiting ? duration(open ?? numbers.oldest_unanswered_ms) : say("none_yet")), line(responseTargets(rows)),
      line(waiting > 0 && say(open === null ? "clockTime" : "openTime"))),
    tile("wide", say("inTarget"), say("byArrival"), 0,
      pair([ratio(today.first_response_in_target_ratio), say("today")], [ratio(recent.first_response_in_target_ratio), say("recent")]),
      line(say("responseFormula")), line(today.first_responses_undecided > 0 && say("undecided", { n: today.first_responses_undecided }))),
    tile("", say("firstReply"), say("today"), 0,
      value(duration(today.first_response_p50_ms)), line(today.first_responses > 0 && say("halfFaster")), line(today.first_responses > 0 && say("p90Line", { time: duration(today.first_response_p90_ms) })),
      line(say("replied", { part: count(today.first_responses), whole: count(today.first_responses_due) }))),
    fcrTile(numbers, summary),
  ];
}

const name = (summary, row) => lang.name(summary.titles.queues, row.queue);
const channel = (summary, row) => lang.name(summary.titles.channels, row.channel);

function table(caption, heads, rows) {
  return h("div", { class: "scroll" }, h("table", null,
    h("caption", null, caption),
    h("thead", null, h("tr", null, ...heads.map(([text, wide]) => h("th", { scope: "col", class: wide || "" }, text)))),
    h("tbody", null, ...rows)));
}

function cells(heads, state, first, values) {
  return h("tr", { "data-state": state }, h("th", { scope: "row" }, ...first),
    ...values.map((value, index) => h("td", { class: heads[index + 1][1] || "" }, value)));
}

const state = (late, busy) => (late > 0 ? mark("late", say("late")) : busy > 0 ? mark("ok", say("ok")) : mark("quiet", say("quiet")));

function liveTable(summary, rows) {
  const headline = summary.headline_service_level;
  const messages = rows.some((row) => row.numbers.unanswered_now > 0);
  const heads = [[say("queue")], [say("status"), "mid"], [say("waiting")], [say("longest")], [say("targetHead"), "wide"], [say("overTarget"), "mid"], [say("expected"), "mid"],
    [say("slRecent"), "mid"], [say("slToday")], [say("abandonRate"), "mid"], [say("asa"), "wide"], [say("p90"), "wide"], ...(messages ? [[say("openHead"), "wide"]] : [])];
  return table(say("queuesLive"), heads, rows.map((row) => {
    const { numbers } = row;
    const late = numbers.overdue_now + numbers.unanswered_overdue_now;
    return cells(heads, late ? "late" : "", [name(summary, row), h("small", null, ` ${channel(summary, row)}`)], [
      state(late, numbers.waiting_now + numbers.unanswered_now), count(numbers.waiting_now), numbers.waiting_now ? duration(numbers.longest_wait_ms) : say("none_yet"),
      row.wait_target_ms === null ? say("none_yet") : lang.promised(row.wait_target_ms), count(numbers.overdue_now),
      duration(numbers.expected_wait_ms), ratio(numbers.recent.service_levels[headline]), ratio(numbers.today.service_levels[headline]),
      ratio(numbers.today.abandon_ratio), duration(numbers.today.asa_ms), duration(numbers.today.wait_p90_ms), ...(messages ? [count(numbers.unanswered_now)] : []),
    ]);
  }));
}

function deferredTable(summary, rows) {
  const heads = [[say("queue")], [say("status"), "mid"], [say("openHead")], [say("oldestHead")], [say("targetHead"), "wide"], [say("overTarget"), "mid"],
    [say("inTargetRecent"), "wide"], [say("inTargetToday")], [say("dueToday"), "mid"], [say("firstP50"), "wide"], [say("firstP90"), "wide"]];
  return table(say("queuesDeferred"), heads, rows.map((row) => {
    const { numbers } = row;
    const { today, recent } = numbers;
    return cells(heads, numbers.unanswered_overdue_now ? "late" : "", [name(summary, row), h("small", null, ` ${channel(summary, row)}`)], [
      state(numbers.unanswered_overdue_now, numbers.unanswered_now), count(numbers.unanswered_now),
      numbers.unanswered_now ? duration(numbers.oldest_unanswered_open_ms ?? numbers.oldest_unanswered_ms) : say("none_yet"),
      lang.target(row.response_target) ?? say("none_yet"), count(numbers.unanswered_overdue_now),
      ratio(recent.first_response_in_target_ratio), ratio(today.first_response_in_target_ratio), count(today.first_responses_due),
      duration(today.first_response_p50_ms), duration(today.first_response_p90_ms),
    ]);
  }));
}

function list(title, cases, total, empty, summary) {
  const late = cases.some((one) => one.overdue);
  const items = cases.map((one) => h("li", { "data-state": one.overdue ? "late" : "" },
    h("span", { class: "who" }, `${lang.name(summary.titles.queues, one.queue)} · ${lang.name(summary.titles.channels, one.channel)}`),
    h("span", { class: "long" }, duration(one.age_ms)),
    h("span", { class: "id" }, one.contact_id),
    h("span", { class: "over" }, one.overdue ? mark("late", one.over_ms === null ? say("late") : `+${duration(one.over_ms)}`) : `${say("since")} ${lang.moment(one.since_ms, summary.now_ms, summary.zone)}`)));
  const rest = (total ?? cases.length) - cases.length;
  return h("section", { class: "list", "data-state": late ? "late" : "" }, h("h3", null, title),
    cases.length ? h("ol", null, ...items) : line(empty),
    rest > 0 && cases.length > 0 ? line(say("more", { n: rest })) : null);
}

function sum(summary, read) {
  return summary.totals.reduce((total, one) => total + (read(one.numbers) || 0), 0);
}

function lists(summary) {
  const { cases } = summary;
  const calls = sum(summary, (n) => n.not_called_back_today);
  return h("section", { "aria-labelledby": "lists" }, h("h2", { id: "lists" }, say("lists")), h("div", { class: "lists" },
    list(say("beyondTarget"), cases.beyond_target, sum(summary, (n) => n.overdue_now), say("emptyBeyond"), summary),
    list(say("unanswered"), cases.unanswered, sum(summary, (n) => n.unanswered_now), say("emptyUnanswered"), summary),
    list(say("callBack"), cases.call_back, calls, calls > 0 ? say("callBackCount", { n: calls }) : say("emptyCallBack"), summary),
    cases.stale.length ? list(say("staleList"), cases.stale, sum(summary, (n) => n.waiting_stale), "", summary) : null));
}

/** Whether there is anything to see: contacts that end in the menu have no queue, and their row would be empty. */
const isUsed = (n) => n.waiting_now + n.waiting_stale + n.in_conversation_now + n.unanswered_now + n.today.offered + n.today.first_responses_due > 0;

function halves(summary) {
  const parts = [["live", liveTiles, liveTable], ["deferred", deferredTiles, deferredTable]];
  return parts.map(([kind, tiles, rowsOf]) => {
    const total = summary.totals.find((one) => one.kind === kind);
    if (!total) return null;
    const rows = summary.queues.filter((row) => row.kind === kind && (row.queue !== "unknown" || isUsed(row.numbers)));
    return h("section", { class: "half", "aria-labelledby": kind }, h("h2", { id: kind }, say(kind)),
      h("div", { class: "tiles" }, ...tiles(total.numbers, rows, summary)), rowsOf(summary, rows));
  });
}

function footer(summary) {
  const parts = summary.partitions;
  const add = (read) => parts.reduce((total, part) => total + read(part), 0);
  const rejected = add((part) => Object.values(part.rejected).reduce((a, b) => a + b, 0));
  const silent = Object.entries(summary.source_silence_ms).filter(([, ms]) => ms > OLD_MS).map(([source, ms]) => say("silence", { source, age: duration(ms) }));
  return [h("p", null, [say("partitions", { n: parts.length }), say("applied", { n: add((p) => p.applied) }), say("duplicates", { n: add((p) => p.duplicate) }), say("rejectedN", { n: rejected }), ...silent].join(" · ")),
    h("p", null, h("a", { href: "/metrics" }, "/metrics"), " · ", h("a", { href: "/live.json" }, "/live.json"), " · ", h("a", { href: "/health/ready" }, "/health/ready"))];
}

// ---- the one sentence on top: the worst thing there is to say

function verdict(summary) {
  if (!summary.live) {
    const stopped = summary.readiness.missing.some((one) => one.reason.startsWith("stopped"));
    return ["wait", stopped ? say("stoppedSentence") : summary.warehouse_up ? say("recovering") : say("recoveringAway")];
  }
  const behind = summary.partitions.reduce((total, part) => total + (part.log_lag || 0), 0);
  if (behind > 5000) {
    const left = Math.max(...summary.partitions.map((part) => part.catch_up_ms || 0));
    return ["wait", say("catchingUp", { n: behind, eta: left ? say("eta", { time: duration(left) }) : "" })];
  }
  if (summary.newest_ms === null) return ["wait", say("noData")];
  const worst = summary.cases.beyond_target[0];
  const late = sum(summary, (n) => n.overdue_now);
  if (late && worst) return ["late", say("overdue", { n: late, wait: duration(worst.age_ms), queue: lang.name(summary.titles.queues, worst.queue) })];
  const unanswered = sum(summary, (n) => n.unanswered_overdue_now);
  if (unanswered) return ["late", say("unansweredOverdue", { n: unanswered })];
  return ["ok", say("fine", { n: sum(summary, (n) => n.waiting_now) })];
}

function reasons(summary) {
  const found = summary.readiness.missing.map(({ partition, reason }) => {
    if (!partition) return say("reasons.none");
    const [word, detail] = reason.startsWith("stopped: ") ? [say("reasons.stopped"), `: ${reason.slice(9)}`] : [say(reason.startsWith("waiting") ? "reasons.warehouse" : "reasons.recovering"), ""];
    return say("partition", { name: partition, reason: word + detail });
  });
  const shown = found.slice(0, 4);
  if (found.length > 4) shown.push(say("more", { n: found.length - 4 }));
  if (summary.live && !summary.warehouse_up) shown.unshift(say("warehouseAway"));
  return shown;
}

let latest = null;
let received = 0;
let announced = ["", 0];

function announce(state, text) {
  const [before, at] = announced;
  if (text === before || (Date.now() - at < ANNOUNCE_MS && byId("sentence").dataset.state === state)) return;
  announced = [text, Date.now()];
  byId("said").textContent = text;
}

function show() {
  const lost = latest !== null && Date.now() - received > LOST_MS;
  if (latest === null) {
    byId("sentence").textContent = say("connecting");
    return;
  }
  const [condition, text] = lost ? ["lost", say("lost", { time: lang.time(latest.now_ms, latest.zone) })] : verdict(latest);
  announce(condition, text);
  patch(byId("sentence"), [text]);
  byId("sentence").dataset.state = condition;
  document.documentElement.dataset.state = condition;
  document.title = `${{ ok: "✓", late: "▲", wait: "…", lost: "✕" }[condition]} ${text}`;
  const complete = latest.partitions.every((part) => !part.log_lag);
  const until = complete ? latest.newest_ms : latest.data_until_ms;
  const age = until === null ? 0 : Math.max(latest.now_ms - until, 0) + (Date.now() - received);
  byId("age").textContent = until === null ? "" : say("age", { time: lang.time(until, latest.zone), age: duration(age) });
  byId("age").dataset.state = age > OLD_MS ? "late" : "ok";
  byId("organisation").textContent = lang.title(latest.titles.organisation);
  byId("demo").hidden = !latest.simulated;
  const why = lost ? [] : reasons(latest);
  byId("why").hidden = why.length === 0;
  patch(byId("why"), why.map((line) => h("span", null, line)));
  patch(byId("main"), latest.live ? [...halves(latest), lists(latest)].filter(Boolean) : []);
  patch(byId("footer"), footer(latest));
}

function connect() {
  const stream = new EventSource("/live");
  stream.onmessage = (event) => {
    latest = JSON.parse(event.data);
    received = Date.now();
    show();
  };
  stream.onerror = () => {
    if (stream.readyState !== EventSource.CLOSED) return; // it tries again by itself
    stream.close();
    setTimeout(connect, 2000);
  };
}

document.documentElement.lang = lang.language;
byId("demo").textContent = say("demo");
for (const link of document.querySelectorAll("#languages a")) {
  if (link.lang === lang.language) link.setAttribute("aria-current", "true");
  const search = new URLSearchParams(location.search);
  search.set("lang", link.lang);
  link.href = `?${search}`;
}
show();
connect();
setInterval(show, 1000);
