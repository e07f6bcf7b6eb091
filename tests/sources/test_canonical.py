"""Lines go through as they are; blank ones are left out, and only what no broker takes is a bad line."""

from schemas.codec import MAX_BYTES
from schemas.sources import SOURCES, BadLine, Item

read = SOURCES["canonical"].read


def test_lines_pass_unchanged_with_their_numbers() -> None:
    assert list(read([b'{"a":1}', b"", b"  \t", b"not json"])) == [Item(1, b'{"a":1}'), Item(4, b"not json")]


def test_a_line_beyond_the_limit_is_a_bad_line() -> None:
    longest, too_long = b"x" * MAX_BYTES, b"x" * (MAX_BYTES + 1)
    first, second, third = read([longest, too_long, b"{}"])
    assert first == Item(1, longest)
    assert isinstance(second, BadLine)
    assert (second.line, second.reject.reason, len(second.value)) == (2, "too_large", 65_536)
    assert third == Item(3, b"{}")


def test_every_source_is_registered_under_its_name() -> None:
    assert {"canonical", "anonymous-bank"} <= SOURCES.keys()
    assert all(name == source.name for name, source in SOURCES.items())
    assert all(list(source.read([])) == [] for source in SOURCES.values())
