"""Every SQL query of the boards, macros and variables expanded, on the views of a replayed organisation.

On chDB as it is. Debian's clickhouse-server (18.16) has no views: they need a newer one (`Server.views`). There, tables
of the views' names and columns stand in for them, filled from chDB's answers, so that a real server reads the SQL over
its own protocol and has to give the same numbers. What it cannot read at all is named in `NEEDS_NEWER`.
"""

import asyncio
import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from dashboards.boards import ALL
from dashboards.measured import BY_DAY, FILTER, MEASURES, UNLINKED, ratio
from dashboards.model import Board, Panel, Query
from pipeline.app.declared import declared
from pipeline.io.embedded import EmbeddedWarehouse
from schemas.catalogue import load
from schemas.ratios import RATIOS
from schemas.tables import Server
from schemas.view import View
from tests.dashboards.grafana import Chosen, sql
from tests.dashboards.organisation import CATALOGUE, NOW_MS
from tests.servers import ClickHouseServer, clickhouse_server

pytestmark = [pytest.mark.process, pytest.mark.server]

DAY: Final = 86_400
NOW: Final = NOW_MS // 1_000
WEEK: Final = Chosen(NOW - 7 * DAY, NOW + DAY, interval_s=3_600)
EVER: Final = Chosen(0, 4_000_000_000, interval_s=DAY)
"""Dead letters and partitions go by the clock of this machine, not by the organisation's."""

MAY_BE_ZERO: Final = {
    "Lost",  # nothing is lost here
    "Source",  # of a record that cannot be read nobody knows whose it is
}
NEEDS_NEWER: Final = {
    "mapKeys": "percentiles are read from columns of type Map, which came with ClickHouse 20.5",
}
OLD: Final = Server(18, 16)
FILL: Final = re.compile(r" WITH FILL STEP \d+$")
"""Left out on 18.16, which has no such thing (19.14): points in which nothing happened are simply not there."""

QUERIES: Final = [
    (board, panel, query)
    for board in ALL
    for panel in board.panels
    for query in panel.queries
    if query.source == "warehouse"
]


def named(board: Board, panel: Panel) -> str:
    return f"{board.title}, {panel.id} {panel.title!r}"


def expanded(query: Query, chosen: Chosen = WEEK) -> str:
    of_the_clock = "dead_letters" in query.text
    return sql(query.text, EVER if of_the_clock else chosen)


@pytest.fixture(scope="module")
def chdb(organisation: Path) -> Iterator[EmbeddedWarehouse]:
    warehouse = EmbeddedWarehouse(organisation)
    yield warehouse
    asyncio.run(warehouse.close())


Answer = tuple[list[str], list[list[Any]]]
"""Names of the columns, and the rows."""
Answers = list[tuple[Board, Panel, Query, list[str], list[list[Any]]]]


def asked(warehouse: EmbeddedWarehouse, text: str) -> Answer:
    found = json.loads(asyncio.run(warehouse.formatted(text, "JSONCompact")))
    return [column["name"] for column in found["meta"]], found["data"]


@pytest.fixture(scope="module")
def answers(chdb: EmbeddedWarehouse) -> Answers:
    """Every query with its answer, asked once."""
    return [(board, panel, query, *asked(chdb, expanded(query))) for board, panel, query in QUERIES]


def test_every_query_of_every_panel_returns_data_in_every_column(answers: Answers) -> None:
    empty = []
    for board, panel, _, names, rows in answers:
        if not rows:
            empty.append(named(board, panel))
        for place, name in enumerate(names):
            if all(row[place] in {None, 0, "0", ""} for row in rows) and name not in MAY_BE_ZERO:
                empty.append(f"{named(board, panel)}: {name}")
    assert not empty, "\n".join(empty)


def test_columns_are_called_what_the_panel_says_of_them(answers: Answers) -> None:
    for board, panel, query, names, _ in answers:
        if query.table:
            told = {column for column, _ in panel.columns} | {column for column, _ in panel.links}
            assert told <= set(names), named(board, panel)
        else:
            assert names[0] == "time", named(board, panel)
            assert names[1:2] == ([panel.by] if panel.by else names[1:2]), named(board, panel)


def test_a_choice_of_channels_and_queues_narrows(chdb: EmbeddedWarehouse) -> None:
    """Of every board the tables by channel and queue, and one query besides: the condition is the same in all."""
    chosen = Chosen(WEEK.since_s, WEEK.until_s, DAY, {"channel": ["phone"], "queue": ["billing", "it's"]})
    seen = set()
    for board, panel, query in QUERIES:
        by = [name for name in ("channel", "queue") if query.text.startswith(f"SELECT {name}, ") or panel.by == name]
        if "$queue" in query.text and (query.table or board.uid not in seen):
            seen.add(board.uid)
            names, rows = asked(chdb, sql(query.text, chosen))
            for name in by:
                found = {row[names.index(name)] for row in rows}
                assert found == {"phone" if name == "channel" else "billing"}, named(board, panel)
    assert len(seen) == len([board for board in ALL if "warehouse" in board.sources])


