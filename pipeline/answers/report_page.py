"""A report as one HTML file: nothing is loaded from anywhere, and it names contacts, never customers."""

from collections.abc import Mapping
from html import escape
from typing import Final

from pipeline.answers import speech
from pipeline.answers.report import Column, Report, Section, Table, Tile, Value
from pipeline.answers.speech import Language
from pipeline.core.zone import Zone

_STYLE: Final = """
:root { color-scheme: light dark; --paper: #f6f5f1; --card: #fff; --ink: #1d2529; --soft: #5b666c; --line: #dfddd5;
  --ok: #0b6e75; --late: #b3360a; --wait: #8a6d00; --quiet: #9fb3ba;
  font: 100%/1.4 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
  font-variant-numeric: tabular-nums; }
@media (prefers-color-scheme: dark) { :root { --paper: #14191c; --card: #1d2428; --ink: #e8ebea; --soft: #9daab0;
  --line: #323c42; --ok: #5cc4c4; --late: #ff9b6a; --wait: #e2c767; --quiet: #4d6068; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.2rem clamp(0.75rem, 3vw, 2rem) 3rem; max-width: 68rem; background: var(--paper);
  color: var(--ink); }
p, h1, h2, h3, ul { margin: 0; }
.brand { color: var(--soft); font-weight: 600; }
h1 { font-size: clamp(1.4rem, 1rem + 1.6vw, 2.1rem); line-height: 1.2; }
h2 { margin: 1.6rem 0 0.4rem; font-size: 1.15rem; }
h3 { margin: 0.9rem 0 0.2rem; font-size: 0.95rem; color: var(--soft); }
.tiles { display: grid; gap: 0.7rem; grid-template-columns: repeat(auto-fit, minmax(11.5rem, 1fr)); margin-top: 1rem; }
.tile { padding: 0.7rem 0.9rem; border: 1px solid var(--line); border-radius: 0.6rem; background: var(--card); }
.tile h3 { margin: 0; color: var(--ink); }
.tile b { display: block; font-size: 1.9rem; line-height: 1.25; font-weight: 650; }
.tile p, .notes { color: var(--soft); font-size: 0.85rem; }
.said p { max-width: 60rem; padding: 0.1rem 0; }
.scroll { margin-top: 0.5rem; overflow-x: auto; border: 1px solid var(--line); border-radius: 0.6rem;
  background: var(--card); }
table { width: 100%; border-collapse: collapse; font-size: 0.92rem; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
th, td { padding: 0.35rem 0.8rem; text-align: right; vertical-align: top; }
td { white-space: nowrap; }
th:first-child, td.text, th.text { text-align: left; }
td.text { white-space: normal; }
thead th { color: var(--soft); font-size: 0.8rem; font-weight: 600; border-bottom: 1px solid var(--line); }
tbody th { font-weight: 600; }
tbody tr + tr > * { border-top: 1px solid color-mix(in srgb, var(--line) 55%, transparent); }
tr.total > * { font-weight: 700; border-top: 2px solid var(--line); }
.worse { color: var(--late); } .better { color: var(--ok); }
figure { margin: 0.8rem 0 0; padding: 0.6rem 0.8rem; border: 1px solid var(--line); border-radius: 0.6rem;
  background: var(--card); }
figcaption { font-size: 0.9rem; font-weight: 600; }
svg { display: block; width: 100%; height: auto; }
.notes { margin-top: 1.6rem; }
@media print { body { max-width: none; } .tile, .scroll, figure { break-inside: avoid; } }
"""
_GOOD_DOWN: Final = frozenset({"change", "ms_change"})
"""More waiting in silence, longer waits: more is worse."""


def page(report: Report, plots: Mapping[str, str], zone: Zone) -> str:
    """The report; `plots`: id -> SVG, those that could be drawn. Give it `pipeline.answers.report.public`."""
    lang: Language = "de" if report.lang == "de" else "en"
    titles = {plot.id: plot.title for plot in report.plots}
    tiles = "".join(_tile(tile) for tile in report.tiles)
    first = _figure(plots, titles, "days")
    sections = "\n".join(_section(section, plots, titles, lang, zone) for section in report.sections)
    notes = "".join(f"<p>{escape(note)}</p>" for note in report.notes)
    return f"""<!doctype html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(report.title)}: {escape(report.subtitle)}</title>
<style>{_STYLE}</style>
</head>
<body>
<header><p class="brand">{escape(report.title)}</p><h1>{escape(report.subtitle)}</h1></header>
<main>
<div class="tiles">{tiles}</div>
{first}
{sections}
</main>
<footer class="notes">{notes}</footer>
</body>
</html>
"""


def _tile(tile: Tile) -> str:
    compared = f"<p>{escape(tile.compared)}</p>" if tile.compared else ""
    return (
        f'<section class="tile"><h3>{escape(tile.title)}</h3><b>{escape(tile.value)}</b>'
        f"<p>{escape(tile.line)}</p>{compared}</section>"
    )


def _section(section: Section, plots: Mapping[str, str], titles: Mapping[str, str], lang: Language, zone: Zone) -> str:
    said = "".join(f"<p>{escape(sentence)}</p>" for sentence in section.said)
    pictures = "".join(_figure(plots, titles, name) for name in _PICTURES.get(section.plot, ()))
    tables = "".join(_table(section, table, lang, zone) for table in section.tables)
    return f'<h2>{escape(section.title)}</h2><div class="said">{said}</div>{pictures}{tables}'


_PICTURES: Final = {"hours": ("hours", "waits")}


def _figure(plots: Mapping[str, str], titles: Mapping[str, str], name: str) -> str:
    if not plots.get(name):
        return ""
    return f"<figure><figcaption>{escape(titles[name])}</figcaption>{plots[name]}</figure>"


def _table(section: Section, table: Table, lang: Language, zone: Zone) -> str:
    heads = "".join(f'<th scope="col"{_css(column)}>{escape(column.title)}</th>' for column in table.columns)
    rows = []
    for row in table.rows:
        cells = "".join(
            f"<td{_css(column, value)}>{escape(written(column, value, lang, zone))}</td>"
            for column, value in zip(table.columns, row.values, strict=True)
        )
        total = ' class="total"' if row.is_total else ""
        rows.append(f'<tr{total}><th scope="row">{escape(row.label)}</th>{cells}</tr>')
    caption = table.head or section.title
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
        f'<caption>{escape(section.title)}</caption><thead><tr><th scope="col">{escape(table.head)}</th>{heads}</tr>'
        f"</thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _css(column: Column, value: Value = None) -> str:
    if column.kind == "text":
        return ' class="text"'
    if column.kind in ("ratio_change", "change", "ms_change") and isinstance(value, int | float):
        shown = round(100 * value, 1) if column.kind == "ratio_change" else value
        if shown:
            return ' class="worse"' if (shown > 0) == (column.kind in _GOOD_DOWN) else ' class="better"'
    return ""


def written(column: Column, value: Value, lang: Language, zone: Zone) -> str:
    """A value as readers of a language write it; '' where there is none to write."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if column.kind == "ratio":
        return speech.percent(value, lang)
    if column.kind == "ratio_change":
        return speech.points(value, lang)
    if column.kind == "ms":
        return speech.duration(value, lang)
    if column.kind == "moment":
        return speech.moment(int(value), zone, lang, seconds=False)
    if column.kind == "score":
        return speech.signed(100 * value, lang)
    return speech.signed(value, lang) if column.kind == "change" else speech.number(value, lang)
