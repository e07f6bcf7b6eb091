"""AMI, Asterisk's manager interface: events as blocks of `Key: value` lines, turned into the fields of queue_log lines.

Only documented: every event (Asterisk 13 and later). Events tell the time only with `timestampevents = yes` in
manager.conf; without it they are bad lines, since the time of reading is not the time of happening.
QueueCallerLeave comes before AgentConnect as well as before an abandonment, so it means nothing by itself.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

BANNER: Final = "Asterisk Call Manager/"
_ALERTS: Final = frozenset({"AgentCalled", "AgentRingNoAnswer", "QueueCallerLeave"})
_ENDS: Final = {"agent": "COMPLETEAGENT", "caller": "COMPLETECALLER", "transfer": "TRANSFER"}
_MOST_LINES: Final = 200


class Block(Struct, frozen=True):
    """One event: the number of its first line, and its fields by lower-case name."""

    line: int
    fields: dict[str, str]


def is_ami(line: bytes) -> bool:
    """Whether a file that begins with this line is AMI and not queue_log."""
    text = line.decode("utf-8", "replace")
    key, colon, _ = text.partition(":")
    return text.startswith(BANNER) or (bool(colon) and key.isalpha() and "|" not in text)


def blocks(lines: Iterable[tuple[int, bytes]]) -> Iterator[Block]:
    """Events, apart by blank lines."""
    begun, fields = 0, dict[str, str]()
    for number, line in lines:
        text = line.decode("utf-8", "replace").strip()
        key, colon, value = text.partition(":")
        if colon and len(fields) < _MOST_LINES:
            begun = begun or number
            fields.setdefault(key.strip().lower(), value.strip())
        elif not text and fields:
            yield Block(begun, fields)
            begun, fields = 0, {}
    if fields:
        yield Block(begun, fields)


def cells_of(block: Block) -> list[str] | str:
    """The event as `epoch, call, queue, member, EVENT, parameters`, or why it is left out. Raises ValueError."""
    fields = block.fields
    event = fields.get("event", "")
    if event in _ALERTS:
        return "agent alert"
    known = {
        "QueueCallerJoin": ("ENTERQUEUE", ["", "", fields.get("position", "")]),
        "AgentConnect": ("CONNECT", [fields.get("holdtime", "")]),
        "QueueCallerAbandon": ("ABANDON", ["", "", fields.get("holdtime", "")]),
        "AgentComplete": (_ENDS.get(fields.get("reason", "").lower(), "COMPLETEAGENT"), []),
    }.get(event)
    if known is None:
        return "no call event"
    if not fields.get("timestamp"):
        raise ValueError("it tells no time; set timestampevents = yes in manager.conf")
    name, parameters = known
    member = fields.get("interface", "NONE")
    return [fields["timestamp"], fields.get("uniqueid", ""), fields.get("queue", ""), member, name, *parameters]
