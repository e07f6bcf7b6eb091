"""What Grafana does to a panel's query before it is sent: macros of the ClickHouse plugin, variables, `$__` intervals.

Only the macros that the boards use are known; any other is an error, so that nothing is tested that Grafana would not
send.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct


class Chosen(Struct, frozen=True):
    """What is chosen on a board: time (seconds since the epoch), interval, and values of variables; no values: all."""

    since_s: int
    until_s: int
    interval_s: int = 60
    values: Mapping[str, Sequence[str]] = {}


_CONDITIONAL: Final = "$__conditionalAll("
_FORMATTED: Final = re.compile(r"\$\{(\w+):(\w+)\}")


def sql(text: str, chosen: Chosen) -> str:
    """The SQL that reaches ClickHouse."""
    text = _conditional(text, chosen)
    text = _FORMATTED.sub(lambda found: _quoted(chosen, found[1], found[2]), text)
    since, until = f"toDateTime({chosen.since_s})", f"toDateTime({chosen.until_s})"
    text = re.sub(r"\$__timeFilter\((\w+)\)", lambda found: f"{found[1]} >= {since} AND {found[1]} <= {until}", text)
    since_day, until_day = (
        f"toDate('{datetime.fromtimestamp(s, UTC):%Y-%m-%d}')" for s in (chosen.since_s, chosen.until_s)
    )
    text = re.sub(
        r"\$__dateFilter\((\w+)\)", lambda found: f"{found[1]} >= {since_day} AND {found[1]} <= {until_day}", text
    )
    text = text.replace("$__fromTime", since).replace("$__toTime", until)
    text = text.replace("$__interval_s", str(chosen.interval_s))
    assert "$" not in text, f"unknown macro or variable: {text[text.index('$') :][:60]}"
    return text


def promql(text: str, chosen: Chosen) -> str:
    """The PromQL that reaches Prometheus."""
    text = text.replace("$__rate_interval", f"{chosen.interval_s}s")
    for name in re.findall(r"\$(\w+)", text):
        values = chosen.values.get(name)
        text = text.replace(f"${name}", f"({'|'.join(map(re.escape, values))})" if values else ".+")
    assert "$" not in text, text
    return text


def _conditional(text: str, chosen: Chosen) -> str:
    """`$__conditionalAll(condition, $variable)`: the condition, or 1=1 where all values are chosen."""
    while _CONDITIONAL in text:
        start = text.rindex(_CONDITIONAL)
        depth, end = 1, start + len(_CONDITIONAL)
        while depth:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        condition, _, variable = text[start + len(_CONDITIONAL) : end - 1].rpartition(",")
        kept = condition if chosen.values.get(variable.strip().removeprefix("$")) else "1=1"
        text = text[:start] + kept + text[end:]
    return text


def _quoted(chosen: Chosen, name: str, format_: str) -> str:
    assert format_ == "singlequote", format_
    escaped = [value.replace("'", "\\'") for value in chosen.values[name]]
    return ",".join(f"'{value}'" for value in escaped)
