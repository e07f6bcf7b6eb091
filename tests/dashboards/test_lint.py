"""Rules that every board keeps: those of Grafana's dashboard-linter, and of the grid, ids, texts and colours.

Not kept, on purpose: a variable `instance` (numbers are of the service, not of one process), and `or` on the shortest
repetition of names (ours are sentences).
"""

import re
import shutil
import subprocess
from typing import Any, Final

import pytest
from grafana_foundation_sdk.models import units

from dashboards.boards import ALL
from dashboards.clickhouse_query import PLUGIN
from dashboards.model import NO_VALUE, PAST, SHORT, TARGET, WIDTH, Board, Panel
from dashboards.render import TAG, rendered
from pipeline.measures import ALL as MEASURES
from tests.dashboards.grafana import Chosen, promql

MOST_PANELS: Final = 20
UNITS: Final = {value for name, value in vars(units).items() if not name.startswith("_") and isinstance(value, str)}
COUNTERS: Final = re.compile(r"touchline_\w+_total")
JSON: Final = {board.uid: rendered(board) for board in ALL}


def flat(built: dict[str, Any]) -> list[dict[str, Any]]:
    """All panels that show something, those of folded rows as well."""
    found: list[dict[str, Any]] = []
    for panel in built["panels"]:
        found += panel["panels"] if panel["type"] == "row" else [panel]
    return found


boards = pytest.mark.parametrize("board", ALL, ids=lambda board: board.uid)


def test_boards_have_fixed_names_of_their_own() -> None:
    assert [board.uid for board in ALL] == [
        "touchline-live",
        "touchline-queue",
        "touchline-resolution",
        "touchline-channels",
        "touchline-catalogue",
        "touchline-voice",
        "touchline-pipeline",
    ]
    assert len({board.title for board in ALL}) == len(ALL)
    assert all(len(board.uid) <= 40 for board in ALL)  # Grafana's limit


@boards
def test_nobody_edits_it_in_the_browser_and_there_are_few_panels(board: Board) -> None:
    built = JSON[board.uid]
    assert built["editable"] is False
    assert built["uid"] == board.uid
    assert built["tags"] == [TAG]
    assert built["description"] == board.description
    assert 0 < len(flat(built)) <= MOST_PANELS


@boards
def test_ids_and_references_are_unique(board: Board) -> None:
    built = JSON[board.uid]
    ids = [panel["id"] for panel in [*built["panels"], *flat(built)]]
    assert len(set(ids)) == len({id(panel) for panel in [*built["panels"], *flat(built)]})
    assert all(isinstance(each, int) and each > 0 for each in ids)
    for panel in flat(built):
        references = [target["refId"] for target in panel["targets"]]
        assert references
        assert len(set(references)) == len(references)


@boards
def test_every_panel_says_what_it_shows_in_which_unit_and_what_no_value_means(board: Board) -> None:
    for panel in flat(JSON[board.uid]):
        assert panel["title"].strip() == panel["title"] != ""
        for heading in ("**Formula:** ", "**Source:** ", "**How old it may be:** "):
            _, _, text = panel["description"].partition(heading)
            assert len(text.split("\n")[0]) > 10, (panel["title"], heading)
        defaults = panel["fieldConfig"]["defaults"]
        assert defaults["unit"] in UNITS
        assert defaults["noValue"] == NO_VALUE
        for override in panel["fieldConfig"]["overrides"]:
            for prop in override["properties"]:
                assert prop["id"] != "unit" or prop["value"] in UNITS


@boards
def test_titles_are_unique_within_a_board(board: Board) -> None:
    titles = [panel["title"] for panel in flat(JSON[board.uid])]
    assert len(set(titles)) == len(titles)


@boards
def test_panels_fill_lines_and_lie_on_nothing(board: Board) -> None:
    """Rows are one high and 24 wide; no two panels share a square; a line that does not end a row is full."""
    taken: set[tuple[int, int]] = set()
    built = JSON[board.uid]
    for panel in built["panels"]:
        place = panel["gridPos"]
        squares = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= WIDTH
        assert not squares & taken, panel["title"]
        taken |= squares
    for row in built["panels"]:
        if row["type"] == "row":
            inner = [panel["gridPos"] for panel in row["panels"]]
            assert bool(inner) == row["collapsed"]
            assert all(place["y"] > row["gridPos"]["y"] for place in inner)
    for row_ in board.rows:
        width = 0
        for panel_ in row_.panels:
            width = panel_.width if width + panel_.width > WIDTH else width + panel_.width
        assert width == WIDTH, f"{board.uid}: the last line of {row_.title!r} is {width} wide"


@boards
def test_data_sources_are_variables(board: Board) -> None:
    built = JSON[board.uid]
    variables = {variable["name"]: variable for variable in built["templating"]["list"]}
    wanted = {"metrics": "prometheus", "warehouse": PLUGIN}
    assert {name: variables[name]["query"] for name in board.sources} == {name: wanted[name] for name in board.sources}
    used = set()
    for panel in flat(built):
        sources = {target["datasource"]["uid"] for target in panel["targets"]}
        assert sources <= {f"${{{name}}}" for name in board.sources}
        assert panel["datasource"]["uid"] == (sources.pop() if len(sources) == 1 else "-- Mixed --")
        for target in panel["targets"]:
            assert target["datasource"]["type"] == wanted[target["datasource"]["uid"].strip("${}")]
            used.add(target["datasource"]["uid"].strip("${}"))
    assert used == set(board.sources)


