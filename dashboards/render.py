"""Boards as Grafana's JSON, with the grafana-foundation-sdk (the extra `dashboards`): the only module that knows it.

What the SDK leaves to its user is done here: ids, refIds, the data source of every query, and the grid (it wraps a
line only where the widths come to 24).
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from dashboards.clickhouse_query import PLUGIN, ClickHouseQuery
from dashboards.model import (
    BAD,
    GOOD,
    NEUTRAL,
    NO_VALUE,
    PAST,
    SHORT,
    TARGET,
    WIDTH,
    Board,
    Panel,
    Query,
    Source,
    Variable,
)

TAG: Final = "touchline"
"""On every board of ours: links between boards go by it."""

SOURCES: Final[dict[Source, tuple[str, str]]] = {
    "metrics": ("Touchline Prometheus", "touchline-prometheus"),
    "warehouse": ("Touchline ClickHouse", "touchline-clickhouse"),
}
"""Name and uid of the data sources that are ours. Boards begin with them, and take any other of the kind."""
_TYPES: Final[dict[Source, str]] = {"metrics": "prometheus", "warehouse": PLUGIN}
_LABELS: Final[dict[Source, str]] = {"metrics": "Prometheus", "warehouse": "ClickHouse"}
_MIXED: Final = models.DataSourceRef(type_val="datasource", uid="-- Mixed --")
_ROW_HEIGHT: Final = 1

AnyPanel = stat.Panel | timeseries.Panel | table.Panel | statetimeline.Panel


def rendered(board: Board) -> dict[str, Any]:
    """The board as Grafana's API takes it. Raises ValueError where a line of panels is wider than the grid."""
    built = dashboard.Dashboard(board.title)
    built.uid(board.uid).description(board.description).tags([TAG]).readonly().timezone("browser")
    built.time(board.since, "now").refresh(board.refresh).tooltip(models.DashboardCursorSync.CROSSHAIR)
    for source in board.sources:
        name, uid = SOURCES[source]
        chosen = models.VariableOption(selected=True, text=name, value=uid)
        built.with_variable(
            dashboard.DatasourceVariable(source).label(_LABELS[source]).type(_TYPES[source]).current(chosen)
        )
    for variable in board.variables:
        built.with_variable(_variable(variable))
    built.link(_links())
    row_ids = iter(range(1_000, 2_000))
    y = 0
    for row in board.rows:
        heading = dashboard.Row(row.title).id(next(row_ids)).collapsed(row.collapsed)
        heading.grid_pos(models.GridPos(h=_ROW_HEIGHT, w=WIDTH, x=0, y=y))
        kept = (*board.sources, *(variable.name for variable in board.variables))
        places = _grid(row.panels, y + _ROW_HEIGHT)
        placed = [_panel(each, place, kept) for each, place in zip(row.panels, places, strict=True)]
        if row.collapsed:
            for panel in placed:
                heading.with_panel(panel)
        built.with_row(heading)
        if row.collapsed:
            y += _ROW_HEIGHT
            continue
        for panel in placed:
            built.with_panel(panel)
        y = _below(row.panels, y + _ROW_HEIGHT)
    found: dict[str, Any] = json.loads(JSONEncoder().encode(built.build()))
    return found


