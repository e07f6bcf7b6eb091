"""Out of scope and done: one per contact, at the first closing that says so."""

from tests.measures.scenes import booked, contact

OUT, IN = {"scope": "out"}, {"scope": "in"}


def test_a_contact_counts_once_at_the_first_closing_that_says_so() -> None:
    call = contact(
        ("contact.answered", 0, {"queue": "sales"}),
        ("contact.closed", 59),
        ("contact.closed", 60, OUT),
        ("contact.closed", 200, OUT),
    )
    assert booked("out_of_scope_done", call) == {(1, "sales"): 1}


def test_a_later_closing_that_says_in_does_not_take_it_back() -> None:
    assert booked("out_of_scope_done", contact(("contact.closed", 0, OUT), ("contact.closed", 60, IN))) == {
        (0, "unknown"): 1
    }


def test_closings_say_in_unless_they_say_out() -> None:
    assert booked("out_of_scope_done", contact(("contact.closed", 0), ("contact.closed", 60, IN))) == {}


def test_a_refusal_is_not_done() -> None:
    call = contact(("contact.refused", 0, {"reason": "out_of_scope"}), ("contact.closed", 60))
    assert booked("out_of_scope_done", call) == {}
