"""Every PromQL query of the boards, on a real Prometheus that scrapes the real exposition of a busy organisation."""

import math
from collections.abc import Iterator

import pytest

from dashboards.boards import ALL
from dashboards.model import PAST, SHORT, TARGET, Board, Panel, Query
from pipeline.live.summary import Summary
from tests.dashboards.grafana import Chosen, promql
from tests.dashboards.organisation import live_pages
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
def seen() -> tuple[list[bytes], Summary]:
    """The pages of two workers, and what one worker with everything would see."""
    return live_pages()


@pytest.fixture(scope="module")
def scraped(seen: tuple[list[bytes], Summary], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    one, other = seen[0]
    with (
        serving(one) as port,
        serving(other) as other_port,
        prometheus([port, other_port], tmp_path_factory.mktemp("prometheus")) as found,
    ):
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


def tile(scraped: Prometheus, board_uid: str, panel_id: int, name: str) -> float:
    """The number that a tile shows under this name."""
    (text,) = [
        query.text
        for board, panel, query in QUERIES
        if (board.uid, panel.id, query.name) == (board_uid, panel_id, name)
    ]
    (series,) = scraped.ask(promql(text, ALL_CHOSEN))
    return float(series["value"][1])


def test_tiles_show_of_two_workers_what_one_with_everything_would_see(
    scraped: Prometheus, seen: tuple[list[bytes], Summary]
) -> None:
    rows = list(seen[1].labelled)
    numbers = [row.numbers for row in rows]
    live = "touchline-live"
    assert tile(scraped, live, 1, "Waiting") == sum(each.waiting_now for each in numbers) > 3
    assert tile(scraped, live, 1, PAST) == sum(each.overdue_now for each in numbers) > 3
    assert tile(scraped, live, 2, "Longest wait") == max(each.longest_wait_ms for each in numbers) / 1_000
    past = [row.numbers.longest_wait_ms - row.wait_target_ms for row in rows if row.wait_target_ms is not None]
    assert tile(scraped, live, 2, PAST) == pytest.approx(max(past) / 1_000)
    assert tile(scraped, live, 4, "Unanswered") == sum(each.unanswered_now for each in numbers) > 0
    for panel, objective, window, promised in (
        (5, "wait", "today", 0.8),
        (6, "stay", "today", 0.95),
        (19, "response", "2d", 0.9),
    ):
        judged = [one for each in numbers for one in each.judged if (one.objective, one.window) == (objective, window)]
        kept = 1 - sum(one.missed for one in judged) / sum(one.due for one in judged)
        assert tile(scraped, live, panel, "Kept") == pytest.approx(kept)
        assert tile(scraped, live, panel, TARGET) == promised
        assert tile(scraped, live, panel, SHORT) == pytest.approx(promised - kept)
    confirmed = [each.fcr_confirmed for each in numbers if each.fcr_confirmed is not None]
    ratio = sum(each.resolved for each in confirmed) / sum(each.eligible for each in confirmed)
    assert tile(scraped, live, 8, "Confirmed") == pytest.approx(ratio)
    assert tile(scraped, "touchline-pipeline", 1, "Workers") == 2
