"""Rows by a plan: each becomes touchpoints, is left out, or is a bad line with its reason. Never raises for data."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from schemas.codec import MAX_DEPTH, encode, too_deep
from schemas.rejects import KEPT_BYTES, Reject
from schemas.sources.mapping.plan import (
    ISO,
    MILLISECONDS,
    SECONDS,
    UNITS,
    All,
    Chosen,
    Clock,
    Condition,
    Plan,
    Template,
    Test,
    Text,
)
from schemas.sources.source import BadLine, Item, Output, Skipped, Source
from schemas.sources.times import epoch_ms, iso_ms, seconds_ms
from schemas.touchpoint import TYPES

_HALF_DAY_MS: Final = 12 * 3_600_000
_ZONED: Final = re.compile(r"(?:Z|[+-]\d{2}:?\d{2})$", re.IGNORECASE)
_KINDS: Final = {str(kind.__struct_config__.tag): kind for kind in TYPES}
_DECODER: Final = msgspec.json.Decoder(float_hook=str)


def source_of(plan: Plan) -> Source:
    """The plan as a source."""
    return Source(plan.name, plan.about, lambda lines: read(plan, lines))


def read(plan: Plan, lines: Iterable[bytes]) -> Iterator[Output]:
    """Outputs in the order of the rows."""
    for number, line, row in _rows(plan, lines):
        if isinstance(row, str):
            yield BadLine(number, Reject("bad_row", f"the row cannot be read: {row}"), line[:KEPT_BYTES])
            continue
        try:
            why, made = _made(plan, row)
        except ValueError as error:
            yield BadLine(number, Reject("bad_row", f"the row cannot be read: {error}"), line[:KEPT_BYTES])
            continue
        if why:
            yield Skipped(number, why)
        for value in made:
            yield Item(number, value)


class Row:
    """A row's values by column. Of JSON a column is a path (`ticket.id`); what is not there is empty."""

    def __init__(self, plan: Plan, cells: Mapping[str, Any], inner: Mapping[str, Any] | None = None) -> None:
        self._plan = plan
        self._cells = cells
        self._inner = inner
        self._moments: dict[str, int | None] = {}

    def text(self, column: str) -> str:
        """The value as text without white space around it. Raises ValueError for a column that CSV does not have."""
        if self._plan.format == "csv":
            if column not in self._cells:
                raise ValueError(f"there is no column {column!r}")
            return str(self._cells[column])
        if self._inner is not None and (found := _path(self._inner, column)) is not None:
            return _shown(found)
        return _shown(_path(self._cells, column))

    def each(self, column: str) -> list["Row"]:
        """A row for every element of an array of objects."""
        found = _path(self._cells, column)
        return [
            Row(self._plan, self._cells, one)
            for one in (found if isinstance(found, list) else [])
            if isinstance(one, dict)
        ]

    def moment(self, name: str) -> int | None:
        """A named moment in ms; None where it did not happen. Raises ValueError."""
        if name not in self._moments:
            self._moments[name] = self._moment(name)
        return self._moments[name]

    def _moment(self, name: str) -> int | None:
        moment = self._plan.moments[name]
        if not holds(self, moment.when):
            return None
        if isinstance(moment, Clock):
            return self._clock(name, moment)
        if isinstance(moment, Chosen):
            found = [at_ms for each in moment.moments if (at_ms := self.moment(each)) is not None]
            if moment.how == "first_of":
                return found[0] if found else None
            return (min if moment.how == "earliest" else max)(found, default=None)
        begun_ms, length = self.moment(moment.moment), self.text(moment.plus)
        if begun_ms is None or not length:
            return None
        return begun_ms + _whole(length, moment.plus) * UNITS[moment.unit]

    def _clock(self, name: str, clock: Clock) -> int | None:
        given = [self.text(column) for column in clock.columns]
        if any(not value or value in clock.empty for value in given):
            return None
        try:
            at_ms = _at_ms(" ".join(given), clock.form, clock.zone, 0)
            after_ms = self.moment(clock.next_day_after) if clock.next_day_after else None
            if at_ms is not None and after_ms is not None and after_ms - at_ms > _HALF_DAY_MS:
                at_ms = _at_ms(" ".join(given), clock.form, clock.zone, 1)
        except ValueError as error:
            raise ValueError(f"{' '.join(clock.columns)} (moment {name!r}): {error}") from error
        return at_ms


def holds(row: Row, condition: Condition) -> bool:
    """Whether any of the alternatives holds; without any, it does."""
    return not condition or any(_all(row, each) for each in condition)


def _all(row: Row, alternative: All) -> bool:
    return all(_test(row.text(test.column), test) for test in alternative.tests)


def _test(value: str, test: Test) -> bool:
    if test.kind == "among":
        return value in test.among
    if test.kind == "not":
        return value not in test.among
    if test.kind == "empty":
        return (value == "") == test.empty
    if not value:
        return False
    number = _whole(value, test.column)
    return number > test.number if test.kind == "above" else number < test.number


