"""YAML nodes with their lines: walking them so that every problem is noted with its place and reading goes on.

Values are taken as written (`08:00`, `no` and `1` stay text); YAML's own types are never built.
"""

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from typing import Final, TypeVar

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from schemas.catalogue_types import CatalogueError, Problem

Value = TypeVar("Value")

_NULL: Final = "tag:yaml.org,2002:null"
_LONGEST_NAME: Final = 128


class Notes:
    """The problems found so far."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(self, node: Node, message: str) -> None:
        """Note what is wrong at a node."""
        self.problems.append(Problem(line_of(node), message))


def line_of(node: Node) -> int:
    """The line a node begins at, from 1."""
    line: int = node.start_mark.line
    return line + 1


def compose(text: str, name: str) -> Node | None:
    """The document as nodes; None if it is empty. Raises CatalogueError for what is not YAML."""
    try:
        root: Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _broken(name, line, "there is a character that YAML does not allow; remove it") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(part for part in (error.context, error.problem) if part)
        raise _broken(name, mark.line + 1 if mark else 1, f"this is not YAML: {what}") from None
    except RecursionError:
        raise _broken(name, 1, "the text is nested far too deeply; a catalogue has five levels at most") from None
    return root


def _broken(name: str, line: int, message: str) -> CatalogueError:
    return CatalogueError(name, [Problem(line, message)])


def is_null(node: Node) -> bool:
    """Nothing written after the colon, `~` or `null`."""
    return isinstance(node, ScalarNode) and node.tag == _NULL


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)`, or nothing where no known word is near."""
    close = get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else ""


def pairs(node: Node, where: str, notes: Notes) -> dict[str, Node]:
    """The values of a mapping by key; an empty value is an empty mapping. Notes doubled keys; the first one counts."""
    found: dict[str, Node] = {}
    if is_null(node):
        return found
    if not isinstance(node, MappingNode):
        notes.add(node, f"{where}: this is {_kind(node)}; write keys with values, such as 'key: value'")
        return found
    lines: dict[str, int] = {}
    for key, value in node.value:
        if not isinstance(key, ScalarNode):
            notes.add(key, f"{where}: a key must be a plain word")
        elif not 1 <= len(key.value) <= _LONGEST_NAME:
            notes.add(key, f"{where}: a name has 1 to {_LONGEST_NAME} characters, this one {len(key.value)}")
        elif key.value in found:
            notes.add(key, f"{where}: '{key.value}' stands twice, first on line {lines[key.value]}; remove one of them")
        else:
            found[key.value] = value
            lines[key.value] = line_of(key)
    return found


def fields(node: Node, where: str, known: Sequence[str], notes: Notes) -> dict[str, Node]:
    """`pairs` of a mapping whose keys are known; notes the others and leaves them out."""
    found = pairs(node, where, notes)
    for key in [key for key in found if key not in known]:
        place = next(one for one, _ in node.value if isinstance(one, ScalarNode) and one.value == key)
        hint = did_you_mean(key, known) or f"; known here: {', '.join(known)}"
        notes.add(place, f"{where}: unknown key '{key}'{hint}")
        del found[key]
    return found


def items(node: Node, where: str, notes: Notes) -> list[Node]:
    """The entries of a list; an empty value is an empty list."""
    if is_null(node):
        return []
    if not isinstance(node, SequenceNode):
        notes.add(node, f"{where}: this is {_kind(node)}; write a list, each entry beginning with '- '")
        return []
    return list(node.value)


def word(node: Node, where: str, notes: Notes) -> str | None:
    """The text of a scalar; None, with a note, for anything else and for nothing."""
    if isinstance(node, ScalarNode) and not is_null(node) and node.value.strip():
        text: str = node.value.strip()
        return text
    notes.add(node, f"{where}: this is {_kind(node)}; write one word or text")
    return None


def words(node: Node, where: str, notes: Notes) -> list[str]:
    """One text, or a list of them."""
    nodes = node.value if isinstance(node, SequenceNode) else [node]
    read = [word(one, where, notes) for one in nodes]
    return [text for text in read if text is not None]


def read(node: Node, where: str, parse: Callable[[str], Value], notes: Notes) -> Value | None:
    """`parse` of a scalar; its ValueError becomes a note: `where` and what it says."""
    text = word(node, where, notes)
    if text is None:
        return None
    try:
        return parse(text)
    except ValueError as error:
        notes.add(node, f"{where} {error}")
        return None


def _kind(node: Node) -> str:
    if is_null(node) or (isinstance(node, ScalarNode) and not node.value.strip()):
        return "empty"
    if isinstance(node, MappingNode):
        return "a group of keys"
    return "a list" if isinstance(node, SequenceNode) else "a single value"
