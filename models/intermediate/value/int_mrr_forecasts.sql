-- Grain: one row per cutoff and month that closes after it.
{{ config(materialized='table') }}

with

settings as (
    select
        as_of_date,
        history_starts_on,
        {{ calibrated_on('as_of_date') }} as calibrated_on
    from {{ ref('int_run_settings') }}
),

-- the same forecast from the day before the hold-out shows how good it is
cutoffs as (
    select
        'as_of' as cutoff,
        as_of_date as cutoff_on
    from settings
    union all
    select
        'calibration' as cutoff,
        calibrated_on as cutoff_on
    from settings
),

months_ahead as (
    select row_number() over (order by date_day) as months_ahead
    from {{ ref('int_dates') }}
    qualify row_number() over (order by date_day) <= 12
),

months_closing as (
    select
        cutoffs.cutoff,
        cutoffs.cutoff_on,
        months_ahead.months_ahead,
        last_day({{ months_after(
            month_start(days_after('cutoffs.cutoff_on', 1)), 'months_ahead.months_ahead - 1'
        ) }}) as closes_on
    from cutoffs
    cross join months_ahead
),

-- each looks as many days back as it looks ahead
horizons as (
    select
        months_closing.*,
        {{ days_after(
            'months_closing.cutoff_on',
            '-' ~ days_between('months_closing.cutoff_on', 'months_closing.closes_on'),
        ) }} as looks_back_to
    from months_closing
    cross join settings
    where months_closing.cutoff = 'as_of' or months_closing.closes_on <= settings.as_of_date
),

histories as (
    select * from {{ ref('int_renewal_histories') }}
),

intervals as (
    select
        customer_id,
        active_from,
        active_to,
        cast(mrr_amount as double) as mrr
    from {{ ref('int_mrr_intervals') }}
),

first_days as (
    select greatest(min(intervals.active_from), max(settings.history_starts_on)) as first_day
    from intervals
    cross join settings
),

-- what each customer pays on the cutoff, and the contract that they are in
contracts as (
    select
        cutoffs.cutoff,
        cutoffs.cutoff_on,
        intervals.customer_id,
        intervals.mrr,
        histories.billing_term,
        histories.started_on,
        histories.months_in_term,
        histories.days_in_term
    from cutoffs
    inner join intervals
        on
            cutoffs.cutoff_on >= intervals.active_from
            and cutoffs.cutoff_on < intervals.active_to
    inner join histories
        on
            intervals.customer_id = histories.customer_id
            and cutoffs.cutoff_on >= histories.started_on
            and cutoffs.cutoff_on < histories.ended_on
),

-- those that are alike have the same chances
contracts_alike as (
    select
        cutoff,
        cutoff_on,
        billing_term,
        started_on,
        months_in_term,
        days_in_term,
        sum(mrr) as mrr,
        sum(mrr * mrr) as mrr_squares
    from contracts
    group by cutoff, cutoff_on, billing_term, started_on, months_in_term, days_in_term
),

-- a contract met one end per renewal, and one more if the customer left there
ends_met as (
    select
        'as_of' as cutoff,
        billing_term,
        sum(case when is_churned then 1 else 0 end) as losses,
        sum(renewals + case when is_churned then 1 else 0 end) as ends
    from histories
    group by billing_term

    union all

    select
        'calibration' as cutoff,
        billing_term,
        sum(case when is_calibration_churned then 1 else 0 end) as losses,
        sum(calibration_renewals + case when is_calibration_churned then 1 else 0 end) as ends
    from histories
    where calibration_renewals is not null
    group by billing_term
),

-- the model of renewals, where it is used for lifetime value
models as (
    select
        fits.segment_value as billing_term,
        max(case when fits.statistic = 'alpha' then fits.value end) as alpha,
        max(case when fits.statistic = 'beta' then fits.value end) as beta,
        max(case when fits.statistic = 'calibration_alpha' then fits.value end)
            as calibration_alpha,
        max(case when fits.statistic = 'calibration_beta' then fits.value end) as calibration_beta
    from {{ ref('int_renewal_model_fits') }} as fits
    inner join {{ ref('int_value_models_judged') }} as judgements
        on {{ same_values('fits', 'judgements', ['model', 'segment_name', 'segment_value']) }}
    where
        fits.segment_name = 'billing_term'
        and fits.frequency_class = 'all'
        and fits.chance_decile = 'all'
        and judgements.verdict = 'used'
    group by fits.segment_value
),

