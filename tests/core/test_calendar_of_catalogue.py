"""Opening hours as a catalogue says them, with holidays of countries and regions, against a count by the minute."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import holidays
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.rules import Rulebook
from schemas.catalogue import load

MINUTE_MS = 60_000
PLACES = {
    ("DE", "BY"): "Europe/Berlin",
    ("DE", "BE"): "Europe/Berlin",
    ("US", "CA"): "America/Los_Angeles",
    ("AU", "NSW"): "Australia/Sydney",
    ("IN", ""): "Asia/Kolkata",
    ("JP", ""): "Asia/Tokyo",
}
# In these weeks fall changes of the clock, Christmas, Epiphany, Easter, Independence Day and Australia Day.
WEEKS = ("2026-03-05", "2026-03-28", "2026-04-02", "2026-10-03", "2026-10-24", "2026-10-31", "2026-12-23", "2026-01-04",
         "2026-01-25", "2026-07-02")  # fmt: skip
WEEKLY = {0: (480, 1080), 1: (480, 1080), 2: (480, 720), 3: (480, 1080), 4: (0, 150), 5: (150, 1440), 6: None}
"""Minutes of the local day; Fridays and Saturdays meet the hour that is skipped or repeated in the night."""
SPECIAL = {date(2026, 12, 24): (480, 720), date(2026, 1, 6): (600, 660), date(2026, 10, 26): None}


def clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def span(hours: tuple[int, int] | None) -> str:
    return "closed" if hours is None else f"{clock(hours[0])}-{clock(hours[1])}"


def catalogue(country: str, region: str, zone: str) -> str:
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    weekly = ", ".join(f"{days[day]}: {span(hours)}" for day, hours in WEEKLY.items() if hours)
    where = f"{{country: {country}, subdivision: {region}}}" if region else f"{{country: {country}}}"
    exceptions = ", ".join(f"{day}: {span(hours)}" for day, hours in SPECIAL.items())
    return (
        f"zone: {zone}\ncalendars:\n  here:\n    weekly: {{{weekly}}}\n    holidays: {where}\n"
        f"    exceptions: {{{exceptions}}}\nopening_hours: [{{calendar: here}}]\n"
    )


def is_open(at_ms: int, zone: ZoneInfo, closed: set[date]) -> bool:
    there = datetime.fromtimestamp(at_ms // 1_000, UTC).astimezone(zone)
    day = there.date()
    hours = SPECIAL[day] if day in SPECIAL else None if day in closed else WEEKLY[day.weekday()]
    return hours is not None and hours[0] <= there.hour * 60 + there.minute < hours[1]


@pytest.mark.parametrize(("country", "region"), PLACES)
@settings(max_examples=25)
@given(week=st.sampled_from(WEEKS), begin=st.integers(0, 3 * 1_440), length=st.integers(0, 2 * 1_440))
def test_open_time_is_the_count_of_open_minutes_whatever_the_country(
    country: str, region: str, week: str, begin: int, length: int
) -> None:
    zone = ZoneInfo(PLACES[country, region])
    rulebook = Rulebook(load(catalogue(country, region, zone.key), "catalogue"))
    calendar = rulebook.rules("phone", "any", "any", 0).calendar
    assert calendar is not None
    start = int((datetime.fromisoformat(week).replace(tzinfo=zone) + timedelta(minutes=begin)).timestamp()) * 1_000
    end = start + length * MINUTE_MS
    closed = set(holidays.country_holidays(country, subdiv=region or None, years=(2025, 2026, 2027)))
    expected = sum(is_open(at, zone, closed) for at in range(start, end, MINUTE_MS)) * MINUTE_MS
    assert calendar.open_ms(start, end) == expected
    assert calendar.is_open(start) == is_open(start, zone, closed)


def test_a_holiday_of_one_region_is_a_working_day_of_another() -> None:
    bavaria, berlin = (
        Rulebook(load(catalogue("DE", region, "Europe/Berlin"), "catalogue")).rules("phone", "any", "any", 0).calendar
        for region in ("BY", "BE")
    )
    assert bavaria is not None
    assert berlin is not None
    corpus_christi = int(datetime(2026, 6, 4, 12, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()) * 1_000
    assert (bavaria.is_open(corpus_christi), berlin.is_open(corpus_christi)) == (False, True)
    womens_day = int(datetime(2027, 3, 8, 12, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()) * 1_000
    assert (bavaria.is_open(womens_day), berlin.is_open(womens_day)) == (True, False)
