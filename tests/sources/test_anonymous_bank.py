"""The bank's rows become touchpoints that, counted plainly, give the numbers known of the data."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.io.files import lines
from schemas.codec import decode
from schemas.sources import SOURCES, BadLine, Item, Skipped
from schemas.touchpoint import Abandoned, Answered, Closed, Queued, Requested, Touchpoint

ROOT = Path(__file__).parents[2]
SMALL = ROOT / "tests" / "data" / "anonymous_bank_small.txt"
JANUARY = Path(os.environ.get("TOUCHLINE_BANK_FILE", ROOT.parent / "shared" / "data" / "anonymous_bank_january.txt"))
read = SOURCES["anonymous-bank"].read


@dataclass
class Count:
    """What a plain count over the touchpoints gives, by the definitions of the Waiting measures."""

    offered: int = 0
    answered: int = 0
    answered_queued: int = 0
    abandoned: int = 0
    ended_in_menu: int = 0
    wait_ms: int = 0
    answered_within_20_s: int = 0
    ids: set[tuple[str, str]] = field(default_factory=set)
    touchpoints: int = 0
    skipped: int = 0
    bad: int = 0


def counted(rows: Iterable[bytes]) -> Count:
    count = Count()
    contacts: dict[str, list[Touchpoint]] = {}
    for output in read(rows):
        if isinstance(output, Skipped):
            count.skipped += 1
        elif isinstance(output, BadLine):
            count.bad += 1
        else:
            touchpoint = decode(output.value)
            assert isinstance(touchpoint, Touchpoint), touchpoint
            contacts.setdefault(touchpoint.contact_id, []).append(touchpoint)
            count.ids.add((touchpoint.contact_id, touchpoint.id))
            count.touchpoints += 1
    for contact in contacts.values():
        assert [type(touchpoint) for touchpoint in sorted(contact, key=lambda t: (t.time, t.id))] == [
            type(touchpoint) for touchpoint in contact
        ], "by (time, id) the touchpoints of a contact are in the order they happened"
        assert isinstance(contact[0], Requested)
        queued = [touchpoint.time for touchpoint in contact if isinstance(touchpoint, Queued)]
        answered = [touchpoint.time for touchpoint in contact if isinstance(touchpoint, Answered)]
        abandoned = any(isinstance(touchpoint, Abandoned) for touchpoint in contact)
        count.offered += bool(queued or answered)
        count.abandoned += bool(queued) and abandoned
        count.ended_in_menu += not queued and abandoned
        if answered:
            wait_ms = answered[0] - (queued or answered)[0]
            count.answered += 1
            count.answered_queued += bool(queued)
            count.wait_ms += wait_ms
            count.answered_within_20_s += wait_ms <= 20_000
    return count


def test_the_facts_of_january() -> None:
    if not JANUARY.exists():
        pytest.skip(f"{JANUARY.name} is not at {JANUARY.parent}; set TOUCHLINE_BANK_FILE to where it is")
    count = counted(lines(JANUARY))
    assert (count.offered, count.answered, count.abandoned) == (30_161, 27_060, 3_101)
    assert round(count.wait_ms / count.answered / 1000, 1) == 35.0
    assert round(count.wait_ms / count.answered_queued / 1000, 1) == 69.8
    assert round(100 * count.answered_within_20_s / count.offered, 2) == 54.38
    assert count.skipped == 240
    assert count.bad == 0
    assert count.ended_in_menu == 31_599 - 240 - 30_161
    assert len(count.ids) == count.touchpoints


def test_the_same_count_over_twelve_rows() -> None:
    count = counted(lines(SMALL))
    assert (count.offered, count.answered, count.answered_queued, count.abandoned) == (10, 8, 6, 2)
    assert (count.ended_in_menu, count.skipped, count.bad) == (1, 1, 0)
    assert count.wait_ms == (20 + 21 + 40 + 65 + 4 + 0) * 1000
    assert count.answered_within_20_s == 5
    assert len(count.ids) == count.touchpoints


def touchpoints_of(contact_id: str) -> list[Touchpoint]:
    outputs = [decode(output.value) for output in read(lines(SMALL)) if isinstance(output, Item)]
    return [made for made in outputs if isinstance(made, Touchpoint) and made.contact_id == contact_id]


def at(day: int, hour: int, minute: int, second: int) -> int:
    """Israel's winter time is two hours ahead of UTC."""
    return int(datetime(1999, 3, day, hour - 2, minute, second, tzinfo=UTC).timestamp()) * 1000