-- a share that is 0 or 1 has no logarithm, or none of its complement
risks as (
    select
        ends_met.cutoff,
        ends_met.billing_term,
        ends_met.ends,
        least({{ rate('ends_met.losses', 'ends_met.ends') }}, 0.999999) as share_lost,
        case when ends_met.cutoff = 'as_of' then models.alpha else models.calibration_alpha end
            as alpha,
        case when ends_met.cutoff = 'as_of' then models.beta else models.calibration_beta end
            as beta
    from ends_met
    left join models
        on ends_met.billing_term = models.billing_term
),

-- terms are longer than a day, so there are never more terms than days
term_numbers as (
    select row_number() over (order by date_day) - 1 as term_number
    from {{ ref('int_dates') }}
),

-- of the contracts that meet their end number n, the model loses alpha / (alpha + beta + n - 1)
survival as (
    select
        risks.cutoff,
        risks.billing_term,
        term_numbers.term_number,
        sum(
            case
                when term_numbers.term_number = 0 then 0
                when risks.alpha is not null
                    then ln(
                        (risks.beta + term_numbers.term_number - 1)
                        / (risks.alpha + risks.beta + term_numbers.term_number - 1)
                    )
                else ln(1 - coalesce(risks.share_lost, 0))
            end
        ) over (
            partition by risks.cutoff, risks.billing_term
            order by term_numbers.term_number
            rows unbounded preceding
        ) as log_survival
    from risks
    cross join term_numbers
),

contracts_ahead as (
    select
        contracts_alike.cutoff,
        contracts_alike.billing_term,
        horizons.months_ahead,
        contracts_alike.mrr,
        contracts_alike.mrr_squares,
        {{ terms_between('contracts_alike.started_on', 'horizons.cutoff_on') }} as ends_before,
        {{ terms_between('contracts_alike.started_on', 'horizons.closes_on') }} as ends_after
    from contracts_alike
    inner join horizons
        on contracts_alike.cutoff = horizons.cutoff
),

contracts_with_chances as (
    select
        contracts_ahead.*,
        contracts_ahead.ends_after - contracts_ahead.ends_before as ends_ahead,
        exp(survival_after.log_survival - survival_before.log_survival) as chance
    from contracts_ahead
    inner join survival as survival_before
        on
            contracts_ahead.cutoff = survival_before.cutoff
            and contracts_ahead.billing_term = survival_before.billing_term
            and contracts_ahead.ends_before = survival_before.term_number
    inner join survival as survival_after
        on
            contracts_ahead.cutoff = survival_after.cutoff
            and contracts_ahead.billing_term = survival_after.billing_term
            and contracts_ahead.ends_after = survival_after.term_number
),

-- customers leave one by one, and the share that does is itself known from so many ends only
terms_kept as (
    select
        contracts_with_chances.cutoff,
        contracts_with_chances.months_ahead,
        sum(contracts_with_chances.mrr) as current_mrr,
        sum(contracts_with_chances.mrr_squares) as current_mrr_squares,
        sum(contracts_with_chances.mrr * contracts_with_chances.chance) as kept_mrr,
        sum(
            contracts_with_chances.mrr_squares
            * contracts_with_chances.chance
            * (1 - contracts_with_chances.chance)
        )
        + power(
            sum(
                contracts_with_chances.mrr
                * contracts_with_chances.chance
                * contracts_with_chances.ends_ahead
            ),
            2
        )
        * coalesce(
            max(risks.share_lost / (1 - risks.share_lost) / nullif(risks.ends, 0)), 0
        ) as kept_variance,
        max(case when risks.alpha is not null then 1 else 0 end) as uses_model,
        max(case when risks.alpha is null then 1 else 0 end) as uses_share
    from contracts_with_chances
    inner join risks
        on
            contracts_with_chances.cutoff = risks.cutoff
            and contracts_with_chances.billing_term = risks.billing_term
    group by
        contracts_with_chances.cutoff,
        contracts_with_chances.billing_term,
        contracts_with_chances.months_ahead
),

months_kept as (
    select
        cutoff,
        months_ahead,
        {{ of_each(
            ['current_mrr', 'current_mrr_squares', 'kept_mrr', 'kept_variance'], 'sum({})'
        ) }},
        max(uses_model) as uses_model,
        max(uses_share) as uses_share
    from terms_kept
    group by cutoff, months_ahead
),

