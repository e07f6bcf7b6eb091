"""Mapping files: YAML to a plan. Every mistake is named with its line, and reading goes on to find the others."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

import msgspec
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from schemas.catalogue_nodes import Notes, compose, did_you_mean, fields, is_null, items, line_of, pairs, word, words
from schemas.catalogue_types import CatalogueError, Problem
from schemas.sources.mapping.plan import (
    ISO,
    MILLISECONDS,
    SECONDS,
    UNITS,
    After,
    All,
    Chosen,
    Clock,
    Condition,
    Format,
    Moment,
    Plan,
    RowRule,
    Template,
    Test,
    Text,
    Unit,
)
from schemas.touchpoint import TYPES

_TOP: Final = (
    "about", "format", "delimiter", "encoding", "header", "zone", "lookups", "conditions", "moments", "rows", "common",
    "touchpoints",
)  # fmt: skip
_DELIMITERS: Final = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
_ENCODINGS: Final = ("utf-8", "latin-1", "cp1252")
_CHOICES: Final = ("first_of", "earliest", "latest")
_COLUMN: Final = re.compile(r"\{\{|\}\}|\{([^{}]+)\}")
_FIELDS: Final = {
    str(kind.__struct_config__.tag): {field.name: field.required for field in msgspec.structs.fields(kind)}
    for kind in TYPES
}
_TIMES: Final = frozenset({"time", "due"})
_REQUIRED: Final = ("id", "time", "contact_id", "channel")


def load(text: str, name: str) -> Plan:
    """The plan in a file's text. Raises CatalogueError with every mistake and its line."""
    plan, notes = parse(text, name)
    if notes.problems:
        raise CatalogueError(name, notes.problems)
    return plan


def parse(text: str, name: str) -> tuple[Plan, Notes]:
    """The plan as far as it can be read, and the notes. Raises CatalogueError for what is no YAML."""
    notes = Notes()
    root = compose(text, name)
    if root is None or not isinstance(root, MappingNode):
        raise CatalogueError(name, [Problem(1, "the mapping has no keys; write format and touchpoints")])
    return _Reader(root, name, notes).plan(), notes


