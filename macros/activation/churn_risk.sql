{#- The model of churn risk: the days it looks at, what it knows of a customer, and which reason each of that is. -#}


{#- The days on which customers are looked at, each with its role and how many days before as-of it is: the day to score, the day to judge the
    model, and those to fit it, whose outcomes were known on the day of the judgement. -#}
{% macro churn_risk_days() %}
    {% set days = [('as_of', 0), ('test', var('churn_risk_days'))] %}
    {% for number in range(var('churn_risk_training_days')) %}
        {% do days.append(('training', (number + 2) * var('churn_risk_days'))) %}
    {% endfor %}
    {{ return(days) }}
{% endmacro %}


{#- What the model takes for a number about the customer, by the reason it belongs to: an expression over the columns of
    int_churn_risk_features, NULL where there is no such number. What grows by factors enters as a logarithm. -#}
{% macro churn_risk_inputs() %}
    {% set bought = rate('days_since_purchase', 'activity_window_days') %}
    {% set silence = rate('days_since_purchase', 'median_gap_days') %}
    {% set gap = rate('median_gap_days', 'activity_window_days') %}
    {% set spending = rate('(spent_amount - spent_before_amount)', 'spent_before_amount') %}
    {% set mrr = rate('(mrr_amount - mrr_before_amount)', 'mrr_before_amount') %}
    {% set discount = rate('discount_amount', 'gross_amount') %}
    {{ return({
        'kind': {'is_subscribed': 'case when is_subscribed then 1 else 0 end'},
        'silence': {
            'silence_to_gap': 'case when not is_subscribed and gaps >= 2 then ln(1 + ' ~ silence ~ ') end',
            'window_used': 'case when not is_subscribed then ' ~ bought ~ ' end',
            'days_to_lapse': 'case when not is_subscribed then days_to_lapse end',
        },
        'rhythm': {
            'gap_to_window': 'case when not is_subscribed and gaps >= 2 then ln(' ~ gap ~ ') end',
            'buying_frequency': 'case when not is_subscribed then ln(1 + purchase_days) end',
        },
        'tenure': {'tenure': 'ln(1 + tenure_days)'},
        'spending': {'spending_change': 'case when spent_before_amount > 0 then ' ~ spending ~ ' end'},
        'recurring': {'mrr_change': 'case when is_subscribed then ' ~ mrr ~ ' end'},
        'payment': {'past_due': 'case when is_past_due then 1 else 0 end'},
        'cancellation': {
            'cancel_requested': 'case when is_cancel_requested then 1 else 0 end',
            'contract_ending': 'case when is_contract_ending then 1 else 0 end',
        },
        'term': {
            'term_ending': 'case when days_to_term_end <= ' ~ var('churn_risk_days')
                ~ ' then 1 when days_to_term_end is not null then 0 end',
        },
        'opinion': {
            'nps_level': "case nps_category when 'promoter' then 1 when 'passive' then 0 when 'detractor' then -1 end",
        },
        'service': {'bad_contacts': 'ln(1 + bad_contacts)'},
        'engagement': {
            'engagements': 'ln(1 + engagements)',
            'recent_engagements': 'ln(1 + recent_engagements)',
        },
        'discount': {
            'discount_share': 'case when not is_subscribed then ' ~ discount ~ ' end',
            'discount_acquired': 'case when is_discount_acquired then 1 else 0 end',
        },
    }) }}
{% endmacro %}


{#- The sign of the coefficient of an input with which more of it, or less of it, is a warning. Inputs that say the same in
    several ways share a coefficient, and have none. -#}
{% macro churn_risk_directions() %}
    {{ return({
        'buying_frequency': '<',
        'tenure': '<',
        'spending_change': '<',
        'mrr_change': '<',
        'past_due': '>',
        'cancel_requested': '>',
        'contract_ending': '>',
        'term_ending': '>',
        'nps_level': '<',
        'bad_contacts': '>',
        'engagements': '<',
        'recent_engagements': '<',
        'discount_share': '>',
        'discount_acquired': '>',
    }) }}
{% endmacro %}


{#- Reasons that only customers without a contract can have, and those that only customers with one can. -#}
{% macro churn_risk_reasons_of(is_subscribed) %}
    {{ return(['recurring', 'cancellation', 'term'] if is_subscribed else ['silence', 'rhythm', 'discount']) }}
{% endmacro %}


{#- How far an input lifts the logarithm of the odds: its value above that of the average customer who has one, or that it
    has none above the average of all. Its row is in `inputs`, the terms of the model are in `terms`. A term that the model
    does not have lifts nothing. -#}
{% macro churn_risk_contribution(name) %}
    {% set value = 'inputs.' ~ name %}
    {% set term = 'terms.' ~ name %}
    {{ return(
        'coalesce(case when ' ~ value ~ ' is null then ' ~ term ~ '_missing_coefficient * (1 - ' ~ term
        ~ '_missing_mean) else ' ~ term ~ '_coefficient * (least(greatest(' ~ value ~ ', ' ~ term ~ '_lower), '
        ~ term ~ '_upper) - ' ~ term ~ '_mean) / ' ~ term ~ '_deviation end, 0)'
    ) }}
{% endmacro %}


{#- The contribution, if it can be read as a warning: engagements that go with churn cannot. A missing value can,
    and so can an input without a direction. -#}
{% macro churn_risk_warning(name) %}
    {% set lift = 'inputs.' ~ name ~ '_lift' %}
    {% set direction = churn_risk_directions().get(name) %}
    {{ return(
        'case when inputs.' ~ name ~ ' is null or terms.' ~ name ~ '_coefficient ' ~ direction ~ ' 0 then ' ~ lift
        ~ ' else 0 end' if direction else lift
    ) }}
{% endmacro %}


{#- The rest of it: that there is a value, whichever, is where the chance starts from. -#}
{% macro churn_risk_baseline(name) %}
    {% set term = 'terms.' ~ name %}
    {{ return(
        'coalesce(case when inputs.' ~ name ~ ' is not null then -' ~ term ~ '_missing_coefficient * ' ~ term
        ~ '_missing_mean end, 0)'
    ) }}
{% endmacro %}


{#- The ways to tell who will churn, with the column of int_churn_risk_scores that ranks customers by each: the model,
    the rules that it has to beat, and that all are alike. Of rules that are equally good, the first is taken. -#}
{% macro churn_risk_methods() %}
    {{ return({
        'model': 'model_score',
        'rule days_to_lapse': 'lapse_score',
        'rule recency': 'recency_score',
        'rule at_risk': 'at_risk_score',
        'base rate': 'base_score',
    }) }}
{% endmacro %}


{#- A number and what it counts, as text: 1 day, 2 days. -#}
{% macro counted(number, word) %}
    {{ return('cast(' ~ number ~ " as string) || case when " ~ number ~ " = 1 then ' " ~ word ~ "' else ' " ~ word
        ~ "s' end") }}
{% endmacro %}


{#- How far an amount went up or down, as text: fell by 20 %. -#}
{% macro change_in_words(amount, before) %}
    {% set percent = 'cast(round(100 * abs(' ~ rate('(' ~ amount ~ ' - ' ~ before ~ ')', before) ~ ')) as bigint)' %}
    {{ return('case when ' ~ amount ~ ' < ' ~ before ~ " then 'fell by ' when " ~ amount ~ ' > ' ~ before
        ~ " then 'rose by ' else 'changed by ' end || cast(" ~ percent ~ " as string) || ' %'") }}
{% endmacro %}


{#- A reason in words, with the facts of the customer: an expression over `features`, a relation
    like int_churn_risk_features. -#}
{% macro churn_risk_words(reason) %}
    {% set lookback = var('churn_risk_lookback_days') %}
    case {{ reason }}
        when 'silence'
            then
                'No purchase for ' || {{ counted('features.days_since_purchase', 'day') }}
                || case
                    when features.gaps >= 2
                        then
                            '; usually buys every '
                            || {{ counted('cast(round(features.median_gap_days) as bigint)', 'day') }}
                    else
                        '; a customer is lost after ' || {{ counted('features.activity_window_days', 'day') }}
                end
        when 'rhythm'
            then
                case
                    when features.gaps >= 2
                        then
                            'Usually buys every '
                            || {{ counted('cast(round(features.median_gap_days) as bigint)', 'day') }}
                            || '; a customer is lost after '
                            || {{ counted('features.activity_window_days', 'day') }}
                    else 'Has bought on ' || {{ counted('features.purchase_days', 'day') }} || ' so far'
                end
        when 'tenure' then 'Customer for ' || {{ counted('features.tenure_days', 'day') }}
        when 'spending'
            then
                case
                    when features.spent_before_amount > 0
                        then
                            'Spending ' || {{ change_in_words('features.spent_amount', 'features.spent_before_amount') }}
                            || ' against the {{ var("trend_days") }} days before'
                    else 'No earlier spending to compare with'
                end
        when 'recurring'
            then
                case
                    when features.mrr_before_amount > 0
                        then
                            'Recurring revenue ' || {{ change_in_words('features.mrr_amount', 'features.mrr_before_amount') }}
                            || ' in {{ lookback }} days'
                    else 'Has paid for less than {{ lookback }} days'
                end
        when 'payment'
            then case when features.is_past_due then 'A payment is past due' else 'No payment is past due' end
        when 'cancellation'
            then
                case
                    when features.is_contract_ending then 'The contract ends on ' || cast(features.lapses_on as string)
                    when features.is_cancel_requested then 'Has asked to cancel'
                    else 'Has not asked to cancel'
                end
        when 'term'
            then
                coalesce(
                    'The paid term ends in ' || {{ counted('features.days_to_term_end', 'day') }},
                    'No further term is agreed'
                )
        when 'opinion'
            then
                case features.nps_category
                    when 'detractor' then 'Would not recommend us'
                    when 'passive' then 'Hesitates to recommend us'
                    when 'promoter' then 'Would recommend us'
                    else 'No NPS answer in {{ var("nps_valid_months") }} months'
                end
        when 'service'
            then {{ counted('features.bad_contacts', 'bad service contact') }} || ' in {{ lookback }} days'
        when 'engagement'
            then
                {{ counted('features.engagements', 'engagement') }} || ' in {{ lookback }} days, '
                || cast(features.recent_engagements as string) || ' of them in the last {{ lookback // 3 }}'
        when 'discount'
            then
                case
                    when features.discount_amount > 0
                        then
                            cast(cast(
                                round(100 * {{ rate('features.discount_amount', 'features.gross_amount') }}) as bigint
                            ) as string)
                            || ' % of the price was discount'
                    when features.is_discount_acquired then 'Was won with a discount'
                    else 'No discount on recent orders'
                end
    end
{%- endmacro %}