@boards
def test_every_query_knows_the_variables_and_every_variable_is_used(board: Board) -> None:
    text = "\n".join(query.text for panel in board.panels for query in panel.queries)
    text += "".join(variable.query.text for variable in board.variables)
    known = {variable.name for variable in board.variables}
    used = set(re.findall(r"\$\{?(?!__)(\w+)", text))
    assert used == known
    for variable in JSON[board.uid]["templating"]["list"]:
        if variable["type"] == "query":
            assert (variable["multi"], variable["includeAll"]) == (True, True)
            assert variable["current"]["value"] == ["$__all"]


@boards
def test_promql_is_of_the_chosen_job_parses_and_rates_counters(board: Board) -> None:
    promtool = shutil.which("promtool")
    for panel in board.panels:
        for query in panel.queries:
            if query.source != "metrics":
                continue
            metrics = re.findall(r"touchline_\w+", query.text)
            assert query.text.count('job=~"$job"') == len(metrics) > 0
            for counter in COUNTERS.findall(query.text):
                assert re.search(rf"(rate|irate|increase)\({counter}\{{[^}}]*\}}\[\$__rate_interval\]\)", query.text)
            assert "[" not in query.text.replace("[$__rate_interval]", "")
            if query.name and panel.kind != "table":
                assert query.name == "{{" + "}} {{".join(re.findall(r"\{\{(\w+)\}\}", query.name)) + "}}" or (
                    re.fullmatch(r"[A-Za-z][\w ,-]*(\{\{\w+\}\})?", query.name)
                )
    if promtool is None:
        pytest.skip("no promtool on this machine (Debian: apt-get install prometheus)")


def test_promtool_reads_every_expression(tmp_path: Any) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool on this machine (Debian: apt-get install prometheus)")
    chosen = Chosen(0, 0, interval_s=60)
    rules = ["groups:", "- name: every_expression", "  rules:"]
    expressions = {
        promql(query.text, chosen)
        for board in ALL
        for panel in board.panels
        for query in panel.queries
        if query.source == "metrics"
    }
    for number, expression in enumerate(sorted(expressions)):
        rules += [f"  - record: checked:touchline_{number}:sum", f"    expr: {expression!r}".replace("\\'", "'")]
    (tmp_path / "rules.yml").write_text("\n".join(rules) + "\n")
    done = subprocess.run(
        [promtool, "check", "rules", str(tmp_path / "rules.yml")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"SUCCESS: {len(expressions)} rules found" in done.stdout


def test_every_measure_is_on_a_board() -> None:
    text = " ".join(query.text for board in ALL for panel in board.panels for query in panel.queries)
    shown = set(re.findall(r"\w+", text))
    assert {measure.name for measure in MEASURES} - shown == set()


def test_limits_are_series_and_distances_and_no_number_is_typed() -> None:
    """Colours depend on the distance to a target only, and the limit of a distance is 0."""
    for built in JSON.values():
        for panel in flat(built):
            assert "thresholds" not in panel["fieldConfig"]["defaults"]
            for override in panel["fieldConfig"]["overrides"]:
                for prop in override["properties"]:
                    if prop["id"] == "thresholds":
                        assert override["matcher"]["options"] in {PAST, SHORT}
                        assert [step["color"] for step in prop["value"]["steps"]] == ["green", "red"]
                        assert prop["value"]["steps"][1]["value"] == pytest.approx(0, abs=1e-6)


def test_a_target_is_a_dashed_line_wherever_it_is_drawn() -> None:
    drawn = 0
    for board in ALL:
        for panel, built in zip(board.panels, flat(JSON[board.uid]), strict=True):
            if panel.kind == "trend" and any(query.name == TARGET for query in panel.queries):
                (override,) = [
                    each for each in built["fieldConfig"]["overrides"] if each["matcher"]["options"] == TARGET
                ]
                assert {"id": "custom.lineStyle", "value": {"dash": [8, 6], "fill": "dash"}} in override["properties"]
                drawn += 1
    assert drawn >= 2


def test_durations_and_shares_begin_at_zero_and_percentiles_are_never_stacked() -> None:
    for board in ALL:
        for panel, built in zip(board.panels, flat(JSON[board.uid]), strict=True):
            if panel.kind in {"trend", "bars"}:
                stacked = built["fieldConfig"]["defaults"]["custom"].get("stacking", {}).get("mode") == "normal"
                assert stacked == panel.stacked
                assert not (stacked and panel.unit in {"s", "percentunit"})
                assert built["fieldConfig"]["defaults"].get("min") == (None if below_zero(panel) else 0)


def below_zero(panel: Panel) -> bool:
    return any("- sum(" in query.text.partition("/ nullIf")[0] for query in panel.queries)


@boards
def test_links_keep_time_and_variables(board: Board) -> None:
    (link,) = JSON[board.uid]["links"]
    assert (link["type"], link["tags"]) == ("dashboards", [TAG])
    assert link["keepTime"] is True
    assert link["includeVars"] is True
    uids = {each.uid for each in ALL}
    for panel in board.panels:
        for column, uid in panel.links:
            assert uid in uids
            target = next(each for each in ALL if each.uid == uid)
            assert column in {variable.name for variable in target.variables}
    for panel_ in flat(JSON[board.uid]):
        for override in panel_["fieldConfig"]["overrides"]:
            for prop in override["properties"]:
                if prop["id"] == "links":
                    url = prop["value"][0]["url"]
                    assert url.endswith("&${__url_time_range}")
                    kept = {*board.sources, *(variable.name for variable in board.variables)}
                    column = override["matcher"]["options"]
                    assert set(re.findall(r"\$\{(\w+):queryparam\}", url)) == kept - {column}
                    assert f"?var-{column}=${{__value.text:percentencode}}&" in url


def test_what_changes_by_the_second_refreshes_and_what_is_studied_does_not() -> None:
    assert {board.uid: board.refresh for board in ALL if board.refresh} == {
        "touchline-live": "10s",
        "touchline-pipeline": "30s",
    }
