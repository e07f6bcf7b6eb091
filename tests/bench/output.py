"""The table and the JSON lines."""

import statistics
from collections.abc import Sequence
from typing import Final

import msgspec
from rich.table import Table

from tests.bench.rows import RATE, Result, number

DECODE: Final = "decode_only"
DIFFERENCES: Final = "differences"
"""The unit of what has to be nothing."""
_MET: Final = {True: "[green]met[/]", False: "[red]NOT met[/]", None: ""}


def ratios(results: Sequence[Result]) -> dict[str, float | None]:
    """Of every name: its rate divided by the decode-only rate of the same run; None where that makes no sense."""
    decoded = [each.value for each in results if each.name == DECODE and each.value]
    if not decoded:
        return dict.fromkeys((each.name for each in results), None)
    whole = statistics.median(decoded)
    return {
        each.name: round(each.value / whole, 4) if each.unit == RATE and each.value is not None else None
        for each in results
    }


def json_lines(results: Sequence[Result], unusual: str = "") -> bytes:
    """One JSON object a line: name, value (null: not measured), unit, ratio_to_decode. `unusual`: what was measured
    otherwise than it was promised, if anything; then each line says that as well.
    """
    to_decode = ratios(results)
    besides = {"measured_with": unusual} if unusual else {}
    lines = [
        {"name": each.name, "value": each.value, "unit": each.unit, "ratio_to_decode": to_decode[each.name], **besides}
        for each in results
    ]
    return msgspec.json.Encoder().encode_lines(lines)


def table(results: Sequence[Result]) -> Table:
    """For people: every result with its bound, and whether it is kept."""
    to_decode = ratios(results)
    made = Table("what", "value", "unit", "bound", "", "of decode-only")
    for column in (1, 3, 5):
        made.columns[column].justify = "right"
    for each in results:
        ratio = to_decode[each.name]
        made.add_row(
            each.name,
            "[red]not measured[/]" if each.value is None else number(each.value),
            each.unit,
            "" if each.bound is None else f"{'>=' if each.at_least else '<='} {number(each.bound)}",
            _MET[each.met],
            "" if ratio is None else f"{ratio:.3f}",
        )
    return made


def notes(results: Sequence[Result]) -> str:
    """What is to be said of each, a line each; below the table, which would get too wide."""
    return "".join(f"{each.name}: {each.note}\n" for each in results if each.note)
