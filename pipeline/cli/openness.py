"""What `doctor` says of who can read and send what: what is open, and which setting closes it."""

import stat
from collections.abc import Callable, Iterable
from functools import partial

from msgspec import Struct

from pipeline.app.own import readers_of
from pipeline.app.privacy import pseudonyms_of
from pipeline.app.receiving import senders_of
from pipeline.app.stack import CannotStart
from pipeline.io.http import is_loopback
from pipeline.io.kafka import brokers, connection, security_of
from pipeline.ports import LogError
from pipeline.settings import Settings


class Finding(Struct, frozen=True):
    """One row. `wrong`: the process would not start with it. What is merely open may be meant so, and is no error."""

    what: str
    how: str
    wrong: bool = False


def openness(settings: Settings) -> list[Finding]:
    """Every way in and out. Reads the files that the settings name, connects to nothing."""
    parts: dict[str, Callable[[Settings], str]] = {
        "page and metrics": _page,
        "intake over HTTP": _intake,
        "connection to Kafka": _kafka,
        "connection to ClickHouse": _clickhouse,
        "customer ids": _customer_ids,
        "topic of your own": _own_topic,
    }
    return [_finding(what, partial(part, settings)) for what, part in parts.items()]


def _finding(what: str, part: Callable[[], str]) -> Finding:
    try:
        return Finding(what, part())
    except (CannotStart, LogError) as error:
        return Finding(what, f"WRONG: {error}", wrong=True)


def _page(settings: Settings) -> str:
    where = f"{settings.host}:{settings.port}"
    token = "who has the token" if settings.token else "everybody"
    if is_loopback(settings.host):
        return f"{where}: {token} on this machine, nobody else"
    if not settings.token:
        raise CannotStart(f"{where} can be reached from other machines without a token: set TOUCHLINE_TOKEN")
    return f"{where}: {token}, from any machine, NOT ENCRYPTED here: put a proxy with TLS before it"


def _intake(settings: Settings) -> str:
    senders = senders_of(settings)
    if settings.senders is None:
        close = "TOUCHLINE_SENDERS names a file of who may send"
        return f"{'everybody on this machine, nobody else' if senders.open else 'nobody'}; {close}"
    if not senders.by_name:
        return f"nobody: {settings.senders} names no senders"
    return ", ".join(f"{each.name} by {each.proof}" for each in senders.by_name.values())


def _kafka(settings: Settings) -> str:
    if settings.embedded_log:
        return "none: the Kafka wire is in this process, on 127.0.0.1"
    security = security_of(settings)
    connection(security)
    if settings.kafka_user:
        # Whatever the mechanism: without TLS `connection` has refused it.
        who = f"as {settings.kafka_user} by {settings.kafka_mechanism}"
        if not settings.kafka_password:
            raise CannotStart(f"{who}, but without a password: set TOUCHLINE_KAFKA_PASSWORD")
    else:
        who = "NOT LOGGED IN (TOUCHLINE_KAFKA_USER, TOUCHLINE_KAFKA_PASSWORD)"
    return f"{_encrypted(settings.kafka_tls, _hosts(settings.kafka), 'TOUCHLINE_KAFKA_TLS')}, {who}"


def _clickhouse(settings: Settings) -> str:
    if settings.embedded_warehouse:
        return f"none: it is in this process; who can read the folder {settings.data} can read all of it"
    who = f"as {settings.clickhouse_user}"
    if not settings.clickhouse_password:
        who += " WITHOUT A PASSWORD (TOUCHLINE_CLICKHOUSE_USER, TOUCHLINE_CLICKHOUSE_PASSWORD)"
    tls = _encrypted(settings.clickhouse_tls, _hosts(settings.clickhouse), "TOUCHLINE_CLICKHOUSE_TLS")
    return f"{tls}, {who}"


def _hosts(servers: str) -> list[str]:
    """Of `h1:9092, [::1]:9092` the hosts."""
    return [each.rpartition(":")[0] or each for each in brokers(servers)]


def _encrypted(tls: bool, hosts: Iterable[str], setting: str) -> str:
    if tls:
        return "encrypted"
    if all(is_loopback(host) for host in hosts):
        return "not encrypted, within this machine"
    return f"NOT ENCRYPTED, who is in between can read along ({setting}=true)"


def _customer_ids(settings: Settings) -> str:
    keys = pseudonyms_of(settings).keys
    if settings.pseudonym_keys is None:
        return "STORED AS SENT; TOUCHLINE_PSEUDONYM_KEYS names a file of keys by which they become pseudonyms"
    numbers = [str(key.number) for key in keys]
    older = f" (older ones, for erasing: {', '.join(numbers[:-1])})" if numbers[1:] else ""
    tenant = f", tenant {settings.tenant}" if settings.tenant else ""
    mode = settings.pseudonym_keys.stat().st_mode
    readable = mode & (stat.S_IRGRP | stat.S_IROTH)
    also = f"; OTHER USERS of this machine can read them: chmod 600 {settings.pseudonym_keys}" if readable else ""
    return f"pseudonyms by key {numbers[-1]}{older}{tenant}{also}"


def _own_topic(settings: Settings) -> str:
    if not readers_of(settings):
        return "none (TOUCHLINE_OWN_TOPIC, TOUCHLINE_OWN_SOURCE)"
    return f"{settings.own_topic}, read as {settings.own_source}"