def test_a_call_answered_after_a_queue() -> None:
    contact = "990301-AA0101-502"
    assert touchpoints_of(contact) == [
        Requested(
            id="1-requested",
            time=at(1, 9, 1, 0),
            contact_id=contact,
            channel="phone",
            customer_id="7001",
            direction="inbound",
        ),
        Queued(id="2-queued", time=at(1, 9, 1, 6), contact_id=contact, channel="phone", queue="regular"),
        Answered(
            id="3-answered",
            time=at(1, 9, 1, 26),
            contact_id=contact,
            channel="phone",
            queue="regular",
            agent_id="RUTH",
        ),
        Closed(id="4-closed", time=at(1, 9, 4, 0), contact_id=contact, channel="phone"),
    ]


def test_a_hang_up_in_the_menu_has_no_queue_and_no_customer() -> None:
    requested, abandoned = touchpoints_of("990301-AA0103-505")
    assert requested.customer_id is None
    assert isinstance(abandoned, Abandoned)
    assert abandoned.time - requested.time == 11_000


@pytest.mark.parametrize(
    ("contact", "seconds"),
    [
        ("990301-AA0104-507", [0, 8, 250]),  # served beyond midnight
        ("990301-AA0104-508", [0, 10, 50, 160]),  # answered after midnight
        ("990301-AA0105-509", [0, 0, 65, 280]),  # the menu's clock was 40 s ahead
        ("990302-AA0105-510", [0, 5, 9]),  # the end of service is not known
        ("990302-AA0106-501", [0, 6, 6, 6]),  # closed before it was answered: a clock error
    ],
)
def test_midnight_and_clock_errors(contact: str, seconds: list[int]) -> None:
    made = touchpoints_of(contact)
    assert [(touchpoint.time - made[0].time) // 1000 for touchpoint in made] == seconds


def test_a_service_type_nobody_documented_keeps_its_code() -> None:
    assert touchpoints_of("990302-AA0106-511")[1].queue == "XX"


ROW = SMALL.read_bytes().split(b"\r\n")[1].split(b"\t")


def changed(column: int, cell: bytes) -> bytes:
    return b"\t".join([*ROW[:column], cell, *ROW[column + 1 :]])


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (b"one\ttwo", "2 columns, expected 17"),
        (changed(0, b""), "contact_id is empty"),
        (changed(5, b"1999-03-01"), "is no time of the form %y%m%d %H:%M:%S"),
        (changed(5, b"990231"), "is no time of the form"),
        (changed(6, b"25:00:00"), "(moment 'entered')"),
        (changed(6, b"noon"), "vru_entry (moment 'entered')"),
        (changed(11, b"many"), "q_time is no whole number"),
        (changed(11, b"-3"), "q_time is below 0"),
        (changed(12, b"LUNCH"), "outcome is none of AGENT, HANG and PHANTOM"),
        (changed(16, b"\xff"), "it is not utf-8"),
    ],
)
def test_a_row_of_another_form_is_a_bad_line_and_the_next_is_read(row: bytes, sentence: str) -> None:
    bad, *rest = read([row, b"\t".join(ROW)])
    assert isinstance(bad, BadLine)
    assert (bad.line, bad.reject.reason, bad.value) == (1, "bad_row", row)
    assert sentence in bad.reject.detail
    assert [type(output) for output in rest] == [Item, Item, Item]
    assert {output.line for output in rest} == {2}
