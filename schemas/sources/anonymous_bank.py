"""The call records of the "Anonymous Bank" call centre, 1999: a tab separated row per call, times as the clock showed.

The data were published by the Technion for research (acknowledgement of Avi Mandelbaum requested). How a row is read:
the wait is `q_time`, without a queue it is 0; a hang-up without a queue ended in the menu; PHANTOM is no call.
`0:00:00` means that it did not happen. An end far before its start is on the next day, else it is a clock error.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from schemas.codec import encode
from schemas.rejects import KEPT_BYTES, Reject
from schemas.sources.source import BadLine, Item, Output, Skipped, Source
from schemas.touchpoint import Abandoned, Answered, Closed, Queued, Requested, Touchpoint

ZONE: Final = ZoneInfo("Asia/Jerusalem")
_NAMES: Final = [
    "vru+line",
    "call_id",
    "customer_id",
    "priority",
    "type",
    "date",
    "vru_entry",
    "vru_exit",
    "vru_time",
    "q_start",
    "q_exit",
    "q_time",
    "outcome",
    "ser_start",
    "ser_exit",
    "ser_time",
    "server",
]
COLUMNS: Final = [name.encode() for name in _NAMES]
"""The header of a file."""
QUEUES: Final = {
    "PS": "regular",
    "PE": "english",
    "IN": "internet",
    "NE": "stocks",
    "NW": "prospect",
    "TT": "callback",
}
"""Service types by their code. A code that is not here is the queue's name as it is."""

_NEVER: Final = "0:00:00"
_DAY_SECONDS: Final = 86_400


def read(lines: Iterable[bytes]) -> Iterator[Output]:
    """Two to four touchpoints per call; phantom rows are skipped, rows of another form are bad lines."""
    for number, line in enumerate(lines, 1):
        cells = line.rstrip(b"\r\n").split(b"\t")
        if cells == COLUMNS or not line.strip():
            continue
        if cells[12:13] == [b"PHANTOM"]:
            yield Skipped(number, "phantom")
            continue
        try:
            touchpoints = _touchpoints(cells)
        except ValueError as error:  # a cell that is not UTF-8 is one, too
            yield BadLine(number, Reject("bad_row", f"the row cannot be read: {error}"), line[:KEPT_BYTES])
            continue
        for touchpoint in touchpoints:
            yield Item(number, encode(touchpoint))


def _touchpoints(cells: list[bytes]) -> list[Touchpoint]:
    """The touchpoints of one call, in order. Raises ValueError."""
    if len(cells) != len(COLUMNS):
        raise ValueError(f"{len(cells)} columns, expected {len(COLUMNS)}")
    row = dict(zip(_NAMES, (cell.decode().strip() for cell in cells), strict=True))
    line, call, date, outcome = row["vru+line"], row["call_id"], row["date"], row["outcome"]
    if not line or not call:
        raise ValueError("vru+line or call_id is empty")
    if outcome not in {"AGENT", "HANG"}:
        raise ValueError(f"outcome is {outcome!r}, expected AGENT, HANG or PHANTOM")
    waited_seconds = int(row["q_time"])
    if waited_seconds < 0:
        raise ValueError(f"q_time is {waited_seconds}, below 0")

    # Seconds since midnight of the row's date, on the wall clock.
    entered = _seconds(row["vru_entry"])
    queued = row["q_start"] != _NEVER or waited_seconds > 0
    left_menu = row["vru_entry"] if row["vru_exit"] == _NEVER else row["vru_exit"]
    wait_began = _rolled(entered, _seconds(row["q_start"] if queued else left_menu))
    midnight = _midnight(date)
    wait_began_ms = _utc_ms(midnight, wait_began)
    wait_ended_ms = wait_began_ms + waited_seconds * 1000

    contact_id, queue = f"{date}-{line}-{call}", QUEUES.get(row["type"], row["type"]) or None
    customer_id = None if row["customer_id"] in {"", "0"} else row["customer_id"]
    # The clocks of menu and queue differ by up to a minute; the request is never later than what followed it.
    requested_ms = _utc_ms(midnight, min(entered, wait_began))
    # The numbers in the ids keep the order of touchpoints at one time.
    made: list[Touchpoint] = [
        Requested(
            id="1-requested",
            time=requested_ms,
            contact_id=contact_id,
            channel="phone",
            customer_id=customer_id,
            direction="inbound",
        )
    ]
    if queued:
        made.append(Queued(id="2-queued", time=wait_began_ms, contact_id=contact_id, channel="phone", queue=queue))
    if outcome == "HANG":
        made.append(
            Abandoned(id="3-abandoned", time=wait_ended_ms, contact_id=contact_id, channel="phone", queue=queue)
        )
        return made
    made.append(
        Answered(
            id="3-answered",
            time=wait_ended_ms,
            contact_id=contact_id,
            channel="phone",
            queue=queue,
            agent_id=None if row["server"] in {"", "NO_SERVER"} else row["server"],
        )
    )
    if row["ser_exit"] != _NEVER or row["ser_start"] != _NEVER:
        ended = _rolled(wait_began + waited_seconds, _seconds(row["ser_exit"]))
        closed_ms = max(_utc_ms(midnight, ended), wait_ended_ms)
        made.append(Closed(id="4-closed", time=closed_ms, contact_id=contact_id, channel="phone"))
    return made


def _rolled(start: int, end: int) -> int:
    """`end`, a day later if it lies so far before `start` that midnight was between them."""
    return end + _DAY_SECONDS if start - end > _DAY_SECONDS // 2 else end


def _seconds(text: str) -> int:
    """Seconds since midnight of `h:mm:ss`. Raises ValueError."""
    parts = text.split(":")
    if len(parts) == 3 and all(part.isdecimal() for part in parts):
        hours, minutes, seconds = (int(part) for part in parts)
        if hours < 24 and minutes < 60 and seconds < 60:
            return hours * 3600 + minutes * 60 + seconds
    raise ValueError(f"{text!r} is no time of day, expected h:mm:ss")


def _midnight(date: str) -> datetime:
    """Midnight of `yymmdd` of the last century, without a zone. Raises ValueError."""
    if len(date) == 6 and date.isdecimal():
        return datetime(1900 + int(date[:2]), int(date[2:4]), int(date[4:]))  # noqa: DTZ001  (the wall clock)
    raise ValueError(f"date is {date!r}, expected yymmdd")


def _utc_ms(midnight: datetime, seconds: int) -> int:
    """Milliseconds since the epoch of a wall clock time, which may lie beyond midnight."""
    local = (midnight + timedelta(seconds=seconds)).replace(tzinfo=ZONE)
    return int(local.timestamp()) * 1000


SOURCE: Final = Source("anonymous-bank", 'call records of the "Anonymous Bank", 1999 (Technion)', read)
