"""Small ways to get the protocol wrong, to show that the simulation sees each of them."""

import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final
from unittest.mock import patch

from agents import folding
from pipeline.core import contacts
from pipeline.core.contacts import ContactFold
from pipeline.core.customer import Customer
from pipeline.core.engine import Engine
from pipeline.core.steps import CELL
from pipeline.core.told import Told
from tests.faults.simulation.fakes import Ledger

Mutant = Callable[[], AbstractContextManager[Any]]


def changed(function: Callable[..., Any], old: str, new: str) -> Callable[..., Any]:
    """The function with one piece of its source replaced. Raises AssertionError if the piece is not there once."""
    source = textwrap.dedent(inspect.getsource(function)).removeprefix("@staticmethod\n")
    assert source.count(old) == 1, f"{function.__qualname__} has changed: {old!r} occurs {source.count(old)} times"
    found: dict[str, Any] = {}
    exec(source.replace(old, new), function.__globals__, found)  # noqa: S102 - our own source
    result: Callable[..., Any] = found[function.__name__]
    return result


def _changed(owner: type | Any, name: str, old: str, new: str) -> AbstractContextManager[Any]:
    kept = inspect.getattr_static(owner, name)
    if isinstance(kept, staticmethod):
        return patch.object(owner, name, staticmethod(changed(kept.__func__, old, new)))
    return patch.object(owner, name, changed(kept, old, new))


async def _state_then_cells(ledger: Ledger, block: Mapping[str, Sequence[Any]]) -> None:
    kinds = block["kind"]
    await ledger.insert(block, [n for n, kind in enumerate(kinds) if kind != CELL])
    await ledger.insert(block, [n for n, kind in enumerate(kinds) if kind == CELL])


async def _cells_then_state(ledger: Ledger, block: Mapping[str, Sequence[Any]]) -> None:
    kinds = block["kind"]
    await ledger.insert(block, [n for n, kind in enumerate(kinds) if kind == CELL])
    await ledger.insert(block, [n for n, kind in enumerate(kinds) if kind != CELL])


def _nothing(*_: Any) -> None:
    """Instead of something."""


_NET = """if not any(delta.values()):
                continue
            begin = begins.get"""

MUTANTS: Final[dict[str, Mutant]] = {
    "two inserts for one: state, then cells": lambda: patch.object(Ledger, "commit", _state_then_cells),
    "two inserts for one: cells, then state": lambda: patch.object(Ledger, "commit", _cells_then_state),
    "only changed rows are written": lambda: _changed(Engine, "_book", "begin = begins.get", _NET),
    "states in between are not claimed": lambda: patch.multiple(contacts, claim=_nothing, claim_all=_nothing),
    "neighbours are not touched": lambda: patch.object(Customer, "changing", lambda *_: []),
    "no chain check": lambda: _changed(Engine, "fold", "first_offset > marker.offset", "first_offset < 0"),
    "generation from raw timestamps": lambda: _changed(
        Engine, "fold", "hour_now, block_now = append_ms //", "hour_now, block_now = record.timestamp_ms //"
    ),
    "clamp by raw timestamps": lambda: _changed(
        Engine, "fold", "apply(record, append_ms,", "apply(record, record.timestamp_ms,"
    ),
    "facts to the current customer only": lambda: _changed(
        ContactFold, "_emissions", "sorted(contact.named)", "filter(None, [line.customer_id])"
    ),
    "no re-emission for a new facts topic": lambda: patch.object(ContactFold, "facts_again", lambda *_: ()),
    "what was told is taken for counted": lambda: patch.object(
        folding, "delivered", lambda told, _: max(each.version for each in told or [Told(0)])
    ),
    "reading back without the check": lambda: _changed(
        Engine, "read_back", "found.version > version_of(self.epoch, self.marker.offset)", "found.version < 0"
    ),
    "what is not written yet is evicted": lambda: _changed(
        Engine, "evict", "key in dirty or key in in_flight", "False"
    ),
    "what is in a flush under way is evicted": lambda: _changed(
        Engine, "evict", "key in dirty or key in in_flight", "key in dirty"
    ),
    "what is evicted is not known any more": lambda: _changed(
        Engine, "evict", "self._known.add([hash_of(unit) for unit in gone])", "pass"
    ),
    "recovery knows the hot ones only": lambda: patch.object(Engine, "know", lambda *_: None),
    "a contact is not forgotten while its row is there": lambda: _changed(
        ContactFold, "apply", "last_ms(work.view) < watermark_ms - self.kept_ms", "not work.view"
    ),
    "customers are read back in part": lambda: _changed(
        Ledger, "read", "if unit_of(row.key) in units]", "if unit_of(row.key) in units][:1]"
    ),
    "rows for people are not written again after recovery": lambda: _changed(
        Engine, "recover", "self._dirty_keys.update(dict.fromkeys(republish))", "pass"
    ),
    "a failed flush is forgotten": lambda: patch.object(Engine, "failed", lambda *_: None),
    "an epoch goes on with the other's offsets": lambda: _changed(
        Engine, "recover", "offset=0, append_ms=0", "append_ms=0"
    ),
}
