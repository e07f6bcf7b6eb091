"""Declared schema -> steps -> applied: databases, tables, columns, comments, retention, opening hours and views.

A second plan is empty. Nothing here drops a row: a change that would is refused in one sentence, and a shorter
retention, by which the server deletes rows later, is marked dangerous and applied only when asked for.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from msgspec import Struct

from pipeline.ports import Block, Warehouse
from schemas.tables import (
    INTERNAL,
    Column,
    Server,
    Table,
    column_sql,
    create_sql,
    literal,
    quoted,
    server_of,
    shown_type,
    ttl_sql,
)
from schemas.view import DEFINITION, OPENING, PUBLIC, Intervals, View, create_view_sql, definition, opening_sql

_EPOCH: Final = date(1970, 1, 1)


class SchemaRefused(Exception):
    """The warehouse holds what the declared schema contradicts, and changing it would lose rows."""


class Step(Struct, frozen=True):
    """One statement, why it is needed, whether it may cost rows; `rows` are inserted after it."""

    sql: str
    why: str
    dangerous: bool = False
    rows: Block | None = None


class Declared(Struct, frozen=True):
    """What should be there. `opening`: open minutes by local date (as days since 1970), for the views' `is_open`."""

    tables: Sequence[Table]
    views: Sequence[View] = ()
    opening: Mapping[int, Intervals] | None = None


class _Stored(Struct, frozen=True):
    """A table or view as the warehouse has it."""

    engine: str
    engine_full: str
    partition_key: str
    sorting_key: str
    comment: str
    created_by: str
    columns: Mapping[str, "_StoredColumn"]


class _StoredColumn(Struct, frozen=True):
    type: str
    kind: str
    expression: str
    comment: str
    codec: str


_Found = Mapping[tuple[str, str], _Stored]


async def server(warehouse: Warehouse) -> Server:
    """The server's version."""
    return server_of((await warehouse.query("SELECT version()"))[0][0])


async def skipped(warehouse: Warehouse, declared: Declared) -> str:
    """Why the views are not there, in one sentence; empty where they are."""
    found = await server(warehouse)
    if found.views or not declared.views:
        return ""
    return (
        f"ClickHouse {found.major}.{found.minor} is too old for the views of database {PUBLIC}: they need 24.8 or newer"
    )


async def plan(warehouse: Warehouse, declared: Declared) -> list[Step]:
    """Steps that lead from what is there to what is declared, none if it is. Raises SchemaRefused."""
    found_server = await server(warehouse)
    databases = {name for (name,) in await warehouse.query("SELECT name FROM system.databases")}
    found = await _stored(warehouse, found_server)
    wanted = [INTERNAL, PUBLIC] if found_server.views and declared.views else [INTERNAL]
    steps = [
        Step(f"CREATE DATABASE {name}", f"there is no database {name}") for name in wanted if name not in databases
    ]
    for table in declared.tables:
        if table.for_views and not found_server.views:
            continue
        steps += await _table_steps(warehouse, found_server, table, found.get((table.database, table.name)))
    if found_server.views:
        if declared.opening is not None:
            steps += await _opening_steps(warehouse, declared.opening, found)
        steps += _view_steps(declared.views, found)
    return steps


async def apply(warehouse: Warehouse, steps: Sequence[Step], *, allow_dangerous: bool = False) -> None:
    """Carry the steps out, in order. Raises SchemaRefused before the first if one of them may cost rows."""
    for step in steps:
        if step.dangerous and not allow_dangerous:
            raise SchemaRefused(f"{step.why}: rows would be lost; allow it explicitly to go on ({step.sql})")
    for step in steps:
        await warehouse.execute(step.sql)
        if step.rows is not None:
            await warehouse.insert(step.rows)


async def ensure(warehouse: Warehouse, declared: Declared) -> list[Step]:
    """Plan and apply what costs no rows; the steps taken. Raises SchemaRefused."""
    steps = await plan(warehouse, declared)
    await apply(warehouse, steps)
    return steps


async def _stored(warehouse: Warehouse, found_server: Server) -> _Found:
    comment = "comment" if found_server.table_comments else "'' AS comment"
    places = {"places": (INTERNAL, PUBLIC)}
    tables = await warehouse.query(
        f"SELECT database, name, engine, engine_full, partition_key, sorting_key, {comment}, create_table_query "
        "FROM system.tables WHERE database IN %(places)s",
        places,
    )
    codec = "compression_codec" if found_server.codecs else "''"
    columns: dict[tuple[str, str], dict[str, _StoredColumn]] = {}
    for database, table, name, *rest in await warehouse.query(
        f"SELECT database, table, name, type, default_kind, default_expression, comment, {codec} AS codec "
        "FROM system.columns WHERE database IN %(places)s",
        places,
    ):
        columns.setdefault((database, table), {})[name] = _StoredColumn(*rest)
    return {
        (row[0], row[1]): _Stored(row[2], row[3], row[4], row[5], row[6], row[7], columns.get((row[0], row[1]), {}))
        for row in tables
    }


