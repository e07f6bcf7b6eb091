"""The dbt project: its files are current, and every model and test in it runs on ClickHouse (chDB) and holds.

dbt is not installed: the little Jinja that the files use is put in here, and dbt's own tests (not_null, unique,
accepted_values) are the statements that dbt makes of them.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from dashboards.dbt import FOLDER, declared_views, files
from pipeline.io.embedded import EmbeddedWarehouse
from pipeline.measures import ALL

pytestmark = pytest.mark.process

FILES: Final = files()
SOURCES: Final[list[dict[str, Any]]] = yaml.safe_load(FILES["models/sources.yml"])["sources"]
MODELS: Final[list[dict[str, Any]]] = yaml.safe_load(FILES["models/schema.yml"])["models"]
STATEMENTS: Final = {Path(name).stem: name for name in FILES if name.endswith(".sql")}
OURS: Final = "touchline"


def rendered(name: str, *, incremental: bool = False) -> str:
    """The SQL of a file, as dbt would send it."""
    text = re.sub(r"\{\{ config\(.*?\) \}\}", "", FILES[name])
    text = re.sub(
        r"\{% if is_incremental\(\) %\}(.*?)\{% endif %\}", r"\1" if incremental else "", text, flags=re.DOTALL
    )
    text = re.sub(r"\{\{ source\('(\w+)', '(\w+)'\) \}\}", r"\1.\2", text)
    text = text.replace("{{ this }}", f"marts.{Path(name).stem}")
    assert "{" not in text, text
    return text


@pytest.fixture(scope="module")
def chdb(organisation: Path) -> Iterator[EmbeddedWarehouse]:
    warehouse = EmbeddedWarehouse(organisation)
    asyncio.run(warehouse.execute("CREATE DATABASE IF NOT EXISTS marts"))
    yield warehouse
    asyncio.run(warehouse.execute("DROP DATABASE marts"))
    asyncio.run(warehouse.close())


def ask(warehouse: EmbeddedWarehouse, text: str) -> list[list[Any]]:
    rows: list[list[Any]] = json.loads(asyncio.run(warehouse.formatted(text, "JSONCompact")))["data"]
    return rows


def test_the_files_in_the_tree_are_current() -> None:
    """If not: `python -m dashboards.dbt`."""
    there = {path.relative_to(FOLDER).as_posix(): path.read_text() for path in FOLDER.rglob("*") if path.is_file()}
    assert there == FILES


def test_sources_are_the_views_with_every_column_described() -> None:
    (source,) = SOURCES
    assert {table["name"]: [column["name"] for column in table["columns"]] for table in source["tables"]} == {
        view.name: [column.name for column in view.columns] for view in declared_views()
    }
    assert all(column["description"] for table in source["tables"] for column in table["columns"])
    days = next(table for table in source["tables"] if table["name"] == "measures_day")
    described = {column["name"]: column["description"] for column in days["columns"]}
    assert all(described[measure.name] == measure.definition for measure in ALL)


def test_models_are_described_and_described_models_are_there() -> None:
    assert {model["name"] for model in MODELS} == {
        name for name, path in STATEMENTS.items() if path.startswith("models/")
    }


@pytest.mark.parametrize("name", [name for name, path in STATEMENTS.items() if path.startswith("tests/")])
def test_what_a_test_says_holds(chdb: EmbeddedWarehouse, name: str) -> None:
    assert ask(chdb, rendered(STATEMENTS[name])) == []


def test_a_test_finds_what_does_not_hold(chdb: EmbeddedWarehouse) -> None:
    """The same statements on days of which one number is wrong."""
    changed = "offered + (channel = 'phone') AS offered, closed + 1 AS closed"
    wrong = f"(SELECT * REPLACE ({changed}) FROM touchline.measures_day)"
    for name in ("days_are_sums_of_their_hours", "closings_in_contacts_are_those_of_the_days"):
        text = rendered(STATEMENTS[name]).replace("touchline.measures_day", wrong)
        assert ask(chdb, text), name
    more = "(SELECT * REPLACE (promises_due + 1 AS promises_kept) FROM touchline.measures_day)"
    parts = rendered(STATEMENTS["parts_are_not_more_than_their_wholes"]).replace("touchline.measures_day", more)
    assert {row[0] for row in ask(chdb, parts)} == {"promises_kept of promises_due"}


def checks() -> Iterator[tuple[str, str]]:
    """dbt's own tests of sources and models: a name, and the statement whose rows are failures."""
    tables = [(f"touchline.{table['name']}", table) for table in SOURCES[0]["tables"]]
    tables += [(f"marts.{model['name']}", model) for model in MODELS]
    for place, table in tables:
        for column in table["columns"]:
            name = column["name"]
            for test in column.get("data_tests", []):
                if test == "not_null":
                    yield f"{place}.{name} not null", f"SELECT {name} FROM {place} WHERE {name} IS NULL"
                elif test == "unique":
                    yield (
                        f"{place}.{name} unique",
                        f"SELECT {name} FROM {place} GROUP BY {name} HAVING count() > 1",
                    )
                else:
                    values = ", ".join(f"'{value}'" for value in test["accepted_values"]["values"])
                    yield f"{place}.{name} accepted", f"SELECT {name} FROM {place} WHERE {name} NOT IN ({values})"


def test_models_are_built_and_dbts_own_tests_hold(chdb: EmbeddedWarehouse) -> None:
    contacts = rendered(STATEMENTS["contacts"])
    asyncio.run(chdb.execute(f"CREATE TABLE marts.contacts ENGINE = MergeTree ORDER BY contact_id AS {contacts}"))
    asyncio.run(
        chdb.execute(f"CREATE VIEW marts.service_levels_daily AS {rendered(STATEMENTS['service_levels_daily'])}")
    )
    built = ask(chdb, "SELECT (SELECT count() FROM marts.contacts), (SELECT count() FROM touchline.contacts)")
    assert built[0][0] == built[0][1] != "0"
    again = ask(chdb, f"SELECT count() FROM ({rendered(STATEMENTS['contacts'], incremental=True)})")
    assert 0 < int(again[0][0]) <= int(built[0][0])
    levels = ask(
        chdb, "SELECT count(), countIf(sl_net > 1 OR sl_net < 0), countIf(sl_net > 0) FROM marts.service_levels_daily"
    )
    assert int(levels[0][0]) > 20
    assert (int(levels[0][1]), int(levels[0][2]) > 0) == (0, True)
    found = list(checks())
    assert len(found) >= 20
    assert [name for name, text in found if ask(chdb, text)] == []
