"""Menus: how many steps, and those that came again."""

from pipeline.core.contact import Touch
from pipeline.core.measure import Measure

MEASURES = (
    Measure[Touch](
        name="menu_steps",
        unit="touchpoints",
        family="effort",
        moment="menu",
        title_en="Steps in menus",
        title_de="Schritte in Menüs",
        definition="Steps that customers took in menus (contact.menu).",
        value=lambda t: 1,
    ),
    Measure[Touch](
        name="menu_repeats",
        unit="touchpoints",
        family="effort",
        moment="menu_repeat",
        title_en="Repeated steps in menus",
        title_de="Wiederholte Schritte in Menüs",
        definition=(
            "Steps in menus that the customer had taken before in the same contact (contact.menu with a "
            "step that an earlier one has)."
        ),
        value=lambda t: 1,
    ),
)
