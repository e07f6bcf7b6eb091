"""Customers who left us, and who nearly did."""

from pipeline.core.contact import Touch
from pipeline.core.measure import Measure

MEASURES = (
    Measure[Touch](
        name="customers_left",
        unit="touchpoints",
        family="voice",
        moment="customer_left",
        title_en="Customers who left",
        title_de="Verlorene Kunden",
        definition="Times a customer left us (customer.left).",
        value=lambda t: 1,
    ),
    Measure[Touch](
        name="customers_stayed",
        unit="touchpoints",
        family="voice",
        moment="customer_stayed",
        title_en="Customers who stayed",
        title_de="Gehaltene Kunden",
        definition="Times a customer was about to leave and stayed (customer.stayed).",
        value=lambda t: 1,
    ),
)
