"""Board *voice of the customer*: what customers say of us, and what we do when it went wrong. By day."""

# SQL is put together from the names that schemas/views.py declares; nobody else has a say in it.
# ruff: noqa: S608

from typing import Final

from dashboards.measured import BY_DAY, DELAY, Shown, duration_panel, mean, measures_panel, share, total
from dashboards.model import About, Board, Panel, Query, Row
from dashboards.places import PLACES_COUNTED

_NPS: Final = Shown(
    "(sum(nps_promoters) - sum(nps_detractors)) / nullIf(sum(nps_n), 0)",
    "Promoters - detractors",
    "percentunit",
    "Share of scores of 9 and 10 less the share of 0 to 6, of recommendation scores from 0 to 10; can be below 0.",
)

_SCORES: Final = (
    measures_panel(
        1, "Satisfaction", [mean("csat_points"), share("csat_top2"), share("csat_top1")], view="measures_day"
    ),
    measures_panel(
        2, "Would they recommend us?", [_NPS, share("nps_promoters"), share("nps_detractors")], view="measures_day"
    ),
    measures_panel(
        3,
        "Was it easy, and is it solved?",
        [mean("ces_points"), share("solved_yes")],
        view="measures_day",
    ),
    measures_panel(
        4,
        "How many said something",
        [
            total("feedback_asked"),
            total("csat_n"),
            total("nps_n"),
            total("ces_n"),
            total("solved_n"),
            total("feedback_invalid"),
        ],
        view="measures_day",
    ),
)

_WRONG: Final = (
    measures_panel(
        5,
        "Complaints, by the day they were raised",
        [total("complaints"), total("complaints_settled")],
        view="measures_day",
    ),
    duration_panel(6, "From complaint to settlement", "settle_ms", view="measures_day"),
    measures_panel(
        7, "Goodwill per settled complaint, in units of money", [mean("goodwill_minor")], view="measures_day"
    ),
    measures_panel(
        8,
        "We wrote first, and whether they asked all the same",
        [total("outreach"), total("outreach_first"), total("outreach_followed")],
        view="measures_day",
    ),
    measures_panel(
        11,
        "They left or stayed",
        [total("customers_left"), total("left_after_bad"), total("customers_stayed")],
        view="measures_day",
    ),
    measures_panel(
        12,
        "Complaints made good, by the day they were raised",
        [share("complaints_settled"), share("complaints_recovered", "complaints")],
        view="measures_day",
    ),
    measures_panel(9, "Audits: share of the points", [mean("audit_points")], view="measures_day"),
    Panel(
        id=10,
        title="Audits: criterion by criterion",
        kind="table",
        about=About(
            "What mystery shoppers and listeners scored, by criterion: the mean share of the points, the worst first.",
            "sum of `audit_points` by sum of `audits`",
            "ClickHouse, view `touchline.audits`",
            DELAY,
        ),
        queries=(
            Query(
                "warehouse",
                "SELECT criterion AS `Criterion`, sum(audits) AS `Scores`, "
                "sum(audit_points) / 10000 / nullIf(sum(audits), 0) AS `Share of the points` "
                f"FROM touchline.audits WHERE {BY_DAY} GROUP BY criterion ORDER BY `Share of the points`, criterion",
                table=True,
            ),
        ),
        unit="short",
        columns=(("Share of the points", "percentunit"),),
    ),
)

BOARD: Final = Board(
    uid="touchline-voice",
    title="Touchline: voice of the customer",
    description="What customers say of us, complaints and their settlement, and what mystery shoppers found. By day.",
    sources=("warehouse",),
    variables=PLACES_COUNTED,
    since="now-30d",
    rows=(Row("Scores", _SCORES), Row("When it went wrong", _WRONG)),
)
