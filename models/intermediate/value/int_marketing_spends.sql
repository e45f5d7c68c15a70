-- Grain: one row per accepted row of marketing_spend.
{#- a list of objectives may be empty: no spend then counts as acquisition, or as retention -#}
{%- set conditions = {} %}
{%- for kind in ['acquisition', 'retention'] %}
{%- set literals = [] %}
{%- for name in var(kind ~ '_objectives') %}
{%- do literals.append(sql_text(name)) %}
{%- endfor %}
{%- do conditions.update({
    kind: 'objective in (' ~ literals | join(', ') ~ ')' if literals else 'false'
}) %}
{%- endfor %}

with

spends_converted as (
    select
        campaign_id,
        objective,
        leads_count,
        {{ month_start('event_date') }} as month_start_date,
        lower({{ trimmed('channel') }}) as channel,
        {{ in_reporting_currency('amount') }} as spend_amount
    from {{ ref('stg_marketing_spend') }}
),

-- spend without an objective takes the objective of its campaign
spends as (
    select
        spends_converted.campaign_id,
        spends_converted.month_start_date,
        spends_converted.channel,
        spends_converted.leads_count,
        spends_converted.spend_amount,
        coalesce(spends_converted.objective, campaigns.objective, 'unknown') as objective
    from spends_converted
    left join {{ ref('stg_campaigns') }} as campaigns
        on spends_converted.campaign_id = campaigns.campaign_id
)

select
    -- keys
    campaign_id,

    -- dates
    month_start_date,

    -- words
    channel,
    objective,

    -- counts
    leads_count,

    -- amounts
    spend_amount,

    -- flags
    {{ conditions.acquisition }} as is_acquisition,
    {{ conditions.retention }} as is_retention
from spends
