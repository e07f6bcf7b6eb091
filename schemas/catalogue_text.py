"""The words inside a catalogue: durations, hours of a day, dates. Text in, value or ValueError out."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from schemas.catalogue_types import Intervals, Target

HOW_DURATION: Final = "write 20s, 5min, 4h, 7d, 4 open h or 2 open days"
HOW_CLOCK: Final = "write 20s, 5min, 4h or 7d"
HOW_INTERVALS: Final = "write 08:00-12:00, 13:00-18:00 or closed or always"
HOW_MOMENT: Final = "write a date such as 2026-11-01 or a time such as 2026-11-01T06:00"
HOW_DATE: Final = "write a date such as 2026-12-24"

_DURATION: Final = re.compile(r"(\d{1,9}) ?(?:(open) )?(ms|s|min|h|d|days?)", re.ASCII)
_UNITS: Final = {"ms": 1, "s": 1_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_INTERVAL: Final = re.compile(r"(\d\d?):(\d\d) ?(?:-|\u2013) ?(\d\d?):(\d\d)", re.ASCII)
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?)?", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_MS: Final = 36_600 * 86_400_000
_MINUTES: Final = 1_440

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ALWAYS: Final[Intervals] = ((0, _MINUTES),)


def duration(text: str) -> Target:
    """`20s`, `5min`, `4h`, `90d` on the clock, `4 open h` of open time, `2 open days`.

    >>> duration("4 open h")
    Target(unit='open', amount=14400000)
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is not a duration; {HOW_DURATION}")
    count, opened, unit = int(match[1]), match[2], match[3]
    if unit in ("day", "days") or (opened and unit == "d"):
        if not opened:
            raise ValueError(f"'{text}' is not a duration; write {count}d for days on the clock or {count} open days")
        if count > 36_600:
            raise ValueError(f"'{text}' is longer than a hundred years; {HOW_DURATION}")
        return Target("open_days", count)
    amount = count * _UNITS[unit]
    if amount > _LONGEST_MS:
        raise ValueError(f"'{text}' is longer than a hundred years; {HOW_DURATION}")
    return Target("open" if opened else "clock", amount)


def clock_ms(text: str) -> int:
    """A duration on the clock, in ms: `20s`, `5min`, `4h`, `7d`."""
    try:
        read = duration(text)
    except ValueError as error:
        raise ValueError(str(error).replace(HOW_DURATION, HOW_CLOCK)) from None
    if read.unit != "clock":
        raise ValueError(f"'{text}' is open time, and this runs on the clock; {HOW_CLOCK}")
    return read.amount


def intervals(texts: list[str]) -> Intervals:
    """The open intervals of one day, sorted, touching ones joined: `08:00-12:00, 13:00-18:00`, `closed`, `always`.

    >>> intervals(["08:00-12:00, 13:00-24:00"])
    ((480, 720), (780, 1440))
    """
    words = [word.strip() for text in texts for word in text.split(",")]
    if words == ["closed"]:
        return ()
    if words == ["always"]:
        return ALWAYS
    joined: list[tuple[int, int]] = []
    for begin, end, word in sorted(_interval(word) for word in words):
        if joined and begin < joined[-1][1]:
            raise ValueError(f"'{word}' overlaps the hours before it; {HOW_INTERVALS}")
        if joined and begin == joined[-1][1]:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((begin, end))
    return tuple(joined)


def _interval(word: str) -> tuple[int, int, str]:
    match = _INTERVAL.fullmatch(word)
    if match is None:
        raise ValueError(f"'{word}' are no opening hours; {HOW_INTERVALS}")
    begin = int(match[1]) * 60 + int(match[2])
    end = int(match[3]) * 60 + int(match[4])
    if int(match[2]) > 59 or int(match[4]) > 59 or end > _MINUTES:
        raise ValueError(f"'{word}' has a time that no day has; hours end at 24:00 at the latest")
    if begin >= end:
        raise ValueError(
            f"'{word}' ends before it begins; past midnight write 22:00-24:00 and 00:00-06:00 on the next day"
        )
    return begin, end, word


def weekday_numbers(text: str) -> list[int]:
    """`monday`, `mon`, `monday-friday`: numbers from 0 for Monday. A range may go over Sunday (`saturday-monday`)."""
    ends = [_weekday(part.strip()) for part in text.lower().split("-")]
    if len(ends) > 2:
        raise ValueError(f"'{text}' is not a day of the week; write monday or monday-friday")
    first, last = ends[0], ends[-1]
    return [day % 7 for day in range(first, last + 1 if last >= first else last + 8)]


def _weekday(text: str) -> int:
    for number, name in enumerate(WEEKDAYS):
        if text in (name, name[:3]):
            return number
    raise ValueError(f"'{text}' is not a day of the week; write monday or monday-friday")


def day(text: str) -> int:
    """A date such as 2026-12-24, as its proleptic ordinal."""
    if not _DATE.fullmatch(text):
        raise ValueError(f"'{text}' is not a date; {HOW_DATE}")
    try:
        read = date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"'{text}' is no day of the calendar; {HOW_DATE}") from None
    return _near(read, text).toordinal()


def moment_ms(text: str, zone: ZoneInfo) -> int:
    """A date (its first instant) or ISO time, local to `zone` unless it says its own offset; ms UTC."""
    if not _MOMENT.fullmatch(text):
        raise ValueError(f"'{text}' is not a date or time; {HOW_MOMENT}")
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"'{text}' is no time of the calendar; {HOW_MOMENT}") from None
    _near(read.date(), text)
    moment = read if read.tzinfo else read.replace(tzinfo=zone)
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _near(read: date, text: str) -> date:
    if not 1970 <= read.year <= 2199:
        raise ValueError(f"'{text}' is not between the years 1970 and 2199; {HOW_DATE}")
    return read