def test_the_condition_is_the_same_in_all_queries() -> None:
    for board, panel, query in QUERIES:
        if "$" in query.text.replace("$__", ""):
            text = query.text.replace("closed_at", "window_start").replace("requested_at", "window_start")
            assert FILTER in text or BY_DAY in text, named(board, panel)


def test_the_rows_that_a_query_leaves_out_hold_nothing_that_it_asks_for(
    chdb: EmbeddedWarehouse, answers: Answers
) -> None:
    """Measures of the customer fold lie in rows of their own: who asks for none of them reads none of those."""
    left_out = 0
    for board, panel, query, names, rows in answers:
        if UNLINKED in query.text:
            assert asked(chdb, expanded(query).replace(f"{UNLINKED} AND ", "")) == (names, rows), named(board, panel)
            left_out += 1
        else:
            assert not re.search(r"touchline\.sums(_hour)?(_now|_buckets)? ", query.text) or any(
                measure.linked and re.search(rf"\b{name.removesuffix('_ms')}", query.text)
                for name, measure in MEASURES.items()
            ), named(board, panel)
    assert left_out > 15


def test_fewer_rows_say_the_same_as_those_by_all_dimensions(chdb: EmbeddedWarehouse) -> None:
    """Whatever is chosen; and what is neither split nor chosen is in none of the rows that are read."""
    choices: list[dict[str, list[str]]] = [{}, {"channel": ["phone"]}, {"queue": ["billing"]}]
    choices.append(choices[1] | choices[2])
    read = set()
    for board, panel, query in QUERIES:
        if " whole = " not in query.text:
            continue
        for values in choices:
            text = expanded(query, Chosen(WEEK.since_s, WEEK.until_s, DAY, values))
            rows = re.search(r" whole = ([^A]+) AND ", text)
            assert rows is not None
            read |= {(whole, *values) for (whole,) in asked(chdb, f"SELECT {rows[1]}")[1]}
            everything = text.replace(rows[0], " whole = 0 AND ")
            assert asked(chdb, text) == asked(chdb, everything), named(board, panel)
    assert read == {
        (1,), (2,), (3,), (2, "channel"), (3, "channel"), (2, "queue"), (2, "channel", "queue"),
    }  # fmt: skip


def test_variables_find_what_is_there(chdb: EmbeddedWarehouse) -> None:
    for board in ALL:
        for variable in board.variables:
            if variable.query.source == "warehouse":
                _, rows = asked(chdb, sql(variable.query.text, WEEK))
                assert {"phone", "billing"} & {row[0] for row in rows}, f"{board.title}: {variable.name}"


def test_percentiles_are_those_of_the_view_of_histograms(chdb: EmbeddedWarehouse) -> None:
    whole = Chosen(0, 4_000_000_000, interval_s=4_000_000_000)
    checked = 0
    for board, panel, query in QUERIES:
        found = re.search(r"mapKeys\((\w+)_buckets\)", query.text)
        if found and "touchline.sums_buckets " in query.text:
            _, rows = asked(chdb, sql(query.text, whole))
            of_view = (
                "SELECT quantileExactWeighted(0.5)(to_ms, toUInt64(n)) / 1000, "
                "quantileExactWeighted(0.9)(to_ms, toUInt64(n)) / 1000, "
                "quantileExactWeighted(0.95)(to_ms, toUInt64(n)) / 1000 "
                f"FROM touchline.histograms WHERE measure = '{found[1]}' AND n > 0"
            )
            assert [row[1:] for row in rows] == asked(chdb, of_view)[1], named(board, panel)
            checked += 1
    assert checked >= 3


def test_ratios_on_boards_are_those_of_the_views(chdb: EmbeddedWarehouse) -> None:
    """Where a point of a plot is one row of the view, both say the same."""
    shown = {found.name: ratio(found.name) for found in RATIOS}
    columns = ", ".join(
        f"{each.sql}{' * 1000' if each.unit == 's' else ''} AS `on board {name}`, any({name}) AS `in view {name}`"
        for name, each in shown.items()
    )
    differ = ", ".join(
        f"countIf(ifNull(abs(`on board {name}` - `in view {name}`), 0) > 1e-6 "
        f"OR isNull(`on board {name}`) != isNull(`in view {name}`)), count(`on board {name}`)"
        for name in shown
    )
    dimensions = "window_start, channel, queue, segment"
    _, ((*counts,),) = asked(
        chdb, f"SELECT {differ} FROM (SELECT {columns} FROM touchline.measures_day GROUP BY {dimensions})"
    )
    numbers = [int(each) for each in counts]
    assert numbers[::2] == [0] * len(shown)
    assert all(n > 0 for n in numbers[1::2])


