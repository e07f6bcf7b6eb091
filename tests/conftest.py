"""What holds for every test: nothing leaves the machine, and Hypothesis repeats itself in CI.

The guard is an audit hook, so it sees every connection, bind and name look-up of Python's own sockets in this process.
It cannot see into libraries with sockets of their own (librdkafka, chDB, uvloop) nor into child processes.
"""

import ipaddress
import os
import socket
import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["pytester"]

_refused: list[str] = []


def _is_loopback(host: str) -> bool:
    name = host.partition("%")[0]
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _needs_no_network(host: str) -> bool:
    """Whether a look-up stays here: this machine's own name, or an address that is written out."""
    if host in {"", socket.gethostname()} or _is_loopback(host):
        return True
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _refuse(what: str) -> None:
    message = f"a test wanted to {what}: tests may use loopback (127.0.0.1, ::1, localhost) and Unix sockets only"
    _refused.append(message)
    raise PermissionError(message)


def _guard(event: str, args: tuple[object, ...]) -> None:
    if event in {"socket.connect", "socket.bind", "socket.sendto"}:
        address = args[1]
        if isinstance(address, tuple) and isinstance(address[0], str) and not _is_loopback(address[0]):
            _refuse(f"{event.partition('.')[2]} {address[0]}:{address[1]}")
    elif event == "socket.getaddrinfo":
        host = args[0].decode() if isinstance(args[0], bytes) else args[0]
        if isinstance(host, str) and not _needs_no_network(host):
            _refuse(f"look up {host}")


def pytest_configure() -> None:
    sys.addaudithook(_guard)
    # No deadline: two cores are shared with servers, so one slow example says nothing about the code.
    everywhere = settings(deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile("local", everywhere)
    settings.register_profile("ci", everywhere, derandomize=True, database=None)
    settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(autouse=True)
def _nothing_leaves_this_machine() -> Iterator[None]:
    """Fail the test even where the code under test swallowed the refusal."""
    _refused.clear()
    yield
    assert not _refused, _refused[0]
