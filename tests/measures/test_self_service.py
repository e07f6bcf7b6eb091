"""Self-service: what it dealt with and what it did not, each time, in the minute it happened."""

from tests.measures.scenes import Told, booked, contact

CONTAINED, FAILED = {"outcome": "contained"}, {"outcome": "failed"}


def test_each_is_booked_when_it_happened_under_the_contacts_queue() -> None:
    told: list[Told] = [
        ("contact.self_service", 59, FAILED),
        ("contact.self_service", 60, CONTAINED),
        ("contact.queued", 180, {"queue": "sales"}),
    ]
    call = contact(("contact.requested", 0), *told)
    assert booked("self_service_failed", call) == {(0, "sales"): 1}
    assert booked("self_service_contained", call) == {(1, "sales"): 1}


def test_failing_twice_counts_twice() -> None:
    call = contact(("contact.self_service", 0, FAILED), ("contact.self_service", 30, FAILED))
    assert booked("self_service_failed", call) == {(0, "unknown"): 2}
    assert booked("self_service_contained", call) == {}


def test_a_menu_is_not_self_service() -> None:
    call = contact(("contact.menu", 0, {"step": "1"}), ("contact.abandoned", 9))
    assert booked("self_service_failed", call) == booked("self_service_contained", call) == {}
