"""Board *resolution*: was the matter solved at the first contact, and what brought people back. By day."""

# SQL is put together from the names that schemas/views.py declares; nobody else has a say in it.
# ruff: noqa: S608

from typing import Final

from dashboards.measured import DELAY, FILTER, duration_panel, measures_panel, ratio, share, total
from dashboards.model import About, Board, Panel, Query, Row
from dashboards.places import PLACES_COUNTED

_CONTACTS_FILTER: Final = FILTER.replace("window_start", "closed_at")

_TOPICS: Final = Panel(
    id=5,
    title="Which topics bring people back",
    kind="table",
    about=About(
        "Closings that count for first-contact resolution, by topic: how many, how many were solved the first time, "
        "and how many were followed by another contact on the topic. The topics with the most follow-ups come first.",
        "count of contacts with an `fcr`; of those `fcr = 'resolved'`, `fcr = 'followed'`",
        "ClickHouse, view `touchline.contacts`, by its last closing",
        DELAY,
    ),
    queries=(
        Query(
            "warehouse",
            "SELECT if(topic = '', 'not said', topic) AS `Topic`, count() AS `Closed`, "
            "countIf(fcr = 'followed') AS `Followed`, countIf(fcr = 'resolved') / count() AS `Solved at first contact` "
            f"FROM touchline.contacts WHERE fcr != '' AND {_CONTACTS_FILTER} "
            "GROUP BY topic ORDER BY `Followed` DESC, `Topic` LIMIT 50",
            table=True,
        ),
    ),
    unit="short",
    columns=(("Solved at first contact", "percentunit"),),
)

_FIRST: Final = (
    measures_panel(
        1,
        "Solved at the first contact, by day of closing",
        [ratio("fcr_confirmed"), ratio("fcr")],
        view="measures_day",
    ),
    measures_panel(
        2,
        "Why not",
        [
            share("fcr_followed", "fcr_eligible"),
            share("fcr_reopened", "fcr_eligible"),
            share("fcr_unresolved", "fcr_eligible"),
            share("fcr_transferred", "fcr_eligible"),
        ],
        view="measures_day",
    ),
    measures_panel(
        3,
        "Closings that count, and matters",
        [total("fcr_eligible"), total("fcr_resolved"), total("issues"), total("issues_resolved_first")],
        view="measures_day",
    ),
    measures_panel(4, "Matters solved at their first contact", [share("issues_resolved_first")], view="measures_day"),
    _TOPICS,
    duration_panel(6, "From closing to the follow-up", "followup_delay_ms", view="measures_day"),
)

_EFFORT: Final = (
    measures_panel(
        7,
        "Customers who had to ask again",
        [share("chased", "closed"), share("contacts_reopened", "closed"), share("contacts_transferred", "closed")],
        view="measures_day",
    ),
    measures_panel(
        8,
        "Asked again on another channel, passed on, closed without an answer",
        [total("channel_switches"), total("transfers"), total("closed_unanswered"), total("contacts_reopened")],
        view="measures_day",
    ),
    duration_panel(9, "From request to closing", "resolution_ms", view="measures_day"),
    measures_panel(
        10,
        "Closed, and of those: nobody knows whose",
        [total("closed"), total("closed_unknown_customer"), total("chased")],
        view="measures_day",
    ),
)

BOARD: Final = Board(
    uid="touchline-resolution",
    title="Touchline: resolution",
    description=(
        "Whether matters are solved at the first contact, why not, and what it costs the customer. By day of closing; "
        "newer days are provisional, and only confirmed ones may be compared."
    ),
    sources=("warehouse",),
    variables=PLACES_COUNTED,
    since="now-30d",
    rows=(Row("First contact", _FIRST), Row("What it costs the customer", _EFFORT)),
)
