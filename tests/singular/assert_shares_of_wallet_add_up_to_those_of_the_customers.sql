-- At each quarter end and for each source of the wallet, the report has the buyers and amounts of
-- the facts. For a benchmark, customers who bought nothing also count as customers.
with

facts as (
    select
        quarter_end_date,
        wallet_source,
        count(*) as customers,
        count(case when own_spend_amount > 0 then 1 end) as buyers,
        sum(own_spend_amount) as own_spend_amount,
        sum(wallet_amount) as wallet_amount,
        sum(greatest(wallet_amount, own_spend_amount)) as greater_amount
    from {{ ref('fct_share_of_wallet') }}
    group by quarter_end_date, wallet_source
),

report as (
    select
        quarter_end_date,
        wallet_source,
        sum(customers) as customers,
        sum(buyers) as buyers,
        sum(own_spend_amount) as own_spend_amount,
        sum(wallet_amount) as wallet_amount,
        sum(own_spend_amount + wallet_headroom_amount) as greater_amount
    from {{ ref('rpt_share_of_wallet') }}
    group by quarter_end_date, wallet_source
)

select
    coalesce(facts.quarter_end_date, report.quarter_end_date) as quarter_end_date,
    coalesce(facts.wallet_source, report.wallet_source) as wallet_source,
    facts.own_spend_amount,
    report.own_spend_amount as reported_own_spend_amount
from facts
full outer join report
    on
        facts.quarter_end_date = report.quarter_end_date
        and facts.wallet_source = report.wallet_source
where
    coalesce(facts.buyers, 0) <> coalesce(report.buyers, 0)
    or coalesce(facts.own_spend_amount, 0) <> coalesce(report.own_spend_amount, 0)
    or coalesce(facts.wallet_amount, 0) <> coalesce(report.wallet_amount, 0)
    or coalesce(facts.greater_amount, 0) <> coalesce(report.greater_amount, 0)
    or coalesce(facts.customers, 0) > coalesce(report.customers, 0)
    or (facts.wallet_source = 'survey' and facts.customers <> report.customers)
