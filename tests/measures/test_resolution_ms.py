"""Resolution time: from the request to the last closing. Booked at the first closing; its count is `closed`."""

from tests.measures.scenes import CLOSING, DAY, OFFICE, Told, booked, contact


def test_it_runs_from_the_request_to_the_last_closing() -> None:
    told: list[Told] = [("contact.requested", 59, {"queue": "sales"}), ("contact.closed", 120), ("contact.closed", 179)]
    call = contact(("contact.menu", 0, {"step": "1"}), *told)
    assert booked("resolution_ms", call) == {(2, "sales"): 120_000}
    # 120,000 has 17 bits: e = 12, 120,000 >> 12 = 29, bucket 16 x 12 + 29.
    assert booked("resolution_ms_buckets", call) == {(2, "sales"): {221: 1}}


def test_every_closed_contact_has_one_even_unanswered_or_outbound() -> None:
    call = contact(("contact.menu", 0, {"step": "1"}), ("contact.closed", 20), direction="outbound")
    assert booked("resolution_ms", call) == {(0, "unknown"): 20_000}


def test_an_open_contact_has_none() -> None:
    call = contact(("contact.requested", 0), ("contact.answered", 9), ("contact.abandoned", 60))
    for column in ("resolution_ms", "resolution_ms_buckets", "resolution_open_ms"):
        assert booked(column, call, catalogue=OFFICE) == {}


def test_closed_before_requested_took_no_time() -> None:
    call = contact(("contact.closed", 0), ("contact.requested", 60))
    assert booked("resolution_ms", call) == {}
    assert booked("resolution_ms_buckets", call) == {(0, "unknown"): {0: 1}}
    assert booked("resolution_open_ms", call, catalogue=OFFICE) == {(0, "unknown"): 0}


def test_open_time_is_its_part_zero_while_closed_and_absent_without_a_calendar() -> None:
    overnight = contact(("contact.requested", CLOSING - 12), ("contact.closed", DAY - 3_600 + 8))
    assert booked("resolution_open_ms", overnight, catalogue=OFFICE) == {(1380, "unknown"): 20_000}
    night = contact(("contact.requested", CLOSING), ("contact.closed", CLOSING + 8))
    assert booked("resolution_open_ms", night, catalogue=OFFICE) == {(420, "unknown"): 0}
    assert booked("resolution_open_ms", overnight) == {}
