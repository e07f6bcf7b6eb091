"""The query model of Grafana's ClickHouse data source, which the grafana-foundation-sdk does not have.

Plugin `grafana-clickhouse-datasource` (4.x, for Grafana 11.6 and newer). `format`: 0 time series, 1 table.
"""

from typing import Any, Final

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.dashboard import DataSourceRef

PLUGIN: Final = "grafana-clickhouse-datasource"
PLUGIN_VERSION: Final = "4.20.0"


class Target(Dataquery):
    """One query, as the plugin's SQL editor writes it."""

    def __init__(self, sql: str, reference: str, datasource: DataSourceRef, *, table: bool) -> None:
        self._json: dict[str, Any] = {
            "datasource": datasource,
            "editorType": "sql",
            "format": 1 if table else 0,
            "pluginVersion": PLUGIN_VERSION,
            "queryType": "table" if table else "timeseries",
            "rawSql": sql,
            "refId": reference,
        }

    def to_json(self) -> dict[str, object]:
        """What Grafana stores."""
        return self._json


class ClickHouseQuery(Builder[Target]):
    """Builds one, for the SDK's panels."""

    def __init__(self, sql: str, reference: str, *, table: bool, datasource: DataSourceRef) -> None:
        self._target = Target(sql, reference, datasource, table=table)

    def build(self) -> Target:
        """The query."""
        return self._target
