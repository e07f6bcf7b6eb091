"""Real servers for tests, on free loopback ports, always stopped: Debian's clickhouse-server (18.16)."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec import Struct

from tests.certificates import Certificate

_CONFIG = """<?xml version="1.0"?>
<yandex>
    <logger><level>warning</level><log>{home}/log/server.log</log><errorlog>{home}/log/server.err.log</errorlog></logger>
    <http_port>{http}</http_port>
    <tcp_port>{native}</tcp_port>
    <listen_host>127.0.0.1</listen_host>
    <max_connections>64</max_connections>
    <max_concurrent_queries>32</max_concurrent_queries>
    <uncompressed_cache_size>67108864</uncompressed_cache_size>
    <mark_cache_size>67108864</mark_cache_size>
    <timezone>UTC</timezone>
    <path>{home}/data/</path>
    <tmp_path>{home}/data/tmp/</tmp_path>
    <user_files_path>{home}/data/user_files/</user_files_path>
    <users_config>{home}/users.xml</users_config>
    <default_profile>default</default_profile>
    <default_database>default</default_database>{more}
</yandex>
"""

_USERS = """<?xml version="1.0"?>
<yandex>
    <profiles><default>
        <max_memory_usage>4000000000</max_memory_usage>
        <use_uncompressed_cache>0</use_uncompressed_cache>
        <load_balancing>random</load_balancing>
    </default></profiles>
    <users><default>
        <password></password>
        <networks incl="networks"><ip>127.0.0.1</ip></networks>
        <profile>default</profile><quota>default</quota>
    </default></users>
    <quotas><default><interval>
        <duration>3600</duration><queries>0</queries><errors>0</errors>
        <result_rows>0</result_rows><read_rows>0</read_rows><execution_time>0</execution_time>
    </interval></default></quotas>
</yandex>
"""


_SECURE = """
    <tcp_port_secure>{port}</tcp_port_secure>
    <openSSL><server>
        <certificateFile>{certificate}</certificateFile><privateKeyFile>{key}</privateKeyFile>
        <verificationMode>none</verificationMode><cacheSessions>false</cacheSessions>
    </server></openSSL>"""


class ClickHouseServer(Struct, frozen=True):
    """Where a started server listens, and its process (tests of faults stop and kill it by this handle only)."""

    host: str
    port: int
    http_port: int
    home: Path
    process: subprocess.Popen[bytes]


def free_ports(n: int) -> list[int]:
    """`n` loopback ports that nobody listened on a moment ago."""
    sockets = [socket.socket() for _ in range(n)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _binary() -> str:
    found = shutil.which("clickhouse-server") or shutil.which("clickhouse-server", path="/usr/bin:/usr/local/bin")
    if found is None:
        pytest.skip("no clickhouse-server on this machine (Debian: apt-get install clickhouse-server)")
    return found


def start_clickhouse(
    home: Path, native: int, http: int, secure: tuple[int, Certificate] | None = None
) -> ClickHouseServer:
    """Start a server on `home` (kept from an earlier start, if there was one) and wait until it answers. `secure`: a
    port for TLS as well, with this certificate.
    """
    for folder in ("log", "data/tmp", "data/user_files"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    more = ""
    if secure is not None:
        more = _SECURE.format(port=secure[0], certificate=secure[1].certificate, key=secure[1].key)
    (home / "config.xml").write_text(_CONFIG.format(home=home, http=http, native=native, more=more))
    (home / "users.xml").write_text(_USERS)
    log = (home / "log" / "stdout.log").open("ab")
    with log:
        process = subprocess.Popen(
            [_binary(), f"--config-file={home / 'config.xml'}"],
            stdout=log,
            stderr=log,
            cwd=home,
            start_new_session=True,
        )
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            for port in (native, *([] if secure is None else [secure[0]])):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
            continue
        return ClickHouseServer("127.0.0.1", native, http, home, process)
    stop_clickhouse(process)
    said = (home / "log" / "stdout.log").read_text(errors="replace")[-2000:]
    raise RuntimeError(f"clickhouse-server did not start: {said}")


def stop_clickhouse(process: subprocess.Popen[bytes]) -> None:
    """End a server this module started: ask, then insist."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=10)


@contextmanager
def clickhouse_server(tmp_path: Path, secure: tuple[int, Certificate] | None = None) -> Iterator[ClickHouseServer]:
    """A running clickhouse-server with its data under `tmp_path`; skips the test where none is installed."""
    native, http = free_ports(2)
    server = start_clickhouse(tmp_path / "clickhouse", native, http, secure)
    try:
        yield server
    finally:
        stop_clickhouse(server.process)
