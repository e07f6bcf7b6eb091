"""Refusals: each one by its reason, in the minute it happened."""

import pytest

from tests.measures.scenes import Told, booked, contact, counted

REASONS = ("out_of_scope", "out_of_hours", "no_authority", "other")


@pytest.mark.parametrize("reason", REASONS)
def test_a_refusal_counts_under_its_reason_and_no_other(reason: str) -> None:
    call = contact(("contact.requested", 0, {"queue": "sales"}), ("contact.refused", 60, {"reason": reason}))
    (cell,) = [columns for (minute, *_), columns in counted(call).items() if minute == 1]
    assert {name: n for name, n in cell.items() if name.startswith("refused_")} == {f"refused_{reason}": 1}


def test_one_without_a_reason_is_an_other_one() -> None:
    assert booked("refused_other", contact(("contact.refused", 0))) == {(0, "unknown"): 1}


def test_a_caller_turned_away_three_times() -> None:
    told: list[Told] = [
        ("contact.refused", 0, {"reason": "no_authority"}),
        ("contact.refused", 119, {"reason": "no_authority"}),
        ("contact.refused", 120, {"reason": "out_of_hours"}),
    ]
    call = contact(*told, queue="sales")
    assert booked("refused_no_authority", call) == {(0, "sales"): 1, (1, "sales"): 1}
    assert booked("refused_out_of_hours", call) == {(2, "sales"): 1}
