"""Board *channels*: the same questions on every channel, side by side. By day."""

from typing import Final

from dashboards.measured import duration_panel, mean, measures_panel, ratio, share, table_panel, total
from dashboards.model import Board, Row
from dashboards.places import PLACES_COUNTED

_DEMAND: Final = (
    measures_panel(
        1, "Contacts, by channel", [total("requested")], view="measures_day", by="channel", kind="bars", stacked=True
    ),
    table_panel(
        2,
        "Every channel, in the chosen time",
        [
            total("requested"),
            total("offered"),
            ratio("sl_net"),
            share("abandoned", "offered"),
            ratio("asa_ms"),
            ratio("sl_response"),
            ratio("first_response_mean_ms"),
            ratio("fcr"),
        ],
        view="measures_day",
        dimensions=("channel",),
        width=12,
        height=8,
        links=(("channel", "touchline-queue"),),
    ),
)

_LIVE: Final = (
    measures_panel(3, "Service level, by channel", [ratio("sl_net")], view="measures_day", by="channel"),
    measures_panel(4, "Mean wait of the answered, by channel", [ratio("asa_ms")], view="measures_day", by="channel"),
    measures_panel(5, "Gave up, by channel", [share("abandoned", "offered")], view="measures_day", by="channel"),
    measures_panel(
        6, "Who reached what they wanted, by channel", [ratio("reachability")], view="measures_day", by="channel"
    ),
)

_WRITTEN: Final = (
    measures_panel(
        7,
        "First messages and replies",
        [total("first_responses_due"), total("first_responses"), total("first_response_in_target")],
        view="measures_day",
    ),
    measures_panel(8, "First replies in target, by channel", [ratio("sl_response")], view="measures_day", by="channel"),
    duration_panel(9, "Time to the first reply", "first_response_ms", view="measures_day"),
    duration_panel(10, "Time to later replies", "next_response_ms", view="measures_day"),
    measures_panel(
        11,
        "Later messages, and replies in the minute they were given",
        [
            total("next_responses_due"),
            total("next_responses"),
            total("next_response_in_target"),
            total("replies"),
            total("closed_unanswered"),
        ],
        view="measures_day",
    ),
    measures_panel(12, "Discarded, by channel", [total("discarded")], view="measures_day", by="channel"),
)

_SELF: Final = (
    measures_panel(
        13,
        "Helped themselves, or tried to",
        [total("self_service_contained"), total("self_service_failed"), total("ended_in_menu")],
        view="measures_day",
    ),
    measures_panel(
        14,
        "Steps through menus, and steps taken twice",
        [total("menu_steps"), total("menu_repeats")],
        view="measures_day",
    ),
    measures_panel(
        15, "Asked again on another channel, by channel", [total("channel_switches")], view="measures_day", by="channel"
    ),
    measures_panel(16, "From answer to closing, by channel", [mean("handle_ms")], view="measures_day", by="channel"),
)

BOARD: Final = Board(
    uid="touchline-channels",
    title="Touchline: channels",
    description=(
        "Every channel beside the others: how many came, how long they waited or how soon they were replied to. Live "
        "channels (people wait) and deferred ones (we reply later) are never put into one number."
    ),
    sources=("warehouse",),
    variables=PLACES_COUNTED,
    since="now-30d",
    rows=(
        Row("Demand", _DEMAND),
        Row("Live channels: people wait", _LIVE),
        Row("Deferred channels: we reply", _WRITTEN),
        Row("Self-service and detours", _SELF, collapsed=True),
    ),
)
