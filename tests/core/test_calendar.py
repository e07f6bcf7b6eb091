"""Opening hours against a count minute by minute on the wall clock."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.core.calendar import Calendar, Hours, Intervals
from pipeline.core.zone import BLOCK_MS, Zone

MINUTE = 60_000
HOUR = 60 * MINUTE
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OFFICE: Intervals = ((8 * 60, 12 * 60), (13 * 60, 18 * 60))
ALWAYS: Intervals = ((0, 1440),)
WEEKDAYS = (OFFICE,) * 5 + ((),) * 2


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 1000


def make(
    weekly: tuple[Intervals, ...],
    zone: str = "Europe/Berlin",
    exceptions: dict[str, Intervals] | None = None,
    closed: tuple[str, ...] = (),
) -> Calendar:
    dates = frozenset(date.fromisoformat(day).toordinal() for day in closed)
    special = {date.fromisoformat(day).toordinal(): value for day, value in (exceptions or {}).items()}
    return Calendar("hours", Zone(zone), [Hours(0, weekly, lambda _: dates)], special)


class Naive:
    """The same opening hours, asked minute by minute through `datetime`."""

    def __init__(
        self, zone: str, weekly: tuple[Intervals, ...], closed: set[date], special: dict[date, Intervals]
    ) -> None:
        self.zone, self.weekly, self.closed, self.special = ZoneInfo(zone), weekly, closed, special

    def wall(self, at_ms: int) -> datetime:
        return (EPOCH + timedelta(milliseconds=at_ms)).astimezone(self.zone)

    def hours(self, day: date) -> Intervals:
        if day in self.special:
            return self.special[day]
        return () if day in self.closed else self.weekly[day.weekday()]

    def is_open(self, at_ms: int) -> bool:
        local = self.wall(at_ms)
        minute = local.hour * 60 + local.minute
        return any(opens <= minute < closes for opens, closes in self.hours(local.date()))

    def open_ms(self, start_ms: int, end_ms: int) -> int:
        return MINUTE * sum(self.is_open(at) for at in range(start_ms, end_ms, MINUTE))

    def open_days(self, start_ms: int, end_ms: int) -> int:
        first, last = self.wall(start_ms).date(), self.wall(end_ms).date()
        days = (first + timedelta(days=n) for n in range(1, (last - first).days + 1))
        return sum(bool(self.hours(day)) for day in days)


@st.composite
def intervals(draw: st.DrawFn) -> Intervals:
    edges = sorted(draw(st.sets(st.integers(0, 96), max_size=6)))
    pairs = [(15 * edges[n], 15 * edges[n + 1]) for n in range(0, len(edges) - 1, 2)]
    return tuple(pairs)


# Around both clock changes of the northern and the southern zones, and around the turn of a year.
STARTS = st.sampled_from(
    ["2026-03-08", "2026-03-29", "2026-04-05", "2026-10-04", "2026-10-25", "2026-11-01", "2026-12-31", "2026-07-01"]
).flatmap(lambda day: st.integers(-3 * 1440, 2 * 1440).map(lambda minutes: ms(f"{day}T00:00+00:00") + minutes * MINUTE))
DAYS = st.dates(date(2026, 3, 1), date(2027, 1, 10))


@given(
    st.sampled_from(ZONES),
    st.tuples(*[intervals()] * 7),
    st.sets(DAYS, max_size=40),
    st.dictionaries(DAYS, intervals(), max_size=40),
    STARTS,
    st.integers(0, 3 * 1440),
)
@example("Europe/Berlin", (((0, 150),),) * 7, set(), {}, ms("2026-10-24T20:00+00:00"), 600)
@example("Europe/Berlin", (((150, 1440),),) * 7, set(), {}, ms("2026-03-28T20:00+00:00"), 600)
@example("Australia/Lord_Howe", (((90, 135),),) * 7, set(), {}, ms("2026-04-04T10:00+00:00"), 600)
def test_open_time_is_the_count_of_open_minutes(
    zone: str,
    weekly: tuple[Intervals, ...],
    closed: set[date],
    special: dict[date, Intervals],
    start: int,
    minutes: int,
) -> None:
    naive = Naive(zone, weekly, closed, special)
    holidays = frozenset(day.toordinal() for day in closed)
    exceptions = {day.toordinal(): value for day, value in special.items()}
    calendar = Calendar("hours", Zone(zone), [Hours(0, weekly, lambda _: holidays)], exceptions)
    end = start + minutes * MINUTE
    assert calendar.open_ms(start, end) == naive.open_ms(start, end)
    assert calendar.open_days(start, end) == naive.open_days(start, end)
    assert calendar.is_open(start) == naive.is_open(start)
    opens = calendar.next_opening_ms(start)
    expected = next((at for at in range(start, end, MINUTE) if naive.is_open(at)), None)
    assert (opens if opens is not None and opens < end else None) == expected
    closes = calendar.closing_ms(start)
    if naive.is_open(start):
        shut = next((at for at in range(start, end, MINUTE) if not naive.is_open(at)), None)
        assert (closes if closes is not None and closes < end else None) == shut
    else:
        assert closes is None


@given(st.integers(0, 2**42), st.integers(0, 10**11), st.integers(0, 10**11))
def test_open_time_adds_up_and_never_exceeds_the_clock(start: int, first: int, second: int) -> None:
    middle, end = start + first, start + first + second
    whole = _OFFICE.open_ms(start, end)
    assert whole == _OFFICE.open_ms(start, middle) + _OFFICE.open_ms(middle, end)
    assert 0 <= whole <= end - start
    assert _ALWAYS.open_ms(start, end) == end - start
    assert _OFFICE.open_days(start, end) == _OFFICE.open_days(start, middle) + _OFFICE.open_days(middle, end)


_OFFICE = make(WEEKDAYS)
_ALWAYS = make((ALWAYS,) * 7)


def test_nothing_is_open_backwards() -> None:
    monday, tuesday = ms("2026-06-01T09:00+02:00"), ms("2026-06-02T09:00+02:00")
    assert _OFFICE.open_ms(tuesday, monday) == 0
    assert _OFFICE.open_ms(monday, monday) == 0
    assert _OFFICE.open_days(tuesday, monday) == 0


def test_a_mail_of_friday_night_waits_from_monday_morning() -> None:
    friday, monday = ms("2026-06-05T22:00+02:00"), ms("2026-06-08T08:30+02:00")
    assert _OFFICE.open_ms(friday, monday) == 30 * MINUTE
    assert _OFFICE.open_days(friday, monday) == 1
    assert _OFFICE.next_opening_ms(friday) == ms("2026-06-08T08:00+02:00")
    assert _OFFICE.closing_ms(monday) == ms("2026-06-08T12:00+02:00")
    assert _OFFICE.closing_ms(friday) is None
    assert not _OFFICE.is_open(ms("2026-06-08T12:00+02:00"))
    assert _OFFICE.is_open(ms("2026-06-08T08:00+02:00"))


def test_an_hour_the_clock_repeats_is_open_both_times() -> None:
    night = make((((60, 180),),) * 7)  # 01:00-03:00
    autumn = ms("2026-10-25T00:00+02:00")
    assert night.open_ms(autumn, autumn + 24 * HOUR) == 3 * HOUR
    spring = ms("2026-03-29T00:00+01:00")
    assert night.open_ms(spring, spring + 23 * HOUR) == HOUR


def test_half_past_two_twice_opens_twice() -> None:
    early = make((((0, 150),),) * 7)  # until 02:30, which comes twice
    assert early.closing_ms(ms("2026-10-25T01:00+02:00")) == ms("2026-10-25T02:30+02:00")
    assert not early.is_open(ms("2026-10-25T02:45+02:00"))
    assert early.is_open(ms("2026-10-25T02:15+01:00"))
    assert early.closing_ms(ms("2026-10-25T02:15+01:00")) == ms("2026-10-25T02:30+01:00")


def test_half_past_two_that_is_not_there_opens_at_three() -> None:
    late = make((((150, 1440),),) * 7)  # from 02:30, which is skipped
    assert late.next_opening_ms(ms("2026-03-29T00:30+01:00")) == ms("2026-03-29T03:00+02:00")


def test_an_exception_goes_before_holiday_and_weekday() -> None:
    calendar = make(
        WEEKDAYS,
        exceptions={"2026-12-24": ((540, 720),), "2026-12-27": ((600, 660),), "2026-12-29": ()},
        closed=("2026-12-24", "2026-12-25"),
    )
    midnight = ms("2026-12-24T00:00+01:00")
    assert [calendar.open_ms(midnight + n * 24 * HOUR, midnight + (n + 1) * 24 * HOUR) // HOUR for n in range(6)] == [
        3,  # Christmas Eve, a holiday here, with hours of its own
        0,  # Christmas Day
        0,  # Saturday
        1,  # an open Sunday
        9,  # Monday
        0,  # a Tuesday closed for inventory
    ]
    assert calendar.open_days(midnight, midnight + 5 * 24 * HOUR) == 2


def test_hours_change_from_their_date_on() -> None:
    july = date(2026, 7, 1).toordinal()
    hours = [Hours(0, (OFFICE,) * 7), Hours(july, (ALWAYS,) * 7)]
    calendar = Calendar("hours", Zone("Europe/Berlin"), hours, {})
    assert calendar.open_ms(ms("2026-06-30T00:00+02:00"), ms("2026-07-02T00:00+02:00")) == 33 * HOUR
    assert not calendar.is_open(ms("2026-06-30T23:59+02:00"))
    assert calendar.is_open(ms("2026-07-01T00:00+02:00"))


def test_midnight_does_not_cut_an_opening() -> None:
    bar = make((((0, 240), (1200, 1440)),) * 7)  # 20:00 to 04:00
    assert bar.closing_ms(ms("2026-06-01T23:00+02:00")) == ms("2026-06-02T04:00+02:00")


def test_the_edge_of_a_table_does_not_cut_an_opening() -> None:
    edge = 56 * BLOCK_MS
    calendar = make((((0, 240), (1200, 1440)),) * 7, zone="UTC")
    assert calendar.is_open(edge - 1)
    assert calendar.is_open(edge)
    assert calendar.closing_ms(edge - HOUR) == edge + 4 * HOUR
    assert calendar.next_opening_ms(edge + 4 * HOUR) == edge + 20 * HOUR
    assert calendar.open_ms(edge - HOUR, edge + HOUR) == 2 * HOUR
    closing = make((((1200, 1440),),) * 7, zone="UTC")
    assert closing.closing_ms(edge - HOUR) == edge
    assert closing.next_opening_ms(edge) == edge + 20 * HOUR


def test_what_never_opens_or_never_closes() -> None:
    never = make(((),) * 7)
    at = ms("2026-06-01T00:00+02:00")
    assert never.next_opening_ms(at) is None
    assert never.open_ms(at, at + 800 * 24 * HOUR) == 0
    assert never.open_days(at, at + 800 * 24 * HOUR) == 0
    assert _ALWAYS.closing_ms(at) is None
    assert _ALWAYS.next_opening_ms(at) == at
    assert _ALWAYS.open_days(at, at + 800 * 24 * HOUR) == 800


def test_closing_far_ahead_is_found() -> None:
    last = date.fromordinal(Zone("UTC").ordinal(58 * BLOCK_MS)).isoformat()
    calendar = make((ALWAYS,) * 7, zone="UTC", exceptions={last: ()})
    assert calendar.closing_ms(57 * BLOCK_MS) == 58 * BLOCK_MS
    after = date.fromordinal(Zone("UTC").ordinal(58 * BLOCK_MS) + 1).isoformat()
    later = make((ALWAYS,) * 7, zone="UTC", exceptions={after: ()})
    assert later.closing_ms(56 * BLOCK_MS) == 58 * BLOCK_MS + 24 * HOUR


def test_a_calendar_needs_hours() -> None:
    with pytest.raises(ValueError, match="needs weekly hours"):
        Calendar("empty", Zone("UTC"), [], {})
    assert repr(_OFFICE) == "Calendar('hours', 'Europe/Berlin')"


def test_holidays_are_asked_for_once_a_year() -> None:
    asked: list[int] = []

    def closed(year: int) -> frozenset[int]:
        asked.append(year)
        return frozenset({date(year, 1, 1).toordinal()})

    calendar = Calendar("hours", Zone("UTC"), [Hours(0, (ALWAYS,) * 7, closed)], {})
    start, end = ms("2026-12-30T00:00+00:00"), ms("2027-01-03T00:00+00:00")
    assert calendar.open_ms(start, end) == 3 * 24 * HOUR
    assert calendar.open_days(start, end) == 3
    assert sorted(asked) == sorted(set(asked))
