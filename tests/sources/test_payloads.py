"""One payload over many lines, an array, or one a line; broken ones take no good ones with them."""

import json

from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import decode
from schemas.sources.payloads import Payload, outputs
from schemas.sources.source import BadLine, Item, Output, Skipped
from schemas.touchpoint import MessageReceived, Touchpoint


def one(payload: Payload) -> list[Touchpoint] | str:
    match payload.get("n"):
        case int() as number:
            return [MessageReceived(id=str(number), time=10**12, contact_id="c", channel="chat")]
        case "skip":
            return "skipped"
    raise ValueError("`n` is missing")


def read(text: str, inside: str = "") -> list[Output]:
    return list(outputs(text.encode().split(b"\n"), one, inside))


def seen(some: list[Output]) -> list[tuple[int, int | str]]:
    """Items by their number, other outputs by their kind; with the line."""
    found: list[tuple[int, int | str]] = []
    for output in some:
        touchpoint = decode(output.value) if isinstance(output, Item) else None
        shown = int(touchpoint.id) if isinstance(touchpoint, Touchpoint) else type(output).__name__
        found.append((output.line, shown))
    return found


def test_one_payload_an_array_or_one_a_line() -> None:
    payloads = [{"n": 1, "deep": [{"x": 1}]}, {"n": 2}]
    assert seen(read(json.dumps(payloads[0], indent=2))) == [(1, 1)]
    assert seen(read(json.dumps(payloads[0], indent=0))) == [(1, 1)]
    assert seen(read(json.dumps(payloads))) == [(1, 1), (1, 2)]
    assert seen(read("\n" + json.dumps(payloads, indent=4))) == [(2, 1), (2, 2)]
    assert seen(read('[\n{"n": 1}\n,\n{"n": 2}\n]')) == [(1, 1), (1, 2)]
    assert seen(read('{"n": 1}\n\n{"n": "skip"}\n{"n": 2}')) == [(1, 1), (3, "Skipped"), (4, 2)]
    assert seen(read('{"n":\n1}\n{"n":\n2}')) == [(1, 1), (3, 2)]
    assert seen(read('{"all": [{"n": 1}, {"n": 2}]}', "all")) == [(1, 1), (1, 2)]


def test_broken_documents_leave_the_others_alone() -> None:
    assert seen(read('{"n": 1}\n{"n": 2, "text": "cut of\n{"n": 3}')) == [(1, 1), (2, "BadLine"), (3, 3)]
    assert seen(read('{"n": 2, "x": {"y":\n{"n": 3}\n{"n": 4}')) == [(1, "BadLine"), (2, 3), (3, 4)]
    assert seen(read('{"n": 2, "x": [\n{"n": 3}\n{"n": 4}')) == [(1, "BadLine"), (2, 3), (3, 4)]
    assert seen(read('nonsense\n{"n": 3}]\n{"n": 4}\n7\n[8]\nnull')) == [
        (1, "BadLine"),
        (2, "BadLine"),
        (3, 4),
        (4, "BadLine"),
        (5, "BadLine"),
        (6, "BadLine"),
    ]


def test_many_cut_lines_are_as_many_bad_lines_and_the_good_one_among_them_is_read() -> None:
    cut = ['{"a": {"b": [1, '] * 5_000
    found = seen(read("\n".join([*cut, '{"n": 3}', *cut])))
    assert (5_001, 3) in found
    assert len(found) == 10_001


def test_a_bad_line_keeps_the_outline_and_no_values() -> None:
    (bad,) = read('{"name": "Anna", "phone": 15550100, "list": [{"mail": "a@b"}], "open": true, "n": null}')
    assert isinstance(bad, BadLine)
    assert json.loads(bad.value) == {"name": "...", "phone": "...", "list": [{"mail": "..."}], "open": True, "n": None}
    (bad,) = read('{"a@b.test": 1, "+4915550100": 2}')
    assert isinstance(bad, BadLine)
    assert json.loads(bad.value) == {"...": "..."}
    (bad,) = read('{"name": "Anna"')
    assert isinstance(bad, BadLine)
    assert (bad.reject.reason, bad.value) == ("not_json", b"")


def test_deep_nesting_is_refused_by_a_rule() -> None:
    assert seen(read('{"n": 1, "x": ' + "[" * 63 + "]" * 63 + "}")) == [(1, 1)]
    (bad,) = read('{"n": 1, "x": ' + "[" * 64 + "]" * 64 + "}")
    assert isinstance(bad, BadLine)
    assert "64 deep" in bad.reject.detail
    assert seen(read("[" * 100_000)) == [(1, "BadLine")]


@given(st.lists(st.integers(0, 10**6), max_size=5), st.sampled_from([None, 0, 1, 4]), st.booleans())
def test_however_a_file_is_laid_out_every_payload_is_read_once(
    numbers: list[int], indent: int | None, array: bool
) -> None:
    payloads = [{"n": number, "x": [{"text": 'a "quoted" } brace'}, []]} for number in numbers]
    text = (
        json.dumps(payloads, indent=indent)
        if array
        else "\n".join(json.dumps(payload, indent=indent) for payload in payloads)
    )
    assert [shown for _, shown in seen(read(text))] == numbers


@given(st.lists(st.sampled_from([b"{", b"}", b"[", b"]", b'"', b",", b":", b'{"n": 1}', b"7", b"\\", b"\xff"])))
def test_no_lines_make_it_raise(some: list[bytes]) -> None:
    assert all(isinstance(output, Item | BadLine | Skipped) for output in outputs(some, one))