async def _table_steps(warehouse: Warehouse, found_server: Server, table: Table, stored: _Stored | None) -> list[Step]:
    if stored is None:
        return [Step(create_sql(table, found_server), f"there is no table {table.full_name}")]
    wrong = _contradiction(table, stored, found_server)
    if wrong:
        rows = await _rows(warehouse, table)
        if rows:
            raise SchemaRefused(
                f"{table.full_name} {wrong}, and its {rows} rows would be lost: run `touchline rebuild`, or move the "
                "table away"
            )
        drop = Step(f"DROP TABLE {table.full_name}", f"{table.full_name} {wrong}, and it is empty")
        return [drop, Step(create_sql(table, found_server), f"{table.full_name} is made anew")]
    steps = _column_steps(table, stored, found_server)
    steps += _codec_steps(table, stored, found_server)
    steps += _setting_steps(table, stored, found_server)
    steps += _index_steps(table, stored, found_server)
    if found_server.ttl:
        steps += await _ttl_steps(warehouse, table, stored)
    return steps


def _key(text: str) -> str:
    """A key as the server repeats it, without its quotes and parentheses."""
    return text.replace("`", "").removeprefix("(").removesuffix(")")


def _contradiction(table: Table, stored: _Stored, found_server: Server) -> str:
    """What cannot be altered: engine, keys and types of stored columns. A replicated engine is as good."""
    engine, _, argument = table.engine.removesuffix(")").partition("(")
    found_engine = stored.engine_full.partition(")")[0]
    if not stored.engine.endswith(engine) or found_engine.rpartition("(")[2].rpartition(", ")[2] != argument:
        return f"has engine {found_engine}) instead of {table.engine}"
    if _key(stored.sorting_key) != ", ".join(table.order_by):
        return f"is sorted by ({_key(stored.sorting_key)}) instead of ({', '.join(table.order_by)})"
    if _key(stored.partition_key) != table.partition_by:
        return f"is partitioned by ({_key(stored.partition_key)}) instead of ({table.partition_by})"
    for column in table.columns_on(found_server):
        there = stored.columns.get(column.name)
        if there is None or (column.alias and there.kind == "ALIAS"):
            continue
        if bool(column.alias) != (there.kind == "ALIAS") or not _same_type(column, there, found_server):
            return (
                f"has column {column.name} as {there.kind} {there.type}".replace("  ", " ")
                + f" instead of {column.type}"
            )
    return ""


def _same_type(column: Column, there: _StoredColumn, found_server: Server) -> bool:
    """LowCardinality is a way to store a String, and a table of an older server has none."""
    wanted = shown_type(column.type, found_server)
    return there.type in {wanted, wanted.replace("LowCardinality(String)", "String")}


def _column_steps(table: Table, stored: _Stored, found_server: Server) -> list[Step]:
    steps = []
    columns = table.columns_on(found_server)
    added = [column for column in columns if column.name not in stored.columns]
    if added:
        clauses = ",\n    ".join(f"ADD COLUMN {column_sql(column, found_server)}" for column in added)
        names = ", ".join(column.name for column in added)
        steps.append(Step(f"ALTER TABLE {table.full_name}\n    {clauses}", f"{table.full_name} lacks {names}"))
        if not found_server.table_comments:
            # 18.16 takes a comment with an added column and forgets it.
            steps += [_comment_step(table, column) for column in added]
        steps += [_computing_step(table, column) for column in added if column.computed]
    left = [each.name for each in table.columns if each not in columns and each.name in stored.columns]
    if left:
        clauses = ",\n    ".join(f"DROP COLUMN {quoted(name)}" for name in left)
        steps.append(
            Step(f"ALTER TABLE {table.full_name}\n    {clauses}", f"the views compute what {table.full_name} did")
        )
    for column in columns:
        there = stored.columns.get(column.name)
        if there is None:
            continue
        if column.alias and (_words(column.alias) != _words(there.expression) or column.type != there.type):
            sql = f"ALTER TABLE {table.full_name} MODIFY COLUMN {column_sql(column, found_server)}"
            steps.append(Step(sql, f"{table.full_name} computes {column.name} otherwise"))
        elif column.comment != there.comment:
            steps.append(_comment_step(table, column))
    return steps


def _codec_steps(table: Table, stored: _Stored, found_server: Server) -> list[Step]:
    """Parts that are there keep theirs until they are merged."""
    if not found_server.views:
        return []
    wrong = [
        each
        for each in table.columns_on(found_server)
        if each.codec and each.name in stored.columns and stored.columns[each.name].codec != f"CODEC({each.codec})"
    ]
    if not wrong:
        return []
    clauses = ",\n    ".join(f"MODIFY COLUMN {quoted(each.name)} CODEC({each.codec})" for each in wrong)
    names = ", ".join(each.name for each in wrong)
    return [Step(f"ALTER TABLE {table.full_name}\n    {clauses}", f"{table.full_name} packs {names} otherwise")]


