"""Every PromQL query of the boards, on a real Prometheus that scrapes the real exposition of a busy organisation."""

import math
from collections.abc import Iterator

import pytest

from dashboards.boards import ALL
from dashboards.model import Board, Panel, Query
from tests.dashboards.grafana import Chosen, promql
from tests.dashboards.organisation import live_page
from tests.dashboards.scraping import Prometheus, prometheus, serving

pytestmark = pytest.mark.server

QUERIES = [
    (board, panel, query)
    for board in ALL
    for panel in board.panels
    for query in panel.queries
    if query.source == "metrics"
]
ALL_CHOSEN = Chosen(0, 0, interval_s=10)
EVERYTHING = {"job": ["touchline"], "channel": ["phone", "chat", "email"], "queue": ["billing", "orders", "other"]}


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with serving(live_page()) as port, prometheus(port, tmp_path_factory.mktemp("prometheus")) as found:
        yield found


def named(board: Board, panel: Panel, query: Query) -> str:
    return f"{board.title}, {panel.id} {panel.title!r}: {query.text}"


def test_every_query_of_every_panel_returns_data(scraped: Prometheus) -> None:
    empty = []
    for board, panel, query in QUERIES:
        text = promql(query.text, ALL_CHOSEN)
        series = scraped.ask(text) if query.instant or panel.kind == "stat" else scraped.ask_range(text)
        values = [float(point[1]) for each in series for point in each.get("values", [each.get("value")])]
        if not values or all(math.isnan(value) for value in values):
            empty.append(named(board, panel, query))
    assert not empty, "\n".join(empty)


def test_a_choice_of_channels_and_queues_narrows_and_never_breaks(scraped: Prometheus) -> None:
    chosen = Chosen(0, 0, interval_s=10, values=EVERYTHING)
    for _, _, query in QUERIES:
        scraped.ask(promql(query.text, chosen))


def test_tiles_that_stand_for_all_queues_are_one_series(scraped: Prometheus) -> None:
    for board, panel, query in QUERIES:
        if panel.kind == "stat":
            assert len(scraped.ask(promql(query.text, ALL_CHOSEN))) == 1, named(board, panel, query)


def test_variables_find_what_is_there(scraped: Prometheus) -> None:
    for board in ALL:
        for variable in board.variables:
            if variable.query.source == "metrics":
                inner, _, label = variable.query.text.removeprefix("label_values(").removesuffix(")").rpartition(", ")
                series = scraped.ask(promql(inner, ALL_CHOSEN))
                assert {each["metric"][label] for each in series} - {""}, f"{board.title}: {variable.name}"
