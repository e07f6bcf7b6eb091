"""Every source's hand-made twin gives the touchpoints written beside it, and the real samples give some that are valid.

A twin is `tests/data/sources/<source>.*` (or `<source>-<what>.*`), its touchpoints are in `<the same>.expected.jsonl`.
"""

import json
from pathlib import Path
from string import printable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.io.files import lines
from schemas.codec import decode, encode
from schemas.sources import SOURCES, BadLine, Item, Output
from schemas.touchpoint import Touchpoint

ROOT = Path(__file__).parents[2]
TWINS = ROOT / "tests" / "data" / "sources"
SAMPLES = ROOT.parent / "shared" / "payloads"
SAMPLES_OF = {
    "asterisk": ("asterisk_queue_log.txt",),
    "amazon-connect": ("amazon_connect_ctr.json", "amazon_connect_contact_event.json"),
    "genesys": ("genesys_conversation_detail.json",),
    "zendesk": ("zendesk_ticket_created.json",),
    "intercom": ("intercom_user_created.json",),
    "chatwoot": ("chatwoot_automation_conversation_created.json",),
    "twilio": ("twilio_taskrouter_task.json",),
    "freshdesk": ("freshdesk_ticket_created.json",),
}
VENDORS = [name for name in SOURCES if name in SAMPLES_OF]
NO_TIME = {"freshdesk"}
"""The sample tells no time, so it gives no touchpoint."""


def twins_of(source: str) -> list[Path]:
    return sorted(
        path
        for path in TWINS.iterdir()
        if path.name.startswith((f"{source}.", f"{source}-")) and ".expected." not in path.name
    )


def expected_of(twin: Path) -> list[object]:
    beside = twin.with_name(f"{twin.stem}.expected.jsonl")
    return [json.loads(line) for line in beside.read_bytes().splitlines()]


def items(outputs: list[Output]) -> list[bytes]:
    return [output.value for output in outputs if isinstance(output, Item)]


@pytest.mark.parametrize("twin", [twin for source in VENDORS for twin in twins_of(source)], ids=lambda twin: twin.name)
def test_a_twin_gives_the_touchpoints_written_beside_it(twin: Path) -> None:
    source = max((name for name in VENDORS if twin.name.startswith(name)), key=len)
    outputs = list(SOURCES[source].read(lines(twin)))
    assert not [output for output in outputs if isinstance(output, BadLine)]
    assert [json.loads(value) for value in items(outputs)] == expected_of(twin)
    for value in items(outputs):
        touchpoint = decode(value)
        assert isinstance(touchpoint, Touchpoint), touchpoint
        assert encode(touchpoint) == value
        assert touchpoint.contact_id.startswith(f"{source}:")
    assert sorted(items(list(SOURCES[source].read([*lines(twin), *lines(twin)])))) == sorted(items(outputs) * 2)


@pytest.mark.parametrize("source", VENDORS)
def test_every_source_has_a_twin_and_knows_what_is_only_documented(source: str) -> None:
    assert twins_of(source)
    assert expected_of(twins_of(source)[0])


PERSONAL = ("+4915", "@example.", "Example", "Muster", "secret text")
"""What the twins have in the place of telephone numbers, mail addresses, names and texts."""


@pytest.mark.parametrize("source", VENDORS)
def test_no_number_address_name_or_text_of_a_person_leaves_the_source(source: str) -> None:
    for twin in twins_of(source):
        assert any(word in twin.read_text() for word in PERSONAL), "the twin holds something that must not leave"
        whole = "".join(map(str, SOURCES[source].read(lines(twin))))
        broken = "".join(map(str, SOURCES[source].read(line.replace(b"17", b"x7") for line in lines(twin))))
        for word in PERSONAL:
            assert word not in whole
            assert word not in broken


@pytest.mark.parametrize("source", VENDORS)
def test_the_real_samples_are_read(source: str) -> None:
    for name in SAMPLES_OF[source]:
        sample = SAMPLES / name
        if not sample.exists():
            pytest.skip(f"{name} is not in ../shared/payloads beside the repository")
        outputs = list(SOURCES[source].read(lines(sample)))
        assert outputs
        assert not [output for output in outputs if isinstance(output, BadLine)]
        touchpoints = [decode(value) for value in items(outputs)]
        assert bool(touchpoints) == (source not in NO_TIME)
        assert all(isinstance(touchpoint, Touchpoint) for touchpoint in touchpoints), touchpoints


def words_of(source: str) -> list[str]:
    """Every key and text of the twins: what arbitrary payloads are put together from."""
    found: set[str] = {"", "0"}
    for twin in twins_of(source):
        for line in twin.read_text().replace("|", '"').replace("&", '"').replace("=", '"').split("\n"):
            found.update(line.split('"'))
    return sorted(found)


def payloads(source: str) -> st.SearchStrategy[object]:
    words = st.sampled_from(words_of(source)) | st.text(max_size=12)
    scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words
    return st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=8), max_leaves=40
    )


def mutants(source: str) -> st.SearchStrategy[object]:
    """Documents of the twins with one value, anywhere, replaced by another."""
    documents = [json.loads(line) for twin in twins_of(source) for line in json_of(twin)]
    if not documents:
        return payloads(source)
    return st.tuples(st.sampled_from(documents), st.integers(0, 400), payloads(source)).map(lambda it: replaced(*it))


def json_of(twin: Path) -> list[bytes]:
    if twin.suffix == ".jsonl":
        return twin.read_bytes().splitlines()
    return [twin.read_bytes()] if twin.suffix == ".json" else []


def replaced(document: object, at: int, value: object) -> object:
    left = [at]

    def copy(node: object) -> object:
        left[0] -= 1
        if left[0] == 0:
            return value
        if isinstance(node, dict):
            return {key: copy(each) for key, each in node.items()}
        return [copy(each) for each in node] if isinstance(node, list) else node

    return copy(document)


def every_item_is_a_touchpoint(outputs: list[Output]) -> None:
    for value in items(outputs):
        touchpoint = decode(value)
        assert isinstance(touchpoint, Touchpoint), (touchpoint, value)


@pytest.mark.parametrize("source", VENDORS)
def test_arbitrary_json_never_raises_and_never_gives_an_invalid_touchpoint(source: str) -> None:
    @given(payloads(source) | mutants(source))
    def check(payload: object) -> None:
        every_item_is_a_touchpoint(list(SOURCES[source].read([json.dumps(payload).encode()])))

    check()


@pytest.mark.parametrize("source", VENDORS)
def test_arbitrary_lines_never_raise_and_never_give_an_invalid_touchpoint(source: str) -> None:
    fields = st.sampled_from(words_of(source)) | st.text(printable, max_size=9)
    line = st.lists(fields, max_size=9).map(lambda cells: "|".join(cells).encode()) | st.binary(max_size=40)

    @given(st.lists(line, max_size=6))
    def check(some: list[bytes]) -> None:
        every_item_is_a_touchpoint(list(SOURCES[source].read(some)))

    check()
