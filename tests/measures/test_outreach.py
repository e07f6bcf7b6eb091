"""Outreach: each time we turned to a customer first, in its minute."""

from tests.measures.scenes import Told, booked, contact


def test_each_counts_whatever_its_reason() -> None:
    told: list[Told] = [
        ("outreach.sent", 0, {"reason": "delay"}),
        ("outreach.sent", 59),
        ("outreach.sent", 60, {"reason": "appointment"}),
    ]
    call = contact(*told, direction="outbound", queue="sales")
    assert booked("outreach", call) == {(0, "sales"): 2, (1, "sales"): 1}


def test_an_answer_is_no_outreach() -> None:
    assert booked("outreach", contact(("message.received", 0), ("message.sent", 60), channel="email")) == {}
