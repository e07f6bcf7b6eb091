"""Which formula gave that number: the named ratios are those of the views, and the ways people get other ones."""

import re

import pytest

from pipeline.answers.formulas import NAMES, Day, agrees, candidates
from pipeline.answers.sums import formula, ratio, value
from schemas.ratios import RATIOS

SUMS = {
    "offered": 110, "answered": 95, "abandoned": 15, "abandoned_short": 5, "answered_in_target": 84,
    "abandoned_in_target": 6, "requested": 120, "discarded": 0, "self_service_contained": 3, "undecided": 5,
}  # fmt: skip


def day(**other: object) -> Day:
    return Day(**{"whole": SUMS, "utc": None, "by_hour": {}, "by_queue": {}, "by_channel": {}, **other})  # type: ignore[arg-type]


def test_the_parts_are_those_of_the_views_and_the_nearest_comes_first() -> None:
    found = candidates(day(), 0.84)
    by_name = {each.name: each for each in found if not each.variant}
    assert by_name["sl_net"].ratio == 84 / 100
    assert by_name["sl_net"].above == "answered_in_target 84"
    assert by_name["sl_net"].below == "offered 110 - abandoned_short 5 - undecided 5 = 100"
    assert by_name["sl_offered"].ratio == 84 / 105
    assert by_name["sl_without_quick"].ratio == 84 / 99
    assert by_name["sl_answered"].ratio == 84 / 95
    assert by_name["sl_connect"].ratio == 90 / 105
    assert by_name["sl_connect"].above == "answered_in_target 84 + abandoned_in_target 6 = 90"
    assert found[0].name == "sl_net"
    distances = [abs(each.ratio - 0.84) for each in found]
    assert distances == sorted(distances)


def test_what_is_undefined_is_no_candidate() -> None:
    assert "sl_response" not in {each.name for each in candidates(day(), 0.5)}
    assert candidates(day(whole={}), 0.5) == []


def test_those_still_waiting_counted_as_missed_are_a_way_to_a_lower_number() -> None:
    (lower,) = [e for e in candidates(day(), 0.8) if (e.name, e.variant) == ("sl_net", "undecided")]
    assert lower.ratio == 84 / 105


def test_means_of_hours_are_told_apart_from_what_touchline_counts() -> None:
    hours = {0: {"offered": 1, "answered_in_target": 1}, 1: {"offered": 99, "answered_in_target": 49}}
    whole = {"offered": 100, "answered_in_target": 50}
    found = {(e.name, e.variant): e for e in candidates(day(whole=whole, by_hour=hours), 0.5)}
    assert found["sl_offered", ""].ratio == 0.5
    mean = found["sl_offered", "hours"]
    assert mean.ratio == pytest.approx((1 + 49 / 99) / 2)
    assert "not a number of touchline's" in mean.words("en", "UTC")[1]


def test_a_channel_and_the_day_in_utc_are_ways_too_but_not_where_nothing_differs() -> None:
    phone, chat = {"offered": 4, "answered_in_target": 3}, {"offered": 4, "answered_in_target": 1}
    whole = {"offered": 8, "answered_in_target": 4}
    found = candidates(day(whole=whole, utc=whole, by_channel={"phone": phone, "chat": chat}), 0.75)
    assert [e.channel for e in found if e.ratio == 0.75 and e.name == "sl_offered"] == ["phone"]
    assert [e for e in found if e.variant == "utc"] == []
    assert "nur Kanal phone" in found[0].words("de", "UTC")


@pytest.mark.parametrize(
    ("exact", "asked", "decimals", "is_it"),
    [(0.84049, 0.84, 1, True), (0.8406, 0.84, 1, False), (0.8449, 0.84, 0, True), (0.8451, 0.84, 0, False)],
)
def test_it_is_the_number_if_it_rounds_to_it(exact: float, asked: float, decimals: int, is_it: bool) -> None:
    assert agrees(exact, asked, decimals) is is_it


def test_formulas_are_computed_as_the_views_compute_them() -> None:
    for each in RATIOS:
        sums = {name: n for n, name in enumerate(re.findall("[a-z_]+", f"{each.above} {each.below}"), 3)}
        above, below = (eval(text, {}, dict(sums)) for text in (each.above, each.below))  # noqa: S307
        assert value(each.above, sums) == above
        assert ratio(each.name, sums) == (above / below if below > 0 else None)
    assert all(formula(name) for name in NAMES)
