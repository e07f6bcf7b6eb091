"""Asterisk's queue_log: `epoch|call|queue|member|EVENT|parameters`, a line per event; or what AMI says of the same.

Real: lines of documentation and a blog (grade C) with ADDMEMBER, ENTERQUEUE, ABANDON and QUEUESTART. Only documented:
the parameters of all others, and AMI (`schemas.sources.asterisk_ami`). A file that begins like AMI is read as AMI. Not
read: CSV exports, whose parameters are in another order.

- A contact is a call, by Asterisk's unique id, which is unique on one machine only: where several write, set
  `systemname` in asterisk.conf on each. No contact.requested: a call enters the log when it enters a queue.
- A wait whose beginning is not in the lines is as long as Asterisk says (`hold` in seconds; the ring time is in ms).
- RINGNOANSWER is an alert, not an answer, and most lines of some logs: left out first.
- EXITWITHTIMEOUT, EXITEMPTY and EXITWITHKEY end the wait without an answer (refused). Should the call come to a queue
  after all, a later revision takes that back. QUEUESTART ends the waits of all calls that Asterisk had when it died.
- After a transfer nobody logs the end of the call: it stays without a closing.
- The caller's number is never read. A member is kept if it is an interface (`PJSIP/204`), not if it is a person's name
  or an interface to a telephone number.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from schemas.codec import encode
from schemas.rejects import Reject
from schemas.sources.asterisk_ami import Block, blocks, cells_of, is_ami
from schemas.sources.payloads import LONGEST_NAME, needed, time_of
from schemas.sources.source import BadLine, Item, Output, Skipped, Source
from schemas.sources.times import seconds_ms
from schemas.touchpoint import Abandoned, Answered, Closed, Queued, Refused, Resumed, Touchpoint, Transferred

ENTER: Final = "ENTERQUEUE"
CONNECT: Final = "CONNECT"
ABANDON: Final = "ABANDON"
START: Final = "QUEUESTART"
COMPLETE: Final = frozenset({"COMPLETEAGENT", "COMPLETECALLER"})
EXIT: Final = frozenset({"EXITWITHTIMEOUT", "EXITEMPTY", "EXITWITHKEY"})
TRANSFER: Final = frozenset({"TRANSFER", "BLINDTRANSFER", "ATTENDEDTRANSFER"})
ALERT: Final = (b"|RINGNOANSWER|", b"|RINGCANCELED|")
HOLD_PARAMETER: Final = {CONNECT: 0, ABANDON: 2}
"""Which parameter says how long the caller waited, in seconds."""
NO_CALL: Final = frozenset({"", "NONE", "REALTIME", "MANAGER", "CLI"})
"""What stands in place of a call's id in lines that are of no call."""

_CALL_EVENTS: Final = frozenset({ENTER, CONNECT, ABANDON}) | COMPLETE | EXIT | TRANSFER
_INTERFACE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*/(?!\+?\d{7,}(?!\w))[\w.@/;-]+", re.ASCII)
_LONGEST_CALL: Final = 96
_BACK_IN_A_QUEUE_MS: Final = 3_600_000  # an exit is remembered for an hour of the log's time


def read(lines: Iterable[bytes]) -> Iterator[Output]:
    """One touchpoint, seldom more, per line (or AMI event) of a call, in their order. A line of another form is a bad
    line.
    """
    numbered = enumerate(lines, 1)
    first = next(((number, line) for number, line in numbered if line.strip()), None)
    if first is None:
        return
    whole = chain([first], numbered)
    calls = _Calls()
    if is_ami(first[1]):
        for block in blocks(whole):
            yield from _read_event(block, calls)
    else:
        for number, line in whole:
            yield from _read_line(number, line, calls)


class _Calls:
    """Which calls wait, and which have left a queue without an answer."""

    def __init__(self) -> None:
        self.waiting: dict[str, Queued] = {}
        self.left: dict[str, Refused] = {}


def _read_line(number: int, line: bytes, calls: _Calls) -> Iterator[Output]:
    if any(alert in line for alert in ALERT):
        yield Skipped(number, "agent alert")
        return
    if not line.strip():
        return
    cells = [cell.strip() for cell in line.decode("utf-8", "replace").split("|")]
    event = cells[4] if len(cells) > 4 else ""
    if event and event != START and event not in _CALL_EVENTS:
        yield Skipped(number, "no call event")
    elif event and event != START and cells[1] in NO_CALL:
        yield Skipped(number, "no call id")
    else:
        yield from _outputs(number, cells, calls, "line")


def _read_event(block: Block, calls: _Calls) -> Iterator[Output]:
    try:
        cells = cells_of(block)
    except ValueError as error:
        yield BadLine(block.line, Reject("bad_row", f"the event cannot be read: {error}"), b"")
        return
    if isinstance(cells, str):
        yield Skipped(block.line, cells)
    elif cells[1] in NO_CALL:
        yield Skipped(block.line, "no call id")
    else:
        yield from _outputs(block.line, cells, calls, "event")


