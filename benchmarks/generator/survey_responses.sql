-- What people say goes with what they do: those with a lasting habit recommend, those
-- about to drop out complain. Invitations without an answer are rows, too.
with buyers as (
    select *
    from plan_histories
    inner join plan_customers using (customer_no)
),

habits as (
    select *
    from (values
        ('steady', 0.50, 9.0, 1.8),
        ('returning', 0.45, 7.8, 3.5),
        ('dropout', 0.38, 6.4, 6.0),
        ('one_time', 0.25, 6.6, 6.5)
    ) as answer (habit, answer_rate, likely_nps, likely_intent)
),

-- after a purchase: recommendation, satisfaction, effort
after_purchase as (
    select
        order_no as draw_no,
        customer_no,
        ordered_at + interval 3 day as invited_at,
        outcome,
        pick(
            rnd(order_no, 'survey'), ['nps', 'csat', 'ces', null], [0.05, 0.075, 0.09]
        ) as survey_type
    from plan_orders
    where customer_no <= getvariable('customers') and rnd(order_no, 'survey') < 0.09
),

at_some_time as (
    select
        customer_no as draw_no,
        customer_no,
        first_ordered_at
        + (last_ordered_at - first_ordered_at) * rnd(customer_no, 'asked')
        + interval 20 day as invited_at,
        'kept' as outcome,
        pick(rnd(customer_no, 'survey'), ['intent', 'wallet', null], [0.10, 0.30])
            as survey_type
    from buyers
    where rnd(customer_no, 'survey') < 0.30 and (survey_type = 'intent' or orders > 1)
),

-- when the window of the last purchase has passed, some are asked why
at_exit as (
    select
        customer_no as draw_no,
        customer_no,
        last_ordered_at + to_days(window_days)
        + to_days(floor(45 * rnd(customer_no, 'exit_day'))::int - 5) as invited_at,
        'kept' as outcome,
        'exit' as survey_type
    from buyers
    where rnd(customer_no, 'exit') < 0.30

    union all

    -- and of the subscribers who cancelled
    select
        max(subscription_no) as draw_no,
        customer_no,
        max(paid_until) + interval 2 day as invited_at,
        'kept' as outcome,
        'exit' as survey_type
    from plan_subscriptions
    inner join plan_customers using (customer_no)
    where habit = 'subscriber' and not is_trial_only
    group by customer_no
    having rnd(customer_no, 'exit') < 0.5
),

invitations as (
    select
        *,
        invited_at
        + to_hours(1 + floor(140 * rnd(draw_no, survey_type || 'delay'))::int)
            as answered_at
    from (
        select * from after_purchase
        union all
        select * from at_some_time
        union all
        select * from at_exit
    )
    where invited_at < ends_at()
),

answers as (
    select
        *,
        answered_at < ends_at()
        and rnd(draw_no, survey_type || 'answers') < coalesce(answer_rate, 0.4)
            as is_answered,
        -- triangular noise around what is likely
        rnd(draw_no, survey_type || 'up') + rnd(draw_no, survey_type || 'down') - 1
            as noise,
        coalesce(contract_reason_draw, rnd(customer_no, 'why')) as reason_draw,
        rnd(customer_no, 'cut_off') < 0.06 as is_cut_off
    from invitations
    inner join plan_customers using (customer_no)
    left join habits using (habit)
    left join plan_histories using (customer_no)
    left join (
        select
            customer_no,
            arg_max(reason_draw, subscription_no) as contract_reason_draw
        from plan_subscriptions
        group by customer_no
    ) using (customer_no)
),

scored as (
    select
        *,
        case survey_type
            when 'nps'
                then greatest(0, least(10, round(
                    coalesce(likely_nps, 7.5) + 4 * noise
                )))
            when 'csat' then greatest(1, least(5, round(
                if(outcome = 'kept', 4.3, 2.7) + 2 * noise
            )))
            when 'ces' then greatest(1, least(7, round(
                if(outcome = 'kept', 5.4, 3.5) + 3 * noise
            )))
            when 'intent'
                then greatest(0, least(10, round(
                    coalesce(likely_intent, 4) + 4 * noise
                )))
        end::int as drawn_score,
        if(is_cut_off, 'payment_failed', reason_of(reason_draw)) as reason_code
    from answers
),

