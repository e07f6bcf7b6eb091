"""A dbt project on touchline's views: sources with every column described, two models, and tests of the numbers' laws.

`python -m dashboards.dbt` writes `deploy/dbt`; a test says if that was forgotten, and runs every statement on chDB.
dbt itself is not needed for that: of Jinja only `source`, `ref`, `config` and `is_incremental` are used.
"""

# SQL is put together from the names that schemas/ and pipeline/measures/ declare; nobody else has a say in it.
# ruff: noqa: S608

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from dashboards.files import write
from pipeline.core.measure import Measure, column_key
from pipeline.measures import ALL
from schemas.ratios import RATIOS, Ratio
from schemas.rejects import REASONS
from schemas.tables import MeasureColumn
from schemas.view import Setting, View, ViewColumn
from schemas.views import views
from schemas.windows import SUMS

FOLDER: Final = Path(__file__).resolve().parent.parent / "deploy" / "dbt"
_HEAD: Final = "Written by `python -m dashboards.dbt` from the measures: change them there."
_WORD: Final = re.compile(r"[a-z_]+")

KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "contacts": ("contact_id",),
    "measures": ("window_start", "channel", "queue", "segment"),
    "measures_hour": ("window_start", "channel", "queue", "segment"),
    "measures_day": ("window_start", "channel", "queue", "segment"),
    "pipeline_status": ("partition",),
}
"""What tells the rows of a view apart."""
_FCR: Final = ("", "resolved", "followed", "reopened", "unresolved", "transferred")


def files() -> dict[str, str]:
    """Path -> text of the whole project."""
    return {
        "dbt_project.yml": _yaml(_project()),
        "profiles.yml.example": _yaml(_profile()),
        "models/sources.yml": _yaml({"version": 2, "sources": [_source()]}),
        "models/schema.yml": _yaml({"version": 2, "models": _models()}),
        "models/contacts.sql": _contacts(),
        "models/service_levels_daily.sql": _service_levels(),
        "tests/days_are_sums_of_their_hours.sql": _days_and_hours(),
        "tests/hours_are_sums_of_their_minutes.sql": _hours_and_minutes(),
        "tests/parts_are_not_more_than_their_wholes.sql": _parts(),
        "tests/closings_in_contacts_are_those_of_the_days.sql": _closings(),
    }


def declared_views() -> tuple[View, ...]:
    """The views as they are where the catalogue stores no touchpoints, without those that only boards read."""
    columns: list[MeasureColumn] = []
    for measure in ALL:
        columns.append(MeasureColumn(measure.name, measure.key, measure.definition, nullable=measure.optional))
        if measure.histogram:
            name = measure.buckets_name
            columns.append(MeasureColumn(name, column_key(name), f"Histogram of {measure.name}", histogram=True))
    return tuple(view for view in views(columns, Setting()) if not view.name.startswith(tuple(SUMS.values())))


def _yaml(content: Mapping[str, Any]) -> str:
    return f"# {_HEAD}\n" + yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True, width=10_000)


def _sql(what: str, text: str) -> str:
    return f"-- {what}\n-- {_HEAD}\n{text}\n"


def _project() -> dict[str, Any]:
    return {
        "name": "touchline",
        "version": "1.0.0",
        "config-version": 2,
        "profile": "touchline",
        "model-paths": ["models"],
        "test-paths": ["tests"],
        "models": {"touchline": {"+materialized": "view"}},
        "data_tests": {"touchline": {"+severity": "error"}},
    }


def _profile() -> dict[str, Any]:
    """For dbt-clickhouse: a user that may read touchline and write into a database of its own."""
    return {
        "touchline": {
            "target": "production",
            "outputs": {
                "production": {
                    "type": "clickhouse",
                    "schema": "marts",
                    "host": "{{ env_var('CLICKHOUSE_HOST') }}",
                    "port": 9000,
                    "driver": "native",
                    "user": "{{ env_var('CLICKHOUSE_USER') }}",
                    "password": "{{ env_var('CLICKHOUSE_PASSWORD') }}",
                    "secure": False,
                }
            },
        }
    }


def _source() -> dict[str, Any]:
    return {
        "name": "touchline",
        "schema": "touchline",
        "description": "What touchline counts. Sum the counts, never the ratios.",
        "tables": [_table(view) for view in declared_views()],
    }


def _table(view: View) -> dict[str, Any]:
    found: dict[str, Any] = {"name": view.name, "description": view.comment}
    key = KEYS.get(view.name, ())
    if view.name == "contacts":
        found["loaded_at_field"] = "revised_at"
        found["freshness"] = {"warn_after": {"count": 1, "period": "day"}}
    found["columns"] = [_column(view, column, key) for column in view.columns]
    return found


def _column(view: View, column: ViewColumn, key: Sequence[str]) -> dict[str, Any]:
    """A column with its tests: keys are there (and unique, where it is one column), closed sets are closed."""
    tests: list[Any] = []
    if column.name in key:
        tests.append("not_null")
        if len(key) == 1:
            tests.append("unique")
    values = _values(view.name, column.name)
    if values:
        tests.append({"accepted_values": {"values": list(values)}})
    found: dict[str, Any] = {"name": column.name, "data_type": column.type, "description": column.comment}
    return {**found, "data_tests": tests} if tests else found


def _values(view: str, column: str) -> Sequence[str]:
    closed: dict[tuple[str, str], Sequence[str]] = {
        ("contacts", "fcr"): _FCR,
        ("contacts", "direction"): ("inbound", "outbound"),
        ("dead_letters", "reason"): sorted(REASONS),
        ("histograms", "measure"): [measure.name for measure in ALL if measure.histogram],
    }
    return closed.get((view, column), ())


