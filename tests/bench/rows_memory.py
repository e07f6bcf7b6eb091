"""Bytes per contact that a worker holds: open ones, and closed ones that are kept for follow-ups.

Both folds in a process of its own, as they are after every flush: contacts of eight touchpoints with identifiers of 36
characters, each of a customer of its own, spread over the follow-up window of seven days. What counts is what more
contacts add to the process, all in: the packed contact (for half a day), what the live values look at, its place in
dictionaries, the filter of known ids, and the customer.

So it is measured with all of them, and with half as many, and the difference counts. What is in both does not grow with
contacts: the interpreter and its modules, the contacts in hand between two flushes, and what it takes to lay out a
flush. The note says how much that is.
"""

import gc
import subprocess
import sys
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, Final
from uuid import UUID

import msgspec

from pipeline.core.engine import Engine
from pipeline.core.record import Record
from schemas.topics import CONTACT_FACTS, TOUCHPOINTS
from tests.bench.fold import engines
from tests.bench.rows import Options, Report, Result, Stack

BOUNDS: Final = {"open": 1_000.0, "closed": 350.0}
"""Bytes a contact may take."""
_BEGIN_MS: Final = 1_790_000_000_000
_SPAN_MS: Final = 7 * 86_400_000
"""The follow-up window: every customer is held."""
_AT_ONCE: Final = 5_000
_CALL: Final[Sequence[tuple[int, dict[str, Any]]]] = (
    (0, {"type": "contact.requested", "topic": "billing"}),
    (1_000, {"type": "contact.queued"}),
    (21_000, {"type": "contact.informed", "reason": "estimate", "estimate_ms": 60_000}),
    (61_000, {"type": "contact.answered", "agent_id": "agent-107"}),
    (95_000, {"type": "contact.held", "agent_id": "agent-107"}),
    (120_000, {"type": "contact.resumed", "agent_id": "agent-107"}),
    (180_000, {"type": "contact.transferred", "queue": "queue-23"}),
    (240_000, {"type": "contact.closed", "resolved": True}),
)
_MAIL: Final[Sequence[tuple[int, dict[str, Any]]]] = (
    (0, {"type": "contact.requested", "topic": "billing"}),
    *((n * 600_000, {"type": "message.sent" if n % 2 else "message.received"}) for n in range(1, 7)),
    (4_200_000, {"type": "message.received"}),
)
_KINDS: Final = {"open": ("email", _MAIL), "closed": ("phone", _CALL)}


def run(_stack: Stack, options: Options, report: Report) -> list[Result]:
    """As many contacts as the run has touchpoints: a million, unless less was asked for."""
    found = []
    report.begin("memory", len(BOUNDS))
    for done, (kind, bound) in enumerate(BOUNDS.items(), 1):
        contacts = options.touchpoints
        half, whole = _measured(kind, contacts // 2), _measured(kind, contacts)
        each = (whole - half) / (contacts - contacts // 2)
        fixed = whole - contacts * each
        note = (
            f"{contacts:,} contacts of 8 touchpoints, ids of 36 characters, both folds, resident memory;"
            f" beside {fixed / 1e6:,.0f} MB however many there are"
        )
        found.append(Result(f"touchline_memory_{kind}", each, "bytes/contact", bound, at_least=False, note=note))
        report.at(done)
    return found


def _measured(kind: str, contacts: int) -> int:
    """What a process of its own takes that holds these contacts."""
    command = [sys.executable, "-m", "tests.bench.rows_memory", kind, str(contacts)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise RuntimeError(answer.stderr.strip().rsplit("\n", 1)[-1])
    return int(answer.stdout)


def taken(kind: str, contacts: int) -> int:
    """Bytes of this process when it has folded them."""
    rng = Random(7)
    contact_engine, customer_engine = engines(TOUCHPOINTS, 1)[0], engines(CONTACT_FACTS, 1)[0]
    for start in range(0, contacts, _AT_ONCE):
        at_ms = _BEGIN_MS + _SPAN_MS * start // contacts
        _fold(contact_engine, customer_engine, list(_records(rng, kind, min(_AT_ONCE, contacts - start), at_ms)))
    held = len(contact_engine.fold_.open) if kind == "open" else len(customer_engine.fold_.packed)  # type: ignore[attr-defined]
    if held < contacts:
        raise RuntimeError(f"{held:,} of {contacts:,} {kind} contacts are held")
    gc.collect()
    return _resident()


def _fold(contact_engine: Engine, customer_engine: Engine, records: list[tuple[int, bytes, bytes]]) -> None:
    """Fold, write and forget what has long been quiet, in both, as a worker does."""
    told = _through(contact_engine, records)
    _through(customer_engine, [(records[-1][0], key, value) for _, key, value in told])


def _through(engine: Engine, records: list[tuple[int, bytes, bytes]]) -> list[tuple[str, bytes, bytes]]:
    first = engine.position
    log = [Record(first + n, at_ms, key, value) for n, (at_ms, key, value) in enumerate(records)]
    engine.fold(first, first + len(log), log)
    done = engine.flush()
    if done is None:
        return []
    engine.flushed(done)
    engine.evict(len(log))
    return done.emissions


def _records(rng: Random, kind: str, contacts: int, begin_ms: int) -> Iterator[tuple[int, bytes, bytes]]:
    channel, touchpoints = _KINDS[kind]
    for _ in range(contacts):
        contact_id, customer_id = _uuid(rng), _uuid(rng)
        common = {
            "contact_id": contact_id,
            "customer_id": customer_id,
            "channel": channel,
            "queue": f"queue-{rng.randrange(50)}",
            "segment": "private",
            "source": "bench",
        }
        for after_ms, fields in touchpoints:
            at_ms = begin_ms + after_ms
            value = {"id": _uuid(rng), "time": at_ms, **common, **fields}
            yield at_ms, contact_id.encode(), msgspec.json.encode(value)


def _uuid(rng: Random) -> str:
    return str(UUID(int=rng.getrandbits(128)))


def _resident() -> int:
    """Bytes of this process in memory."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - a page of the kernel's
        return int(file.read().split()[1]) * 4_096


if __name__ == "__main__":
    print(taken(sys.argv[1], int(sys.argv[2])))  # noqa: T201
