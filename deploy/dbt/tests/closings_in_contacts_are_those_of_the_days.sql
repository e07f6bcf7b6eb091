-- Contacts that were ever closed are the contacts that the days count as closed (in all, and by channel).
-- Written by `python -m dashboards.dbt` from the measures: change them there.
SELECT channel, sum(counted) AS counted, sum(listed) AS listed
FROM (
    SELECT channel, sum(closed) AS counted, 0 AS listed
    FROM {{ source('touchline', 'measures_day') }}
    GROUP BY channel
    UNION ALL
    SELECT channel, 0 AS counted, count() AS listed
    FROM {{ source('touchline', 'contacts') }}
    WHERE closed_at IS NOT NULL
    GROUP BY channel
)
GROUP BY channel
HAVING counted != listed
