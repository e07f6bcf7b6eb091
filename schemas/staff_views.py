"""What is shown of the people who serve: how many there were, from five up; single persons only where the catalogue
says so (`agent_figures: true`). From kept touchpoints (`store_touchpoints`), else there is nothing to show.
"""

from typing import Final

from schemas.tables import INTERNAL, literal
from schemas.view import Setting, View, column, view

FEWEST: Final = 5
"""Of fewer people than this, a number says what single ones did."""

_DAY: Final = "toDate(toDateTime(intDiv(time_ms, 1000), {zone}))"
_SERVED: Final = "type = 'contact.answered' OR (type = 'message.sent' AND JSONExtractString(body, 'author') != 'bot')"
_WITHOUT_AGENT: Final = """'"agent_id":"(?:[^"\\\\\\\\]|\\\\\\\\.)*",?'"""


def staff_views(setting: Setting) -> tuple[View, ...]:
    """Those the catalogue allows."""
    return (head_counts(setting), agents(setting)) if setting.agent_figures else (head_counts(setting),)


def agent_id(setting: Setting) -> str:
    """The SQL of `agent_id` in view `touchpoints`."""
    return "t.agent_id" if setting.agent_figures else "''"


def body(setting: Setting) -> str:
    """The SQL of `body` in view `touchpoints`."""
    return "t.body" if setting.agent_figures else f"replaceRegexpAll(t.body, {_WITHOUT_AGENT}, '')"


def _rows(setting: Setting) -> str:
    day = _DAY.format(zone=literal(setting.zone))
    return (
        f"(SELECT {day} AS day, channel, queue, agent_id, contact_id, type FROM {INTERNAL}.touchpoints FINAL"  # noqa: S608
        f" WHERE agent_id != '' AND ({_SERVED})) AS t"
    )


def head_counts(setting: Setting) -> View:
    """People at work by day, channel and queue."""
    heads = "uniqExact(t.agent_id)"
    return view(
        "head_counts",
        f"How many people answered or replied, by day; NULL below {FEWEST}.",
        [
            column("day", "Date", "t.day", f"Date in {setting.zone}"),
            column("channel", "String", "t.channel", "Channel"),
            column("queue", "String", "t.queue", "Queue the answer names, empty if it names none"),
            column(
                "people",
                "Nullable(Int64)",
                f"if({heads} >= {FEWEST}, toInt64({heads}), NULL)",
                f"People who answered or replied; NULL if they are fewer than {FEWEST}",
            ),
        ],
        f"{_rows(setting)} GROUP BY t.day, t.channel, t.queue",
    )


def agents(setting: Setting) -> View:
    """Single persons: only where the catalogue says `agent_figures: true`."""
    return view(
        "agents",
        "What single persons answered, by day. Ask the works council before you switch it on.",
        [
            column("day", "Date", "t.day", f"Date in {setting.zone}"),
            column("agent_id", "String", "t.agent_id", "The person, as sources send it"),
            column("channel", "String", "t.channel", "Channel"),
            column("queue", "String", "t.queue", "Queue the answer names, empty if it names none"),
            column("answered", "Int64", "toInt64(countIf(t.type = 'contact.answered'))", "Times the person answered"),
            column("replied", "Int64", "toInt64(countIf(t.type = 'message.sent'))", "Messages the person sent"),
            column("contacts", "Int64", "toInt64(uniqExact(t.contact_id))", "Contacts in which the person did either"),
        ],
        f"{_rows(setting)} GROUP BY t.day, t.agent_id, t.channel, t.queue",
    )
