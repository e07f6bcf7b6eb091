-- The measures of a day are the sums of its hours'. A row is a day for which that is not so.
-- Written by `python -m dashboards.dbt` from the measures: change them there.
SELECT day, channel, queue, segment
FROM (
    SELECT day, channel, queue, segment, sum(abandoned) AS abandoned, sum(abandoned_short) AS abandoned_short, sum(abandoned_returned) AS abandoned_returned, sum(answered) AS answered, sum(answered_queued) AS answered_queued, sum(audits) AS audits, sum(audit_points) AS audit_points, sum(ces_n) AS ces_n, sum(ces_points) AS ces_points, sum(channel_switches) AS channel_switches, sum(chased) AS chased, sum(closed) AS closed, sum(closed_unknown_customer) AS closed_unknown_customer, sum(closed_unanswered) AS closed_unanswered, sum(complaints) AS complaints, sum(complaints_settled) AS complaints_settled, sum(complaints_recovered) AS complaints_recovered, sum(contacts_reopened) AS contacts_reopened, sum(csat_n) AS csat_n, sum(csat_top1) AS csat_top1, sum(csat_top2) AS csat_top2, sum(csat_points) AS csat_points, sum(customers_left) AS customers_left, sum(customers_stayed) AS customers_stayed, sum(discarded) AS discarded, sum(ended_in_menu) AS ended_in_menu, sum(estimates) AS estimates, sum(estimates_judged) AS estimates_judged, sum(estimate_error_ms) AS estimate_error_ms, sum(fcr_eligible) AS fcr_eligible, sum(fcr_resolved) AS fcr_resolved, sum(fcr_followed) AS fcr_followed, sum(fcr_reopened) AS fcr_reopened, sum(fcr_unresolved) AS fcr_unresolved, sum(fcr_transferred) AS fcr_transferred, sum(feedback_asked) AS feedback_asked, sum(feedback_invalid) AS feedback_invalid, sum(first_responses_due) AS first_responses_due, sum(first_responses) AS first_responses, sum(first_response_in_target) AS first_response_in_target, sum(first_response_ms) AS first_response_ms, sum(followup_delay_ms) AS followup_delay_ms, sum(goodwill_minor) AS goodwill_minor, sum(handled) AS handled, sum(handle_ms) AS handle_ms, sum(held) AS held, sum(hold_ms) AS hold_ms, sum(answered_in_target) AS answered_in_target, sum(abandoned_in_target) AS abandoned_in_target, sum(answered_in_half_target) AS answered_in_half_target, sum(issues) AS issues, sum(issues_resolved_first) AS issues_resolved_first, sum(left_after_bad) AS left_after_bad, sum(left_queue) AS left_queue, sum(legs_offered) AS legs_offered, sum(legs_answered) AS legs_answered, sum(legs_abandoned) AS legs_abandoned, sum(legs_wait_ms) AS legs_wait_ms, sum(menu_steps) AS menu_steps, sum(menu_repeats) AS menu_repeats, sum(negative_durations) AS negative_durations, sum(next_responses_due) AS next_responses_due, sum(next_responses) AS next_responses, sum(next_response_in_target) AS next_response_in_target, sum(next_response_ms) AS next_response_ms, sum(nps_n) AS nps_n, sum(nps_promoters) AS nps_promoters, sum(nps_detractors) AS nps_detractors, sum(offered) AS offered, sum(out_of_scope_done) AS out_of_scope_done, sum(outreach) AS outreach, sum(outreach_first) AS outreach_first, sum(outreach_followed) AS outreach_followed, sum(patience_ms) AS patience_ms, sum(promise_late_ms) AS promise_late_ms, sum(promises_due) AS promises_due, sum(promises_kept) AS promises_kept, sum(promises_late) AS promises_late, sum(promises_broken) AS promises_broken, sum(refused_out_of_scope) AS refused_out_of_scope, sum(refused_out_of_hours) AS refused_out_of_hours, sum(refused_no_authority) AS refused_no_authority, sum(refused_other) AS refused_other, sum(replies) AS replies, sum(requested) AS requested, sum(requested_closed) AS requested_closed, sum(resolution_ms) AS resolution_ms, sum(self_service_contained) AS self_service_contained, sum(self_service_failed) AS self_service_failed, sum(settle_ms) AS settle_ms, sum(solved_n) AS solved_n, sum(solved_yes) AS solved_yes, sum(contacts_transferred) AS contacts_transferred, sum(transfers) AS transfers, sum(wait_ms) AS wait_ms, sum(waited_unannounced) AS waited_unannounced
    FROM {{ source('touchline', 'measures_day') }}
    GROUP BY day, channel, queue, segment
    UNION ALL
    SELECT day, channel, queue, segment, -sum(abandoned) AS abandoned, -sum(abandoned_short) AS abandoned_short, -sum(abandoned_returned) AS abandoned_returned, -sum(answered) AS answered, -sum(answered_queued) AS answered_queued, -sum(audits) AS audits, -sum(audit_points) AS audit_points, -sum(ces_n) AS ces_n, -sum(ces_points) AS ces_points, -sum(channel_switches) AS channel_switches, -sum(chased) AS chased, -sum(closed) AS closed, -sum(closed_unknown_customer) AS closed_unknown_customer, -sum(closed_unanswered) AS closed_unanswered, -sum(complaints) AS complaints, -sum(complaints_settled) AS complaints_settled, -sum(complaints_recovered) AS complaints_recovered, -sum(contacts_reopened) AS contacts_reopened, -sum(csat_n) AS csat_n, -sum(csat_top1) AS csat_top1, -sum(csat_top2) AS csat_top2, -sum(csat_points) AS csat_points, -sum(customers_left) AS customers_left, -sum(customers_stayed) AS customers_stayed, -sum(discarded) AS discarded, -sum(ended_in_menu) AS ended_in_menu, -sum(estimates) AS estimates, -sum(estimates_judged) AS estimates_judged, -sum(estimate_error_ms) AS estimate_error_ms, -sum(fcr_eligible) AS fcr_eligible, -sum(fcr_resolved) AS fcr_resolved, -sum(fcr_followed) AS fcr_followed, -sum(fcr_reopened) AS fcr_reopened, -sum(fcr_unresolved) AS fcr_unresolved, -sum(fcr_transferred) AS fcr_transferred, -sum(feedback_asked) AS feedback_asked, -sum(feedback_invalid) AS feedback_invalid, -sum(first_responses_due) AS first_responses_due, -sum(first_responses) AS first_responses, -sum(first_response_in_target) AS first_response_in_target, -sum(first_response_ms) AS first_response_ms, -sum(followup_delay_ms) AS followup_delay_ms, -sum(goodwill_minor) AS goodwill_minor, -sum(handled) AS handled, -sum(handle_ms) AS handle_ms, -sum(held) AS held, -sum(hold_ms) AS hold_ms, -sum(answered_in_target) AS answered_in_target, -sum(abandoned_in_target) AS abandoned_in_target, -sum(answered_in_half_target) AS answered_in_half_target, -sum(issues) AS issues, -sum(issues_resolved_first) AS issues_resolved_first, -sum(left_after_bad) AS left_after_bad, -sum(left_queue) AS left_queue, -sum(legs_offered) AS legs_offered, -sum(legs_answered) AS legs_answered, -sum(legs_abandoned) AS legs_abandoned, -sum(legs_wait_ms) AS legs_wait_ms, -sum(menu_steps) AS menu_steps, -sum(menu_repeats) AS menu_repeats, -sum(negative_durations) AS negative_durations, -sum(next_responses_due) AS next_responses_due, -sum(next_responses) AS next_responses, -sum(next_response_in_target) AS next_response_in_target, -sum(next_response_ms) AS next_response_ms, -sum(nps_n) AS nps_n, -sum(nps_promoters) AS nps_promoters, -sum(nps_detractors) AS nps_detractors, -sum(offered) AS offered, -sum(out_of_scope_done) AS out_of_scope_done, -sum(outreach) AS outreach, -sum(outreach_first) AS outreach_first, -sum(outreach_followed) AS outreach_followed, -sum(patience_ms) AS patience_ms, -sum(promise_late_ms) AS promise_late_ms, -sum(promises_due) AS promises_due, -sum(promises_kept) AS promises_kept, -sum(promises_late) AS promises_late, -sum(promises_broken) AS promises_broken, -sum(refused_out_of_scope) AS refused_out_of_scope, -sum(refused_out_of_hours) AS refused_out_of_hours, -sum(refused_no_authority) AS refused_no_authority, -sum(refused_other) AS refused_other, -sum(replies) AS replies, -sum(requested) AS requested, -sum(requested_closed) AS requested_closed, -sum(resolution_ms) AS resolution_ms, -sum(self_service_contained) AS self_service_contained, -sum(self_service_failed) AS self_service_failed, -sum(settle_ms) AS settle_ms, -sum(solved_n) AS solved_n, -sum(solved_yes) AS solved_yes, -sum(contacts_transferred) AS contacts_transferred, -sum(transfers) AS transfers, -sum(wait_ms) AS wait_ms, -sum(waited_unannounced) AS waited_unannounced
    FROM {{ source('touchline', 'measures_hour') }}
    GROUP BY day, channel, queue, segment
)
GROUP BY day, channel, queue, segment
HAVING sum(abandoned) != 0
    OR sum(abandoned_short) != 0
    OR sum(abandoned_returned) != 0
    OR sum(answered) != 0
    OR sum(answered_queued) != 0
    OR sum(audits) != 0
    OR sum(audit_points) != 0
    OR sum(ces_n) != 0
    OR sum(ces_points) != 0
    OR sum(channel_switches) != 0
    OR sum(chased) != 0
    OR sum(closed) != 0
    OR sum(closed_unknown_customer) != 0
    OR sum(closed_unanswered) != 0
    OR sum(complaints) != 0
    OR sum(complaints_settled) != 0
    OR sum(complaints_recovered) != 0
    OR sum(contacts_reopened) != 0
    OR sum(csat_n) != 0
    OR sum(csat_top1) != 0
    OR sum(csat_top2) != 0
    OR sum(csat_points) != 0
    OR sum(customers_left) != 0
    OR sum(customers_stayed) != 0
    OR sum(discarded) != 0
    OR sum(ended_in_menu) != 0
    OR sum(estimates) != 0
    OR sum(estimates_judged) != 0
    OR sum(estimate_error_ms) != 0
    OR sum(fcr_eligible) != 0
    OR sum(fcr_resolved) != 0
    OR sum(fcr_followed) != 0
    OR sum(fcr_reopened) != 0
    OR sum(fcr_unresolved) != 0
    OR sum(fcr_transferred) != 0
    OR sum(feedback_asked) != 0
    OR sum(feedback_invalid) != 0
    OR sum(first_responses_due) != 0
    OR sum(first_responses) != 0
    OR sum(first_response_in_target) != 0
    OR sum(first_response_ms) != 0
    OR sum(followup_delay_ms) != 0
    OR sum(goodwill_minor) != 0
    OR sum(handled) != 0
    OR sum(handle_ms) != 0
    OR sum(held) != 0
    OR sum(hold_ms) != 0
    OR sum(answered_in_target) != 0
    OR sum(abandoned_in_target) != 0
    OR sum(answered_in_half_target) != 0
    OR sum(issues) != 0
    OR sum(issues_resolved_first) != 0
    OR sum(left_after_bad) != 0
    OR sum(left_queue) != 0
    OR sum(legs_offered) != 0
    OR sum(legs_answered) != 0
    OR sum(legs_abandoned) != 0
    OR sum(legs_wait_ms) != 0
    OR sum(menu_steps) != 0
    OR sum(menu_repeats) != 0
    OR sum(negative_durations) != 0
    OR sum(next_responses_due) != 0
    OR sum(next_responses) != 0
    OR sum(next_response_in_target) != 0
    OR sum(next_response_ms) != 0
    OR sum(nps_n) != 0
    OR sum(nps_promoters) != 0
    OR sum(nps_detractors) != 0
    OR sum(offered) != 0
    OR sum(out_of_scope_done) != 0
    OR sum(outreach) != 0
    OR sum(outreach_first) != 0
    OR sum(outreach_followed) != 0
    OR sum(patience_ms) != 0
    OR sum(promise_late_ms) != 0
    OR sum(promises_due) != 0
    OR sum(promises_kept) != 0
    OR sum(promises_late) != 0
    OR sum(promises_broken) != 0
    OR sum(refused_out_of_scope) != 0
    OR sum(refused_out_of_hours) != 0
    OR sum(refused_no_authority) != 0
    OR sum(refused_other) != 0
    OR sum(replies) != 0
    OR sum(requested) != 0
    OR sum(requested_closed) != 0
    OR sum(resolution_ms) != 0
    OR sum(self_service_contained) != 0
    OR sum(self_service_failed) != 0
    OR sum(settle_ms) != 0
    OR sum(solved_n) != 0
    OR sum(solved_yes) != 0
    OR sum(contacts_transferred) != 0
    OR sum(transfers) != 0
    OR sum(wait_ms) != 0
    OR sum(waited_unannounced) != 0
