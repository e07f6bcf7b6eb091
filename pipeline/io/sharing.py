"""`DIR/touchline.sock`: the process that holds a folder answers the others of the same user, over a Unix socket.

One request a connection: eight bytes of length, then MessagePack. A request is a map with the operation's name under
`op`; what the operations are is up to the app. SQL comes this way, so the socket is the user's own (mode 0600) and the
other end's user is looked at as well.
"""

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from pipeline.io.embedded import FolderHeld
from pipeline.ports import LogError, WarehouseDown, WarehouseRefused

SOCKET_NAME: Final = "touchline.sock"

Handler = Callable[[Mapping[str, Any]], Awaitable[bytes]]

_LENGTH: Final = struct.Struct(">Q")
_MAX_REQUEST_BYTES: Final = 256 * 1024 * 1024
_MAX_PATH_BYTES: Final = 100
"""Of a Unix socket: 108 on Linux, 104 elsewhere."""
_CONNECT_SECONDS: Final = 5.0

_KINDS: Final[Mapping[str, type[Exception]]] = {
    "down": WarehouseDown,
    "refused": WarehouseRefused,
    "log": LogError,
}
"""Errors that cross the socket as what they are. Whatever else a handler raises is a bug: it is not answered."""


class _Reply(Struct):
    """What came of a request: an answer, or the error it ended with."""

    answer: bytes = b""
    error: str = ""
    kind: str = ""


class Sharing:
    """Serves `folder/touchline.sock`: each request goes to the handler of its `op`."""

    def __init__(self, folder: Path, handlers: Mapping[str, Handler]) -> None:
        self._folder = folder
        self._handlers = dict(handlers)
        self._server: asyncio.Server | None = None
        self._inode = 0
        self._under_way: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin to serve; a socket nobody listens on is taken over. Raises FolderHeld if somebody does."""
        self._folder.mkdir(parents=True, exist_ok=True)
        listening = await asyncio.to_thread(_listening, self._folder)
        self._inode = (self._folder / SOCKET_NAME).stat().st_ino
        self._server = await asyncio.start_unix_server(self._serve, sock=listening)

    async def stop(self) -> None:
        """Hang up and take the socket away. What is under way is not answered any more."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        path = self._folder / SOCKET_NAME
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_ino == self._inode:
                path.unlink()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        try:
            if _is_same_user(writer.get_extra_info("socket")):
                reply = msgspec.msgpack.encode(await self._reply(reader))
                writer.write(_LENGTH.pack(len(reply)))
                writer.write(reply)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # The other side has gone: nobody to tell.
        except asyncio.CancelledError:
            pass  # Only `stop` cancels; for a cancelled task the streams of Python 3.11 print a stack.
        finally:
            writer.close()

    async def _reply(self, reader: asyncio.StreamReader) -> _Reply:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        if length > _MAX_REQUEST_BYTES:
            return _Reply(error=f"a request of {length} bytes is too large", kind="refused")
        try:
            request = msgspec.msgpack.decode(await reader.readexactly(length), type=dict[str, Any])
        except msgspec.DecodeError as error:
            return _Reply(error=f"not a request: {error}", kind="refused")
        handler = self._handlers.get(str(request.pop("op", "")))
        if handler is None:
            known = ", ".join(sorted(self._handlers))
            return _Reply(error=f"the process that holds {self._folder} answers only: {known}", kind="refused")
        try:
            return _Reply(await handler(request))
        except tuple(_KINDS.values()) as error:
            kind = next(name for name, type_ in _KINDS.items() if isinstance(error, type_))
            return _Reply(error=str(error), kind=kind)


def call(folder: Path, op: str, **request: Any) -> bytes:
    """Ask the process that holds the folder. Waits as long as it takes; blocks, so for threads and scripts.

    Raises WarehouseDown if nobody answers, and WarehouseDown, WarehouseRefused or LogError as the other side met them.
    """
    asked = msgspec.msgpack.encode({**request, "op": op})
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_CONNECT_SECONDS)
            with _address(folder) as address:
                connection.connect(address)
            connection.settimeout(None)
            connection.sendall(_LENGTH.pack(len(asked)) + asked)
            (length,) = _LENGTH.unpack(_exactly(connection, _LENGTH.size))
            reply = msgspec.msgpack.decode(_exactly(connection, length), type=_Reply)
    except (OSError, msgspec.DecodeError) as error:
        raise WarehouseDown(
            f"nobody answers at {folder / SOCKET_NAME} ({error}): start touchline on this folder, or stop what holds it"
        ) from None
    if reply.kind:
        raise _KINDS.get(reply.kind, WarehouseRefused)(reply.error)
    return reply.answer


def _exactly(connection: socket.socket, length: int) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        part = connection.recv(min(length - len(parts), 1 << 20))
        if not part:
            raise ConnectionError("it hung up")
        parts += part
    return bytes(parts)


def _listening(folder: Path) -> socket.socket:
    path = folder / SOCKET_NAME
    if path.is_socket():
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe, _address(folder) as address:
            probe.settimeout(_CONNECT_SECONDS)
            try:
                probe.connect(address)
            except OSError:
                path.unlink(missing_ok=True)  # Left behind by a process that was killed.
            else:
                raise FolderHeld(f"another process serves {path}: stop that one, or ask it")
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _address(folder) as address:
            listening.bind(address)
        # Nobody can connect before `listen`, which asyncio calls: at no time is it open to others.
        path.chmod(0o600)
    except OSError:
        listening.close()
        raise
    listening.setblocking(False)
    return listening


@contextmanager
def _address(folder: Path) -> Iterator[str]:
    """The socket's path, by way of the folder's descriptor where it is too long for a socket. Raises OSError."""
    path = str(folder / SOCKET_NAME)
    if len(os.fsencode(path)) <= _MAX_PATH_BYTES:
        yield path
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{SOCKET_NAME}"
    finally:
        os.close(descriptor)


def _is_same_user(connection: socket.socket) -> bool:
    """Whether the other end runs as this user, where the system tells (elsewhere the mode of the socket has to do)."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    size = struct.calcsize("3i")
    _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return bool(uid == os.getuid())
