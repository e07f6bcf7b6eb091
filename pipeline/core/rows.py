"""What the contact fold writes for people: rows of the tables `contacts` and `touchpoints`."""

from collections.abc import Sequence
from typing import Any, Final

from librt.strings import BytesWriter, write_i64_le
from mypy_extensions import i64, mypyc_attr

from pipeline.core.columnar import Arrays, Rows, put, put_text
from pipeline.core.happened import Happened, happened, heard_ms, reached_ms
from pipeline.core.response import deadline_ms
from pipeline.core.steps import epoch_of, version_of
from pipeline.core.view import View
from schemas.touchpoint import Touchpoint

Kept = tuple[Touchpoint, bytes | None, int, int, int]
"""A touchpoint that changed its contact: itself, as it came, effective time, append time, offset."""


def touchpoint_rows(kept: Sequence[Kept], version: int) -> dict[str, list[Any]]:
    """Rows of table `touchpoints`: only what counted when it came, so of one id the newest is the one that counts."""
    epoch = epoch_of(version)
    return {
        "contact_id": [t.contact_id for t, *_ in kept],
        "id": [t.id for t, *_ in kept],
        "revision": [t.revision for t, *_ in kept],
        "type": [str(t.__struct_config__.tag) for t, *_ in kept],
        "time_ms": [row[2] for row in kept],
        "append_ms": [row[3] for row in kept],
        "channel": [t.channel for t, *_ in kept],
        "customer_id": [t.customer_id or "" for t, *_ in kept],
        "queue": [t.queue or "" for t, *_ in kept],
        "segment": [t.segment or "" for t, *_ in kept],
        "topic": [t.topic or "" for t, *_ in kept],
        "agent_id": [t.agent_id or "" for t, *_ in kept],
        "direction": [t.direction or "inbound" for t, *_ in kept],
        "source": [t.source or "" for t, *_ in kept],
        "body": [(row[1] or b"").decode() for row in kept],
        "offset": [row[4] for row in kept],
        "epoch": [epoch] * len(kept),
        "version": [version_of(epoch, row[4] + 1) for row in kept],
    }


_TEXTS: Final = ("contact_id", "customer_id", "topic")
_FEW: Final = ("channel", "queue", "segment", "direction", "source", "outcome", "refused_reason")
_INTEGERS: Final = (
    "requested_ms", "wait_began_ms", "queued_ms", "answered_ms", "wait_ended_ms", "abandoned_ms", "first_clock_ms",
    "first_reply_ms", "first_closed_ms", "last_closed_ms", "wait_ms", "first_response_ms", "target_ms", "in_target",
    "response_due", "response_deadline_ms", "response_in_target", "transfers", "touchpoints", "is_open", "discarded",
    "heard_ms", "reached_ms", "revised_ms", "version",
)  # fmt: skip
CONTACT_ROW: Final = (*_TEXTS, *_FEW, "note_ms", "note", "note_detail", "note_value", *_INTEGERS)
"""Columns of table `contacts` (all but `p`)."""


@mypyc_attr(acyclic=True)
class ContactRows(Rows):
    """Rows of table `contacts`, each with any number of notes."""

    def __init__(self) -> None:
        super().__init__(_TEXTS, _FEW, _INTEGERS)
        self.notes: i64 = 0
        self.note_ends = BytesWriter()
        self.note_ms = BytesWriter()
        self.note = BytesWriter()
        self.note_detail = BytesWriter()
        self.note_value = BytesWriter()

    def columns(self) -> dict[str, Any]:
        """By name, in the order of `CONTACT_ROW`, each a sequence. Raises ValueError where not all rows are whole."""
        found, ends = super().columns(), self.note_ends.getvalue()
        return {
            **{name: found.pop(name) for name in (*_TEXTS, *_FEW)},
            "note_ms": Arrays(self.note_ms.getvalue(), ends),
            "note": Arrays(self.note.getvalue(), ends, of_texts=True),
            "note_detail": Arrays(self.note_detail.getvalue(), ends, of_texts=True),
            "note_value": Arrays(self.note_value.getvalue(), ends),
            **found,
        }


def add_contact(
    into: ContactRows, seen: View, revised_ms: int, version: int, notes: Sequence[Happened] | None = None
) -> None:
    """One row of table `contacts`: what data teams read of a contact. `notes`: what happened, if that is known."""
    line, waited = seen.timeline, seen.wait
    if notes is None:
        notes = happened(line, waited)
    texts = into.texts
    put_text(texts[0], line.contact_id)
    put_text(texts[1], line.customer_id)
    put_text(texts[2], line.topic)
    few = into.few
    few[0].put(line.channel)
    few[1].put(line.queue)
    few[2].put(line.segment)
    few[3].put("inbound" if line.inbound else "outbound")
    few[4].put(line.source)
    few[5].put("" if waited is None else waited.outcome)
    few[6].put(line.refused_reason)
    for each in notes:
        write_i64_le(into.note_ms, each.at_ms)
        put_text(into.note, each.what)
        put_text(into.note_detail, each.detail)
        write_i64_le(into.note_value, each.value)
    into.notes += len(notes)
    write_i64_le(into.note_ends, into.notes)
    integers = into.integers
    write_i64_le(integers, line.requested_ms)
    put(integers, None if waited is None else waited.began_ms)
    put(integers, line.queued_ms)
    put(integers, line.answered_ms)
    put(integers, None if waited is None else waited.ended_ms)
    put(integers, line.abandoned_ms)
    first = seen.clocks[0] if seen.clocks else None
    put(integers, None if first is None else first.began_ms)
    put(integers, None if first is None else first.replied_ms)
    put(integers, line.first_closed_ms)
    put(integers, line.last_closed_ms)
    answered = waited is not None and waited.outcome == "answered"
    put(integers, waited.length_ms if waited is not None and answered else None)
    put(integers, None if first is None or first.replied_ms is None else first.length_ms)
    target_ms = None if waited is None else waited.target_ms
    put(integers, target_ms)
    met = waited is not None and target_ms is not None and waited.length_ms <= target_ms
    put(integers, int(met) if answered and target_ms is not None else None)
    write_i64_le(integers, int(seen.response_due))
    put(integers, deadline_ms(line, first) if first is not None and first.running else None)
    put(integers, None if first is None or first.running else int(first.in_target))
    write_i64_le(integers, line.transfers)
    write_i64_le(integers, len(line.touches))
    write_i64_le(integers, int(seen.is_open))
    write_i64_le(integers, int(line.discarded_ms is not None))
    put(integers, heard_ms(line))
    put(integers, reached_ms(line))
    write_i64_le(integers, revised_ms)
    write_i64_le(integers, version)
