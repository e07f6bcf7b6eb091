-- What is a part of something is not more than it. A row is a day for which that is not so.
-- Written by `python -m dashboards.dbt` from the measures: change them there.
    SELECT 'complaints_settled of complaints' AS law, day, channel, queue, segment
    FROM {{ source('touchline', 'measures_day') }}
    WHERE complaints_settled > complaints
    UNION ALL
    SELECT 'csat_top1 of csat_n' AS law, day, channel, queue, segment
    FROM {{ source('touchline', 'measures_day') }}
    WHERE csat_top1 > csat_n
    UNION ALL
    SELECT 'csat_top2 of csat_n' AS law, day, channel, queue, segment
    FROM {{ source('touchline', 'measures_day') }}
    WHERE csat_top2 > csat_n
    UNION ALL
    SELECT 'fcr_resolved of fcr_eligible' AS law, day, channel, queue, segment
    FROM {{ source('touchline', 'measures_day') }}
    WHERE fcr_resolved > fcr_eligible
    UNION ALL
    SELECT 'issues_resolved_first of issues' AS law, day, channel, queue, segment
    FROM {{ source('touchline', 'measures_day') }}
    WHERE issues_resolved_first > issues
    UNION ALL
    SELECT 'nps_promoters of nps_n' AS law, day, channel, queue, segment
    FROM {{ source('touchline', 'measures_day') }}
    WHERE nps_promoters > nps_n
    UNION ALL
    SELECT 'nps_detractors of nps_n' AS law, day, channel, queue, segment
    FROM {{ source('touchline', 'measures_day') }}
    WHERE nps_detractors > nps_n
    UNION ALL
    SELECT 'promises_kept of promises_due' AS law, day, channel, queue, segment
    FROM {{ source('touchline', 'measures_day') }}
    WHERE promises_kept > promises_due
    UNION ALL
    SELECT 'promises_late of promises_due' AS law, day, channel, queue, segment
    FROM {{ source('touchline', 'measures_day') }}
    WHERE promises_late > promises_due
    UNION ALL
    SELECT 'promises_broken of promises_due' AS law, day, channel, queue, segment
    FROM {{ source('touchline', 'measures_day') }}
    WHERE promises_broken > promises_due
    UNION ALL
    SELECT 'solved_yes of solved_n' AS law, day, channel, queue, segment
    FROM {{ source('touchline', 'measures_day') }}
    WHERE solved_yes > solved_n
