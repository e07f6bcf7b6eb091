-- Ratios by day, channel and queue, all segments together: made of sums, never means of ratios.
-- Written by `python -m dashboards.dbt` from the measures: change them there.
SELECT
    day,
    channel,
    queue,
    sum(requested) AS contacts_requested,
    sum(offered) AS contacts_offered,
    (sum(answered_in_target)) / nullIf(greatest(sum(offered) - sum(undecided), 0), 0) AS sl_offered,
    (sum(answered_in_target)) / nullIf(greatest(sum(offered) - sum(abandoned_short) - sum(undecided), 0), 0) AS sl_net,
    (sum(answered_in_target)) / nullIf(greatest(sum(offered) - sum(abandoned_in_target) - sum(undecided), 0), 0) AS sl_without_quick,
    (sum(answered_in_target)) / nullIf(greatest(sum(answered), 0), 0) AS sl_answered,
    (sum(answered_in_target) + sum(abandoned_in_target)) / nullIf(greatest(sum(offered) - sum(undecided), 0), 0) AS sl_connect,
    (sum(wait_ms)) / nullIf(greatest(sum(answered), 0), 0) AS asa_ms,
    (sum(wait_ms)) / nullIf(greatest(sum(answered_queued), 0), 0) AS asa_queued_ms,
    (sum(wait_ms)) / nullIf(greatest(sum(answered), 0), 0) AS asa,
    (sum(wait_ms)) / nullIf(greatest(sum(answered_queued), 0), 0) AS asa_queued,
    (sum(answered) + sum(self_service_contained)) / nullIf(greatest(sum(requested) - sum(discarded), 0), 0) AS reachability,
    (sum(first_response_in_target)) / nullIf(greatest(sum(first_responses_due) - sum(responses_undecided), 0), 0) AS sl_response,
    (sum(first_response_ms)) / nullIf(greatest(sum(first_responses), 0), 0) AS first_response_mean_ms,
    (sum(handle_ms)) / nullIf(greatest(sum(handled), 0), 0) AS handle_mean_ms,
    (sum(fcr_resolved)) / nullIf(greatest(sum(fcr_eligible), 0), 0) AS fcr,
    (sum(fcr_resolved_confirmed)) / nullIf(greatest(sum(fcr_eligible_confirmed), 0), 0) AS fcr_confirmed
FROM {{ source('touchline', 'measures_day') }}
GROUP BY day, channel, queue