# ---- clickhouse-server 18.16


def old(server: ClickHouseServer, text: str, body: bytes = b"") -> bytes:
    """A statement over HTTP; what the server says against it is an AssertionError."""
    url = f"http://127.0.0.1:{server.http_port}/?query={urllib.request.quote(text)}"  # type: ignore[attr-defined]
    try:
        with urllib.request.urlopen(url, data=body, timeout=60) as answer:
            found: bytes = answer.read()
            return found
    except urllib.error.HTTPError as error:
        raise AssertionError(error.read().decode()[:300]) from None


def old_type(type_: str) -> str:
    """The nearest type of 18.16; none for a Map."""
    if type_.startswith("Map("):
        return ""
    return re.sub(r"DateTime64\(3, 'UTC'\)", "DateTime('UTC')", type_).replace("LowCardinality(String)", "String")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseServer]:
    with clickhouse_server(tmp_path_factory.mktemp("server")) as found:
        yield found


@pytest.fixture(scope="module")
def stand_ins(chdb: EmbeddedWarehouse, server: ClickHouseServer) -> ClickHouseServer:
    """The views that the boards read, as tables of the old server."""
    old(server, "CREATE DATABASE touchline")
    text = " ".join(query.text for _, _, query in QUERIES)
    for view in declared(load(CATALOGUE, "catalogue"), 2026).views:
        if f"{view.full_name} " in text:
            _stand_in(chdb, server, view)
    return server


def _stand_in(chdb: EmbeddedWarehouse, server: ClickHouseServer, view: View) -> None:
    columns = [(column.name, old_type(column.type), column.type) for column in view.columns if old_type(column.type)]
    names = ", ".join(f"`{name}`" for name, _, _ in columns)
    types = ", ".join(f"`{name}` {type_}" for name, type_, _ in columns)
    old(server, f"CREATE TABLE {view.full_name} ({types}) ENGINE = Memory")
    selected = ", ".join(
        f"toDateTime(`{name}`, 'UTC') AS `{name}`" if "DateTime64" in type_ else f"`{name}`"
        for name, _, type_ in columns
    )
    rows = asyncio.run(chdb.formatted(f"SELECT {selected} FROM {view.full_name}", "TSV"))
    old(server, f"INSERT INTO {view.full_name} ({names}) FORMAT TSV", rows)


def test_18_16_has_no_views_so_the_boards_of_the_warehouse_need_a_newer_server() -> None:
    assert not OLD.views
    assert all("FROM touchline." in query.text for _, _, query in QUERIES)


def test_18_16_reads_every_query_but_those_that_need_a_newer_server(
    answers: Answers, stand_ins: ClickHouseServer
) -> None:
    compared = 0
    for board, panel, query, names, rows in answers:
        text = expanded(query)
        if any(f"{word}(" in text for word in NEEDS_NEWER):
            with pytest.raises(AssertionError, match=r"Unknown identifier: \w+_buckets"):
                old(stand_ins, f"{FILL.sub('', text)} FORMAT JSONCompact")
            continue
        answer = json.loads(old(stand_ins, f"{FILL.sub('', text)} FORMAT JSONCompact"))
        assert [column["name"] for column in answer["meta"]] == names, named(board, panel)
        if "pipeline_status" not in text and "dead_letters" not in text:  # of those, times have a fraction
            filled = FILL.search(text) is not None
            assert _numbers(answer["data"], filled) == _numbers(rows, filled), named(board, panel)
            compared += 1
    assert compared > 40


def _numbers(rows: list[list[Any]], filled: bool) -> list[list[Any]]:
    """Numbers as numbers (18.16 quotes others than chDB does), rounded where they are quotients; without the rows of
    points in which nothing happened.
    """

    def value(cell: Any) -> Any:
        try:
            return round(float(cell), 6)
        except (TypeError, ValueError):
            return cell

    found = [[value(cell) for cell in row] for row in rows]
    return [row for row in found if not filled or any(cell not in {None, 0} for cell in row[1:])]


def test_where_nothing_happened_counts_are_zero_and_the_rest_is_absent(answers: Answers) -> None:
    """The organisation sleeps at night: every plot by the hour has such points, and each point once."""
    checked = 0
    for board, panel, query, _, rows in answers:
        if FILL.search(expanded(query)):
            times = [row[0] for row in rows]
            assert times == sorted(set(times)), named(board, panel)
            nothing = {0, "0"} if panel.unit == "short" else {None}
            assert any(set(row[1:]) <= nothing for row in rows), named(board, panel)
            if panel.unit == "short":
                assert all(cell is not None for row in rows for cell in row[1:]), named(board, panel)
            checked += 1
    assert checked > 10
