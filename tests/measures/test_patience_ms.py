"""The patience of the abandoned: from the beginning of the wait to their leaving."""

import pytest

from tests.measures.scenes import CLOSING, OFFICE, booked, contact

QUEUED = ("contact.queued", 59, {"queue": "sales"})


def test_patience_is_booked_when_the_wait_began_and_falls_in_one_bucket() -> None:
    call = contact(("contact.requested", 0), QUEUED, ("contact.abandoned", 94))
    assert booked("patience_ms", call) == {(0, "sales"): 35_000}
    # 35,000 has 16 bits: e = 11, 35,000 >> 11 = 17, bucket 16 x 11 + 17.
    assert booked("patience_ms_buckets", call) == {(0, "sales"): {193: 1}}


@pytest.mark.parametrize("end", ["contact.answered", "contact.refused", "contact.transferred"])
def test_only_the_abandoned_have_a_patience(end: str) -> None:
    for column in ("patience_ms", "patience_ms_buckets", "patience_open_ms"):
        assert booked(column, contact(QUEUED, (end, 70)), catalogue=OFFICE) == {}


def test_leaving_noted_before_the_queueing_is_a_patience_of_zero() -> None:
    call = contact(("contact.abandoned", 0), QUEUED)
    assert booked("patience_ms", call) == {}
    assert booked("patience_ms_buckets", call) == {(0, "sales"): {0: 1}}


def test_open_time_ends_at_closing_time_is_zero_after_it_and_absent_without_a_calendar() -> None:
    late = contact(("contact.queued", CLOSING - 12), ("contact.abandoned", CLOSING + 8))
    assert booked("patience_open_ms", late, catalogue=OFFICE) == {(419, "unknown"): 12_000}
    after = contact(("contact.queued", CLOSING), ("contact.abandoned", CLOSING + 8))
    assert booked("patience_open_ms", after, catalogue=OFFICE) == {(420, "unknown"): 0}
    assert booked("patience_open_ms", late) == {}
