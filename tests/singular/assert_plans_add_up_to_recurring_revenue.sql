-- In every period the plans together open, move and close as all customers do, and nothing is moved
-- between them on balance.
{%- set measures = [
    'opening', 'new', 'expansion', 'contraction', 'churn', 'reactivation', 'fx', 'closing',
] %}
with

amounts as (
    select
        period_grain,
        period_start_date,
        {%- for measure in measures %}
        {{ measure }}_mrr_amount,
        {%- endfor %}
        plan_in_mrr_amount + plan_out_mrr_amount as moved_mrr_amount
    from {{ ref('rpt_mrr_plans') }}

    union all

    select
        period_grain,
        period_start_date,
        {%- for measure in measures %}
        -{{ measure }}_mrr_amount as {{ measure }}_mrr_amount,
        {%- endfor %}
        0 as moved_mrr_amount
    from {{ ref('rpt_mrr_periods') }}
)

select
    period_grain,
    period_start_date
from amounts
group by period_grain, period_start_date
having
    {%- for measure in measures %}
    sum({{ measure }}_mrr_amount) <> 0 or
    {%- endfor %}
    sum(moved_mrr_amount) <> 0
