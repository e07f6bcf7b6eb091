"""Every measure of the contract exists under its name: as a measure, in the views, or live. Listed by hand."""

import msgspec
import pytest

from pipeline.app.declared import measure_columns
from pipeline.live.summary import Cases, Numbers, Summary, WindowNumbers
from pipeline.measures import ALL
from schemas.view import Setting
from schemas.views import views

MEASURES = """
requested requested_closed ended_in_menu offered answered answered_queued abandoned left_queue abandoned_short
answered_in_target abandoned_in_target answered_in_half_target wait_ms patience_ms waited_unannounced
abandoned_returned estimates estimates_judged estimate_error_ms legs_offered legs_answered legs_abandoned legs_wait_ms
first_responses_due first_responses first_response_ms first_response_in_target next_responses_due next_responses
next_response_ms next_response_in_target closed_unanswered
closed closed_unknown_customer handled handle_ms held hold_ms resolution_ms contacts_reopened contacts_transferred
transfers fcr_eligible fcr_resolved fcr_followed fcr_reopened fcr_unresolved fcr_transferred issues
issues_resolved_first chased channel_switches
menu_steps menu_repeats refused_out_of_scope refused_out_of_hours refused_no_authority refused_other
self_service_contained self_service_failed discarded out_of_scope_done
promises_due promises_kept promises_late promise_late_ms promises_broken
feedback_asked csat_n csat_top1 csat_top2 csat_points nps_n nps_promoters nps_detractors ces_n ces_points solved_n
solved_yes complaints complaints_settled settle_ms goodwill_minor complaints_recovered audits audit_points outreach
outreach_first outreach_followed customers_left customers_stayed left_after_bad negative_durations
"""
OPEN_TIME = """
wait_open_ms patience_open_ms legs_wait_open_ms first_response_open_ms next_response_open_ms handle_open_ms hold_open_ms
resolution_open_ms
"""
HISTOGRAMS = "wait_ms patience_ms first_response_ms next_response_ms handle_ms hold_ms resolution_ms"
IN_VIEW_MEASURES = """
sl_offered sl_net sl_without_quick sl_answered sl_connect asa asa_queued reachability undecided sl_response
fcr_eligible_confirmed fcr_resolved_confirmed
"""
VIEWS = """
promises audits customers_at_risk customers_silent misunderstandings demand_by_hour customers_left measures
measures_hour measures_day measures_week measures_month contacts histograms
"""
NUMBERS_NOW = {
    "waiting_now": "waiting_now",
    "longest_wait": "longest_wait_ms",
    "age percentiles of those waiting": "waiting_age_p90_ms",
    "expected_wait": "expected_wait_ms",
    "overdue_now": "overdue_now",
    "in_conversation_now": "in_conversation_now",
    "waiting_stale": "waiting_stale",
    "unanswered_now": "unanswered_now",
    "oldest_unanswered": "oldest_unanswered_open_ms",
    "replies given in the last hour": "replies_last_hour",
    "promises_overdue_now": "promises_overdue_now",
    "promises_due_soon": "promises_due_soon",
    "of each kind": "promises_overdue_by_kind",
    "will miss the target": "will_miss_target_now",
}
"""What the contract calls live, and the field of the live values that has it."""
LISTS = "beyond_target call_back will_miss due_soon promises_overdue promises_due_soon unanswered stale"

COLUMNS = {view.name: {column.name for column in view.columns} for view in views(measure_columns(), Setting())}


@pytest.mark.parametrize("name", MEASURES.split())
def test_a_measure_exists_and_so_does_its_column_in_every_view_of_windows(name: str) -> None:
    assert name in {measure.name for measure in ALL}
    for view in ("measures", "measures_hour", "measures_day", "measures_week", "measures_month"):
        assert name in COLUMNS[view]


@pytest.mark.parametrize("name", OPEN_TIME.split())
def test_every_duration_exists_in_open_time_with_a_count_of_its_own(name: str) -> None:
    base = name.removesuffix("_ms")
    assert {name, f"{base}_n", f"{base}_mean_ms"} <= COLUMNS["measures"]


@pytest.mark.parametrize("name", HISTOGRAMS.split())
def test_a_duration_has_its_histogram(name: str) -> None:
    assert f"{name}_buckets" in COLUMNS["measures_day"]


@pytest.mark.parametrize("name", [*IN_VIEW_MEASURES.split(), "followup_delay_ms_buckets"])
def test_what_is_worked_out_of_measures_is_a_column(name: str) -> None:
    assert name in COLUMNS["measures"]


@pytest.mark.parametrize("name", VIEWS.split())
def test_a_view_exists(name: str) -> None:
    assert COLUMNS[name]


@pytest.mark.parametrize(("said", "name"), NUMBERS_NOW.items())
def test_a_live_value_exists(said: str, name: str) -> None:
    assert name in Numbers.__struct_fields__, said


def test_the_live_service_levels_leave_out_who_still_waits_within_target() -> None:
    assert {"service_levels", "undecided", "asa_ms", "asa_queued_ms"} <= {*WindowNumbers.__struct_fields__}


@pytest.mark.parametrize("name", LISTS.split())
def test_a_live_list_exists(name: str) -> None:
    assert name in Cases.__struct_fields__


def test_the_pipeline_tells_of_itself() -> None:
    told = {
        name
        for field in msgspec.structs.fields(Summary)
        for name in (field.name, *getattr(getattr(field.type, "__args__", [None])[0], "__struct_fields__", ()))
    }
    assert told >= {
        "applied", "duplicate", "rejected", "late", "clamped", "data_age_ms", "source_silence_ms", "event_lag_ms",
        "log_lag", "catch_up_ms", "flush_seconds", "flush_rows", "dirty_rows", "open_contacts", "warehouse_up",
        "readiness", "log_holes", "labels_dropped",
    }  # fmt: skip
