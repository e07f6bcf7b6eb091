"""Menus: every step, and the steps that came again."""

from tests.measures.scenes import Told, booked, contact


def step(name: str, after: float) -> Told:
    """One step of a menu."""
    return "contact.menu", after, {"step": name}


def test_a_caller_led_round_in_a_circle() -> None:
    told = [step("main", 0), step("bills", 20), step("main", 59), step("bills", 60), step("main", 119)]
    call = contact(*told, ("contact.queued", 120, {"queue": "sales"}))
    assert booked("menu_steps", call) == {(0, "sales"): 3, (1, "sales"): 2}
    assert booked("menu_repeats", call) == {(0, "sales"): 1, (1, "sales"): 2}


def test_the_same_step_in_another_contact_is_no_repetition() -> None:
    one, other = contact(step("main", 0), name="one"), contact(step("main", 30), name="other")
    assert booked("menu_steps", one, other) == {(0, "unknown"): 2}
    assert booked("menu_repeats", one, other) == {}


def test_what_was_chosen_does_not_make_it_another_step() -> None:
    told: list[Told] = [
        ("contact.menu", 0, {"step": "main", "option": "1"}),
        ("contact.menu", 9, {"step": "main", "option": "2"}),
    ]
    assert booked("menu_repeats", contact(*told)) == {(0, "unknown"): 1}


def test_the_later_one_is_the_repetition_in_whatever_order_they_come() -> None:
    call = contact(step("main", 59.999), step("main", 60))
    assert booked("menu_repeats", call) == {(1, "unknown"): 1}
    assert booked("menu_repeats", list(reversed(call))) == {(1, "unknown"): 1}


def test_an_outbound_contact_counts_too() -> None:
    assert booked("menu_steps", contact(step("main", 0), direction="outbound")) == {(0, "unknown"): 1}