def as_json(board: Board) -> str:
    """The board as the text of its file: sorted, so that a difference is one of content."""
    return json.dumps(rendered(board), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _grid(panels: Sequence[Panel], y: int) -> Iterator[models.GridPos]:
    """Places from left to right, line by line."""
    x = height = 0
    for panel in panels:
        if x + panel.width > WIDTH:
            x, y, height = 0, y + height, 0
        yield models.GridPos(h=panel.height, w=panel.width, x=x, y=y)
        x += panel.width
        height = max(height, panel.height)


def _below(panels: Sequence[Panel], y: int) -> int:
    return max((place.y + place.h for place in _grid(panels, y)), default=y)


def _links() -> dashboard.DashboardLink:
    link = dashboard.DashboardLink("Touchline").type(models.DashboardLinkType.DASHBOARDS).tags([TAG])
    return link.as_dropdown(True).keep_time(True).include_vars(True)


def _reference(source: Source) -> models.DataSourceRef:
    return models.DataSourceRef(type_val=_TYPES[source], uid=f"${{{source}}}")


def _variable(variable: Variable) -> dashboard.QueryVariable:
    built = dashboard.QueryVariable(variable.name).label(variable.label).query(variable.query.text)
    built.datasource(_reference(variable.query.source)).refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
    built.sort(models.VariableSort.ALPHABETICAL_ASC).multi(True).include_all(True)
    return built.current(models.VariableOption(selected=True, text=["All"], value=["$__all"]))


def _panel(panel: Panel, place: models.GridPos, kept: Sequence[str]) -> AnyPanel:
    """The builder of one panel, complete. `kept`: the board's variables, which links carry over."""
    built = _of_kind(panel)
    sources = {query.source for query in panel.queries}
    built.id(panel.id).title(panel.title).description(panel.about.text()).grid_pos(place)
    built.datasource(_reference(sources.pop()) if len(sources) == 1 else _MIXED)
    built.unit(panel.unit).no_value(NO_VALUE)
    if panel.decimals is not None:
        built.decimals(panel.decimals)
    if panel.by:
        built.display_name(f"${{__field.labels.{panel.by}}}")
    if panel.interval:
        built.interval(panel.interval)
    for query, reference in zip(panel.queries, "ABCDEFGHIJKLMNOP", strict=False):
        built.with_target(_query(query, reference))
    for column, uid in panel.links:
        others = "".join(f"&${{{name}:queryparam}}" for name in kept if name != column)
        url = f"/d/{uid}?var-{column}=${{__value.text:percentencode}}{others}&${{__url_time_range}}"
        link = {"title": "Open its board", "url": url, "targetBlank": False}
        built.override_by_name(column, [models.DynamicConfigValue(id_val="links", value=[link])])
    shown = {query.name for query in panel.queries}
    for name in (PAST, SHORT):
        if name in shown:
            built.override_by_name(name, _DISTANCE)
    return built


def _of_kind(panel: Panel) -> AnyPanel:
    """What is special about its kind."""
    if panel.kind == "stat":
        return _stat()
    if panel.kind == "table":
        return _table(panel)
    return _states(panel) if panel.kind == "states" else _trend(panel)


def _query(query: Query, reference: str) -> Builder[Any]:
    if query.source == "warehouse":
        return ClickHouseQuery(query.text, reference, table=query.table, datasource=_reference("warehouse"))
    built = prometheus.Dataquery().expr(query.text).ref_id(reference).datasource(_reference("metrics"))
    built.legend_format(query.name or "__auto")
    built.format(PromQueryFormat.TABLE if query.table else PromQueryFormat.TIME_SERIES)
    return built.instant() if query.instant else built.range()


_DISTANCE: Final = [
    models.DynamicConfigValue(id_val="color", value={"mode": "thresholds"}),
    models.DynamicConfigValue(
        id_val="thresholds",
        value={"mode": "absolute", "steps": [{"value": None, "color": GOOD}, {"value": 1e-9, "color": BAD}]},
    ),
]
"""Colours of a distance to a target. The target is a series, so the limit is the same everywhere: above 0 is bad."""


def _fixed(color: str) -> dashboard.FieldColor:
    return dashboard.FieldColor().mode(models.FieldColorModeId.FIXED).fixed_color(color)


def _stat() -> stat.Panel:
    built = stat.Panel().graph_mode(common_models.BigValueGraphMode.NONE)
    built.color_mode(common_models.BigValueColorMode.VALUE).text_mode(common_models.BigValueTextMode.VALUE_AND_NAME)
    built.orientation(common_models.VizOrientation.VERTICAL).color_scheme(_fixed(NEUTRAL))
    return built.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False).fields(""))


def _trend(panel: Panel) -> timeseries.Panel:
    built = timeseries.Panel().line_width(2).fill_opacity(5)
    built.show_points(common_models.VisibilityMode.AUTO)
    built.color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
    built.legend(
        common.VizLegendOptions()
        .display_mode(common_models.LegendDisplayMode.LIST)
        .placement(common_models.LegendPlacement.BOTTOM)
        .show_legend(True)
    )
    built.tooltip(common.VizTooltipOptions().mode(common_models.TooltipDisplayMode.MULTI))
    if panel.kind == "bars":
        built.draw_style(common_models.GraphDrawStyle.BARS).fill_opacity(60).line_width(1)
    if panel.stacked:
        built.stacking(common.StackingConfig().mode(common_models.StackingMode.NORMAL).group("A"))
    if panel.minimum is not None:
        built.min(panel.minimum)
    if panel.maximum is not None:
        built.max(panel.maximum)
    return built.override_by_name(
        TARGET,
        [
            models.DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": BAD}),
            models.DynamicConfigValue(id_val="custom.lineStyle", value={"fill": "dash", "dash": [8, 6]}),
            models.DynamicConfigValue(id_val="custom.fillOpacity", value=0),
        ],
    )


def _states(panel: Panel) -> statetimeline.Panel:
    """Values 0, 1, ... as texts; the first is good, the others are not."""
    texts = {
        str(value): models.ValueMappingResult(text=text, color=BAD if value else GOOD, index=value)
        for value, text in enumerate(panel.states)
    }
    built = statetimeline.Panel().mappings([models.ValueMap(options=texts)])
    return built.merge_values(True).row_height(0.8).fill_opacity(80)


def _table(panel: Panel) -> table.Panel:
    built = table.Panel().show_header(True).color_scheme(_fixed("text"))
    if len(panel.queries) > 1:
        renamed = {
            f"Value #{letter}": query.name for query, letter in zip(panel.queries, "ABCDEFGHIJKLMNOP", strict=False)
        }
        built.with_transformation(models.DataTransformerConfig(id_val="merge", options={}))
        built.with_transformation(
            models.DataTransformerConfig(
                id_val="organize", options={"excludeByName": {"Time": True}, "renameByName": renamed}
            )
        )
    for column, unit in panel.columns:
        built.override_by_name(column, [models.DynamicConfigValue(id_val="unit", value=unit)])
    if any(query.name == PAST for query in panel.queries):
        cell = {"type": "color-text"}
        built.override_by_name(PAST, [models.DynamicConfigValue(id_val="custom.cellOptions", value=cell)])
    return built