def _index_steps(table: Table, stored: _Stored, found_server: Server) -> list[Step]:
    """Indexes and projections that are missing. Parts that are there get them in the background; until then they are
    read as before.
    """
    steps = []
    for index in table.indexes_on(found_server):
        kind, _, _ = index.sql().partition(" ")
        if f"{kind} {index.name} " not in stored.created_by:
            why = f"{table.full_name} lacks {kind.lower()} {index.name}"
            verbs = (f"ADD {index.sql()}", f"MATERIALIZE {kind} {quoted(index.name)}")
            steps += [Step(f"ALTER TABLE {table.full_name} {verb}", why) for verb in verbs]
    return steps


def _computing_step(table: Table, column: Column) -> Step:
    """Rows that are there get it in the background; until then it is computed when they are read."""
    sql = f"ALTER TABLE {table.full_name} MATERIALIZE COLUMN {quoted(column.name)}"
    return Step(sql, f"the rows of {table.full_name} lack {column.name}")


def _comment_step(table: Table, column: Column) -> Step:
    sql = f"ALTER TABLE {table.full_name} COMMENT COLUMN {quoted(column.name)} {literal(column.comment)}"
    return Step(sql, f"the comment on {table.full_name}.{column.name} is another")


def _words(expression: str) -> str:
    return expression.replace("`", "").replace(" ", "")


async def _rows(warehouse: Warehouse, table: Table) -> int:
    return int((await warehouse.query(f"SELECT count() FROM {table.full_name}"))[0][0])


async def _ttl_steps(warehouse: Warehouse, table: Table, stored: _Stored) -> list[Step]:
    """Rows deleted later than before cost nothing; sooner, or at all, is dangerous where there are rows."""
    has_one = " TTL " in stored.engine_full
    if table.ttl is None:
        if not has_one:
            return []
        return [Step(f"ALTER TABLE {table.full_name} REMOVE TTL", f"{table.full_name} keeps its rows for ever")]
    wanted = ttl_sql(table.ttl)
    if f" TTL {wanted}" in stored.engine_full.replace("`", ""):
        return []
    sooner = True
    if has_one:
        _, _, rest = stored.engine_full.partition("toIntervalDay(")
        days = rest.partition(")")[0]
        sooner = not days.isdigit() or int(days) > table.ttl.days
    why = f"{table.full_name} keeps its rows {table.ttl.days} days"
    return [
        Step(
            f"ALTER TABLE {table.full_name} MODIFY TTL {wanted}",
            why,
            dangerous=sooner and await _rows(warehouse, table) > 0,
        )
    ]


def _setting_steps(table: Table, stored: _Stored, found_server: Server) -> list[Step]:
    _, _, settings = stored.engine_full.partition(" SETTINGS ")
    there = dict(part.split(" = ", 1) for part in settings.split(", ") if " = " in part)
    wrong = {name: value for name, value in table.settings_on(found_server).items() if there.get(name) != value}
    if not wrong:
        return []
    clauses = ", ".join(f"{name} = {value}" for name, value in wrong.items())
    return [Step(f"ALTER TABLE {table.full_name} MODIFY SETTING {clauses}", f"{table.full_name} has other settings")]


async def _opening_steps(warehouse: Warehouse, opening: Mapping[int, Intervals], found: _Found) -> list[Step]:
    """Opening hours by local date, replaced as a whole."""
    columns: dict[str, list[Any]] = {
        "day": [_EPOCH + timedelta(day) for day in sorted(opening)],
        "known": [1] * len(opening),
        "from_minute": [[start for start, _ in opening[day]] for day in sorted(opening)],
        "to_minute": [[end for _, end in opening[day]] for day in sorted(opening)],
    }
    rows = Block(OPENING, columns)
    if tuple(OPENING.split(".")) not in found:
        return [Step(opening_sql(), f"there is no table {OPENING}", rows=rows)]
    there = await warehouse.query(f"SELECT day, from_minute, to_minute FROM {OPENING} ORDER BY day")
    wanted = list(zip(columns["day"], columns["from_minute"], columns["to_minute"], strict=True))
    if [(day, list(starts), list(ends)) for day, starts, ends in there] == wanted:
        return []
    return [Step(f"TRUNCATE TABLE {OPENING}", "the opening hours are others", rows=rows)]


def _view_steps(views: Sequence[View], found: _Found) -> list[Step]:
    """Views that are missing or defined otherwise, and those of ours that are no longer declared."""
    steps = []
    for view in views:
        there = found.get((view.database, view.name))
        if there is not None and there.engine != "View":
            raise SchemaRefused(f"{view.full_name} should be a view, but there is a table of that name: move it away")
        if there is None or f"{DEFINITION}{definition(view)}]" not in there.comment:
            why = (
                f"there is no view {view.full_name}" if there is None else f"view {view.full_name} is defined otherwise"
            )
            steps.append(Step(create_view_sql(view), why))
    declared = {(view.database, view.name) for view in views}
    for place, there in found.items():
        if place[0] == PUBLIC and place not in declared and there.engine == "View" and DEFINITION in there.comment:
            name = ".".join(place)
            steps.append(Step(f"DROP VIEW {name}", f"view {name} is no longer declared"))
    return steps
