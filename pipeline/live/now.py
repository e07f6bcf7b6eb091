"""Who waits now, who is being talked to, who has no answer yet: what one open contact adds to the live values."""

from collections.abc import Callable

from msgspec import Struct, field

from pipeline.core.open import Open
from pipeline.core.promises import Promise
from pipeline.core.rules import Rulebook, Rules, deadline_ms, elapsed
from pipeline.core.zone import Zone
from pipeline.live.judged import reply_undecided, wait_undecided
from pipeline.live.parts import SOON_MS, Parts, Place
from pipeline.live.summary import Case
from schemas.catalogue import Target
from schemas.vocabulary import ChannelKind


class Starts(Struct, frozen=True):
    """Where the windows begin (ms): the last 30 minutes, today, and yesterday."""

    recent_ms: int
    today_ms: int
    yesterday_ms: int


class Found(Struct):
    """Contacts that somebody should look at, in no order yet."""

    beyond_target: list[Case] = field(default_factory=list)
    unanswered: list[Case] = field(default_factory=list)
    stale: list[Case] = field(default_factory=list)
    due_soon: list[Case] = field(default_factory=list)
    promises_overdue: list[Case] = field(default_factory=list)
    promises_due_soon: list[Case] = field(default_factory=list)


def look_at(
    contact_id: str,
    seen: Open,
    rulebook: Rulebook,
    now_ms: int,
    starts: Starts,
    place_of: Callable[[Place], Parts],
    found: Found,
) -> None:
    """Add one open contact to the parts of its place (that of its present queue, or of its entry queue), and to what
    was found.
    """
    entry = place_of((seen.channel, seen.queue))
    if seen.waits_ms is not None:
        _waits(contact_id, seen, seen.waits_ms, rulebook, now_ms, place_of((seen.channel, seen.waits_in)), found)
    elif seen.talking:
        place_of((seen.channel, seen.queues[0] if seen.queues else seen.queue)).in_conversation += 1
    began_ms = seen.undecided_ms
    if began_ms is not None and seen.target_ms is not None and now_ms - began_ms <= seen.target_ms:
        entry.recent.undecided += began_ms >= starts.recent_ms
        entry.today.undecided += began_ms >= starts.today_ms
        if seen.live and began_ms >= starts.today_ms:
            wait_undecided(entry.outcomes, rulebook.settings.headline_service_level)
    if seen.clock_ms is not None:
        _unanswered(contact_id, seen, seen.clock_ms, rulebook, now_ms, starts, entry, found)
    for promise in seen.promises:
        if promise.made_ms <= now_ms:
            _promised(contact_id, seen, promise, now_ms, entry, found)


def _promised(contact_id: str, seen: Open, promise: Promise, now_ms: int, parts: Parts, found: Found) -> None:
    """An open promise past its due is broken now, whatever became of the contact."""
    due_ms = promise.due_ms
    overdue = now_ms > due_ms
    if not overdue and due_ms - now_ms > SOON_MS:
        return
    counts = parts.promises_overdue if overdue else parts.promises_due_soon
    counts[promise.kind] = counts.get(promise.kind, 0) + 1
    into = found.promises_overdue if overdue else found.promises_due_soon
    into.append(
        Case(
            contact_id,
            seen.channel,
            seen.queue,
            _kind(seen),
            promise.made_ms,
            now_ms - promise.made_ms,
            overdue=overdue,
            over_ms=now_ms - due_ms if overdue else None,
            step="keep_promise",
            due_ms=due_ms,
            promise_kind=promise.kind,
            promise_id=promise.promise_id,
        )
    )


def _waits(
    contact_id: str,
    seen: Open,
    began_ms: int,
    rulebook: Rulebook,
    now_ms: int,
    parts: Parts,
    found: Found,
) -> None:
    queue = seen.waits_in
    rules = rulebook.rules(seen.channel, queue, seen.segment, began_ms)
    age_ms = max(now_ms - began_ms, 0)
    target_ms = rules.wait_target_ms
    overdue = target_ms is not None and age_ms > target_ms
    stale = rules.stale_ms is not None and age_ms > rules.stale_ms
    if not stale:
        parts.waiting.see(age_ms)
        parts.overdue += overdue
        if target_ms is not None and not overdue:
            parts.line.append((began_ms, contact_id, began_ms + target_ms))
    else:
        parts.stale += 1
    if not (overdue or stale):
        return
    into = found.stale if stale else found.beyond_target
    into.append(
        Case(
            contact_id,
            seen.channel,
            queue,
            rules.kind,
            began_ms,
            age_ms,
            None if rules.calendar is None else rules.calendar.open_ms(began_ms, now_ms),
            None if target_ms is None else Target("clock", target_ms),
            overdue,
            None if target_ms is None else age_ms - target_ms,
            "check" if stale else "answer",
            None if target_ms is None else began_ms + target_ms,
        )
    )


def _unanswered(
    contact_id: str,
    seen: Open,
    began_ms: int,
    rulebook: Rulebook,
    now_ms: int,
    starts: Starts,
    parts: Parts,
    found: Found,
) -> None:
    rules = rulebook.rules(seen.channel, seen.queue, seen.segment, began_ms)
    target = rules.response_target
    age_ms = max(now_ms - began_ms, 0)
    open_ms = None if rules.calendar is None else rules.calendar.open_ms(began_ms, now_ms)
    over_ms = due_ms = None
    overdue = False
    if target is not None:
        used = elapsed(target, rules.calendar, began_ms, now_ms, rulebook.zone)
        parts.unanswered_target_permille = max(parts.unanswered_target_permille, used * 1_000 // max(target.amount, 1))
        over = used - target.amount
        overdue = over > 0
        over_ms = None if target.unit == "open_days" else over
        due_ms = None if overdue else _soon_ms(rules, rulebook.zone, began_ms, target, -over, now_ms)
        if seen.first_clock and not overdue:
            parts.recent.first_undecided += began_ms >= starts.recent_ms
            parts.today.first_undecided += began_ms >= starts.today_ms
            if not seen.live and began_ms >= starts.yesterday_ms:
                reply_undecided(parts.outcomes, today=began_ms >= starts.today_ms)
    parts.unanswered.see(age_ms)
    if open_ms is not None:
        parts.unanswered_open.see(open_ms)
    parts.unanswered_overdue += overdue
    case = Case(
        contact_id,
        seen.channel,
        seen.queue,
        _kind(seen),
        began_ms,
        age_ms,
        open_ms,
        target,
        overdue,
        over_ms,
        "reply",
        due_ms,
    )
    found.unanswered.append(case)
    if due_ms is not None:
        parts.responses_due_soon += 1
        found.due_soon.append(case)


def _soon_ms(rules: Rules, zone: Zone, began_ms: int, target: Target, left: int, now_ms: int) -> int | None:
    """When the target of a running clock ends, if that is soon (30 minutes, of short targets their last quarter); None
    if it is not. `left`: as the target counts.

    On the clock it is never nearer than in opening hours, and days end at midnight: so the end is looked for only where
    it may be near.
    """
    if target.unit == "open_days":
        soon_ms = SOON_MS
        near = left == 0 and zone.ordinal(now_ms + SOON_MS) > zone.ordinal(now_ms)
    else:
        soon_ms = min(SOON_MS, target.amount // 4)
        near = left <= soon_ms
    due_ms = deadline_ms(target, rules.calendar, began_ms, zone) if near else None
    return due_ms if due_ms is not None and due_ms - now_ms <= soon_ms else None


def _kind(seen: Open) -> ChannelKind:
    return "live" if seen.live else "deferred"
