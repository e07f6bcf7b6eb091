"""Laws of every measure's declaration: what columns, metrics, panels and the data dictionary are made of."""

import re
from importlib import import_module
from itertools import pairwise
from pkgutil import iter_modules
from typing import Any
from zlib import crc32

import pytest

from pipeline import measures
from pipeline.core.measure import Columns, Measure
from pipeline.measures import ALL, CONTACT_COLUMNS, CUSTOMER_COLUMNS
from tests.measures.scenes import OFFICE, Told, contact, counted

NAMES = {measure.name: measure for measure in ALL}
each_measure = pytest.mark.parametrize("measure", ALL, ids=[measure.name for measure in ALL])

# The contract's tables, by hand: what is here must be there under its name, and nothing else.
WAITING = """
requested requested_closed ended_in_menu offered answered answered_queued abandoned left_queue abandoned_short
answered_in_target abandoned_in_target answered_in_half_target wait_ms wait_open_ms patience_ms patience_open_ms
waited_unannounced abandoned_returned estimates estimates_judged estimate_error_ms
legs_offered legs_answered legs_abandoned legs_wait_ms legs_wait_open_ms negative_durations
"""
RESPONSE = """
first_responses_due first_responses first_response_ms first_response_open_ms first_response_in_target
next_responses_due next_responses next_response_ms next_response_open_ms next_response_in_target closed_unanswered
"""
RESOLUTION = """
closed closed_unknown_customer handled handle_ms handle_open_ms held hold_ms hold_open_ms resolution_ms
resolution_open_ms contacts_reopened contacts_transferred transfers fcr_eligible fcr_resolved fcr_followed fcr_reopened
fcr_unresolved fcr_transferred issues issues_resolved_first chased followup_delay_ms channel_switches
"""
EFFORT = """
menu_steps menu_repeats refused_out_of_scope refused_out_of_hours refused_no_authority refused_other
self_service_contained self_service_failed discarded out_of_scope_done replies
"""
PROMISES = "promises_due promises_kept promises_late promise_late_ms promises_broken"
VOICE = """
feedback_asked feedback_invalid csat_n csat_top1 csat_top2 csat_points nps_n nps_promoters nps_detractors
ces_n ces_points solved_n solved_yes complaints complaints_settled settle_ms goodwill_minor audits audit_points
outreach outreach_first outreach_followed customers_left customers_stayed complaints_recovered left_after_bad
"""
FAMILIES = {
    "waiting": WAITING,
    "response": RESPONSE,
    "resolution": RESOLUTION,
    "effort": EFFORT,
    "promises": PROMISES,
    "voice": VOICE,
}
HISTOGRAMS = """
wait_ms patience_ms first_response_ms next_response_ms handle_ms hold_ms resolution_ms followup_delay_ms
promise_late_ms settle_ms
"""
COUNT_OF = {
    "wait_ms": "answered",
    "patience_ms": "abandoned",
    "estimate_error_ms": "estimates_judged",
    "legs_wait_ms": "legs_answered",
    "first_response_ms": "first_responses",
    "next_response_ms": "next_responses",
    "handle_ms": "handled",
    "hold_ms": "held",
    "resolution_ms": "closed",
    "followup_delay_ms": "fcr_followed",
    "promise_late_ms": "promises_late",
    "settle_ms": "complaints_settled",
}
CUSTOMER_FOLD = """
fcr_eligible fcr_resolved fcr_followed fcr_reopened fcr_unresolved fcr_transferred issues issues_resolved_first chased
followup_delay_ms channel_switches abandoned_returned complaints_recovered outreach_first outreach_followed
left_after_bad
"""


@pytest.mark.parametrize(("family", "names"), FAMILIES.items())
def test_a_family_is_complete_and_holds_nothing_else(family: str, names: str) -> None:
    assert {measure.name for measure in ALL if measure.family == family} == set(names.split())


def test_there_is_no_other_family() -> None:
    assert {measure.family for measure in ALL} == FAMILIES.keys()


def test_what_has_a_histogram() -> None:
    assert {measure.name for measure in ALL if measure.histogram} == set(HISTOGRAMS.split())


def test_what_the_customer_fold_counts() -> None:
    assert {measure.name for measure in ALL if measure.moment.startswith("linked_")} == set(CUSTOMER_FOLD.split())


def test_names_are_unique_and_so_are_titles_in_either_language() -> None:
    for of in ("name", "title_en", "title_de"):
        values = [getattr(measure, of) for measure in ALL]
        assert sorted(values) == sorted(set(values))


@each_measure
def test_a_name_is_snake_case_and_ends_in_ms_if_and_only_if_it_counts_them(measure: Measure[Any]) -> None:
    assert re.fullmatch(r"[a-z]+(?:_[a-z]+[12]?)*", measure.name)
    assert measure.name.endswith("_ms") == (measure.unit == "ms")


