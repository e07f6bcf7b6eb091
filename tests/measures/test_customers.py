"""Customers who left, and who stayed: each time it was said, in its minute."""

from tests.measures.scenes import booked, contact, total


def test_each_word_counts_in_its_minute() -> None:
    call = contact(("customer.stayed", 0), ("customer.left", 60), ("customer.left", 119), queue="sales")
    assert booked("customers_stayed", call) == {(0, "sales"): 1}
    assert booked("customers_left", call) == {(1, "sales"): 2}


def test_abandoning_a_contact_is_not_leaving_us() -> None:
    call = contact(("contact.queued", 0), ("contact.abandoned", 60))
    assert total("customers_left", call) == total("customers_stayed", call) == 0
