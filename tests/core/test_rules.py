"""Which rules hold where and when, and elapsed time in a target's own unit."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.calendar import Calendar
from pipeline.core.rules import Rulebook, Rules, Target, deadline_ms, elapsed, within
from pipeline.core.zone import Zone
from schemas.catalogue import TargetEntry, default, load
from schemas.vocabulary import CHANNELS

HOUR = 3_600_000
DAY = 24 * HOUR


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 1000


def book(text: str) -> Rulebook:
    return Rulebook(load("zone: Europe/Berlin\n" + text, "catalogue.yaml"))


NOW = ms("2026-06-01T10:00+02:00")
MINUTE, SECOND = 60_000, 1_000
FOUR_OPEN_HOURS = Target("open", 4 * HOUR)


@pytest.mark.parametrize(
    ("channel", "wait", "response", "unannounced", "stale"),
    [
        ("phone", 20 * SECOND, None, 60 * SECOND, HOUR),
        ("chat", 60 * SECOND, Target("clock", 60 * SECOND), 3 * MINUTE, 4 * HOUR),
        ("branch", 5 * MINUTE, None, None, 4 * HOUR),
        ("video", 60 * SECOND, None, None, HOUR),
        ("email", 4 * HOUR, FOUR_OPEN_HOURS, None, None),
        ("form", 4 * HOUR, FOUR_OPEN_HOURS, None, None),
        ("messenger", 4 * HOUR, FOUR_OPEN_HOURS, None, None),
        ("social", 4 * HOUR, FOUR_OPEN_HOURS, None, None),
        ("web", 4 * HOUR, FOUR_OPEN_HOURS, None, None),
        ("letter", 4 * HOUR, Target("open_days", 2), None, None),
    ],
)
def test_the_defaults_are_those_of_the_measures(
    channel: str, wait: int | None, response: Target | None, unannounced: int | None, stale: int | None
) -> None:
    rules = Rulebook(default()).rules(channel, "unknown", "unknown", NOW)
    assert (rules.wait_target_ms, rules.response_target, rules.unannounced_ms, rules.stale_ms, rules.calendar) == (
        wait,
        response,
        unannounced,
        stale,
        None,
    )
    assert rules.kind == CHANNELS[channel]


def test_an_added_channel_has_the_defaults_of_its_kind() -> None:
    rulebook = book("channels: {kiosk: {kind: live}, fax: {kind: deferred}}")
    assert rulebook.kind("kiosk") == "live"
    assert rulebook.kind("fax") == "deferred"
    assert rulebook.kind("telex") is None
    kiosk, fax = rulebook.rules("kiosk", "q", "s", NOW), rulebook.rules("fax", "q", "s", NOW)
    assert (kiosk.wait_target_ms, kiosk.response_target, kiosk.stale_ms) == (60 * SECOND, None, 4 * HOUR)
    assert (fax.wait_target_ms, fax.response_target, fax.stale_ms) == (4 * HOUR, FOUR_OPEN_HOURS, None)
    with pytest.raises(KeyError):
        rulebook.rules("telex", "q", "s", NOW)


PRECEDENCE = """
targets:
  - wait: 1s
  - {channel: phone, wait: 2s}
  - {segment: vip, wait: 3s}
  - {segment: vip, channel: phone, wait: 4s}
  - {queue: sales, wait: 5s}
  - {queue: sales, channel: phone, wait: 6s}
  - {queue: sales, segment: vip, wait: 7s}
  - {queue: sales, segment: vip, channel: phone, wait: 8s}
"""


@pytest.mark.parametrize(
    ("channel", "queue", "segment", "seconds"),
    [
        ("chat", "other", "other", 1),
        ("phone", "other", "other", 2),
        ("chat", "other", "vip", 3),
        ("phone", "other", "vip", 4),
        ("chat", "sales", "other", 5),
        ("phone", "sales", "other", 6),
        ("chat", "sales", "vip", 7),
        ("phone", "sales", "vip", 8),
    ],
)
@pytest.mark.parametrize("backwards", [False, True])
def test_the_most_specific_target_holds(
    channel: str, queue: str, segment: str, seconds: int, *, backwards: bool
) -> None:
    lines = PRECEDENCE.strip().splitlines()
    entries = lines[:0:-1] if backwards else lines[1:]
    rulebook = book("\n".join([lines[0], *entries]))
    assert rulebook.rules(channel, queue, segment, NOW).wait_target_ms == seconds * SECOND


def test_each_kind_of_target_is_looked_up_by_itself() -> None:
    rulebook = book("""