-- who paid then and pays on the cutoff: what stayed has become more or less, and the rest is new
months_looked_back as (
    select
        horizons.cutoff,
        horizons.months_ahead,
        sum(intervals.mrr) as mrr_then,
        sum(contracts.mrr) as mrr_now,
        sum(intervals.mrr * intervals.mrr) as squares_then,
        sum(contracts.mrr * contracts.mrr) as squares_now,
        sum(intervals.mrr * contracts.mrr) as products
    from horizons
    inner join intervals
        on
            horizons.looks_back_to >= intervals.active_from
            and horizons.looks_back_to < intervals.active_to
    inner join contracts
        on
            horizons.cutoff = contracts.cutoff
            and intervals.customer_id = contracts.customer_id
    group by horizons.cutoff, horizons.months_ahead
),

months_came as (
    select
        horizons.cutoff,
        horizons.months_ahead,
        sum(intervals.mrr) as actual_mrr
    from horizons
    inner join intervals
        on
            horizons.closes_on >= intervals.active_from
            and horizons.closes_on < intervals.active_to
    where horizons.cutoff = 'calibration'
    group by horizons.cutoff, horizons.months_ahead
),

months_measured as (
    select
        horizons.cutoff,
        horizons.cutoff_on,
        horizons.months_ahead,
        horizons.closes_on,
        horizons.looks_back_to,
        months_kept.current_mrr,
        months_kept.kept_mrr,
        months_kept.kept_variance,
        months_kept.uses_model,
        months_kept.uses_share,
        horizons.looks_back_to >= first_days.first_day as has_history,
        coalesce({{ rate('looked_back.mrr_now', 'looked_back.mrr_then') }}, 1) as growth,
        coalesce(
            looked_back.squares_now
            - 2 * {{ rate('looked_back.mrr_now', 'looked_back.mrr_then') }} * looked_back.products
            + power({{ rate('looked_back.mrr_now', 'looked_back.mrr_then') }}, 2)
            * looked_back.squares_then,
            0
        ) as growth_squares,
        coalesce(months_kept.kept_mrr / nullif(looked_back.mrr_then, 0), 0) as size,
        months_kept.current_mrr - coalesce(looked_back.mrr_now, 0) as new_mrr,
        months_kept.current_mrr_squares - coalesce(looked_back.squares_now, 0) as new_squares,
        case when horizons.cutoff = 'calibration' then coalesce(came.actual_mrr, 0) end
            as actual_mrr
    from horizons
    inner join months_kept
        on {{ same_values('horizons', 'months_kept', ['cutoff', 'months_ahead']) }}
    cross join first_days
    left join months_looked_back as looked_back
        on {{ same_values('horizons', 'looked_back', ['cutoff', 'months_ahead']) }}
    left join months_came as came
        on {{ same_values('horizons', 'came', ['cutoff', 'months_ahead']) }}
),

-- what changed and what was new is one draw, what will be is another
months_forecast as (
    select
        *,
        kept_mrr * growth as retained_mrr,
        case when has_history then kept_mrr * growth + new_mrr end as forecast_mrr,
        sqrt(greatest(
            growth * growth * kept_variance + growth_squares * size * (1 + size) + 2 * new_squares,
            0
        )) as standard_error
    from months_measured
)

select
    -- keys
    cutoff,
    months_ahead,

    -- dates
    cutoff_on,
    closes_on,
    looks_back_to,

    -- amounts
    {{ in_cents('current_mrr') }} as current_mrr_amount,
    {{ in_cents('kept_mrr') }} as kept_mrr_amount,
    {{ in_cents('case when has_history then retained_mrr end') }} as retained_mrr_amount,
    {{ in_cents('case when has_history then new_mrr end') }} as new_mrr_amount,
    {{ in_cents('forecast_mrr') }} as forecast_mrr_amount,
    {{ in_cents('greatest(forecast_mrr - ' ~ z_95() ~ ' * standard_error, 0)') }}
        as forecast_low_amount,
    {{ in_cents('(forecast_mrr + ' ~ z_95() ~ ' * standard_error)') }} as forecast_high_amount,
    {{ in_cents('actual_mrr') }} as actual_mrr_amount,

    -- words
    case
        when uses_model = 1 and uses_share = 1 then 'both'
        when uses_model = 1 then 'shifted_beta_geometric'
        else 'share_lost'
    end as renewal_method
from months_forecast
