"""Windows of measures: minutes, hours, days and what is summed of days; how they are called, dated and told apart."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from schemas.tables import RESOLUTION_DAY, RESOLUTION_HOUR, RESOLUTION_MINUTE, literal
from schemas.view import OPENING, Selected, Setting, column

SUMS: Final[Mapping[str, str]] = {"measures": "sums", "measures_hour": "sums_hour", "measures_day": "sums_day"}
"""View of measures -> view of what adds up to it: measures without histograms, who waits now, and what is confirmed."""

WITH_WAITING: Final = "_now"
WITH_CONFIRMED: Final = "_confirmed"
BUCKETS: Final = "_buckets"
"""What the views of the same are called that count who waits now, too, or which first-contact resolution is final; and
that of the histograms. Who does not ask does not think of them.
"""


class Resolution(Struct, frozen=True):
    """How one resolution of cells is read. `start` turns ms into the window's start in seconds."""

    view: str
    name: str
    number: int
    window: str
    start: str
    end: str
    minutes: int | None
    cell_start: str = "w.window_s"
    """Of a row `w` of those summed: the window it belongs to."""

    @property
    def sums(self) -> str:
        """The view of what adds up to it; empty if there is none."""
        return SUMS.get(self.view, "")

    @property
    def rolled(self) -> bool:
        """Whether there are sums of it in `rolled`."""
        return self.number != RESOLUTION_MINUTE


def resolutions(zone: str) -> tuple[Resolution, ...]:
    """All that there are, in a zone."""
    tz = literal(zone)
    return (
        Resolution(
            "measures",
            "minute",
            RESOLUTION_MINUTE,
            "Minute, UTC",
            "intDiv({ms}, 60000) * 60",
            "w.window_s + 60",
            1,
        ),
        Resolution(
            "measures_hour",
            "hour",
            RESOLUTION_HOUR,
            "Hour, UTC",
            "intDiv({ms}, 3600000) * 3600",
            "w.window_s + 3600",
            60,
        ),
        Resolution(
            "measures_day",
            "day",
            RESOLUTION_DAY,
            f"Start of the day in {zone}, UTC",
            f"toUnixTimestamp(toStartOfDay(toDateTime(intDiv({{ms}}, 1000), {tz})))",
            f"toUnixTimestamp(toStartOfDay(addDays(toDateTime(w.window_s, {tz}), 1)))",
            None,
        ),
        _of_days("week", "toMonday", "addWeeks", zone),
        _of_days("month", "toStartOfMonth", "addMonths", zone),
    )


def _of_days(name: str, start: str, add: str, zone: str) -> Resolution:
    """Weeks and months: cells of days, summed when they are read."""
    tz = literal(zone)

    def begins(seconds: str) -> str:
        return f"toUnixTimestamp(toDateTime({start}(toDateTime({seconds}, {tz})), {tz}))"

    return Resolution(
        f"measures_{name}",
        name,
        RESOLUTION_DAY,
        f"Start of the {'ISO week' if name == 'week' else name} in {zone}, UTC",
        begins("intDiv({ms}, 1000)"),
        f"toUnixTimestamp(toDateTime({add}({start}(toDateTime(w.window_s, {tz})), 1), {tz}))",
        None,
        begins("w.window_s"),
    )


def dimensions(resolution: Resolution, name: str = "String") -> list[Selected]:
    """Window and dimensions, these of such a type."""
    return [
        column("window_start", "DateTime('UTC')", "toDateTime(w.window_s, 'UTC')", resolution.window),
        column("channel", name, "w.channel", "Channel"),
        column("queue", name, "w.queue", "Entry queue"),
        column("segment", name, "w.segment", "Segment"),
    ]


def calendar(resolution: Resolution, setting: Setting) -> list[Selected]:
    """The window in the catalogue's zone: BI tools do not convert."""
    zone = setting.zone
    local = f"toDateTime(w.window_s, {literal(zone)})"
    if resolution.name == "week":
        return [
            column("week_start", "Date", f"toDate({local})", f"Monday of the ISO week in {zone}"),
            column("week", "UInt8", f"toISOWeek({local})", "Number of the ISO week, 1 to 53"),
            column("year", "UInt16", f"toISOYear({local})", "Year the ISO week belongs to"),
        ]
    if resolution.name == "month":
        return [column("month", "Date", f"toDate({local})", f"First of the month in {zone}")]
    is_open = _is_open(resolution, local) if setting.opening else "CAST(NULL AS Nullable(UInt8))"
    return [
        column("day", "Date", f"toDate({local})", f"Date in {zone}"),
        column("week_start", "Date", f"toMonday({local})", f"Monday of the ISO week in {zone}"),
        column("month", "Date", f"toDate(toStartOfMonth({local}))", f"First of the month in {zone}"),
        column("hour", "UInt8", f"toHour({local})", f"Hour of the window's start in {zone}, 0 to 23"),
        column("weekday", "UInt8", f"toDayOfWeek({local})", f"Weekday in {zone}, Monday 1 to Sunday 7"),
        column(
            "is_open",
            "Nullable(UInt8)",
            is_open,
            "1 if the default calendar is open at some time of the window, holidays counted; NULL without a calendar",
        ),
    ]


def _is_open(resolution: Resolution, local: str) -> str:
    def opening(name: str) -> str:
        return f"joinGet({OPENING}, '{name}', toDate({local}))"

    if resolution.minutes is None:
        is_open = f"notEmpty({opening('from_minute')})"
    else:
        minute = f"(toHour({local}) * 60 + toMinute({local}))"
        overlap = f"(f, t) -> f < {minute} + {resolution.minutes} AND t > {minute}"
        is_open = f"arrayExists({overlap}, {opening('from_minute')}, {opening('to_minute')})"
    return f"if({opening('known')} = 1, toNullable(toUInt8({is_open})), NULL)"
