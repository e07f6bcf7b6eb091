"""The engine: one partition of a folded topic, from batches to flushes. Pure; the steps of the protocol come out as
data.

Law: what is written for offset o is a function of the log up to o alone. It does not depend on how the log was cut into
batches, on who wrote it, or on how often it was begun again. So owners need no fencing (design, section 4).

A cell is counted in the *generation* (hour of append time, offset div 2^20) in which it was learned; readers sum over
generations. The engine holds the cells of the current generation and never needs older ones.

Memory is a cache: the fold holds the contacts (customers) that were touched lately. `cold` names what has to be read
back before a batch is folded, `evict` lets go of what has long been quiet and is written.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from librt.strings import BytesWriter, write_i64_le
from mypy_extensions import i64, mypyc_attr

from pipeline.core.cells import Contribution, Tally, tally_in, tally_of
from pipeline.core.columnar import Arrays, Few, Integers, Rows, Texts, repeated
from pipeline.core.known import Known, hash_of
from pipeline.core.measure import Columns
from pipeline.core.poison import Limits, Poison
from pipeline.core.record import Record
from pipeline.core.steps import (
    CELL,
    DAY,
    HOUR,
    HOUR_S,
    MARKER,
    MINUTE,
    CellsByGeneration,
    Flush,
    Generation,
    Marker,
    Published,
    ReadBack,
    Recovered,
    StateRow,
    WindowKey,
    Written,
    epoch_of,
    unit_of,
    version_of,
)
from pipeline.core.told import Told, noted, reached
from pipeline.core.zone import Zone
from schemas.rejects import DeadLetter, Reject, dead_letter
from schemas.vocabulary import OTHER

_HOUR_MS = 3_600_000  # not Final, so read when it is needed: the simulation makes hours short
_BLOCK_BITS = 20  # as above
_CELL_BYTES: Final = 600
"""What a cell takes in a flush, about: some forty numbers with their keys."""
_CELLS_OF_A_STATE: Final = 4
"""How many cells a contact touches that nobody else did, about."""
_UNSETTLED = 10_000
"""So many contacts may wait to be settled, and as many more are then settled at once: some tenths of a second in which
nothing else happens.
"""
_ENVELOPE_BYTES: Final = 64
"""What a touchpoint's JSON has and its packed form has not, at least: names, quotes, the contact's id."""
RECENT_MINUTES_S: Final = 75 * 60
"""How far back of the watermark minute cells are kept for the live totals."""
MOST_QUEUES_SHOWN: Final = 2_000
"""So many queue names of a partition have live totals of their own."""
_TIME: Final = ("resolution", "window_s")
_PLACE: Final = ("channel", "queue", "segment")
"""What a `WindowKey` says, as columns of the ledger."""


_Hour = tuple[Any, ...]
"""Beginnings of a day and of an hour of it, in seconds, and dimensions. Where clocks differ from UTC by half hours, an
hour may lie in two days.
"""


class Hole(Exception):
    """The batch begins after the position: records in between were dropped on the way, or the log has lost them."""

    def __init__(self, partition: str, position: int, from_offset: int) -> None:
        super().__init__(f"{partition}: expected offset {position}, got {from_offset}")
        self.position = position
        self.from_offset = from_offset


class OtherDefinitions(Exception):
    """The ledger was written under other measures or another catalogue; the two must not be mixed."""

    def __init__(self, partition: str, found: str, own: str) -> None:
        super().__init__(
            f"{partition} was counted under other definitions (fingerprint {found}, ours {own}): name the catalogue it"
            " was counted by (--catalogue), let new targets begin in the future (valid_from), or count everything anew:"
            " touchline rebuild --catalogue FILE (without it where measures changed and not the catalogue)."
        )


class OtherLog(Exception):
    """The topic has been deleted and made again: its offsets mean other records than those that were counted."""

    def __init__(self, partition: str, found: str, own: str) -> None:
        topic = partition.rpartition("/")[0]
        super().__init__(
            f"{partition} was counted from another topic of this name (id {found}, now {own}): it was deleted and made"
            f" again. Stop every worker, then start with TOUCHLINE_NEW_EPOCH={topic} to count it as a new log, or point"
            " touchline at the right cluster."
        )


class NewerLog(Exception):
    """The ledger stands at a later incarnation of the topic: this worker still has the one before."""

    def __init__(self, partition: str, found: int, own: int) -> None:
        super().__init__(
            f"{partition} is counted from incarnation {found} of its topic, and this worker has incarnation {own}: it"
            " was started before the topic was made again. Start it anew."
        )


class BehindLedger(Exception):
    """The ledger stands further than we do: somebody has been ahead, and what we hold is old. Recover."""

    def __init__(self, partition: str) -> None:
        super().__init__(f"{partition}: somebody else has been ahead of us")


@mypyc_attr(acyclic=True, free_list_len=1)
class Applied:
    """What one record did. `changed` False: it is a duplicate. `clamped`: the source whose clock was ahead, if any."""

    __slots__ = ("at_ms", "changed", "clamped")

    def __init__(self, changed: bool, at_ms: int, clamped: str | None = None) -> None:  # noqa: FBT001 - by position
        self.changed = changed
        self.at_ms = at_ms
        self.clamped = clamped


class Fold(ABC):
    """What differs between the contact fold and the customer fold. It holds its units (contacts, customers) whole or
    not at all; the key of a state begins with its unit's id. A class and not a protocol: compiled code calls its
    methods as C does.
    """

    kind: int
    columns: Columns
    hot_ms: int
    """How far behind the watermark a unit is held in memory, at least."""
    kept_ms: int
    """How far behind the watermark a unit is kept in the ledger. What is older is forgotten: whether its rows are gone
    by now changes nothing that is counted from here on.
    """

    @abstractmethod
    def apply(self, record: Record, append_ms: int, watermark_ms: int) -> Applied | Reject:
        """Take in one record."""

    @abstractmethod
    def size(self, key: str) -> int:
        """Bytes of a state that is in memory, as it was when it was last packed."""

    @abstractmethod
    def write(self, keys: Iterable[str], version: int, marker: Marker) -> Written:
        """Rows for these keys and those of what has changed since the last call of `settle`, which is settled on the
        way: so each unit is in the processor's cache once. Does not change anything that a later call would miss.
        """

    @abstractmethod
    def flushed(self) -> None:
        """What `write` returned last is durable. Not called: the next `write` has to cover it."""

    @abstractmethod
    def load(self, rows: Iterable[StateRow], version: int, watermark_ms: int) -> list[str]:
        """Forget everything, take over state from the ledger; the keys whose rows for people must be written again."""

    @abstractmethod
    def holds(self, unit: str) -> bool:
        """Whether the unit is in memory."""

    @abstractmethod
    def take_back(self, rows: Iterable[StateRow]) -> None:
        """Take units from the ledger that are not in memory, each with all its rows."""

    @abstractmethod
    def evict(self, looks: int, watermark_ms: int, unwritten: Callable[[str], bool]) -> list[str]:
        """Look at so many units; forget and name those that have long been quiet and have no key that is unwritten."""

    @property
    @abstractmethod
    def unsettled(self) -> int:
        """How much has changed since the last call of `settle`, in states."""

    @abstractmethod
    def settle(self, keep: int = 0) -> tuple[Contribution, list[str]]:
        """Derive anew what has changed since the last call: what that adds to the cells, and the keys of the states.
        So many (`keep`) that began to change last may wait: more comes for them, and each is derived once.

        Law: every cell that would have been touched had the fold settled after each record is among the cells, even
        where nothing is left to add. So it does not matter where others settled (docs/decisions/0011).
        """


class Engine:
    """One partition. `fold` batches, `flush`, write, then `flushed` or `failed`; start with `recover`."""

    def __init__(
        self,
        partition: str,
        epoch: int,
        fold: Fold,
        zone: Zone,
        fingerprint: Callable[[int], str],
        limits: Limits,
        recent_days: int,
        log_id: str = "",
    ) -> None:
        self.partition = partition
        self.topic, _, number = partition.rpartition("/")
        self.number = int(number)
        self.epoch = epoch
        self.fold_ = fold
        self.zone = zone
        self.recent_days = recent_days
        self.log_id = log_id
        self.fingerprint = fingerprint
        self._limits = limits
        self._forget()

    def _forget(self) -> None:
        """As if nothing had been read."""
        self._poison = Poison(self._limits)
        self.marker = Marker()
        self.recent: dict[WindowKey, list[Tally]] = {}
        """Live totals: of each window its cells of every generation. Those of the current one are the cells themselves,
        so they are up to date without being added up.
        """
        self._recent_from: dict[int, int] = {}
        """By resolution: from which window on. What is older is no live value's any more, nor will it be."""
        self._queues_shown: set[str] = set()
        self._generation: Generation = (0, 0)
        self._cells: dict[WindowKey, Tally] = {}
        """Of the current generation. Those of generations that are over are never added to again."""
        self._dirty_cells: CellsByGeneration = {}
        self._dirty_keys: dict[str, None] = {}
        self._in_flight: dict[str, None] = {}
        """Keys of a flush of which it is not known yet whether it is durable."""
        self._known = Known()
        """Units that may be in the ledger, though not in memory."""
        self._dead_letters: list[DeadLetter] = []
        self._evidence: list[Published] = []
        self._bytes = 0
        """What the states and letters of the next flush take, about, and rather more than less."""
        self._written_offset = -1

    # -- recovery

    def recover(self, found: Recovered) -> None:
        """Take over the ledger's state, whatever was held before. Of an earlier log epoch only contacts (or facts) and
        recent cells are taken. `know` what else there is before anything is folded.
        """
        if epoch_of(found.version) > self.epoch:
            raise NewerLog(self.partition, epoch_of(found.version), self.epoch)
        self._forget()
        same_epoch = found.marker is not None and epoch_of(found.version) == self.epoch
        watermark_ms = found.marker.watermark_ms if found.marker is not None else 0
        republish = self.fold_.load(found.states, found.version, watermark_ms)
        if found.marker is not None:
            self.marker = found.marker
            expected = self.fingerprint(found.marker.watermark_ms)
            if found.marker.fingerprint != expected:
                raise OtherDefinitions(self.partition, found.marker.fingerprint, expected)
            if same_epoch and self.log_id and found.marker.log_id not in ("", self.log_id):
                raise OtherLog(self.partition, found.marker.log_id, self.log_id)
            if not same_epoch:
                before = (epoch_of(found.version), found.marker.offset)
                self.marker = msgspec.structs.replace(self.marker, offset=0, append_ms=0, before=before)
        self._generation = self._generation_of(self.marker.offset - 1)
        for row in found.cells:
            cell = tally_of(row.cell)
            self.recent.setdefault(self._shown(row.window), []).append(cell)
            if row.epoch == self.epoch and same_epoch and row.generation == self._generation:
                self._cells[row.window] = cell
        self._dirty_keys.update(dict.fromkeys(republish))
        self._prune()
        self._written_offset = self.marker.offset if same_epoch else -1

    def know(self, hashes: Sequence[int]) -> None:
        """Units that are in the ledger (`known.hash_of`). Read after what `recover` was given."""
        self._known.update(hashes)

    def told(self, facts_epoch: int, since: int, ends: Mapping[int, int]) -> None:
        """Customers have what is up to version `since`, and this incarnation of the facts topic, before these offsets,
        all facts of later ones; the next flush says so.
        """
        self.marker.facts_epoch = facts_epoch
        now = Told(version_of(self.epoch, self.marker.offset), reached((), ends))
        self.marker.told = noted([Told(since)], now)
        self._written_offset = -1

    def skip(self, first_offset: int) -> None:
        """Go on at `first_offset` although what is before it was never counted; the marker keeps how much that is."""
        self.marker.lost += first_offset - self.marker.offset
        self.marker.offset = first_offset

    @property
    def written_offset(self) -> int:
        """Everything before it is durable; -1 if nothing is."""
        return self._written_offset

    @property
    def position(self) -> int:
        """The next offset to read."""
        return self.marker.offset

    @property
    def dirty_rows(self) -> int:
        """Rows the next flush would write, but for cells of what is not settled yet."""
        return self._dirty + len(self._dirty_keys) + self.fold_.unsettled + len(self._dead_letters) + 1

    @property
    def dirty_bytes(self) -> int:
        """What the next flush would write, in bytes, about."""
        return self._bytes + _CELL_BYTES * (self._dirty + _CELLS_OF_A_STATE * self.fold_.unsettled)

    @property
    def _dirty(self) -> int:
        """Cells that the next flush writes."""
        return sum(map(len, self._dirty_cells.values()))

    # -- memory

    def cold(self, records: Iterable[Record]) -> list[str]:
        """The units these records name that may be in the ledger and are not in memory: to be read back first."""
        fold, known = self.fold_, self._known
        found: list[str] = []
        if known.nobody:
            return found
        for key in {record.key: None for record in records}:
            try:
                unit = key.decode() if key is not None else ""
            except UnicodeDecodeError:
                continue  # rejected: no id is written so
            if unit and not fold.holds(unit) and hash_of(unit) in known:
                found.append(unit)
        return found

    def read_back(self, units: Iterable[str], found: ReadBack) -> None:
        """Take back what was cold. Raises BehindLedger: what is read is then newer than what we would fold it into."""
        if found.version > version_of(self.epoch, self.marker.offset):
            raise BehindLedger(self.partition)
        wanted = {unit for unit in units if not self.fold_.holds(unit)}
        self.fold_.take_back(row for row in found.states if unit_of(row.key) in wanted)

    def evict(self, looks: int) -> None:
        """Forget some units that are quiet and written. Not between `cold` and `fold`."""
        dirty, in_flight = self._dirty_keys, self._in_flight
        gone = self.fold_.evict(looks, self.marker.watermark_ms, lambda key: key in dirty or key in in_flight)
        self._known.add([hash_of(unit) for unit in gone])

    # -- folding

    def fold(self, first_offset: int, next_offset: int, records: Iterable[Record]) -> None:
        """Fold the records [first_offset, next_offset), skipping what is folded already. Cells and live values follow
        when it is settled. Raises Hole, TooManyRejects.
        """
        marker = self.marker
        if next_offset <= marker.offset:
            return
        if first_offset > marker.offset:
            raise Hole(self.partition, marker.offset, first_offset)
        fold, poison = self.fold_, self._poison
        append_ms, watermark_ms, position = marker.append_ms, marker.watermark_ms, marker.offset
        applied = duplicate = late = size = 0
        hour, block = self._generation
        hour_ms, block_bits = _HOUR_MS, _BLOCK_BITS
        try:
            for record in records:
                offset = record.offset
                if offset < position:
                    continue
                timestamp_ms = record.timestamp_ms
                if timestamp_ms > append_ms:
                    append_ms = timestamp_ms
                hour_now, block_now = append_ms // hour_ms, offset >> block_bits
                if hour_now != hour or block_now != block:
                    self.settle()
                    hour, block = hour_now, block_now
                    self._generation = (hour, block)
                    self._cells = {}
                done = fold.apply(record, append_ms, watermark_ms)
                if not isinstance(done, Applied):
                    marker.append_ms = append_ms
                    self._reject(done, record)
                elif done.changed:
                    poison.good()
                    applied += 1
                    size += max(len(record.value or b"") - _ENVELOPE_BYTES, _ENVELOPE_BYTES)
                    if done.at_ms > watermark_ms:
                        watermark_ms = done.at_ms
                    elif done.at_ms < watermark_ms - hour_ms:
                        late += 1
                    if done.clamped is not None:
                        marker.clamped[done.clamped] = marker.clamped.get(done.clamped, 0) + 1
                else:
                    poison.good()
                    duplicate += 1
                position = offset + 1
            position = next_offset
        finally:
            marker.append_ms, marker.watermark_ms, marker.offset = append_ms, watermark_ms, position
            marker.applied += applied
            marker.duplicate += duplicate
            marker.late += late
            self._bytes += size
            if self.fold_.unsettled >= 2 * _UNSETTLED:
                self.settle(_UNSETTLED)

    def _reject(self, reject: Reject, record: Record) -> None:
        self._poison.bad(f"{self.partition} offset {record.offset}", reject.reason, reject.detail)
        rejected = self.marker.rejected
        rejected[reject.reason] = rejected.get(reject.reason, 0) + 1
        self._bytes += len(record.value or b"") + _ENVELOPE_BYTES
        self._dead_letters.append(
            dead_letter(
                reject,
                topic=self.topic,
                number=self.number,
                epoch=self.epoch,
                offset=record.offset,
                step="fold",
                key=record.key,
                value=record.value,
                append_ms=self.marker.append_ms,
            )
        )

    def settle(self, keep: int = 0) -> None:
        """Book what has changed into the cells of the current generation: minutes, and the hours and days they sum up
        to. Done before anything is written or shown; the more came since, the fewer derivations per touchpoint.
        """
        deltas, touched = self.fold_.settle(keep)
        self._book(deltas)
        fold, dirty_keys = self.fold_, self._dirty_keys
        for state_key in touched:
            if state_key not in dirty_keys:
                self._bytes += fold.size(state_key)
                dirty_keys[state_key] = None

    def _book(self, deltas: Contribution) -> None:
        """What the fold has settled."""
        self._prune()
        if deltas:
            dirty = self._dirty_cells.setdefault(self._generation, {})
            hours: dict[_Hour, Tally] = {}
            begins: dict[Any, tuple[Any, Any, Any]] = {}
            for (own_s, channel, queue, segment), delta in deltas.items():
                begin = begins.get(own_s)
                if begin is None:
                    begin = begins[own_s] = (own_s, *self._begins(own_s))
                window_s, day_s, hour_s = begin  # one number for all cells of a minute: they are kept for an hour
                hour: _Hour = (day_s, hour_s, channel, queue, segment)
                tally_in(hours, hour).add(delta)
                self._add((MINUTE, window_s, channel, queue, segment), delta, dirty)
            for (day_s, hour_s, channel, queue, segment), delta in hours.items():
                self._add((DAY, day_s, channel, queue, segment), delta.copy(), dirty)
                self._add((HOUR, hour_s, channel, queue, segment), delta, dirty)

    def _begins(self, minute_s: int) -> tuple[int, int]:
        """When the day and the hour of a minute begin, in seconds."""
        return self.zone.day_start_ms(minute_s * 1_000) // 1_000, minute_s - minute_s % HOUR_S

    def _add(self, window: WindowKey, delta: Tally, dirty: dict[WindowKey, Tally]) -> None:
        """Book into one cell of the current generation; the first delta becomes the cell."""
        cell = self._cells.setdefault(window, delta)
        if cell is not delta:
            cell.add(delta)
        elif window[1] >= self._recent_from[window[0]]:
            self.recent.setdefault(self._shown(window), []).append(cell)
        dirty[window] = cell

    def _shown(self, window: WindowKey) -> WindowKey:
        """Under which window live totals hold a cell: whatever comes after very many queue names is `other` there. What
        is stored keeps its name.
        """
        queue, known = window[3], self._queues_shown
        if queue in known:
            return window
        if len(known) >= MOST_QUEUES_SHOWN:
            return (*window[:3], OTHER, window[4])
        known.add(queue)
        return window

    def _generation_of(self, offset: int) -> Generation:
        return self.marker.append_ms // _HOUR_MS, max(offset, 0) >> _BLOCK_BITS

    def _prune(self) -> None:
        """Forget live totals that no live value looks at any more."""
        now_s = -(-self.marker.watermark_ms // 60_000) * 60  # windows begin at whole minutes
        oldest = {MINUTE: now_s - RECENT_MINUTES_S, HOUR: 1 << 62, DAY: now_s - self.recent_days * 86_400}
        if oldest != self._recent_from:
            self._recent_from = oldest
            self.recent = {window: cells for window, cells in self.recent.items() if window[1] >= oldest[window[0]]}

    # -- flushing

    def flush(self) -> Flush | None:
        """Everything touched since the last flush, as the steps of the protocol. None if there is nothing new."""
        new = self.fold_.unsettled or self._dirty_keys or self._dirty_cells or self._dead_letters
        if not new and self.marker.offset == self._written_offset:
            return None
        version = version_of(self.epoch, self.marker.offset)
        self.marker.fingerprint = self.fingerprint(self.marker.watermark_ms)
        self.marker.log_id = self.log_id
        written = self.fold_.write(self._dirty_keys, version, self.marker)
        self._book(written.delta)
        self._dirty_keys.update(dict.fromkeys(written.settled))
        keys, cells = list(self._dirty_keys), self._dirty_cells
        flush = Flush(
            self.partition,
            version,
            self.marker.offset,
            written.emissions,
            self._dead_letters,
            self._evidence + written.evidence,
            self._block(cells, written.states, version),
            written.published,
            cells,
            keys,
            _copy(self.marker),
        )
        self._in_flight = self._dirty_keys
        self._dirty_cells, self._dirty_keys, self._dead_letters, self._evidence, self._bytes = {}, {}, [], [], 0
        return flush

    def flushed(self, flush: Flush) -> None:
        """The flush is durable."""
        self._written_offset = flush.offset
        self.marker.told = flush.marker.told
        self._in_flight = {}
        self.fold_.flushed()

    def failed(self, flush: Flush) -> None:
        """The flush may or may not have landed: all it held is written again with the next one, as it is then."""
        generations = (*flush.cells, *self._dirty_cells)
        self._dirty_cells = {
            generation: {**flush.cells.get(generation, {}), **self._dirty_cells.get(generation, {})}
            for generation in generations
        }
        self._dirty_keys = {**dict.fromkeys(flush.keys), **self._dirty_keys}
        self._in_flight = {}
        self._dead_letters = flush.dead_letters + self._dead_letters
        self._evidence = flush.evidence + self._evidence
        letters = sum(len(each.value or b"") for each in flush.dead_letters)
        self._bytes += sum(map(len, flush.ledger["state"].pieces)) + letters

    def _block(self, cells: CellsByGeneration, states: Rows, version: int) -> dict[str, Any]:
        """The one block that is the commit: every touched cell, every touched state, and the marker."""
        columns = self.fold_.columns
        numbers, values, ends = BytesWriter(), BytesWriter(), BytesWriter()
        end: i64 = 0
        rows = Rows((), _PLACE, _TIME)
        (channels, queues, segments), times = rows.few, rows.integers
        hours: list[bytes] = []
        blocks: list[bytes] = []
        for (hour, block), windows in cells.items():
            for window, tally in windows.items():
                channels.put(window[2])
                queues.put(window[3])
                segments.put(window[4])
                write_i64_le(times, window[0])
                write_i64_le(times, window[1])
                end += tally.lay_out(numbers, values, columns)
                write_i64_le(ends, end)
            hours.append(repeated(hour, len(windows)))
            blocks.append(repeated(block, len(windows)))
        n, rest = len(rows), len(states) + 1
        for nowhere in rows.few:  # neither states nor the marker have a window
            nowhere.put_all("", rest)
        times.write(repeated(0, 2 * rest))
        ends.write(repeated(end, rest))
        write_i64_le(states.integers, 0)
        write_i64_le(states.integers, self.marker.watermark_ms)
        partition = Few()
        partition.put_all(self.partition, n + rest)
        bounds, none = ends.getvalue(), repeated(0, rest)
        of_state = states.columns()
        return {
            "kind": Integers(repeated(CELL, n) + repeated(self.fold_.kind, rest - 1) + repeated(MARKER, 1)),
            "p": partition,
            **rows.columns(),
            "key": Texts([bytes(n), *of_state["key"].pieces, bytes(1)], n + rest),
            "epoch": Integers(repeated(self.epoch, n) + none),
            "generation_hour": Integers(b"".join(hours) + none),
            "generation_block": Integers(b"".join(blocks) + none),
            "keys": Arrays(numbers.getvalue(), bounds),
            "values": Arrays(values.getvalue(), bounds),
            "state": Texts([bytes(n), *of_state["state"].pieces, self.marker.packed()], n + rest, raw=True),
            "is_open": Integers(repeated(0, n) + of_state["is_open"].integers),
            "last_ms": Integers(repeated(0, n) + of_state["last_ms"].integers),
            "version": Integers(repeated(version, n + rest)),
        }


def _copy(marker: Marker) -> Marker:
    return msgspec.structs.replace(marker, rejected=dict(marker.rejected), clamped=dict(marker.clamped))
