// The one sentence on top: the worst thing there is to say, in the order in which somebody has to act.

const BEHIND = 5000;
const DEMO = "the simulated organisation";
const HISTORY_MS = 5 * 60 * 1000;

function sum(summary, read) {
  return summary.totals.reduce((total, one) => total + (read(one.numbers) || 0), 0);
}

/** While what happened long ago is being read, nobody of it is waiting now. */
function readsHistory(summary) {
  const known = summary.partitions.filter((part) => part.watermark_ms !== null && part.event_lag_ms !== null && part.open_contacts !== null);
  return known.length > 0 && known.every((part) => part.event_lag_ms > HISTORY_MS);
}

function missing(summary, say) {
  const { missing: gone = [], partitions_total: total = 0 } = summary;
  return say("incompleteSentence", { n: total - gone.length, m: total });
}

/** {state, text, also}: what is wrong, or that nothing is; `also` is what else is late. */
export function verdict(summary, lang) {
  const { say, duration } = lang;
  const found = (state, text, also = "") => ({ state, text, also });
  if (!summary.live && !summary.totals.length) {
    const gone = summary.missing?.length ? summary.missing : summary.readiness.missing;
    const stopped = gone.some((one) => one.reason.startsWith("stopped"));
    if (gone.length && gone.every((one) => one.reason.startsWith(DEMO))) return found("wait", say("demoBegins"));
    return found("wait", stopped ? say("stoppedSentence") : summary.warehouse_up ? say("recovering") : say("recoveringAway"));
  }
  const behind = summary.partitions.reduce((total, part) => total + (part.log_lag || 0), 0);
  if (behind > BEHIND) {
    const left = Math.max(...summary.partitions.map((part) => part.catch_up_ms || 0));
    return found("wait", say("catchingUp", { n: behind, eta: left ? say("eta", { time: duration(left) }) : "" }));
  }
  if (!summary.totals.length && summary.newest_ms !== null) return found("wait", say("nothingHere"));
  if (summary.newest_ms === null) return found("wait", say("noData"));
  if (readsHistory(summary)) return found("wait", say("history", { time: lang.moment(summary.newest_ms, summary.now_ms, summary.zone) }));
  const worst = summary.cases.beyond_target[0];
  const late = sum(summary, (n) => n.overdue_now);
  const messages = sum(summary, (n) => n.unanswered_overdue_now);
  const promises = sum(summary, (n) => n.promises_overdue_now);
  const soon = sum(summary, (n) => n.will_miss_target_now);
  const part = summary.live ? "" : missing(summary, say);
  const rest = [messages && say("alsoMessages", { n: messages }), promises && say("alsoPromises", { n: promises })].filter(Boolean);
  const also = (things) => [things.length ? say("also", { things: things.join(", ") }) : "", part].filter(Boolean).join(" ");
  if (late && worst) return found("late", say("overdue", { n: late, wait: duration(worst.age_ms), queue: lang.name(summary.titles.queues, worst.queue) }), also(rest));
  if (promises) return found("late", say("promisesLate", { n: promises }), also(rest.slice(0, messages ? 1 : 0)));
  if (messages) return found("late", say("unansweredOverdue", { n: messages }), part);
  if (part) return found("wait", part);
  if (soon) return found("soon", say("soonSentence", { n: soon }));
  if (!summary.warehouse_up) return found("wait", say("warehouseAway"));
  return found("ok", say("fine", { n: sum(summary, (n) => n.waiting_now) }));
}

const KNOWN = {
  recovering: "reasons.recovering",
  "waiting for the warehouse to recover from": "reasons.warehouse",
};

function worded(reason, say) {
  if (reason.startsWith("stopped: ")) return `${say("reasons.stopped")}: ${reason.slice(9)}`;
  if (reason.startsWith("no partitions")) return say("reasons.none");
  return KNOWN[reason] ? say(KNOWN[reason]) : reason;
}

/** What is missing and why, line by line; those of one reason in one line. */
export function reasons(summary, lang) {
  const { say } = lang;
  const gone = summary.missing?.length ? summary.missing : summary.readiness.missing;
  const partitions = new Map();
  for (const { partition, reason } of gone) partitions.set(reason, [...(partitions.get(reason) || []), partition]);
  const found = [...partitions].map(([reason, names]) => {
    const told = worded(reason, say);
    if (!names[0]) return told;
    return names.length === 1 ? say("partition", { name: names[0], reason: told }) : say("somePartitions", { n: names.length, reason: told });
  });
  const shown = found.slice(0, 4);
  if (found.length > 4) shown.push(say("more", { n: found.length - 4 }));
  if (summary.live && !summary.warehouse_up) shown.unshift(say("warehouseAway"));
  return shown;
}