@each_measure
def test_a_definition_is_a_sentence_and_titles_are_in_two_languages(measure: Measure[Any]) -> None:
    assert re.fullmatch(r"[A-Z][^\n]{15,}[^ .]\.", measure.definition)
    for title in (measure.title_en, measure.title_de):
        assert re.fullmatch(r"[A-ZÄÖÜ].{3,59}", title)
    assert measure.title_en != measure.title_de
    assert measure.booked_at


@each_measure
def test_a_duration_names_its_own_count_which_is_booked_where_it_is(measure: Measure[Any]) -> None:
    if measure.unit == "ms":
        assert measure.count == COUNT_OF[measure.name.replace("_open_ms", "_ms")]
    if measure.count:
        count = NAMES[measure.count]
        assert (count.moment, count.family) == (measure.moment, measure.family)
        assert count.unit != "ms"


@each_measure
def test_open_time_is_the_optional_twin_of_a_duration_on_the_clock(measure: Measure[Any]) -> None:
    assert measure.optional == measure.name.endswith("_open_ms")
    if measure.optional:
        assert NAMES[measure.name.replace("_open_ms", "_ms")].count == measure.count
        assert not measure.histogram


def test_every_duration_has_a_twin_in_open_time_but_four() -> None:
    on_the_clock = {m.name.removesuffix("_ms") for m in ALL if m.unit == "ms" and not m.optional}
    open_time = {m.name.removesuffix("_open_ms") for m in ALL if m.optional}
    assert on_the_clock - open_time == {"followup_delay", "estimate_error", "promise_late", "settle"}


def test_a_file_is_called_as_a_measure_in_it_or_as_what_all_of_them_have_in_common() -> None:
    for module in iter_modules(measures.__path__):
        names = [measure.name for measure in import_module(f"pipeline.measures.{module.name}").MEASURES]
        common = [set(module.name.split("_")) <= set(name.split("_")) for name in names]
        assert module.name in names or all(common), f"{module.name}: {names}"


@each_measure
def test_a_measure_is_counted_by_one_fold(measure: Measure[Any]) -> None:
    of_customer = measure.name in CUSTOMER_FOLD.split()
    assert (CONTACT_COLUMNS.name_of(measure.key) == measure.name) == (not of_customer)
    assert (CUSTOMER_COLUMNS.name_of(measure.key) == measure.name) == of_customer


@each_measure
def test_a_columns_number_is_the_crc_of_its_name_and_nothing_else(measure: Measure[Any]) -> None:
    assert measure.key == crc32(measure.name.encode()) * 65_536


def test_columns_and_their_buckets_keep_apart() -> None:
    names = sorted([m.name for m in ALL] + [m.buckets_name for m in ALL if m.histogram])
    numbers = sorted(crc32(name.encode()) * 65_536 for name in names)
    assert len(numbers) == len(ALL) + len(HISTOGRAMS.split())
    assert all(after - before >= 65_536 for before, after in pairwise(numbers))


def test_two_names_with_one_number_are_refused() -> None:
    def called(name: str) -> Measure[Any]:
        return Measure(
            name=name, unit="contacts", family="waiting", moment="wait", title_en="", title_de="", definition="",
            value=lambda _: 1,
        )  # fmt: skip

    assert crc32(b"plumless") == crc32(b"buckeroo")
    with pytest.raises(ValueError, match="share a column number"):
        Columns([called("plumless"), called("buckeroo")])


IRRELEVANT: tuple[Told, ...] = (
    ("contact.requested", 0),
    ("contact.informed", 2, {"reason": "apology"}),
    ("contact.held", 3),
    ("contact.resumed", 4),
    ("promise.kept", 5, {"promise_id": "p"}),
    ("promise.broken", 6, {"promise_id": "p"}),
    ("feedback.given", 7, {"kind": "csat", "score": 5, "scale_max": 5, "from": "employee"}),
    ("complaint.settled", 8, {"goodwill": 500}),
    ("audit.scored", 9, {"criterion": "greeting", "score": 1, "scale_max": 0}),
    ("message.sent", 10),
)


def test_a_contact_in_which_nothing_to_count_happened_adds_nothing() -> None:
    ours = contact(*IRRELEVANT, direction="outbound", customer_id="ann", queue="sales")
    assert counted(ours, catalogue=OFFICE) == {}


def test_an_inbound_one_was_requested_and_nothing_else() -> None:
    theirs = contact(*IRRELEVANT, customer_id="ann", queue="sales")
    assert counted(theirs, catalogue=OFFICE) == {(0, "phone", "sales", "unknown"): {"requested": 1}}
