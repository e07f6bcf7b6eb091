"""Files as lines of bytes: plain, gzip or zstd, of any size, with progress in bytes of the file on the disk."""

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import zstandard

from schemas.codec import MAX_BYTES

LONGEST_LINE: Final = MAX_BYTES + 1
"""A longer line is cut to this many bytes: one more than a record may have, so it is rejected as too large."""
_CHUNK_BYTES: Final = 1024 * 1024
_ZSTD_INPUT_BYTES: Final = 1024  # what unpacks to 32 MiB at most, however hostile the file
_GZIP_MAGIC: Final = b"\x1f\x8b"
_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_BOM: Final = b"\xef\xbb\xbf"


class FileProblem(Exception):
    """A file cannot be read; the message is one sentence for the user."""


def lines(path: Path, on_progress: Callable[[int], None] = lambda _: None) -> Iterator[bytes]:
    """The lines of a file without LF or CRLF. A byte order mark at the start is left out.

    `on_progress` gets the number of bytes read from the disk so far, for compressed files the compressed ones. It
    hears nothing of a pipe.
    Lines beyond LONGEST_LINE are cut to it, and no more than that is held in memory. Raises FileProblem.
    """
    try:
        with path.open("rb") as raw:
            # A pipe does not say how far it is.
            on_chunk = (lambda: on_progress(raw.tell())) if raw.seekable() else (lambda: None)
            yield from _lines(_chunks(path, raw), on_chunk)
    except FileNotFoundError as error:
        raise FileProblem(f"{path}: there is no such file") from error
    except IsADirectoryError as error:
        raise FileProblem(f"{path} is a folder; name the files in it") from error
    except EOFError as error:
        raise FileProblem(f"{path} ends in the middle of its compressed data; fetch it again") from error
    except (gzip.BadGzipFile, zlib.error, zstandard.ZstdError) as error:
        raise FileProblem(f"{path} is damaged: its compressed data cannot be read ({error})") from error
    except OSError as error:
        raise FileProblem(f"{path} cannot be read: {error.strerror or error}") from error


def size_bytes(path: Path) -> int:
    """The size of the file on the disk, what `on_progress` ends at. Raises FileProblem."""
    try:
        return path.stat().st_size
    except FileNotFoundError as error:
        raise FileProblem(f"{path}: there is no such file") from error
    except OSError as error:
        raise FileProblem(f"{path} cannot be read: {error.strerror or error}") from error


def _chunks(path: Path, raw: io.BufferedReader) -> Iterator[bytes]:
    """The unpacked content, piece by piece. What the file is, its first bytes tell; a wrong name is a problem."""
    magic = raw.peek(4)[:4]
    if magic.startswith(_GZIP_MAGIC):
        unpacked = gzip.GzipFile(fileobj=raw)
        return iter(lambda: unpacked.read(_CHUNK_BYTES), b"")
    if magic == _ZSTD_MAGIC:
        return _unpacked_zstd(raw)
    for suffix, kind in ((".gz", "gzip"), (".zst", "zstd")):
        if path.suffix == suffix and magic:
            raise FileProblem(f"{path} is not {kind}, though its name ends in {suffix}; rename it if it is plain text")
    return iter(lambda: raw.read(_CHUNK_BYTES), b"")


def _unpacked_zstd(raw: io.BufferedReader) -> Iterator[bytes]:
    """The content of all frames. Raises EOFError if the last one is cut, which the library's own reader does not."""
    frame = None
    while packed := raw.read(_ZSTD_INPUT_BYTES):
        while packed:
            frame = frame or zstandard.ZstdDecompressor().decompressobj()
            yield frame.decompress(packed)
            packed = b""
            if frame.eof:
                packed, frame = frame.unused_data, None
    if frame:
        raise EOFError


def _lines(chunks: Iterator[bytes], on_chunk: Callable[[], None]) -> Iterator[bytes]:
    rest = b""
    beginning = True
    for chunk in chunks:
        on_chunk()
        if beginning and chunk:
            chunk, beginning = chunk.removeprefix(_BOM), False  # noqa: PLW2901
        head, *others = chunk.split(b"\n")
        rest += head[: LONGEST_LINE + 1 - len(rest)]  # what is too long anyway is not collected
        if others:
            yield rest.removesuffix(b"\r")[:LONGEST_LINE]
            rest = others.pop()[: LONGEST_LINE + 1]
            for line in others:
                yield line.removesuffix(b"\r")[:LONGEST_LINE]
    on_chunk()
    if rest:
        yield rest.removesuffix(b"\r")[:LONGEST_LINE]