-- what they spend elsewhere is a multiple of what they spend here; a few understate it
with_wallet as (
    select
        *,
        [3, 6, 12][1 + draw_no % 3] as period_months,
        1 + floor(4 * rnd(draw_no, 'brands'))::int as brands,
        (
            cents
            / greatest(3, date_diff('month', first_ordered_at, last_ordered_at) + 1)
            * period_months * (0.8 + 3 * rnd(draw_no, 'elsewhere'))
        )::bigint as wallet_cents
    from scored
)

select
    row_number() over (order by survey_type, draw_no, customer_no) as _row,
    case survey_type
        when 'nps' then 'VN' when 'csat' then 'VS' when 'ces' then 'VE'
        when 'intent' then 'VI' when 'wallet' then 'VW' else 'VX'
    end || lpad((draw_no + if(habit = 'subscriber', 100000000, 0))::varchar, 9, '0')
        as response_id,
    if(
        rnd(draw_no, survey_type || 'anonymous') < 0.04,
        null,
        customer_id_of(customer_no)
    ) as customer_id,
    survey_type,
    invited_at,
    if(is_answered, answered_at, null) as responded_at,
    if(is_answered, drawn_score, null) as score,
    if(
        is_answered and rnd(draw_no, survey_type || 'comment') < 0.25,
        pick_evenly(
            rnd(draw_no, 'words'),
            case
                when survey_type in ('exit', 'wallet') then [
                    'Zu teuer geworden.', 'Found it cheaper elsewhere',
                    'Je n''en ai plus besoin', 'We moved abroad, sorry',
                    'Me cambié a otra marca'
                ]
                when drawn_score >= if(survey_type in ('csat', 'ces'), 4, 8)
                    and survey_type != 'intent' then [
                    'Great service, fast delivery', 'Alles bestens, gerne wieder!',
                    'Très satisfaite', 'Muy buena calidad', '"Love it"',
                    'Prima, snel geleverd'
                ]
                else [
                    'Delivery took too long', 'Der Kundendienst antwortet nicht',
                    'Prix trop élevés', 'No funcionó, lo devolví', 'It''s ok',
                    'Matig, te duur'
                ]
            end
        ),
        null
    ) as comment,
    case
        when survey_type = 'nps' then 'relationship'
        when survey_type = 'ces' then 'support'
        when survey_type = 'csat'
            then pick(
                rnd(draw_no, 'place'), ['delivery', 'store', 'website'], [0.5, 0.8]
            )
    end as touchpoint,
    case
        when survey_type = 'wallet' and is_answered
            then (
                select list(category order by category_no)
                from product_categories
            )[category_at(vertical_no, 1 + customer_no % 2)]
    end as category,
    if(survey_type = 'wallet' and is_answered, as_amount(wallet_cents), null)
        as category_spend_amount,
    if(survey_type = 'wallet' and is_answered, period_months, null)::int
        as spend_period_months,
    if(
        survey_type = 'wallet' and is_answered,
        1 + floor(brands * rnd(draw_no, 'rank'))::int,
        null
    ) as brand_rank,
    if(survey_type = 'wallet' and is_answered, brands, null) as brands_used,
    if(survey_type = 'exit' and is_answered, reason_code, null) as reason_code,
    if(
        survey_type = 'exit' and is_answered,
        reason_code = 'competitor'
        or reason_code = 'price' and rnd(draw_no, 'switched') < 0.3,
        null
    ) as switched_to_competitor,
    if(survey_type = 'wallet' and is_answered, currency, null) as currency,
    if(is_answered, answered_at, invited_at) as updated_at
from with_wallet
