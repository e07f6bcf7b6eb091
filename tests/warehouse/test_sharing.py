"""The socket in the folder: who holds it answers the others, and nothing else gets in."""

import asyncio
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline.io.embedded import EmbeddedWarehouse, FolderHeld
from pipeline.io.sharing import SOCKET_NAME, Sharing, call
from pipeline.ports import LogError, WarehouseDown, WarehouseRefused


async def echo(request: Mapping[str, Any]) -> bytes:
    return repr(sorted(request.items())).encode()


async def ask(folder: Path, op: str, **request: Any) -> bytes:
    return await asyncio.to_thread(call, folder, op, **request)


@pytest.mark.asyncio
async def test_a_request_reaches_its_handler_and_the_answer_comes_back(tmp_path: Path) -> None:
    served = Sharing(tmp_path, {"echo": echo})
    await served.start()
    assert await ask(tmp_path, "echo", sql="SELECT 'ü'", values=[b"\xff", b""]) == (
        repr([("sql", "SELECT 'ü'"), ("values", [b"\xff", b""])]).encode()
    )
    answers = await asyncio.gather(*(ask(tmp_path, "echo", n=n) for n in range(20)))
    assert answers == [f"[('n', {n})]".encode() for n in range(20)]
    await served.stop()
    assert not (tmp_path / SOCKET_NAME).exists()


@pytest.mark.asyncio
async def test_large_answers_and_requests(tmp_path: Path) -> None:
    async def size(request: Mapping[str, Any]) -> bytes:
        return bytes(len(request["values"]) * 2)

    served = Sharing(tmp_path, {"size": size})
    await served.start()
    assert len(await ask(tmp_path, "size", values=bytes(5_000_000))) == 10_000_000
    await served.stop()


@pytest.mark.asyncio
@pytest.mark.parametrize("error", [WarehouseDown("gone"), WarehouseRefused("no such table"), LogError("no leader")])
async def test_errors_cross_the_socket_as_what_they_are(tmp_path: Path, error: Exception) -> None:
    async def fails(_: Mapping[str, Any]) -> bytes:
        raise error

    served = Sharing(tmp_path, {"fails": fails})
    await served.start()
    with pytest.raises(type(error), match=str(error)):
        await ask(tmp_path, "fails")
    with pytest.raises(WarehouseRefused, match="answers only: fails"):
        await ask(tmp_path, "drop")
    await served.stop()


@pytest.mark.asyncio
async def test_the_socket_is_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served = Sharing(tmp_path, {"echo": echo})
    await served.start()
    assert stat.S_IMODE((tmp_path / SOCKET_NAME).stat().st_mode) == 0o600
    monkeypatch.setattr(os, "getuid", lambda: os.geteuid() + 1)
    with pytest.raises(WarehouseDown, match="nobody answers"):
        await ask(tmp_path, "echo")
    await served.stop()


@pytest.mark.asyncio
async def test_a_stale_socket_is_taken_over_and_a_live_one_is_not(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(tmp_path / SOCKET_NAME))
    with pytest.raises(WarehouseDown, match="nobody answers"):
        await ask(tmp_path, "echo")
    served = Sharing(tmp_path, {"echo": echo})
    await served.start()
    assert await ask(tmp_path, "echo") == b"[]"
    with pytest.raises(FolderHeld, match="another process serves"):
        await Sharing(tmp_path, {}).start()
    assert await ask(tmp_path, "echo") == b"[]"
    await served.stop()


def test_nobody_answers_where_there_is_no_socket(tmp_path: Path) -> None:
    with pytest.raises(WarehouseDown, match="nobody answers"):
        call(tmp_path, "echo")


@pytest.mark.asyncio
async def test_a_path_too_long_for_a_socket(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    served = Sharing(folder, {"echo": echo})
    await served.start()
    assert await ask(folder, "echo") == b"[]"
    await served.stop()
    assert list(folder.iterdir()) == []


@pytest.mark.asyncio
async def test_nonsense_is_refused_and_a_caller_that_leaves_is_no_matter(tmp_path: Path) -> None:
    served = Sharing(tmp_path, {"echo": echo})
    await served.start()
    for sent, starts in ((b"\0\0\0\0\0\0\0\x03abc", b"not a request"), (b"\xff" * 8, b"too large"), (b"\0\0", b"")):
        reader, writer = await asyncio.open_unix_connection(tmp_path / SOCKET_NAME)
        writer.write(sent)
        writer.write_eof()
        assert starts in await reader.read()
        writer.close()
    assert await ask(tmp_path, "echo") == b"[]"
    await served.stop()


@pytest.mark.asyncio
async def test_who_is_waiting_when_it_stops_is_told(tmp_path: Path) -> None:
    began = asyncio.Event()

    async def slow(_: Mapping[str, Any]) -> bytes:
        began.set()
        await asyncio.Event().wait()
        return b""

    served = Sharing(tmp_path, {"slow": slow})
    await served.start()
    asking = asyncio.create_task(ask(tmp_path, "slow"))
    await began.wait()
    await served.stop()
    with pytest.raises(WarehouseDown, match="hung up"):
        await asking


@pytest.mark.asyncio
@pytest.mark.process
async def test_a_second_process_is_told_and_gets_its_answer_through_the_socket(tmp_path: Path) -> None:
    warehouse = await asyncio.to_thread(EmbeddedWarehouse, tmp_path)

    async def query(request: Mapping[str, Any]) -> bytes:
        return await warehouse.formatted(request["sql"], request["format"])

    served = Sharing(tmp_path, {"query": query})
    await served.start()
    program = f"""
from pathlib import Path
from pipeline.io.embedded import EmbeddedWarehouse, FolderHeld
from pipeline.io.sharing import call
folder = Path({str(tmp_path)!r})
try:
    EmbeddedWarehouse(folder)
except FolderHeld as held:
    print(held)
print(call(folder, "query", sql="SELECT 40 + 2 AS n", format="JSONEachRow").decode())
"""
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    await served.stop()
    await warehouse.close()
    assert done.stderr == ""
    assert done.stdout.splitlines()[:2] == [
        f"{tmp_path} is open already, and only one process at a time can have it: stop that one, or ask it",
        '{"n":42}',
    ]


@pytest.mark.asyncio
async def test_one_process_has_one_folder_open_and_may_change_it(tmp_path: Path) -> None:
    first = EmbeddedWarehouse(tmp_path / "a")
    with pytest.raises(FolderHeld, match="is open already"):
        EmbeddedWarehouse(tmp_path / "b")
    await first.close()
    second = EmbeddedWarehouse(tmp_path / "b")
    assert await second.query("SELECT 1") == [(1,)]
    await second.close()