def _contacts() -> str:
    return _sql(
        "One row per contact, kept up to date: only what was revised since the last run is read again.",
        "{{ config(materialized='incremental', unique_key='contact_id', order_by='contact_id') }}\n"
        "SELECT *\nFROM {{ source('touchline', 'contacts') }}\n"
        "{% if is_incremental() %}\n"
        "WHERE revised_at >= (SELECT max(revised_at) FROM {{ this }})\n"
        "{% endif %}",
    )


def _service_levels() -> str:
    ratios = ",\n    ".join(f"{_of_sums(ratio)} AS {ratio.name}" for ratio in _known_ratios())
    return _sql(
        "Ratios by day, channel and queue, all segments together: made of sums, never means of ratios.",
        "SELECT\n    day,\n    channel,\n    queue,\n"
        "    sum(requested) AS contacts_requested,\n    sum(offered) AS contacts_offered,\n"
        f"    {ratios}\nFROM {{{{ source('touchline', 'measures_day') }}}}\nGROUP BY day, channel, queue",
    )


def _known_ratios() -> list[Ratio]:
    names = {measure.name for measure in ALL}
    return [ratio for ratio in RATIOS if ratio.needs() <= names]


def _of_sums(ratio: Ratio) -> str:
    def summed(text: str) -> str:
        return _WORD.sub(lambda word: f"sum({word[0]})", text)

    return f"({summed(ratio.above)}) / nullIf(greatest({summed(ratio.below)}, 0), 0)"


def _models() -> list[dict[str, Any]]:
    contacts = next(view for view in declared_views() if view.name == "contacts")
    of_contacts = {"name": "contacts", "description": contacts.comment}
    keys = [{"name": "contact_id", "description": "The contact", "data_tests": ["not_null", "unique"]}]
    levels = [
        {"name": name, "description": text, "data_tests": ["not_null"]}
        for name, text in (("day", "Date in the catalogue's zone"), ("channel", "Channel"), ("queue", "Entry queue"))
    ]
    levels += [{"name": ratio.name, "description": f"{ratio.comment}; NULL without any"} for ratio in _known_ratios()]
    return [
        {**of_contacts, "columns": keys},
        {
            "name": "service_levels_daily",
            "description": "Service levels and other ratios by day, channel and queue, made of sums.",
            "columns": levels,
        },
    ]


_PLAIN: Final = [measure for measure in ALL if not measure.optional]


def _days_and_hours() -> str:
    """Days are local, so hours are summed by their local day."""
    return _two_resolutions(
        "The measures of a day are the sums of its hours'. A row is a day for which that is not so.",
        "measures_day",
        "measures_hour",
        "day",
    )


def _hours_and_minutes() -> str:
    return _two_resolutions(
        "The measures of an hour are the sums of its minutes'. A row is a day for which that is not so.",
        "measures_hour",
        "measures",
        "day",
    )


def _two_resolutions(what: str, coarse: str, fine: str, by: str) -> str:
    columns = ", ".join(f"sum({measure.name}) AS {measure.name}" for measure in _PLAIN)
    negative = ", ".join(f"-sum({measure.name}) AS {measure.name}" for measure in _PLAIN)
    differs = "\n    OR ".join(f"sum({measure.name}) != 0" for measure in _PLAIN)
    return _sql(
        what,
        f"SELECT {by}, channel, queue, segment\nFROM (\n"
        f"    SELECT {by}, channel, queue, segment, {columns}\n    FROM {{{{ source('touchline', '{coarse}') }}}}\n"
        f"    GROUP BY {by}, channel, queue, segment\n    UNION ALL\n"
        f"    SELECT {by}, channel, queue, segment, {negative}\n    FROM {{{{ source('touchline', '{fine}') }}}}\n"
        f"    GROUP BY {by}, channel, queue, segment\n)\nGROUP BY {by}, channel, queue, segment\nHAVING {differs}",
    )


def _parts() -> str:
    """Measures that count a part of what another counts, by their own declaration."""
    found: list[Measure[Any]] = [m for m in ALL if m.count and m.unit not in {"ms", "points", "minor units"}]
    laws = ",\n        ".join(f"if({m.name} > {m.count}, '{m.name} of {m.count}', '')" for m in found)
    return _sql(
        "What is a part of something is not more than it. A row is a day for which that is not so.",
        f"SELECT arrayJoin(broken) AS law, day, channel, queue, segment\nFROM (\n"
        f"    SELECT day, channel, queue, segment, arrayFilter(law -> law != '', [\n        {laws}\n    ]) AS broken\n"
        "    FROM {{ source('touchline', 'measures_day') }}\n)",
    )


def _closings() -> str:
    return _sql(
        "Contacts that were ever closed are the contacts that the days count as closed (in all, and by channel).",
        "SELECT channel, sum(counted) AS counted, sum(listed) AS listed\nFROM (\n"
        "    SELECT channel, sum(closed) AS counted, 0 AS listed\n"
        "    FROM {{ source('touchline', 'measures_day') }}\n    GROUP BY channel\n    UNION ALL\n"
        "    SELECT channel, 0 AS counted, count() AS listed\n"
        "    FROM {{ source('touchline', 'contacts') }}\n    WHERE closed_at IS NOT NULL\n    GROUP BY channel\n)\n"
        "GROUP BY channel\nHAVING counted != listed",
    )


if __name__ == "__main__":
    write(FOLDER, files())
