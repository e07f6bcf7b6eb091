"""Local time against `datetime`, the slow and sure way."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.core.zone import DAY_MS, Zone

ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Sao_Paulo", "UTC")
INSTANTS = st.integers(0, 4_102_444_800_000)  # 1970 to 2100
_ZONES = {name: Zone(name) for name in (*ZONES, "Pacific/Apia", "America/St_Johns")}


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 1000


def wall(name: str, at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms // 1000, UTC).astimezone(ZoneInfo(name))


@given(st.sampled_from(ZONES), INSTANTS)
@example("Europe/Berlin", ms("2026-03-29T01:00:00+00:00"))
@example("Europe/Berlin", ms("2026-10-25T00:59:59+00:00"))
@example("Australia/Lord_Howe", ms("2026-04-04T15:00:00+00:00"))
@example("Australia/Lord_Howe", ms("2026-10-03T15:30:00+00:00"))
def test_date_hour_and_weekday_are_those_of_the_wall(name: str, at_ms: int) -> None:
    zone, local = _ZONES[name], wall(name, at_ms)
    assert zone.local_date(at_ms) == local.date()
    assert zone.ordinal(at_ms) == local.date().toordinal()
    assert zone.hour(at_ms) == local.hour
    assert zone.weekday(at_ms) == local.isoweekday()
    assert zone.offset_ms(at_ms) == (local.utcoffset() or timedelta()) // timedelta(milliseconds=1)


@given(st.sampled_from(ZONES), INSTANTS)
def test_a_day_starts_at_the_first_instant_of_its_date(name: str, at_ms: int) -> None:
    start = _ZONES[name].day_start_ms(at_ms)
    assert start <= at_ms
    assert wall(name, start).date() == wall(name, at_ms).date()
    assert wall(name, start - 1).date() < wall(name, at_ms).date()


@pytest.mark.parametrize(
    ("name", "noon", "start", "hours"),
    [
        ("Europe/Berlin", "2026-03-29T12:00+02:00", "2026-03-29T00:00+01:00", 23),
        ("Europe/Berlin", "2026-10-25T12:00+01:00", "2026-10-25T00:00+02:00", 25),
        ("Australia/Lord_Howe", "2026-10-04T12:00+11:00", "2026-10-04T00:00+10:30", 23.5),
        ("Asia/Kolkata", "2026-05-01T12:00+05:30", "2026-05-01T00:00+05:30", 24),
        # Midnight itself is skipped: the day starts at one o'clock.
        ("America/Sao_Paulo", "2018-11-04T12:00-02:00", "2018-11-04T01:00-02:00", 23),
        # The hour before midnight is lived twice: the day before has 25 hours.
        ("America/Sao_Paulo", "2018-02-17T12:00-02:00", "2018-02-17T00:00-02:00", 25),
    ],
)
def test_days_of_23_24_and_25_hours(name: str, noon: str, start: str, hours: float) -> None:
    zone = Zone(name)
    assert zone.day_start_ms(ms(noon)) == ms(start)
    assert zone.start_of_ms(zone.ordinal(ms(noon)) + 1) - ms(start) == hours * 3_600_000


def test_a_date_the_zone_skipped_starts_with_the_next_one() -> None:
    apia = _ZONES["Pacific/Apia"]  # 2011-12-30 did not happen there
    skipped, after = date(2011, 12, 30).toordinal(), date(2011, 12, 31).toordinal()
    assert apia.start_of_ms(skipped) == apia.start_of_ms(after) == ms("2011-12-31T00:00+14:00")


def test_a_midnight_that_comes_twice_starts_the_day_the_first_time() -> None:
    st_johns = _ZONES["America/St_Johns"]  # until 2011 the clock went back a minute past midnight
    today = date(2010, 11, 7).toordinal()
    assert st_johns.start_of_ms(today) == st_johns.start_of_ms(today) == ms("2010-11-07T00:00-02:30")
    assert st_johns.day_start_ms(ms("2010-11-07T12:00-03:30")) == ms("2010-11-07T00:00-02:30")


@given(st.sampled_from(ZONES), INSTANTS, st.integers(0, 900))
def test_stretches_cover_without_gap_and_hold_one_offset(name: str, start: int, days: int) -> None:
    zone = _ZONES[name]
    stretches = zone.stretches(start, start + days * DAY_MS)
    edges = [start, *(to for _, to, _ in stretches)]
    assert [begin for begin, _, _ in stretches] == edges[:-1]
    assert edges[-1] == start + days * DAY_MS
    assert all(zone.offset_ms(low) == zone.offset_ms(high - 1) == offset for low, high, offset in stretches)


def test_any_time_a_touchpoint_can_carry_has_a_local_day() -> None:
    zone = _ZONES["Europe/Berlin"]
    for at_ms in (0, 10**15, -(10**13)):
        assert zone.day_start_ms(at_ms) <= at_ms < zone.day_start_ms(at_ms) + 25 * 3_600_000
        assert 0 <= zone.hour(at_ms) <= 23


def test_a_name_that_is_no_zone() -> None:
    with pytest.raises(KeyError):
        Zone("Europe/Nowhere")
    assert repr(Zone("UTC")) == "Zone('UTC')"
