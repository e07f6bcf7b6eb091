"""The pictures of a report as SVG for an HTML page: they take the page's colours, in light and in dark."""

import io
import re
from collections.abc import Sequence
from typing import Any, Final

from pipeline.answers import speech
from pipeline.answers.report import Plot
from pipeline.answers.speech import Language

_INK: Final = "#010203"
"""Drawn in these, shown in what they stand for."""
_COLOURS: Final = {
    "#010204": "var(--ok)",
    "#010205": "var(--late)",
    "#010206": "var(--wait)",
    "#010207": "var(--quiet)",
}
_LINE: Final = "#010208"
_BARS: Final = ("#010207", "#010205")
_CURVES: Final = ("#010204", "#010206")
_STYLE: Final[Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "touchline",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _LINE,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}
_MOST_LABELS: Final = 12


class NoPlots(Exception):
    """The library that draws is not installed; says how to get it."""


def svg(plot: Plot, lang: Language) -> str:
    """One picture, labelled for those who cannot see it. '' where it has no value at all. Raises NoPlots."""
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise NoPlots("pictures need matplotlib: pip install 'touchline[reports]'") from None
    series = [*plot.bars.values(), *plot.lines.values()]
    if not any(value for values in series for value in values if value is not None):
        return ""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(9, 2.9), layout="constrained")
        axes = figure.add_subplot()
        _draw(plot, axes, lang)
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _inline(drawn.getvalue(), plot.title)


def _draw(plot: Plot, axes: Any, lang: Language) -> None:
    places = list(range(len(plot.labels)))
    bottom = [0.0] * len(places)
    for colour, (name, values) in zip(_BARS, plot.bars.items(), strict=False):
        heights = [value or 0.0 for value in values]
        axes.bar(places, heights, 0.8, bottom=bottom, color=colour, label=name)
        bottom = [low + height for low, height in zip(bottom, heights, strict=True)]
    curves = axes
    if plot.bars:
        axes.set_ylabel(plot.bar_unit)
        axes.yaxis.set_major_formatter(lambda value, _: speech.number(value, lang))
        curves = axes.twinx()
        curves.spines["right"].set_visible(True)
    for colour, (name, values) in zip(_CURVES, plot.lines.items(), strict=False):
        if all(value is None for value in values):
            continue
        curves.plot(places, _scaled(plot, values), color=colour, label=name, marker="o", markersize=3.5, linewidth=1.8)
    curves.set_ylabel(plot.line_unit)
    if plot.line_kind == "ratio":
        curves.set_ylim(0, 1.03)
        curves.yaxis.set_major_formatter(lambda value, _: speech.percent(value, lang, 0))
    else:
        curves.set_ylim(bottom=0)
        curves.yaxis.set_major_formatter(lambda value, _: speech.number(value, lang, 0 if value == int(value) else 1))
        curves.grid(axis="y", color=_LINE, linewidth=0.5)
    step = -(-len(places) // _MOST_LABELS)
    axes.set_xticks(places[::step], plot.labels[::step])
    handles, names = axes.get_legend_handles_labels()
    if curves is not axes:
        more_handles, more_names = curves.get_legend_handles_labels()
        handles, names = handles + more_handles, names + more_names
    axes.legend(handles, names, loc="lower left", bbox_to_anchor=(0, 1), ncols=4, borderaxespad=0.2)


def _scaled(plot: Plot, values: Sequence[float | None]) -> list[float]:
    """Gaps where there is nothing; durations in minutes."""
    divide = 60_000 if plot.line_kind == "ms" else 1
    return [float("nan") if value is None else value / divide for value in values]


def _inline(drawn: str, title: str) -> str:
    """Only the <svg> element, in the page's colours and font."""
    text = drawn[drawn.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    for colour, shown in {**_COLOURS, _INK: "currentColor", _LINE: "var(--line)"}.items():
        text = text.replace(colour, shown)
    text = re.sub(r"font: ([0-9.]+px) [^;\"]*", r"font-size: \1; font-family: inherit", text)
    text = re.sub(r' (width|height)="[0-9.]+pt"', "", text, count=2)
    label = title.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return text.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)
