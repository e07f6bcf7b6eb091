"""Counting anew under other definitions: a contact's state is the set of its touchpoints, so states are enough. Pure.

Law: cells, rows for people and facts are what one fold of the same touchpoints under the new definitions gives. What is
not kept is when something was learned: all of it is booked in one hour, the last full one before the marker's.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from pipeline.core import audit, customers, view
from pipeline.core.cells import Contribution, settled
from pipeline.core.columnar import Rows
from pipeline.core.contact import Alike, unpack
from pipeline.core.facts import facts_of, gone, last_ms
from pipeline.core.measure import Columns
from pipeline.core.rows import ContactRows, add_contact
from pipeline.core.rules import Rulebook
from pipeline.core.steps import CELL, MARKER, Marker, StateRow, WindowKey, epoch_of

_HOUR_MS: Final = 3_600_000

ByColumn = dict[str, list[Any]]
"""Rows of a table, by column."""


class UnknownChannel(Exception):
    """The new catalogue lacks a channel that contacts are on. Their touchpoints would be lost."""

    def __init__(self, channel: str, contact_id: str) -> None:
        super().__init__(
            f"the new catalogue lacks the channel {channel!r}, which contacts that are counted are on (one of them:"
            f" {contact_id!r}): list it under `channels`, or its contacts would be lost"
        )


class Refolded(Struct):
    """What some contacts are under the new definitions. `rows`: for people; `facts`: (key of the customer, row) of the
    customer fold.
    """

    rows: Rows
    states: list[StateRow]
    facts: list[tuple[bytes, StateRow]]
    contributions: list[Contribution]


def contacts_of(rows: Iterable[StateRow], rulebook: Rulebook, columns: Columns) -> Refolded:
    """Contacts from their states. Raises UnknownChannel."""
    published = ContactRows()
    done = Refolded(published, [], [], [])
    known = rulebook.catalogue.channels
    alike = Alike()
    for row in rows:
        contact = unpack(row.key, row.state, alike)
        for touch in contact.touches:
            if touch.common.channel not in known:
                raise UnknownChannel(touch.common.channel, row.key)
        seen = view.view(contact, rulebook)
        line = seen.timeline
        done.states.append(StateRow(row.key, row.state, seen.is_live, view.last_ms(seen), row.version))
        add_contact(published, seen, contact.revised_ms, row.version)
        done.contributions.append(view.contribution(seen, columns))
        for customer_id in sorted(contact.named):
            told = (
                facts_of(line, seen.wait, row.version, 0)
                if customer_id == line.customer_id
                else gone(line, customer_id, row.version, 0)
            )
            done.facts.append((customer_id.encode(), customers.state_row(told, last_ms(told), 0)))
    return done


def customers_of(
    rows: Iterable[StateRow], rulebook: Rulebook, columns: Columns, version: int, append_ms: int
) -> Refolded:
    """Customers from the facts of their contacts, which stand together."""
    done = Refolded(customers.resolution_rows(), [], [], [])
    for customer in audit.whole_customers(rows, rulebook):
        customers.add_resolutions(done.rows, customer, list(customer.facts), version, append_ms)
        done.contributions += [
            customers.contribution(customer.linked(name), columns)
            for name, facts in customer.facts.items()
            if facts.held
        ]
    return done


def generation_hour(marker: Marker) -> int:
    """The hour in which everything is booked: before the marker's, so that no later flush writes to it, nor need any
    recovery read it.
    """
    return max(marker.append_ms // _HOUR_MS - 1, 0)


def state_block(partition: str, kind: int, rows: Sequence[StateRow]) -> ByColumn:
    """States as rows of the ledger."""
    n = len(rows)
    return _block(partition, n) | {
        "kind": [kind] * n,
        "key": [row.key for row in rows],
        "state": [row.state for row in rows],
        "is_open": [int(row.is_open) for row in rows],
        "last_ms": [row.last_ms for row in rows],
        "version": [row.version for row in rows],
    }


def cell_block(
    partition: str, cells: Sequence[tuple[WindowKey, dict[int, int]]], marker: Marker, version: int, piece: int
) -> ByColumn:
    """Cells as rows of the ledger. `piece`: which part of them all; parts of one cell are added up by whoever reads."""
    n = len(cells)
    windows = [window for window, _ in cells]
    return _block(partition, n) | {
        "kind": [CELL] * n,
        "resolution": [window[0] for window in windows],
        "window_s": [window[1] for window in windows],
        "channel": [window[2] for window in windows],
        "queue": [window[3] for window in windows],
        "segment": [window[4] for window in windows],
        "epoch": [epoch_of(version)] * n,
        "generation_hour": [generation_hour(marker)] * n,
        "generation_block": [piece] * n,
        "keys": [list(cell) for _, cell in cells],
        "values": [list(cell.values()) for _, cell in cells],
        "version": [version] * n,
    }


def marker_block(partition: str, marker: Marker, version: int, fingerprint: Callable[[int], str]) -> ByColumn:
    """The marker, which now says that the new definitions hold."""
    marker = msgspec.structs.replace(marker, fingerprint=fingerprint(marker.watermark_ms))
    return _block(partition, 1) | {
        "kind": [MARKER],
        "state": [msgspec.json.encode(marker)],
        "last_ms": [marker.watermark_ms],
        "version": [version],
    }


def _block(partition: str, n: int) -> ByColumn:
    zeros, empty = [0] * n, [""] * n
    return {
        "kind": zeros, "p": [partition] * n, "resolution": zeros, "window_s": zeros, "channel": empty, "queue": empty,
        "segment": empty, "key": empty, "epoch": zeros, "generation_hour": zeros, "generation_block": zeros,
        "keys": [[]] * n, "values": [[]] * n, "state": [b""] * n, "is_open": zeros, "last_ms": zeros, "version": zeros,
    }  # fmt: skip


def settled_cells(
    cells: dict[WindowKey, dict[int, int]], columns: Columns
) -> Iterator[tuple[WindowKey, dict[int, int]]]:
    """Cells as they are stored: without zeros, in order."""
    for window in sorted(cells):
        cell = settled(cells[window], columns)
        if cell:
            yield window, cell
