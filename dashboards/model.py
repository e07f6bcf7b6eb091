"""What a board is, before it becomes Grafana's JSON (`dashboards/render.py`): frozen data, no library.

Law: a query's text is all that is sent, but for Grafana's `$__` macros and the board's variables. A panel says what it
shows, by which formula, from which source and how old it may be; a colour has one meaning on all boards.
"""

from collections.abc import Sequence
from typing import Final, Literal

from msgspec import Struct

Source = Literal["metrics", "warehouse"]
"""Prometheus, or ClickHouse. Also the name of the board's variable that says which data source is meant."""

Kind = Literal["stat", "trend", "bars", "table", "states"]
Unit = Literal["short", "s", "percentunit", "none", "dateTimeFromNow", "cps"]

GOOD: Final = "green"
BAD: Final = "red"
NEUTRAL: Final = "blue"
TARGET: Final = "Target"
"""The name of every series that is a target; drawn as a dashed line, its number typed nowhere."""
PAST: Final = "Past target"
"""The name of every value that is the distance to a target: above 0 is bad."""
SHORT: Final = "Short of target"
"""As `PAST`, where the target is the least that is promised (a share)."""
NO_VALUE: Final = "no data"
WIDTH: Final = 24

Better = Literal["", "high", "low"]


class Query(Struct, frozen=True):
    """One query. `name` is its legend; of a table of several queries the column's title. `instant`: one value, now."""

    source: Source
    text: str
    name: str = ""
    instant: bool = False
    table: bool = False


class About(Struct, frozen=True):
    """What a panel's description says."""

    what: str
    formula: str
    source: str
    delay: str

    def text(self) -> str:
        """The description, as Markdown."""
        return (
            f"{self.what}\n\n**Formula:** {self.formula}\n\n**Source:** {self.source}\n\n**How old it may be:** "
            f"{self.delay}"
        )


class Panel(Struct, frozen=True, kw_only=True):
    """One panel. `id` is for ever: alerts link to it. `by`: label that names the series where a query gives several.

    `states` are the texts of the values 0, 1, ... of a panel of states. `columns`: unit of single columns of a table.
    `links`: column -> board that a click on it opens, with that column's value as the variable of its name.
    """

    id: int
    title: str
    kind: Kind
    about: About
    queries: tuple[Query, ...]
    unit: Unit
    width: int = 12
    height: int = 8
    decimals: int | None = None
    by: str = ""
    stacked: bool = False
    states: tuple[str, ...] = ()
    columns: tuple[tuple[str, Unit], ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    interval: str = ""
    minimum: float | None = 0
    maximum: float | None = None


class Row(Struct, frozen=True):
    """Panels under a heading; folded away if `collapsed`."""

    title: str
    panels: tuple[Panel, ...]
    collapsed: bool = False


class Variable(Struct, frozen=True):
    """A variable of a board: its values are the answer to a query. Several may be chosen, at first all."""

    name: str
    label: str
    query: Query


class Board(Struct, frozen=True, kw_only=True):
    """One board; `uid` is for ever: links lead to it. `refresh` empty: only when asked."""

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]
    sources: tuple[Source, ...]
    variables: tuple[Variable, ...] = ()
    since: str = "now-6h"
    refresh: str = ""

    @property
    def panels(self) -> Sequence[Panel]:
        """All panels, those of folded rows as well."""
        return [panel for row in self.rows for panel in row.panels]
