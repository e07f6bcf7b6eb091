-- One row per contact, kept up to date: only what was revised since the last run is read again.
-- Written by `python -m dashboards.dbt` from the measures: change them there.
{{ config(materialized='incremental', unique_key='contact_id', order_by='contact_id') }}
SELECT *
FROM {{ source('touchline', 'contacts') }}
{% if is_incremental() %}
WHERE revised_at >= (SELECT max(revised_at) FROM {{ this }})
{% endif %}