class _Reader:
    """Reads one file: what later parts may name is read first."""

    def __init__(self, root: Node, name: str, notes: Notes) -> None:
        self._root, self._name, self._notes = root, name, notes
        self._top = fields(root, "mapping", _TOP, notes)
        self._zone = self._zone_name(self._top.get("zone"))
        self._lookups = self._read_lookups(self._top.get("lookups"))
        self._conditions: dict[str, Condition] = {}
        for key, node in self._pairs("conditions").items():
            self._conditions[key] = self._condition(node, f"condition '{key}'")
        self._moments: dict[str, Moment] = {}
        for key, node in self._pairs("moments").items():
            moment = self._moment(node, f"moment '{key}'")
            if moment is not None:
                self._moments[key] = moment

    def plan(self) -> Plan:
        top, notes = self._top, self._notes
        format_: Format = "jsonl" if self._one_of("format", ("csv", "jsonl"), "csv") == "jsonl" else "csv"
        delimiter = word(top["delimiter"], "delimiter", notes) or "," if "delimiter" in top else ","
        delimiter = _DELIMITERS.get(delimiter, delimiter)
        if len(delimiter) != 1:
            notes.add(top["delimiter"], "delimiter: write comma, semicolon, tab, pipe, or one character")
            delimiter = ","
        return Plan(
            name=self._name,
            about=(word(top["about"], "about", notes) or "") if "about" in top else "",
            format=format_,
            delimiter=delimiter,
            encoding=self._one_of("encoding", _ENCODINGS, "utf-8"),
            header=tuple(words(top["header"], "header", notes)) if "header" in top else (),
            rules=tuple(self._rule(node) for node in items(top["rows"], "rows", notes)) if "rows" in top else (),
            moments=self._moments,
            touchpoints=self._touchpoints(),
        )

    def _pairs(self, section: str) -> dict[str, Node]:
        return pairs(self._top[section], section, self._notes) if section in self._top else {}

    def _one_of(self, key: str, known: Sequence[str], default: str) -> str:
        if key not in self._top:
            return default
        found = word(self._top[key], key, self._notes)
        if found is None or found in known:
            return found or default
        self._notes.add(self._top[key], f"{key} '{found}' is not known; write one of {', '.join(known)}")
        return default

    def _zone_name(self, node: Node | None) -> str:
        name = word(node, "zone", self._notes) if node is not None else None
        if name is None:
            return ""
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            hint = did_you_mean(name, available_timezones()) or "; write such as Europe/Berlin or UTC"
            self._notes.add(node or self._root, f"zone '{name}' is not a time zone{hint}")
            return "UTC"
        return name

    def _read_lookups(self, node: Node | None) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for key, table in (pairs(node, "lookups", self._notes) if node is not None else {}).items():
            read = {
                entry: word(value, f"lookup '{key}'", self._notes)
                for entry, value in pairs(table, f"lookup '{key}'", self._notes).items()
            }
            found[key] = {entry: value for entry, value in read.items() if value is not None}
        return found

    # -- conditions

    def _condition(self, node: Node, where: str) -> Condition:
        if isinstance(node, ScalarNode) and not is_null(node):
            if node.value in self._conditions:
                return self._conditions[node.value]
            self._notes.add(
                node, f"{where}: there is no condition '{node.value}'{did_you_mean(node.value, self._conditions)}"
            )
            return ()
        nodes = node.value if isinstance(node, SequenceNode) else [node]
        return tuple(
            All(tuple(test for key, value in pairs(each, where, self._notes).items()
                      if (test := self._test(key, value, where)) is not None))
            for each in nodes
        )  # fmt: skip

    def _test(self, column: str, node: Node, where: str) -> Test | None:
        if not isinstance(node, MappingNode):
            return Test(column, "among", tuple(words(node, f"{where}: {column}", self._notes)))
        known = fields(node, f"{where}: {column}", ("not", "above", "below", "empty"), self._notes)
        if len(known) != 1:
            self._notes.add(node, f"{where}: {column}: write one of not, above, below, empty")
            return None
        ((kind, value),) = known.items()
        if kind == "not":
            return Test(column, "not", tuple(words(value, f"{where}: {column}", self._notes)))
        said = word(value, f"{where}: {column}: {kind}", self._notes)
        if said is None:
            return None
        if kind == "empty":
            if said not in ("true", "false", "yes", "no"):
                self._notes.add(value, f"{where}: {column}: empty is yes or no")
            return Test(column, "empty", empty=said in ("true", "yes"))
        try:
            return Test(column, "above" if kind == "above" else "below", number=int(said))
        except ValueError:
            self._notes.add(value, f"{where}: {column}: '{said}' is no whole number")
            return None

    # -- moments

    def _moment(self, node: Node, where: str) -> Moment | None:
        known = (
            "column",
            "columns",
            "form",
            "zone",
            "empty",
            "next_day_after",
            *_CHOICES,
            "after",
            "plus",
            "unit",
            "when",
        )
        keys = fields(node, where, known, self._notes)
        when = self._condition(keys["when"], f"{where}: when") if "when" in keys else ()
        for how in _CHOICES:
            if how in keys:
                names = tuple(words(keys[how], f"{where}: {how}", self._notes))
                self._known_moments(keys[how], names, where)
                return Chosen(how, names, when)
        if "after" in keys:
            return self._after(node, keys, where, when)
        if "column" not in keys and "columns" not in keys:
            self._notes.add(node, f"{where}: write column, columns, after, {', '.join(_CHOICES)}")
            return None
        columns = tuple(words(keys.get("columns") or keys["column"], f"{where}: columns", self._notes))
        after = word(keys["next_day_after"], where, self._notes) or "" if "next_day_after" in keys else ""
        if after:
            self._known_moments(keys["next_day_after"], (after,), where)
        zone = self._zone_name(keys["zone"]) if "zone" in keys else self._zone
        form = self._form(node, keys.get("form"), where, zone)
        empty = frozenset(words(keys["empty"], f"{where}: empty", self._notes)) if "empty" in keys else frozenset[str]()
        return Clock(columns, form, zone or "UTC", empty, when, after)

    def _form(self, node: Node, given: Node | None, where: str, zone: str) -> str:
        form = word(given, f"{where}: form", self._notes) or ISO if given is not None else ISO
        if form in (MILLISECONDS, SECONDS, ISO):
            return form
        if "%" not in form:
            self._notes.add(
                given or node,
                f"{where}: form '{form}' is none of iso, seconds, milliseconds, or such as %d.%m.%Y %H:%M",
            )
            return ISO
        try:
            datetime.strptime(datetime(2026, 1, 2, 3, 4, 5).strftime(form), form)  # noqa: DTZ001, DTZ007  (the form)
        except ValueError as error:
            self._notes.add(given or node, f"{where}: form '{form}': {error}")
        if not zone and "%z" not in form:
            self._notes.add(node, f"{where}: its times have no zone; write zone at the top, such as Europe/Berlin")
        return form

    def _after(self, node: Node, keys: Mapping[str, Node], where: str, when: Condition) -> After | None:
        if "plus" not in keys:
            self._notes.add(node, f"{where}: after needs plus, the column with the length of time")
            return None
        moment = word(keys["after"], f"{where}: after", self._notes) or ""
        self._known_moments(keys["after"], (moment,), where)
        said = word(keys["unit"], f"{where}: unit", self._notes) if "unit" in keys else None
        unit: Unit | None = next((known for known in UNITS if known == said), None)
        if unit is None:
            self._notes.add(keys.get("unit", node), f"{where}: unit is one of {', '.join(UNITS)}")
            return None
        return After(moment, word(keys["plus"], f"{where}: plus", self._notes) or "", unit, when)

    def _known_moments(self, node: Node, names: Iterable[str], where: str) -> None:
        """Moments are read in order, so none can lead back to itself."""
        for name in names:
            if name and name not in self._moments:
                hint = did_you_mean(name, self._moments) or "; a moment stands above those that use it"
                self._notes.add(node, f"{where}: there is no moment '{name}'{hint}")

    # -- rows and touchpoints

    def _rule(self, node: Node) -> RowRule:
        keys = fields(node, "rows", ("when", "leave_out", "reject"), self._notes)
        if "when" not in keys or ("leave_out" in keys) == ("reject" in keys):
            self._notes.add(node, "rows: an entry has when, and either leave_out or reject")
        return RowRule(
            self._condition(keys["when"], "rows: when") if "when" in keys else (),
            (word(keys["leave_out"], "rows: leave_out", self._notes) or "") if "leave_out" in keys else "",
            (word(keys["reject"], "rows: reject", self._notes) or "") if "reject" in keys else "",
        )

    def _touchpoints(self) -> tuple[Template, ...]:
        if "touchpoints" not in self._top:
            self._notes.add(self._root, "touchpoints is missing; list what happens in a row")
            return ()
        common = self._pairs("common")
        return tuple(
            template
            for node in items(self._top["touchpoints"], "touchpoints", self._notes)
            if (template := self._touchpoint(node, common)) is not None
        )

    def _touchpoint(self, node: Node, common: Mapping[str, Node]) -> Template | None:
        own = pairs(node, "touchpoint", self._notes)
        kind = word(own["type"], "touchpoint: type", self._notes) if "type" in own else None
        if kind is None or kind not in _FIELDS:
            hint = did_you_mean(kind or "", _FIELDS) or f"; known are {', '.join(_FIELDS)}"
            self._notes.add(own.get("type", node), f"touchpoint: type '{kind or ''}' is not known{hint}")
            return None
        where, known = f"touchpoint {kind}", _FIELDS[kind]
        own = fields(node, where, ("type", "when", "each", *known), self._notes)
        given = {key: value for key, value in {**common, **own}.items() if key in known}
        for field, required in known.items():
            if required and field not in given:
                self._notes.add(node, f"{where}: {field} is missing")
        times = {field: self._time(given[field], f"{where}: {field}") for field in given if field in _TIMES}
        return Template(
            line_of(node),
            kind,
            {key: self._text(value, f"{where}: {key}") for key, value in given.items() if key not in _TIMES},
            {field: moment for field, moment in times.items() if moment},
            self._condition(own["when"], f"{where}: when") if "when" in own else (),
            (word(own["each"], f"{where}: each", self._notes) or "") if "each" in own else "",
        )

    def _time(self, node: Node, where: str) -> str:
        """The moment's name; one that is written in place gets a name of its own."""
        if isinstance(node, MappingNode):
            name = f"{where} (line {line_of(node)})"
            moment = self._moment(node, where)
            if moment is not None:
                self._moments[name] = moment
            return name if moment is not None else ""
        name = word(node, where, self._notes) or ""
        if name:
            self._known_moments(node, (name,), where)
        return name if name in self._moments else ""

    def _text(self, node: Node, where: str) -> Text:
        if not isinstance(node, MappingNode):
            return Text(_parts(word(node, where, self._notes) or ""))
        keys = fields(node, where, ("column", "text", "empty", "lookup", "default"), self._notes)
        if ("column" in keys) == ("text" in keys):
            self._notes.add(node, f"{where}: write column, or text")
        parts: tuple[tuple[str, str], ...] = ()
        if "column" in keys:
            parts = (("", word(keys["column"], f"{where}: column", self._notes) or ""),)
        elif "text" in keys:
            parts = _parts(word(keys["text"], f"{where}: text", self._notes) or "")
        lookup = None
        if "lookup" in keys:
            name = word(keys["lookup"], f"{where}: lookup", self._notes) or ""
            lookup = self._lookups.get(name)
            if lookup is None:
                self._notes.add(
                    keys["lookup"], f"{where}: there is no lookup '{name}'{did_you_mean(name, self._lookups)}"
                )
        return Text(
            parts,
            frozenset(words(keys["empty"], f"{where}: empty", self._notes)) if "empty" in keys else frozenset(),
            lookup,
            word(keys["default"], f"{where}: default", self._notes) if "default" in keys else None,
        )


def _parts(text: str) -> tuple[tuple[str, str], ...]:
    """`{column}` in a text; `{{` and `}}` are braces."""
    parts: list[tuple[str, str]] = []
    literal, at = "", 0
    for found in _COLUMN.finditer(text):
        literal += text[at : found.start()]
        at = found.end()
        if found.group(1) is None:
            literal += found.group()[0]
        else:
            parts.append((literal, found.group(1).strip()))
            literal = ""
    literal += text[at:]
    return (*parts, (literal, "")) if literal or not parts else tuple(parts)
