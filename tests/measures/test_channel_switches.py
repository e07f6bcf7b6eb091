"""Channel switches: contacts that follow or chase another one on a different channel. Booked at their request."""

from typing import Any

from tests.measures.scenes import DAY, MS, Told, booked, contact

MAIL_TOLD: tuple[Told, ...] = (("contact.requested", 0), ("message.sent", 600), ("contact.closed", 1_200))


def mail(name: str = "mail", *told: Told, **fields: Any) -> list[dict[str, Any]]:
    """Ann's mail, answered after ten minutes and closed after twenty."""
    return contact(*(told or MAIL_TOLD), **{"name": name, "channel": "email", "customer_id": "ann", **fields})


def asks(at: float, **fields: Any) -> list[dict[str, Any]]:
    """Ann comes back, by phone."""
    return contact(("contact.requested", at), **{"name": "call", "customer_id": "ann", "queue": "sales", **fields})


def test_a_call_that_follows_a_mail_is_a_switch_at_the_calls_request() -> None:
    assert booked("channel_switches", mail(), asks(1_259)) == {(20, "sales"): 1}


def test_a_call_that_chases_a_mail_is_one_too() -> None:
    assert booked("channel_switches", mail(), asks(599)) == {(9, "sales"): 1}


def test_between_the_reply_and_the_closing_it_does_neither() -> None:
    assert booked("channel_switches", mail(), asks(600)) == {}
    assert booked("channel_switches", mail(), asks(1_200)) == {}


def test_the_week_ends_it() -> None:
    assert booked("channel_switches", mail(), asks(1_200 + 7 * DAY)) == {(20 + 7 * 1_440, "sales"): 1}
    assert booked("channel_switches", mail(), asks(1_200 + 7 * DAY + MS)) == {}


def test_the_same_channel_is_no_switch() -> None:
    assert booked("channel_switches", mail(), asks(1_259, channel="email")) == {}


def test_whoever_comes_back_to_two_contacts_switches_once_and_one_of_them_is_enough() -> None:
    assert booked("channel_switches", mail(), mail("mail-2"), asks(1_259)) == {(20, "sales"): 1}
    assert booked("channel_switches", mail(), mail("chat", channel="chat"), asks(1_259, channel="email")) == {
        (20, "sales"): 1
    }


def test_our_call_and_another_matter_are_no_switch() -> None:
    assert booked("channel_switches", mail(), asks(1_259, direction="outbound")) == {}
    assert booked("channel_switches", mail(topic="bill"), asks(1_259, topic="move")) == {}
    assert booked("channel_switches", mail(), asks(1_259, customer_id="bob")) == {}


def test_a_mail_that_is_not_closed_is_neither_followed_nor_chased_yet() -> None:
    assert booked("channel_switches", mail("mail", ("contact.requested", 0)), asks(60)) == {}
