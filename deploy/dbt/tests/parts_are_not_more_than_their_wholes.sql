-- What is a part of something is not more than it. A row is a day for which that is not so.
-- Written by `python -m dashboards.dbt` from the measures: change them there.
SELECT arrayJoin(broken) AS law, day, channel, queue, segment
FROM (
    SELECT day, channel, queue, segment, arrayFilter(law -> law != '', [
        if(complaints_settled > complaints, 'complaints_settled of complaints', ''),
        if(csat_top1 > csat_n, 'csat_top1 of csat_n', ''),
        if(csat_top2 > csat_n, 'csat_top2 of csat_n', ''),
        if(fcr_resolved > fcr_eligible, 'fcr_resolved of fcr_eligible', ''),
        if(issues_resolved_first > issues, 'issues_resolved_first of issues', ''),
        if(nps_promoters > nps_n, 'nps_promoters of nps_n', ''),
        if(nps_detractors > nps_n, 'nps_detractors of nps_n', ''),
        if(promises_kept > promises_due, 'promises_kept of promises_due', ''),
        if(promises_late > promises_due, 'promises_late of promises_due', ''),
        if(promises_broken > promises_due, 'promises_broken of promises_due', ''),
        if(solved_yes > solved_n, 'solved_yes of solved_n', '')
    ]) AS broken
    FROM {{ source('touchline', 'measures_day') }}
)