targets:
  - {queue: sales, response: 2 open h}
  - {channel: phone, wait: 30s, stale: none}
  - {queue: sales, segment: vip, wait: none}
""")
    plain, vip = rulebook.rules("phone", "sales", "x", NOW), rulebook.rules("phone", "sales", "vip", NOW)
    assert (plain.wait_target_ms, vip.wait_target_ms) == (30 * SECOND, None)
    assert plain.response_target == vip.response_target == Target("open", 2 * HOUR)
    assert plain.stale_ms is None
    assert plain.unannounced_ms == 60 * SECOND


DATED = """
calendars:
  day: {weekly: {monday-friday: 08:00-18:00}}
  night: {weekly: always}
opening_hours:
  - calendar: day
  - {channel: phone, calendar: night, valid_from: 2026-07-01}
  - {queue: sales, calendar: none}
targets:
  - {channel: phone, wait: 40s, valid_from: 2026-08-01T06:00}
  - {channel: phone, wait: 30s, valid_from: 2026-07-01}
  - {queue: sales, wait: 5s, valid_from: 2026-09-01}
"""


@pytest.mark.parametrize(
    ("at", "queue", "seconds", "calendar"),
    [
        ("2026-06-30T23:59:59+02:00", "x", 20, "day"),
        ("2026-07-01T00:00:00+02:00", "x", 30, "night"),
        ("2026-08-01T05:59:59+02:00", "x", 30, "night"),
        ("2026-08-01T06:00:00+02:00", "x", 40, "night"),
        ("2026-08-31T23:59:59+02:00", "sales", 40, None),
        ("2026-09-01T00:00:00+02:00", "sales", 5, None),
        ("2026-06-30T23:59:59+02:00", "sales", 20, None),
    ],
)
def test_dated_entries_hold_from_their_instant_on(at: str, queue: str, seconds: int, calendar: str | None) -> None:
    rules = _DATED.rules("phone", queue, "unknown", ms(at))
    assert rules.wait_target_ms == seconds * SECOND
    assert (rules.calendar and rules.calendar.name) == calendar
    assert rules.calendar is (None if calendar is None else _DATED.calendar(calendar))


_DATED = book(DATED)


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.integers(NOW, NOW + 120 * DAY)), max_size=9)
)
def test_the_memo_changes_nothing(asked: list[tuple[str, str, int]]) -> None:
    for queue, segment, at_ms in asked:
        fresh, again = book(DATED).rules("phone", queue, segment, at_ms), _DATED.rules("phone", queue, segment, at_ms)
        assert fresh.wait_target_ms == again.wait_target_ms
        assert (fresh.calendar and fresh.calendar.name) == (again.calendar and again.calendar.name)


def test_the_memo_is_bounded() -> None:
    rulebook = Rulebook(default())
    for number in range(50_010):
        rulebook.rules("phone", str(number), "unknown", NOW)
    assert len(rulebook._memo) == 10
    first = rulebook.rules("phone", "sales", "unknown", NOW)
    assert rulebook.rules("phone", "sales", "unknown", NOW) is first


def test_holidays_and_exceptions_reach_the_calendar() -> None:
    rulebook = book("""
calendars:
  office:
    weekly: {monday-friday: 08:00-18:00}
    holidays: [{country: DE, subdivision: BY}, {country: AT}]
    exceptions: {2026-10-26: 08:00-10:00}
