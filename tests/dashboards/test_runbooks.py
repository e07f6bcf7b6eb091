"""A runbook per alert, that opens with what counts at three in the morning, and names only what exists."""

import re
from pathlib import Path

import pytest
import typer

from dashboards.alerts import ALERTS, RECORDINGS
from pipeline.app.declared import declared
from pipeline.cli.base import app
from pipeline.io.embedded import EmbeddedWarehouse
from pipeline.io.http import application
from pipeline.io.schema import ensure
from schemas.catalogue import Settings, default
from tests.dashboards.exported import names

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "runbooks"
OPENINGS = (
    "**Customers feel**",
    "**Do first:**",
    "**Restarting touchline is safe**",
    "**Kunden spüren**",
    "**Zuerst:**",
    "**touchline neu starten ist ungefährlich,**",
)
SERIES = re.compile(r"\b(?:[a-z]+:)?touchline_[a-z_]+(?::[a-z0-9]+)?\b")


def text(name: str) -> str:
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")


RUNBOOKS = sorted(alert.name for alert in ALERTS)


def test_every_alert_has_one_and_nothing_else_does() -> None:
    assert sorted(path.stem for path in FOLDER.iterdir()) == RUNBOOKS


@pytest.mark.parametrize("name", RUNBOOKS)
def test_it_opens_with_what_counts_in_both_languages(name: str) -> None:
    english, german = text(name).split("\n## Deutsch\n")
    assert english.startswith(f"# {name}\n")
    for part, openings in ((english, OPENINGS[:3]), (german, OPENINGS[3:])):
        paragraphs = [each for each in part.strip().split("\n\n") if each.startswith("**")]
        assert [next(o for o in openings if each.startswith(o)) for each in paragraphs[:3]] == list(openings)
        assert all(len(each) > 60 for each in paragraphs[:3])


def test_what_it_says_is_in_both_languages() -> None:
    for name in RUNBOOKS:
        english, german = text(name).split("\n## Deutsch\n")
        assert set(re.findall(r"`[^`]+`", english)) == set(re.findall(r"`[^`]+`", german)), name


def test_alerts_read_series_that_exist() -> None:
    recorded = {each.name for each in RECORDINGS}
    for where, expr in [
        *((each.name, each.expr) for each in RECORDINGS),
        *((alert.name, rule.expr) for alert in ALERTS for rule in alert.rules),
        *((alert.name, number.series) for alert in ALERTS for rule in alert.rules for number in rule.numbers.values()),
    ]:
        missing = set(SERIES.findall(expr)) - names() - recorded
        assert not missing, (where, missing)


def test_runbooks_name_series_settings_and_commands_that_exist() -> None:
    known = names()
    commands = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    routes = {route.resource.canonical for route in application(None, "127.0.0.1").router.routes() if route.resource}  # type: ignore[arg-type]
    for name in RUNBOOKS:
        for quoted in re.findall(r"`([^`]+)`", text(name)):
            word, *rest = quoted.split()
            if SERIES.fullmatch(quoted):
                assert quoted in known, (name, quoted)
            elif word == "touchline":
                assert rest[0] in commands, (name, quoted)
            elif quoted.startswith("/"):
                assert quoted in routes, (name, quoted)
            elif quoted.endswith("_objective") or quoted == "abandoned_short":
                assert any(each.startswith(quoted) for each in Settings.__struct_fields__), (name, quoted)
            elif quoted.endswith(".py"):
                assert (FOLDER.parents[1] / quoted).exists(), (name, quoted)


def test_links_lead_somewhere() -> None:
    for name in RUNBOOKS:
        for link in re.findall(r"\]\(([^)#]+)\)", text(name)):
            assert (FOLDER / link).resolve().exists(), (name, link)
        for other in re.findall(r"\bTouchline[A-Z][A-Za-z]+", text(name)):
            assert other in RUNBOOKS, (name, other)


async def test_their_queries_run_and_the_views_they_name_exist(tmp_path: Path) -> None:
    warehouse = EmbeddedWarehouse(tmp_path / "warehouse")
    try:
        await ensure(warehouse, declared(default(), 2026))
        queries = {sql for name in RUNBOOKS for sql in re.findall(r'`touchline query "([^`]+)"`', text(name))}
        assert len(queries) == 2
        for sql in queries:
            await warehouse.query(sql)
        for name in RUNBOOKS:
            for view in re.findall(r"[Vv]iew `([a-z_]+)`", text(name)):
                await warehouse.query(f"SELECT * FROM touchline.{view} LIMIT 1")
    finally:
        await warehouse.close()
