"""The same lines come out of plain, gzip and zstd files, in bounded memory; a problem is one clear sentence."""

import gzip
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from pipeline.io.files import LONGEST_LINE, FileProblem, lines, size_bytes


def zstd(content: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(content)


PACKERS: dict[str, Callable[[bytes], bytes]] = {"": bytes, ".gz": gzip.compress, ".zst": zstd}
packed = pytest.mark.parametrize("suffix", list(PACKERS))


def written(folder: Path, suffix: str, content: bytes) -> Path:
    path = folder / f"touchpoints.jsonl{suffix}"
    path.write_bytes(PACKERS[suffix](content))
    return path


@packed
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b"a", [b"a"]),
        (b"a\nb\n", [b"a", b"b"]),
        (b"a\r\n\r\nb", [b"a", b"", b"b"]),
        (b"\n\n", [b"", b""]),
        (b"\xef\xbb\xbfa\n\xef\xbb\xbfb", [b"a", b"\xef\xbb\xbfb"]),
        (b"a\rb\n", [b"a\rb"]),
    ],
)
def test_lines_without_their_ends(tmp_path: Path, suffix: str, content: bytes, expected: list[bytes]) -> None:
    assert list(lines(written(tmp_path, suffix, content))) == expected


@given(rows=st.lists(st.binary(max_size=400_000).map(lambda row: row.replace(b"\n", b"").rstrip(b"\r")), max_size=6))
def test_lines_of_any_length_survive_the_cuts_between_chunks(
    tmp_path_factory: pytest.TempPathFactory, rows: list[bytes]
) -> None:
    rows = [b"first", *(row * 3 for row in rows)]
    path = written(tmp_path_factory.mktemp("rows"), ".zst", b"".join(row + b"\n" for row in rows))
    assert list(lines(path)) == rows


@packed
def test_several_parts_one_after_another(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"parts{suffix}"
    path.write_bytes(PACKERS[suffix](b"a\nb") + PACKERS[suffix](b"c\nd\n"))
    assert list(lines(path)) == [b"a", b"bc", b"d"]


@packed
def test_progress_grows_to_the_size_on_the_disk(tmp_path: Path, suffix: str) -> None:
    path = written(tmp_path, suffix, b"".join(b"%d\n" % (n * n) for n in range(300_000)))
    seen: list[int] = []
    assert sum(1 for _ in lines(path, seen.append)) == 300_000
    assert seen == sorted(seen)
    assert seen[-1] == size_bytes(path)
    assert len(set(seen)) > 1


@packed
def test_a_huge_line_is_cut_in_bounded_memory(tmp_path: Path, suffix: str) -> None:
    path = written(tmp_path, suffix, b"a\n" + b"x" * 80_000_000 + b"\r\nb\n")
    tracemalloc.start()
    try:
        lengths = [len(line) for line in lines(path)]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert lengths == [1, LONGEST_LINE, 1]
    assert peak < 70_000_000


def test_a_line_at_the_limit_is_whole(tmp_path: Path) -> None:
    row = b"x" * (LONGEST_LINE - 1)
    assert list(lines(written(tmp_path, "", row + b"\r\n" + row))) == [row, row]


def test_what_a_file_is_its_content_says(tmp_path: Path) -> None:
    path = tmp_path / "touchpoints.jsonl"
    path.write_bytes(gzip.compress(b"a\nb\n"))
    assert list(lines(path)) == [b"a", b"b"]


def problem(path: Path) -> str:
    with pytest.raises(FileProblem) as caught:
        list(lines(path))
    return str(caught.value)


def test_problems_are_one_sentence_with_the_file_and_a_way_on(tmp_path: Path) -> None:
    missing = tmp_path / "missing.jsonl"
    assert problem(missing) == f"{missing}: there is no such file"
    assert problem(tmp_path) == f"{tmp_path} is a folder; name the files in it"
    with pytest.raises(FileProblem, match="there is no such file"):
        size_bytes(missing)
    for suffix, kind in ((".gz", "gzip"), (".zst", "zstd")):
        plain = tmp_path / f"plain.jsonl{suffix}"
        plain.write_bytes(b'{"id":1}\n')
        assert problem(plain).startswith(f"{plain} is not {kind}, though its name ends in {suffix}")


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_cut_or_damaged_file_is_noticed(tmp_path: Path, suffix: str) -> None:
    whole = PACKERS[suffix](b"".join(b"%d\n" % (n * n) for n in range(5_000)))
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(whole[: len(whole) // 2])
    assert "ends in the middle" in problem(cut)
    damaged = tmp_path / f"damaged{suffix}"
    middle = len(whole) // 2
    damaged.write_bytes(whole[:middle] + bytes(b ^ 0xFF for b in whole[middle : middle + 60]) + whole[middle + 60 :])
    assert "damaged" in problem(damaged)
