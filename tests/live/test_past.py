"""What the page sets beside the live values: the same way of counting, the same time of day, nothing that was not."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.rules import Rulebook
from pipeline.live.past import AHEAD_S, BIN_S, KEYS, SPAN_S, Known, Then, past, spans, week_ago_ms, windows
from schemas.catalogue import load
from tests.live.world import NOON, H, M, berlin

RULES = Rulebook(load("zone: Europe/Berlin\n", "catalogue"))
KEY = {name: key for key, name in KEYS.items()}
PHONE, CHAT, MAIL = ("phone", "sales"), ("chat", "billing"), ("email", "sales")


def known(**parts: Any) -> Known:
    given: dict[str, Any] = {
        "spans": spans(RULES, NOON), "bins": {}, "steps": {}, "day": {}, "then": {}, "provisional": {}, "confirmed": {},
    }  # fmt: skip
    return Known(**{**given, **parts})


def cell(**numbers: int) -> dict[int, int]:
    return {KEY[name]: number for name, number in numbers.items()}


def test_last_week_is_the_same_time_on_the_clock_even_when_the_clocks_were_changed() -> None:
    for moment, ago in (
        ((2026, 3, 31, 9, 30), (2026, 3, 24, 9, 30)),  # summer time began on the 29th
        ((2026, 10, 27, 23, 59), (2026, 10, 20, 23, 59)),  # and ended on the 25th
        ((2026, 11, 22, 0, 0), (2026, 11, 15, 0, 0)),
    ):
        assert week_ago_ms(RULES.zone, berlin(*moment)) == berlin(*ago)


@given(st.integers(0, 10**5), st.integers(0, 10**5))
def test_windows_cover_exactly_what_is_asked_in_minutes_and_hours(first: int, length: int) -> None:
    from_s, to_s = first * 60, (first + length) * 60
    found = windows(from_s, to_s)
    at = from_s
    for seconds, start, end in found:
        assert start == at
        assert end > start
        assert start % seconds == end % seconds == 0
        at = end
    assert at == to_s
    assert sum((end - start) // seconds for seconds, start, end in found) <= 118 + length // 60


def test_the_spans_of_the_plots_end_now_and_go_on_for_last_week() -> None:
    at = spans(RULES, NOON + 7 * M)
    assert at.bins("now") == ((NOON + 15 * M) // 1_000 - SPAN_S, (NOON + 7 * M) // 1_000)
    from_s, to_s = at.bins("week_ago")
    assert from_s == at.edge_s - 7 * 86_400
    assert to_s == at.week_ago_ms // 1_000 + AHEAD_S
    assert at.edge_s % BIN_S == 0
    assert at.day_week_ago_s * 1_000 == berlin(2026, 3, 11)


def test_ratios_are_of_sums_over_places_and_kinds_are_never_mixed() -> None:
    found = past(
        known(
            day={
                PHONE: cell(offered=10, answered=9, answered_in_target=9, abandoned=1),
                CHAT: cell(offered=90, answered=90, answered_in_target=45),
                MAIL: cell(first_responses_due=4, first_response_in_target=3),
            },
            then={PHONE: Then(waiting=3, longest_wait_ms=50), CHAT: Then(waiting=1, longest_wait_ms=70)},
            confirmed={PHONE: (10, 9), CHAT: (90, 45)},
        ),
        RULES,
    )
    live, deferred = found.kinds
    assert live.week_ago is not None
    assert live.week_ago.service_level == 54 / 100
    assert live.week_ago.abandon_ratio == 1 / 100
    assert (live.week_ago.waiting_now, live.week_ago.longest_wait_ms) == (4, 70)
    assert live.week_ago.fcr_confirmed is not None
    assert live.week_ago.fcr_confirmed.ratio == 54 / 100
    assert live.week_ago.fcr_provisional is None
    assert deferred.week_ago is not None
    assert deferred.week_ago.first_response_in_target_ratio == 3 / 4
    assert deferred.week_ago.service_level is None
    (only,) = past(known(day={PHONE: cell(offered=1), CHAT: cell(offered=2)}), RULES, {"billing"}).kinds
    assert only.week_ago is not None
    assert only.week_ago.offered == 2


def test_a_day_on_which_nothing_was_counted_is_not_zero() -> None:
    (live,) = past(known(bins={("now", spans(RULES, NOON).edge_s, PHONE): cell(offered=1)}), RULES).kinds
    assert live.week_ago is None
    assert all(line.week_ago == () for line in live.lines)
    assert past(known(), RULES).kinds == ()


def test_the_line_of_people_is_who_came_minus_who_went() -> None:
    edge_s = spans(RULES, NOON).edge_s
    steps = {
        ("now", "waiting", PHONE): {edge_s: 5, edge_s + 120: -2},
        ("now", "waiting", CHAT): {edge_s + 60: 1},
        ("now", "waiting", MAIL): {edge_s: 100},
    }
    (live, _) = past(known(steps=steps), RULES).kinds
    waiting = {line.name: line for line in live.lines}["waiting"]
    assert waiting.values[:4] == (5.0, 6.0, 4.0, 4.0)
    assert len(waiting.values) == (NOON // 1_000 - edge_s) // 60 + 1
    assert waiting.from_ms == edge_s * 1_000


def test_a_quarter_of_an_hour_is_counted_when_it_is_over() -> None:
    for minute, over, begun in ((0, 15, 15), (7, 15, 16), (14, 15, 16), (15, 15, 15)):
        at = spans(RULES, NOON + minute * M)
        bins = {("now", at.edge_s, PHONE): cell(offered=1)}
        lines = {line.name: line for line in past(known(spans=at, bins=bins), RULES).kinds[0].lines}
        assert (len(lines["offered"].values), len(lines["service_level"].values)) == (over, begun)


def test_bins_without_anybody_have_no_service_level() -> None:
    edge_s = spans(RULES, NOON).edge_s
    bins = {
        ("now", edge_s + BIN_S, PHONE): cell(offered=4, answered_in_target=3),
        ("now", edge_s + BIN_S, CHAT): cell(offered=4, answered_in_target=1),
    }
    (live,) = past(known(bins=bins), RULES).kinds
    lines = {line.name: line for line in live.lines}
    assert lines["service_level"].values[:3] == (None, 0.5, None)
    assert lines["offered"].values[:3] == (0, 8, 0)
    assert (NOON - lines["offered"].from_ms) // H in (3, 4)