opening_hours: [{calendar: office}]
""")
    calendar = rulebook.rules("email", "x", "y", NOW).calendar
    assert calendar is not None
    start = ms("2026-01-05T00:00+01:00")
    assert calendar.open_ms(start, start + 5 * DAY) == 40 * HOUR  # Epiphany on the sixth
    assert calendar.open_ms(ms("2026-10-26T00:00+01:00"), ms("2026-10-27T00:00+01:00")) == 2 * HOUR
    assert calendar.open_days(ms("2025-10-24T00:00+02:00"), ms("2025-10-28T00:00+01:00")) == 2 - 0
    assert calendar.open_days(ms("2027-10-25T00:00+02:00"), ms("2027-10-26T12:00+02:00")) == 0  # Austria's day


def test_settings_and_zone_are_the_catalogues() -> None:
    catalogue = default()
    rulebook = Rulebook(catalogue)
    assert rulebook.catalogue is catalogue
    assert rulebook.settings == catalogue.settings
    assert rulebook.zone.name == catalogue.zone
    assert rulebook.calendar("office") is None


_OFFICE = (
    book("""
calendars: {office: {weekly: {monday-friday: 08:00-18:00}}}
opening_hours: [{calendar: office}]
""")
    .rules("email", "x", "y", NOW)
    .calendar
)
FRIDAY, MONDAY = ms("2026-06-05T17:00+02:00"), ms("2026-06-08T09:00+02:00")


@pytest.mark.parametrize(
    ("target", "open_amount", "clock_amount"),
    [
        (Target("clock", 1), 64 * HOUR, 64 * HOUR),
        (Target("open", 1), 2 * HOUR, 64 * HOUR),
        (Target("open_days", 1), 1, 3),
    ],
)
def test_elapsed_counts_in_the_unit_of_the_target(target: Target, open_amount: int, clock_amount: int) -> None:
    zone = Zone("Europe/Berlin")
    assert elapsed(target, _OFFICE, FRIDAY, MONDAY, zone) == open_amount
    assert elapsed(target, None, FRIDAY, MONDAY, zone) == clock_amount
    assert elapsed(target, _OFFICE, MONDAY, FRIDAY, zone) == 0
    assert elapsed(target, None, MONDAY, FRIDAY, zone) == 0


@pytest.mark.parametrize(("amount", "met"), [(2 * HOUR - 1, False), (2 * HOUR, True), (2 * HOUR + 1, True)])
def test_within_is_at_or_below(amount: int, *, met: bool) -> None:
    assert within(Target("open", amount), _OFFICE, FRIDAY, MONDAY, Zone("Europe/Berlin")) is met


def test_days_without_a_calendar_turn_at_local_midnight() -> None:
    late, early = ms("2026-06-05T23:59+02:00"), ms("2026-06-06T00:00+02:00")
    assert elapsed(Target("open_days", 1), None, late, early, Zone("Europe/Berlin")) == 1
    assert elapsed(Target("open_days", 1), None, late, early, Zone("UTC")) == 0


def test_entries_in_code_hold_as_those_in_text_do() -> None:
    assert (
        TargetEntry("wait", Target("clock", 30_000), channel="phone")
        in load("zone: UTC\ntargets: [{channel: phone, wait: 30s}]", "x").targets
    )
    assert isinstance(_DATED.rules("phone", "x", "y", 0), Rules)


_HOURS = book("""
calendars:
  office: {weekly: {monday-friday: 08:00-18:00}}
  split: {weekly: {monday-saturday: [08:00-12:00, 14:00-17:30]}, exceptions: {2026-06-04: closed}}
  seldom: {weekly: {sunday: 09:00-09:01}}
  always: {weekly: always}
""")
_CALENDARS = (None, *map(_HOURS.calendar, ("office", "split", "seldom", "always")))
_TARGETS = st.one_of(
    st.builds(Target, st.sampled_from(("clock", "open")), st.integers(1, 20 * DAY)),
    st.builds(Target, st.just("open"), st.sampled_from((10 * HOUR, 20 * HOUR, 7 * HOUR + 30 * MINUTE))),
    st.builds(Target, st.just("open_days"), st.integers(1, 400)),
)


@given(_TARGETS, st.sampled_from(_CALENDARS), st.integers(NOW, NOW + 200 * DAY))
def test_the_deadline_is_the_last_moment_that_meets_the_target(
    target: Target, calendar: Calendar | None, start: int
) -> None:
    zone = _HOURS.zone
    last = deadline_ms(target, calendar, start, zone)
    if last is None:
        assert within(target, calendar, start, start + 366 * DAY, zone)
    else:
        assert within(target, calendar, start, last, zone)
        assert not within(target, calendar, start, last + 1, zone)