def _outputs(number: int, cells: list[str], calls: _Calls, what: str) -> Iterator[Output]:
    try:
        made = _touchpoints(cells, calls.waiting, calls.left)
    except ValueError as error:  # the line is not kept: it may hold the caller's number
        yield BadLine(number, Reject("bad_row", f"the {what} cannot be read: {error}"), b"")
        return
    if not made:
        yield Skipped(number, "no call event")
    for touchpoint in made:
        yield Item(number, encode(touchpoint))


def _touchpoints(cells: list[str], waiting: dict[str, Queued], left: dict[str, Refused]) -> list[Touchpoint]:
    """What one line says. Keeps up with which calls wait and which have left a queue. Raises ValueError."""
    if len(cells) < 5:
        raise ValueError(f"{len(cells)} fields, expected epoch|call|queue|member|EVENT")
    epoch, call, queue, member, event, *parameters = cells
    time = needed(time_of(seconds_ms, {"epoch": epoch}, "epoch"), "epoch")
    if event == START:
        # Not those that entered later: a log may be read twice in a row.
        lost = {each: queued.queue or "" for each, queued in waiting.items() if queued.time <= time}
        for each in lost:
            del waiting[each]
        return [_refused(*each, time, event) for each in lost.items()]
    if not call.isprintable() or len(call) > _LONGEST_CALL:
        raise ValueError(f"the second field is no id of a call of at most {_LONGEST_CALL} printable characters")
    if not queue.isprintable() or not 0 < len(queue) <= LONGEST_NAME // 2:
        raise ValueError("the third field is no name of a queue of 1 to 64 printable characters")
    if event == ENTER:
        waiting[call] = queued = _queued(call, queue, time)
        return [*_taken_back(left, call, time), queued]
    made: list[Touchpoint] = []
    if event in HOLD_PARAMETER and call not in waiting:
        made.append(_queued(call, queue, time - _hold_ms(parameters, HOLD_PARAMETER[event])))
    waiting.pop(call, None)
    if event in EXIT:
        left[call] = refused = _refused(call, queue, time, event)
        return [refused]
    return [*made, _ended(event, call, queue, member, time)]


def _queued(call: str, queue: str, time: int) -> Queued:
    return Queued(
        id=f"{time // 1000}-1-queued-{queue}", time=time, contact_id=_contact(call), channel="phone", queue=queue
    )


def _refused(call: str, queue: str, time: int, event: str) -> Refused:
    identity = f"{time // 1000}-2-{event.lower()}-{queue}"
    return Refused(id=identity, time=time, contact_id=_contact(call), channel="phone", queue=queue)


def _taken_back(left: dict[str, Refused], call: str, time: int) -> list[Touchpoint]:
    """The end of a wait that went on in another queue, turned into what changes nothing: no hold, no end."""
    while left and next(iter(left.values())).time < time - _BACK_IN_A_QUEUE_MS:
        del left[next(iter(left))]
    refused = left.get(call)
    if refused is None or refused.time > time:
        return []
    del left[call]
    return [Resumed(id=refused.id, time=refused.time, contact_id=refused.contact_id, channel="phone", revision=1)]


def _ended(event: str, call: str, queue: str, member: str, time: int) -> Touchpoint:
    """CONNECT, ABANDON, COMPLETE and TRANSFER. The numbers in the ids keep their order within a second."""
    contact_id, second = _contact(call), time // 1000
    agent_id = member if len(member) <= LONGEST_NAME and _INTERFACE.fullmatch(member) else None
    if event == CONNECT:
        identity = f"{second}-3-answered"
        return Answered(id=identity, time=time, contact_id=contact_id, channel="phone", queue=queue, agent_id=agent_id)
    if event == ABANDON:
        return Abandoned(id=f"{second}-3-abandoned", time=time, contact_id=contact_id, channel="phone", queue=queue)
    if event in TRANSFER:
        identity = f"{second}-4-transferred"
        return Transferred(id=identity, time=time, contact_id=contact_id, channel="phone", agent_id=agent_id)
    return Closed(id=f"{second}-5-closed", time=time, contact_id=contact_id, channel="phone", agent_id=agent_id)


def _contact(call: str) -> str:
    return f"asterisk:{call}"


def _hold_ms(parameters: list[str], position: int) -> int:
    """How long the caller waited by Asterisk's own count. Raises ValueError."""
    seconds = parameters[position] if position < len(parameters) else ""
    if not seconds.isascii() or not seconds.isdecimal() or len(seconds) > 6:
        raise ValueError(f"parameter {position + 1} is no number of seconds of up to 6 digits")
    return int(seconds) * 1000


SOURCE: Final = Source("asterisk", "Asterisk's queue_log file, or AMI", read)