def _made(plan: Plan, row: Row) -> tuple[str, list[bytes]]:
    """Why the row is left out, or its touchpoints as JSON. Raises ValueError."""
    for rule in plan.rules:
        if holds(row, rule.when):
            if rule.reject:
                raise ValueError(rule.reject)
            return rule.leave_out, []
    made = [
        value
        for template in plan.touchpoints
        for one in (row.each(template.each) if template.each else [row])
        if holds(one, template.when) and (value := _touchpoint(one, template)) is not None
    ]
    return "" if made else "nothing happened", made


def _touchpoint(row: Row, template: Template) -> bytes | None:
    """One touchpoint as JSON; None if its moment did not come. Raises ValueError."""
    found: dict[str, Any] = {}
    for field, moment in template.times.items():
        at_ms = row.moment(moment)
        if at_ms is None:
            if field == "time":
                return None
            continue
        found[field] = at_ms
    for field, text in template.fields.items():
        if (value := text_of(row, text)) != "":
            found[field] = value
    try:
        return encode(msgspec.convert(found, _KINDS[template.type], strict=False))
    except msgspec.ValidationError as error:
        raise ValueError(f"{template.type} (line {template.line} of the mapping): {_plain(str(error))}") from error


def text_of(row: Row, text: Text) -> str:
    """The text with its columns filled in; "" if one of them is empty."""
    found = ""
    for literal, column in text.parts:
        found += literal
        if column:
            value = row.text(column)
            if not value or value in text.empty:
                return text.default or ""
            found += value
    if text.lookup is None:
        return found
    return text.lookup.get(found, found if text.default is None else text.default)


def _plain(message: str) -> str:
    missing = re.match(r"Object missing required field `([^`]*)`", message)
    return f"{missing[1]} is empty" if missing else message


def _whole(text: str, column: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise ValueError(f"{column} is no whole number") from error


@lru_cache(maxsize=4_096)
def _at_ms(text: str, form: str, zone: str, days: int) -> int | None:
    """Milliseconds of a time. A wall clock time that comes twice is the first of the two. Raises ValueError."""
    if form == MILLISECONDS:
        return epoch_ms(text)
    if form == SECONDS:
        return seconds_ms(text)
    if form == ISO:
        if _ZONED.search(text):
            return iso_ms(text)
        wall = datetime.fromisoformat(text)
    else:
        try:
            wall = datetime.strptime(text, form)  # noqa: DTZ007  (the zone is the file's)
        except ValueError as error:
            raise ValueError(f"{text!r} is no time of the form {form}") from error
    local = (wall + timedelta(days=days)).replace(tzinfo=wall.tzinfo or ZoneInfo(zone))
    return int(local.timestamp()) * 1_000 + local.microsecond // 1_000


def _path(cells: Mapping[str, Any], column: str) -> Any:
    if column in cells:
        return cells[column]
    found: Any = cells
    for name in column.split("."):
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    return found


def _shown(value: Any) -> str:
    if value is None or isinstance(value, dict | list):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip()


def _rows(plan: Plan, lines: Iterable[bytes]) -> Iterator[tuple[int, bytes, Row | str]]:
    """(line number, the line, its row or what is wrong with it)."""
    return _csv_rows(plan, lines) if plan.format == "csv" else _json_rows(plan, lines)


def _csv_rows(plan: Plan, lines: Iterable[bytes]) -> Iterator[tuple[int, bytes, Row | str]]:
    header = list(plan.header)
    for number, raw in enumerate(lines, 1):
        line = raw.rstrip(b"\r\n")
        if not line.strip():
            continue
        try:
            decoded = line.decode(plan.encoding)
            # A row is a line: quoted line breaks would let one broken quote swallow the rest of the file.
            cells = next(csv.reader([decoded.removeprefix("\ufeff")], delimiter=plan.delimiter, strict=True))
        except UnicodeDecodeError:
            yield number, line, f"it is not {plan.encoding}"
            continue
        except csv.Error as error:
            yield number, line, str(error)
            continue
        cells = [cell.strip() for cell in cells]
        if not header or cells == header:
            header = header or cells
        elif len(cells) != len(header):
            yield number, line, f"{len(cells)} columns, expected {len(header)}"
        else:
            yield number, line, Row(plan, dict(zip(header, cells, strict=True)))


def _json_rows(plan: Plan, lines: Iterable[bytes]) -> Iterator[tuple[int, bytes, Row | str]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if too_deep(line, MAX_DEPTH):
            yield number, line, f"arrays and objects are nested more than {MAX_DEPTH} deep"
            continue
        try:
            found = _DECODER.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            yield number, line, f"it is no JSON document in UTF-8: {error}"
            continue
        for one in found if isinstance(found, list) else [found]:
            yield number, line, Row(plan, one) if isinstance(one, dict) else "it is no JSON object"
