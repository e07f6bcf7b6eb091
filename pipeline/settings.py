"""Settings: one declaration each (type, default, environment variable, what it does). Read once, at the start.

The environment variable is TOUCHLINE_ and the name in capitals; options of the command line go before it. A variable
that begins with TOUCHLINE_ and is none of these is an error that names the nearest: a typo does not pass for a default.
"""

import difflib
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from msgspec import Meta, Struct, structs

_PREFIX = "TOUCHLINE_"


class SettingsError(Exception):
    """A setting is wrong: one sentence with its name."""


class Settings(Struct, frozen=True):
    """How this process runs. Everything has a default: without any setting the embedded stack is used."""

    data: Annotated[Path, Meta(description="Folder of the embedded ClickHouse")] = Path("data")
    catalogue: Annotated[Path | None, Meta(description="YAML file of the organisation's promises")] = None
    host: Annotated[str, Meta(description="Address the page and /metrics are served on")] = "127.0.0.1"
    port: Annotated[int, Meta(description="Port of the page and /metrics")] = 8090
    kafka: Annotated[str, Meta(description="Bootstrap servers host:port,...; empty: embedded Kafka wire")] = ""
    kafka_user: Annotated[str, Meta(description="SASL user name")] = ""
    kafka_password: Annotated[str, Meta(description="SASL password")] = ""
    kafka_mechanism: Annotated[str, Meta(description="SASL mechanism")] = "SCRAM-SHA-512"
    kafka_tls: Annotated[bool, Meta(description="Encrypt the connection to Kafka")] = False
    kafka_ca: Annotated[str, Meta(description="File of the certificate authority of Kafka")] = ""
    group: Annotated[str, Meta(description="Kafka consumer group: one per set of numbers")] = "touchline"
    session_seconds: Annotated[float, Meta(description="Silent for so long, a worker loses its partitions")] = 12.0
    clickhouse: Annotated[str, Meta(description="host[:port] of ClickHouse, native protocol; empty: embedded")] = ""
    clickhouse_user: Annotated[str, Meta(description="ClickHouse user")] = "default"
    clickhouse_password: Annotated[str, Meta(description="ClickHouse password")] = ""
    clickhouse_tls: Annotated[bool, Meta(description="Encrypt the connection to ClickHouse")] = False
    clickhouse_ca: Annotated[str, Meta(description="File of the certificate authority of ClickHouse")] = ""
    own_topic: Annotated[str, Meta(description="A raw topic of a format of your own, read besides touchline.raw")] = ""
    own_source: Annotated[str, Meta(description="How that topic is read: a source, or a mapping file (.yaml)")] = ""
    token: Annotated[str, Meta(description="Token of page and metrics; needed where other machines reach them")] = ""
    senders: Annotated[Path | None, Meta(description="YAML file of who may send over HTTP; none: this machine")] = None
    pseudonym_keys: Annotated[Path | None, Meta(description="File of keys that turn customer ids to pseudonyms")] = None
    tenant: Annotated[str, Meta(description="Whose customers they are: part of every pseudonym")] = ""
    partitions: Annotated[int, Meta(description="Partitions of topics that `apply` creates")] = 8
    replicas: Annotated[int, Meta(description="Replicas of topics that `apply` creates")] = 1
    flush_seconds: Annotated[float, Meta(description="How often results are written at the least")] = 0.5
    new_epoch: Annotated[str, Meta(description="Topics that were re-created and are to be counted as new logs")] = ""
    pure: Annotated[bool, Meta(description="Run the core from its sources, even where it is compiled")] = False
    accept_loss: Annotated[bool, Meta(description="Go on where the log has lost records that were not counted")] = False

    @property
    def embedded_log(self) -> bool:
        """Whether the Kafka wire runs in this process."""
        return not self.kafka

    @property
    def embedded_warehouse(self) -> bool:
        """Whether ClickHouse runs in this process."""
        return not self.clickhouse


def load(environment: Mapping[str, str], **options: Any) -> Settings:
    """Settings from the environment and from options (None: not given). Raises SettingsError."""
    hints = get_type_hints(Settings, include_extras=False)
    values: dict[str, Any] = {}
    for variable, text in sorted(environment.items()):
        if not variable.startswith(_PREFIX):
            continue
        name = variable.removeprefix(_PREFIX).lower()
        if name not in hints:
            near = difflib.get_close_matches(name, hints, n=1)
            hint = f"; did you mean {_PREFIX}{near[0].upper()}?" if near else ""
            raise SettingsError(f"there is no setting {variable}{hint}")
        values[name] = _parse(variable, text, hints[name])
    values.update({name: value for name, value in options.items() if value is not None})
    return Settings(**values)


def reference() -> list[tuple[str, str, str]]:
    """(variable, default, what it does) of every setting."""
    hints = get_type_hints(Settings, include_extras=True)
    rows: list[tuple[str, str, str]] = []
    for field in structs.fields(Settings):
        meta: Meta = get_args(hints[field.name])[1]
        default = "" if field.default is None else str(field.default)
        rows.append((_PREFIX + field.name.upper(), default, meta.description or ""))
    return rows


def _parse(variable: str, text: str, kind: Any) -> Any:
    if get_origin(kind) is types.UnionType:
        kind = Path if text else type(None)
    if kind is type(None):
        return None
    if kind is bool:
        if text.lower() in ("1", "true", "yes", "on"):
            return True
        if text.lower() in ("", "0", "false", "no", "off"):
            return False
        raise SettingsError(f"{variable} is {text!r}; write true or false")
    try:
        return kind(text)
    except ValueError as error:
        raise SettingsError(f"{variable} is {text!r}; write a number") from error
