// What is on the board: tiles, tables, plots and lists, as plain data. Writes numbers, computes none.

import { plot } from "/plot.js";
import { h } from "/tree.js";

const SYMBOLS = { ok: "✓", late: "▲", soon: "◆", quiet: "·", part: "◐" };

/** Everything on the board for what was heard last: the live values, the past, and where we look (`view`). */
export function board({ summary, past, definitions, view, lang }) {
  const { say, duration, count, ratio } = lang;

  const mark = (state, text) => h("span", { class: "mark", "data-state": state }, h("span", { "aria-hidden": "true" }, SYMBOLS[state]), h("span", { class: "word" }, " ", text));
  const line = (...children) => h("p", { class: "line" }, ...children);
  const small = (...children) => (view.wall ? null : line(...children));

  /** A number that can be asked what it is. `of`: the row or total it belongs to. */
  const number = (name, text, period, of) => h("button", {
    type: "button", class: "num", "data-number": name, "data-period": period, "data-kind": of.kind, "data-channel": of.channel, "data-queue": of.queue,
    "aria-haspopup": "dialog",
  }, ...text.split(/(\u00a0[^\s\d]+)/).filter(Boolean).map((part) => (part.startsWith("\u00a0") ? h("small", null, part) : part)));

  /** Words with a number in them that can be asked, and a number of another time or of one contact (`apart`), whose parts
   *  are not those of now. */
  const words = (name, text, period, of) => h("button", { ...number(name, "", period, of).attributes, "data-words": "1" }, text);
  const apart = (name, text, period, of) => h("button", { ...number(name, "", period, of).attributes, "data-apart": "1" }, text);

  const history = (kind) => (past ? past.kinds.find((one) => one.kind === kind) : undefined);

  /** What it was on the same weekday last week: at this time, or up to it. */
  function before(name, period, of, read) {
    if (!past) return line(say("pastUnknown"));
    const then = history(of.kind)?.week_ago;
    const shown = then ? read(then) : null;
    return line(say(period === "today" ? "weekAgoUntil" : "weekAgoAt", { day: lang.weekday(past.week_ago_ms, summary.zone), time: lang.clock(past.week_ago_ms, summary.zone) }), " ", h("span", { class: "then" }, apart(name, shown ?? say("none_yet"), period, of)));
  }

  const tile = (title, period, state, ...inside) => h("section", { class: "tile", "data-state": state }, h("h3", null, title), h("p", { class: "period" }, period), ...inside);
  const big = (name, text, period, of) => h("p", { class: "value" }, number(name, text, period, of));
  const pair = (...sides) => h("div", { class: "pair" }, ...sides.map(([value, ...under]) => h("div", null, value, ...under)));
  const overdue = (late, of, soon) => line(mark(of.numbers[late] > 0 ? "late" : "ok", words(late, say("overdueNow", { n: of.numbers[late] }), "now", of)),
    of.numbers[soon] > 0 ? h("span", { class: "more" }, mark("soon", words(soon, say("willMiss", { n: of.numbers[soon] }), "now", of))) : null);

  // ---- targets

  function promised(found) {
    const times = [...new Set(found)].filter((ms) => ms !== null).sort((a, b) => a - b);
    if (!times.length) return say("noTarget");
    const [low, high] = [lang.promised(times[0]), lang.promised(times[times.length - 1])];
    return low === high ? say("target", { target: low }) : say("targets", { low, high });
  }

  const rowsOf = (kind) => summary.queues.filter((row) => row.kind === kind);
  const waits = (rows) => promised(rows.map((row) => row.wait_target_ms));

  function responses(rows) {
    const found = [...new Set(rows.map((row) => lang.target(row.response_target)).filter(Boolean))];
    return found.length ? say("target", { target: found.join(" / ") }) : say("noTarget");
  }

  function objective(name, value) {
    const percent = definitions?.objectives[name];
    if (!percent) return line(say("noTarget"));
    const target = say("target", { target: lang.percent(percent / 100) });
    if (value === null) return line(target);
    return line(mark(value >= percent / 100 ? "ok" : "late", target));
  }

  const missed = (name, value) => value !== null && definitions && value < definitions.objectives[name] / 100;

  // ---- tiles

  function fcr(total) {
    const { fcr_provisional: young, fcr_confirmed: old } = total.numbers;
    const until = summary.confirmed_until_ms === null ? say("confirmed") : say("confirmedUntil", { day: lang.day(summary.confirmed_until_ms - 1, summary.zone) });
    const half = (name, found, period, label, read) => [big(name, found ? ratio(found.ratio) : say("none_yet"), period, total), line(label), line(found ? words(name, say("ofClosings", { n: found.eligible }), period, total) : say("notKnown")), before(name, period, total, (then) => (read(then) ? ratio(read(then).ratio) : null))];
    return tile(say("fcr"), say("days", { n: summary.cohort_days }), "",
      pair(half("fcr_provisional", young, "days", say("provisional"), (then) => then.fcr_provisional), half("fcr_confirmed", old, "confirmed", until, (then) => then.fcr_confirmed)),
      small(say("noTarget")));
  }

  function promises(total) {
    const { promises_overdue_now: late, promises_due_soon: soon } = total.numbers;
    return tile(say("promisesOverdue"), say("now"), late > 0 ? "late" : "",
      big("promises_overdue_now", count(late), "now", total), line(mark(late > 0 ? "late" : "ok", say("targetNone"))), line(mark(soon > 0 ? "soon" : "quiet", words("promises_due_soon", say("dueSoon", { n: soon }), "now", total))),
      before("promises_overdue_now", "now", total, (then) => count(then.promises_overdue_now)));
  }

  function level(total, name, read, then, formula, undecided) {
    const { recent, today } = total.numbers;
    const [young, day] = [read(recent), read(today)];
    return tile(say(name === "service_level" ? "serviceLevel" : "inTarget"), name === "service_level" ? say("withinTarget") : say("byArrival"), missed(name, young) ? "late" : "",
      pair([big(name, ratio(young), "recent", total), line(say("recent")), objective(name, young)], [big(name, ratio(day), "today", total), line(say("today")), objective(name, day), before(name, "today", total, then)]),
      small(formula), undecided > 0 ? small(words(name === "service_level" ? "undecided" : "responses_undecided", say("undecided", { n: undecided }), "today", total)) : null);
  }

  function liveTiles(total) {
    const { numbers } = total;
    const headline = summary.headline_service_level;
    const waiting = numbers.waiting_now;
    const state = numbers.overdue_now > 0 ? "late" : numbers.will_miss_target_now > 0 ? "soon" : "";
    return [
      tile(say("waitingNow"), say("now"), state, big("waiting_now", count(waiting), "now", total), overdue("overdue_now", total, "will_miss_target_now"),
        numbers.unanswered_overdue_now > 0 ? line(mark("late", words("unanswered_overdue_now", say("messagesOverdue", { n: numbers.unanswered_overdue_now }), "now", total))) : null,
        line(words("in_conversation_now", say("talking", { n: numbers.in_conversation_now }), "now", total)), numbers.waiting_stale > 0 ? line(words("waiting_stale", say("stale", { n: numbers.waiting_stale }), "now", total)) : null,
        before("waiting_now", "now", total, (then) => count(then.waiting_now))),
      tile(say("longestWait"), say("now"), state, big("longest_wait_ms", waiting ? duration(numbers.longest_wait_ms) : say("none_yet"), "now", total),
        line(mark(numbers.overdue_now > 0 ? "late" : "ok", waits(rowsOf("live")))), line(waiting ? words("waiting_age_p50_ms", say("half", { time: duration(numbers.waiting_age_p50_ms) }), "now", total) : say("nobody")),
        before("longest_wait_ms", "now", total, (then) => (then.waiting_now ? duration(then.longest_wait_ms) : say("nobody")))),
      level(total, "service_level", (numbers_) => numbers_.service_levels[headline], (then) => ratio(then.service_level), say(`formulas.${headline}`), numbers.today.undecided),
      fcr(total),
      promises(total),
    ];
  }

  function deferredTiles(total) {
    const { numbers } = total;
    const waiting = numbers.unanswered_now;
    const open = numbers.oldest_unanswered_open_ms;
    const state = numbers.unanswered_overdue_now > 0 ? "late" : numbers.responses_due_soon > 0 ? "soon" : "";
    return [
      tile(say("unansweredNow"), say("now"), state, big("unanswered_now", count(waiting), "now", total), overdue("unanswered_overdue_now", total, "responses_due_soon"),
        numbers.replies_last_hour === null ? null : line(words("replies_last_hour", say("repliesLastHour", { n: numbers.replies_last_hour }), "now", total)), numbers.waiting_now > 0 ? line(words("waiting_now", say("alsoWaiting", { n: numbers.waiting_now }), "now", total)) : null,
        before("unanswered_now", "now", total, (then) => count(then.unanswered_now))),
      tile(say("oldest"), say("now"), state, big("oldest_unanswered_ms", waiting ? duration(open ?? numbers.oldest_unanswered_ms) : say("none_yet"), "now", total),
        line(mark(numbers.unanswered_overdue_now > 0 ? "late" : "ok", responses(rowsOf("deferred")))), waiting > 0 ? line(say(open === null ? "clockTime" : "openTime")) : null,
        before("oldest_unanswered_ms", "now", total, (then) => (then.unanswered_now ? duration(then.oldest_unanswered_ms) : say("none")))),
      level(total, "first_response_in_target_ratio", (numbers_) => numbers_.first_response_in_target_ratio, (then) => ratio(then.first_response_in_target_ratio), say("responseFormula"), numbers.today.first_responses_undecided),
      fcr(total),
      promises(total),
    ];
  }

  // ---- tables

  const titled = (row) => lang.name(summary.titles.queues, row.queue);
  const channelOf = (row) => (row.channel ? lang.name(summary.titles.channels, row.channel) : "");

  function state(row, late, soon, busy) {
    if (row.incomplete) return mark("part", say("incomplete"));
    if (late > 0) return mark("late", say("late"));
    if (soon > 0) return mark("soon", say("soon"));
    return busy > 0 ? mark("ok", say("ok")) : mark("quiet", say("quiet"));
  }

  function table(caption, heads, rows, kind) {
    const limit = view.wall ? view.fit.rows : 200;
    const shown = rows.slice(0, limit);
    return h("div", { class: "scroll" }, h("table", { class: "queues", "data-roving": kind },
      h("caption", null, caption),
      h("thead", null, h("tr", null, ...heads.map(([text, size]) => h("th", { scope: "col", class: size }, text)))),
      h("tbody", null, ...shown.map(({ row, severity, cells }) => h("tr", { "data-state": severity, class: row.incomplete ? "incomplete" : null },
        h("th", { scope: "row" }, view.wall ? titled(row) : h("a", { href: view.link({ queue: row.queue }) }, titled(row)), row.channel ? h("small", null, ` ${channelOf(row)}`) : null),
        ...cells.map((cell, index) => h("td", { class: heads[index + 1][1] || null }, cell)))))),
    rows.length > limit ? line(say("more", { n: rows.length - limit })) : null);
  }

  function target(row, text) {
    return text ?? [...new Set(summary.queues.filter((one) => one.kind === row.kind && one.queue === row.queue).map((one) => (row.kind === "live" ? one.wait_target_ms : lang.target(one.response_target))).filter((one) => one !== null))]
      .map((one) => (typeof one === "number" ? lang.promised(one) : one)).join(" / ");
  }

  const worst = (rows, late) => (view.wall && rows.length > view.fit.rows ? [...rows].sort((a, b) => late(b) - late(a)) : rows);

  function liveTable(rows) {
    const headline = summary.headline_service_level;
    const heads = [[say("queue")], [say("status"), "state"], [say("waiting")], [say("longest")], [say("targetHead"), "mid"], [say("overTarget"), "mid"], [say("expected"), "wide"],
      [say("slRecent"), "mid"], [say("slToday")], [say("abandonRate"), "mid"], [say("asa"), "wide"], [say("p90"), "wide"]];
    return table(say("queuesLive"), heads, worst(rows, (row) => row.numbers.overdue_now).map((row) => {
      const { numbers } = row;
      const at = (name, text, period) => number(name, text, period, row);
      return { row, severity: numbers.overdue_now > 0 ? "late" : numbers.will_miss_target_now > 0 ? "soon" : null, cells: [
        state(row, numbers.overdue_now, numbers.will_miss_target_now, numbers.waiting_now), at("waiting_now", count(numbers.waiting_now), "now"),
        at("longest_wait_ms", numbers.waiting_now ? duration(numbers.longest_wait_ms) : say("none_yet"), "now"), at("wait_target_ms", target(row, row.wait_target_ms === null ? null : lang.promised(row.wait_target_ms)) || say("none_yet"), "now"),
        at("overdue_now", count(numbers.overdue_now), "now"), at("expected_wait_ms", duration(numbers.expected_wait_ms), "now"),
        at("service_level", ratio(numbers.recent.service_levels[headline]), "recent"), at("service_level", ratio(numbers.today.service_levels[headline]), "today"),
        at("abandon_ratio", ratio(numbers.today.abandon_ratio), "today"), at("asa_ms", duration(numbers.today.asa_ms), "today"), at("wait_p90_ms", duration(numbers.today.wait_p90_ms), "today"),
      ] };
    }), "live");
  }

  function deferredTable(rows) {
    const heads = [[say("queue")], [say("status"), "state"], [say("openHead")], [say("oldestHead")], [say("targetHead"), "mid"], [say("overTarget"), "mid"],
      [say("dueToday"), "wide"], [say("inTargetToday")], [say("firstP50"), "mid"], [say("firstP90"), "wide"]];
    return table(say("queuesDeferred"), heads, worst(rows, (row) => row.numbers.unanswered_overdue_now).map((row) => {
      const { numbers } = row;
      const { today } = numbers;
      const at = (name, text, period) => number(name, text, period, row);
      return { row, severity: numbers.unanswered_overdue_now > 0 ? "late" : numbers.responses_due_soon > 0 ? "soon" : null, cells: [
        state(row, numbers.unanswered_overdue_now, numbers.responses_due_soon, numbers.unanswered_now), at("unanswered_now", count(numbers.unanswered_now), "now"),
        at("oldest_unanswered_ms", numbers.unanswered_now ? duration(numbers.oldest_unanswered_open_ms ?? numbers.oldest_unanswered_ms) : say("none_yet"), "now"),
        at("response_target", target(row, lang.target(row.response_target)) || say("none_yet"), "now"), at("unanswered_overdue_now", count(numbers.unanswered_overdue_now), "now"),
        at("first_responses_due", count(today.first_responses_due), "today"), at("first_response_in_target_ratio", ratio(today.first_response_in_target_ratio), "today"),
        at("first_response_p50_ms", duration(today.first_response_p50_ms), "today"), at("first_response_p90_ms", duration(today.first_response_p90_ms), "today"),
      ] };
    }), "deferred");
  }

  // ---- lists: who first?

  function over(one) {
    if (one.overdue) return mark("late", one.over_ms === null ? say("late") : `+${duration(one.over_ms)}`);
    if (one.expected_ms !== null && one.expected_ms !== undefined && one.due_ms !== null) return mark("soon", `+${duration(one.expected_ms - one.due_ms)}`);
    return one.due_ms === null || one.due_ms === undefined ? say("none_yet") : mark("soon", say("dueIn", { time: duration(Math.max(one.due_ms - summary.now_ms, 0)) }));
  }

  function list(id, title, cases, total, empty, name) {
    if (view.wall && ((!cases.length && !total) || !view.fit.cases)) return null;
    const shown = cases.slice(0, view.wall ? view.fit.cases : 10);
    const rest = Math.max(total ?? 0, cases.length) - shown.length;
    const heads = [say("queue"), say("since"), say("over"), ...(view.wall ? [] : [say("contact")]), say("step")];
    const rows = shown.map((one) => h("tr", { "data-state": one.overdue ? "late" : null },
      h("th", { scope: "row" }, titled(one), h("small", null, ` ${channelOf(one)}${one.promise_kind ? ` · ${say(`kinds.${one.promise_kind}`)}` : ""}`)),
      h("td", null, lang.moment(one.since_ms, summary.now_ms, summary.zone), h("small", null, " · ", apart(name, duration(one.age_ms), "now", one))), h("td", null, over(one)),
      view.wall ? null : h("td", { class: "id" }, h("a", { href: `/contact?id=${encodeURIComponent(one.contact_id)}&lang=${lang.language}` }, one.contact_id)),
      h("td", { class: "step" }, say(`steps.${one.step || "check"}`))));
    return h("section", { class: "list", "aria-labelledby": id }, h("h3", { id }, title, " ", h("small", null, rest + shown.length > 0 ? count(rest + shown.length) : "")),
      shown.length ? h("table", { "data-roving": id }, h("caption", null, title), h("thead", null, h("tr", null, ...heads.map((text) => h("th", { scope: "col" }, text)))), h("tbody", null, ...rows)) : line(empty),
      rest > 0 && shown.length ? line(say("more", { n: rest })) : null);
  }

  function lists(kind, numbers) {
    const own = (name) => (summary.cases[name] || []).filter((one) => one.kind === kind);
    const agreed = list(`${kind}-promises`, say("promisesList"), [...own("promises_overdue"), ...own("promises_due_soon")], numbers.promises_overdue_now + numbers.promises_due_soon, say("emptyPromises"), "promises_overdue_now");
    if (kind === "live") {
      const calls = numbers.not_called_back_today || 0;
      return [
        list("live-beyond", say("beyondTarget"), own("beyond_target"), numbers.overdue_now, say("emptyBeyond"), "longest_wait_ms"),
        list("live-soon", say("willMissList"), own("will_miss"), numbers.will_miss_target_now, say("emptyWillMiss"), "will_miss_target_now"),
        numbers.unanswered_now ? list("live-open", say("unansweredLive"), own("unanswered"), numbers.unanswered_now, "", "oldest_unanswered_ms") : null,
        list("live-back", say("callBack"), own("call_back"), calls, calls > 0 ? say("callBackCount", { n: calls }) : say("emptyCallBack"), "not_called_back_today"),
        agreed,
        own("stale").length ? list("live-stale", say("staleList"), own("stale"), numbers.waiting_stale, "", "waiting_stale") : null,
      ];
    }
    return [
      list("deferred-open", say("unanswered"), own("unanswered"), numbers.unanswered_now, say("emptyUnanswered"), "oldest_unanswered_ms"),
      list("deferred-soon", say("dueSoonList"), own("due_soon"), numbers.responses_due_soon, say("emptyDueSoon"), "responses_due_soon"),
      agreed,
    ];
  }

  // ---- the two halves

  function plots(kind, total) {
    const found = history(kind);
    if (!found) return null;
    const asked = { waiting: ["waiting_now", "now"], offered: ["offered", "recent"], service_level: ["service_level", "recent"], unanswered: ["unanswered_now", "now"], messages: ["first_responses_due", "recent"], replies: ["replies_last_hour", "now"] };
    const drawn = found.lines.map((each) => plot({ show: (text) => apart(asked[each.name][0], text, asked[each.name][1], total), line: each, title: say(`plots.${each.name}`), now: past.at_ms, live: each.name === "waiting" ? { at: summary.now_ms, value: total.numbers.waiting_now } : null, zone: summary.zone, lang, ratio: each.name === "service_level", target: each.name === "service_level" && definitions ? definitions.objectives.service_level / 100 : null }));
    const age = summary.now_ms - past.at_ms;
    return h("div", { class: "trends", role: "group", "aria-label": say("trends") }, h("p", { class: "legend line" }, say("trends"), h("span", { class: "key today" }, say("todayKey")), h("span", { class: "key then" }, say("thenKey")), age > 180000 ? mark("late", say("pastOld", { time: lang.clock(past.at_ms, summary.zone), age: duration(age) })) : null), h("div", { class: "plots" }, ...drawn));
  }

  /** Whether there is anything to see: contacts that end in the menu have no queue, and their row would be empty. */
  const isUsed = (n) => n.waiting_now + n.waiting_stale + n.unanswered_now + n.today.offered + n.today.first_responses_due > 0;

  return ["live", "deferred"].map((kind) => {
    const total = summary.totals.find((one) => one.kind === kind);
    if (!total) return null;
    const source = view.byChannel || !summary.by_queue?.length ? summary.queues : summary.by_queue;
    const rows = source.filter((row) => row.kind === kind && (row.queue !== "unknown" || isUsed(row.numbers)));
    const [tiles, tableOf] = kind === "live" ? [liveTiles, liveTable] : [deferredTiles, deferredTable];
    return h("section", { class: "half", "aria-labelledby": kind },
      h("h2", { id: kind }, say(kind), total.incomplete ? mark("part", say("incomplete")) : null),
      h("div", { class: "tiles" }, ...tiles(total)), tableOf(rows), plots(kind, total), h("div", { class: "lists" }, ...lists(kind, total.numbers).filter(Boolean).slice(0, view.wall ? view.fit.lists : 9)));
  }).filter(Boolean);
}
