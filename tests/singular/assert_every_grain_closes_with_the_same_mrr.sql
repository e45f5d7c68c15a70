-- The grains of the calendar add up the same movements and close with the same MRR. GRR and NRR
-- follow customers, so only they may differ. Twelve months to a month overlap.
with

ledger as (
    select
        grains.period_grain,
        movements.movement,
        sum(movements.mrr_change_amount) as mrr_amount
    from {{ ref('fct_mrr_movements') }} as movements
    cross join (
        select distinct period_grain from {{ ref('dim_periods') }}
        where {{ is_of_grains('period_grain', calendar_grains()) }}
    ) as grains
    group by grains.period_grain, movements.movement
),

report as (
    {%- for movement in ['new', 'expansion', 'contraction', 'churn', 'reactivation', 'fx'] %}
    select
        period_grain,
        '{{ movement }}' as movement,
        sum({{ movement }}_mrr_amount) as mrr_amount
    from {{ ref('rpt_mrr_periods') }}
    where {{ is_of_grains('period_grain', calendar_grains()) }}
    group by period_grain
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    report.period_grain,
    report.movement,
    report.mrr_amount,
    ledger.mrr_amount as ledger_amount
from report
left join ledger
    on
        report.period_grain = ledger.period_grain
        and report.movement = ledger.movement
where report.mrr_amount <> coalesce(ledger.mrr_amount, 0)
