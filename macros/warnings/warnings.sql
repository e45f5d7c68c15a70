{#- Warnings about the data. Each says what was found, what it means and what to do. Those with a query run
    in the post-hook of the model that they are about. -#}


{% macro warn_of(query, sentence) %}
    {% for row in (run_query(query).rows if execute else []) %}
        {% do exceptions.warn(sentence.format(*row)) %}
    {% endfor %}
{% endmacro %}


{#- The first of some names, and how many others there are; in Python: some_of() of python_helpers/core/log.py. -#}
{% macro some_of(names, most=10) %}
    {% set more = names | length - most %}
    {{ return(names[:most] | join(', ') ~ (' and ' ~ '{:,}'.format(more) ~ ' more' if more > 0 else '')) }}
{% endmacro %}


{% macro warn_of_ignored_columns(table_name, found, names) %}
    {% set ignored = found | reject('in', names) | list %}
    {% if ignored %}
        {% do exceptions.warn(
            table_name ~ ': these columns are not in the contract and are ignored: '
            ~ some_of(ignored) ~ '. Rename them if they are columns of the contract.'
        ) %}
    {% endif %}
{% endmacro %}


{% macro warn_of_missing_segments(found) %}
    {% for column, name in custom_segments().items() if column not in found %}
        {% do exceptions.warn(
            'customers: no column ' ~ name ~ ' was delivered, which the var ' ~ column ~ ' names. It is unknown for every'
            ~ ' customer. Deliver the column, or correct the var.'
        ) %}
    {% endfor %}
{% endmacro %}


{% macro warn_of_ignored_files() %}
    {% set patterns = [path_pattern(raw_folder()) ~ '/*'] %}
    {% set read = [] %}
    {% for table_name in raw_table_names() %}
        {% do patterns.append(table_folder(table_name) ~ '/**') %}
        {% do read.extend(raw_files(table_name)) %}
    {% endfor %}
    {% set ignored = [] %}
    {% for path in list_files(patterns) | reject('in', read) %}
        {% if not (path.split('/') | last).startswith(('.', '_')) %}
            {% do ignored.append(path) %}
        {% endif %}
    {% endfor %}
    {% if ignored %}
        {% do exceptions.warn(
            'Raw data: these files are not read, because their names match no table or they are no CSV or'
            ~ ' Parquet files: ' ~ some_of(ignored) ~ '. Name each file after its table, for example'
            ~ ' orders.csv or orders_2024.parquet, and save a spreadsheet as CSV (UTF-8).'
        ) %}
    {% endif %}
{% endmacro %}


{% macro warn_of_local_times() %}
    {% set zone = setting('reporting_timezone', 'UTC') %}
    {% for table_name, name in main_event_times().items() if zone != 'UTC' and not setting('raw_timezone') %}
        {% set raw = raw_data(table_name) %}
        {% if execute and raw.types.get(name) == 'varchar' %}
            {% set value = adapter.quote(name) %}
            {% for row in run_query(
                'select ' ~ value ~ ' from ' ~ raw.relation ~ ' where ' ~ matches(value, ':')
                ~ ' and not ' ~ matches(value, ':.*[Zz+-]') ~ ' limit 1'
            ).rows %}
                {% do exceptions.warn(
                    table_name ~ ': ' ~ name ~ ' has times without an offset, written like ' ~ form_of_value(row[0])
                    ~ '. They are read as UTC, and the days are those of ' ~ zone
                    ~ '. Say their zone with --raw-timezone.'
                ) %}
            {% endfor %}
        {% endif %}
    {% endfor %}
{% endmacro %}


{% macro warn_of_email_keys() %}
    {% set query %}
        select count(*)
        from {{ this }}
        where customer_id like '%_@_%._%'
        having count(*) > 0
    {% endset %}
    {% do warn_of(
        query,
        'customers: {0} customer_id value(s) look like e-mail addresses, and every mart shows customer_id.'
        ~ ' Deliver keys that identify no one, and put the address in the column email.'
    ) %}
{% endmacro %}


{% macro warn_of_unknown_subscriptions() %}
    {% set query %}
        select count(*)
        from {{ ref('stg_orders') }} as orders
        left join {{ ref('stg_subscriptions') }} as subscriptions
            on orders.subscription_id = subscriptions.subscription_id
        where orders.subscription_id is not null and subscriptions.subscription_id is null
        having count(*) > 0
    {% endset %}
    {% do warn_of(
        query,
        'orders: {0} invoice(s) name a subscription that was not delivered, and count in no revenue.'
        ~ ' Deliver the subscription, or leave subscription_id empty.'
    ) %}
{% endmacro %}


{% macro warn_of_returns_without_their_sale() %}
    {% set query %}
        with

        returns_unmatched as (
            select returns.*
            from {{ ref('int_orders_classified') }} as returns
            left join {{ this }} as returns_matched
                on returns.order_id = returns_matched.order_id
            where
                returns.is_return
                and returns.is_completed
                and returns.original_order_id is not null
                and returns_matched.order_id is null
        ),

        returns_with_reason as (
            select
                case
                    when originals.order_id is null then 'an order that was not delivered'
                    when not originals.is_sale then 'an order that is not a sale'
                    when not originals.is_completed then 'a sale that is pending or cancelled'
                    when originals.customer_id <> returns_unmatched.customer_id
                        then 'a sale to another customer'
                    else 'a sale in another currency'
                end as reason
            from returns_unmatched
            left join {{ ref('int_orders_classified') }} as originals
                on returns_unmatched.original_order_id = originals.order_id
        )

        select
            count(*),
            reason
        from returns_with_reason
        group by reason
        order by reason
    {% endset %}
    {% do warn_of(
        query,
        'orders: {0} return(s) name {1} in original_order_id. They reduce revenue, and take no sale back.'
        ~ ' Correct original_order_id, or leave it empty: then the amount decides which sale comes back.'
    ) %}
{% endmacro %}


{% macro warn_of_doubtful_versions() %}
    {% set query %}
        select
            count(*),
            'have a status that contradicts ended_at. The date counts; correct one of the two'
        from {{ this }}
        where is_over_despite_status
        having count(*) > 0

        union all

        select
            count(*),
            'end after the next one starts. Each counts until then; correct ended_at'
        from {{ this }}
        where ended_on > stopped_on and stop_reason = 'replaced'
        having count(*) > 0

        union all

        select
            count(*),
            'have a negative price, or a discount above it. Their MRR is 0; correct the amounts'
        from {{ this }}
        where is_priced_below_zero
        having count(*) > 0

        union all

        -- silence: the time paid for was over more than a term ago, and nobody said what came then
        select
            count(*),
            'are live and paid through more than a term before as-of, such as subscription '
            || min(versions.subscription_id) || '. Each counts as paying; deliver what became of it'
        from {{ this }} as versions
        cross join {{ ref('int_run_settings') }} as settings
        where
            versions.is_paying
            and versions.status = 'active'
            and versions.stopped_on is null
            and {{ terms_after('versions.paid_through_on', 1) }} < settings.as_of_date
        having count(*) > 0

        union all

        -- the same of a subscription that the newest of several snapshots leaves out
        select
            count(*),
            'are live and missing in the newest file, which repeats most of the one before it, such as subscription '
            || min(versions.subscription_id) || '. Each counts as paying; deliver what became of it'
        from {{ this }} as versions
        inner join ({{ left_out_of_snapshots() }}) as left_out
            on versions.subscription_id = left_out.subscription_id
        where versions.is_paying and versions.stopped_on is null
        having count(*) > 0
    {% endset %}
    {% do warn_of(query, 'subscriptions: {0} version(s) {1}.') %}
{% endmacro %}


{% macro warn_of_doubtful_answers() %}
    {% set query %}
        select count(*)
        from {{ ref('stg_survey_responses') }}
        where score is not null and responded_at is null
        having count(*) > 0
    {% endset %}
    {% do warn_of(
        query,
        'survey_responses: {0} row(s) have a score but no responded_at, so they count as unanswered.'
        ~ ' Deliver responded_at with each score.'
    ) %}
{% endmacro %}


{% macro warn_of_short_windows() %}
    {% set query %}
        select
            vertical,
            window_days,
            cast(round(100 * return_rate) as integer),
            case suggestion_status
                when 'suggested' then 'A window of ' || suggested_window_days || ' days is suggested'
                when 'windows too short' then 'No window up to two years is long enough'
                else 'The history is too short to suggest a window'
            end
        from {{ this }}
        where is_chosen and return_rate >= {{ var('window_fit_max_return_rate') }}
        order by vertical
    {% endset %}
    {% do warn_of(
        query,
        'Vertical {0}: {2} % of the customers that its activity window of {1} days calls lost come back.'
        ~ ' {3}. Compare windows in rpt_activity_window_fit, try one with'
        ~ ' --activity-window, and set it in seeds/reference/activity_windows.csv.'
    ) %}
{% endmacro %}


{#- About all customers: history_starts_on is about the first activity of any relationship. -#}
{% macro warn_of_oversized_first_cohort() %}
    {% set query %}
        select
            substr(cast(cohort_month as string), 1, 7),
            sum(cohort_customers)
        from {{ this }}
        where is_first_cohort_oversized and relationship = 'any' and months_since = 0
        group by cohort_month
    {% endset %}
    {% if not var('history_starts_on') %}
        {% do warn_of(
            query,
            'The first cohort, {0}, has {1} customers, more than ' ~ var('first_cohort_max_multiple') ~ ' times as many'
            ~ ' as those after it: many of them may have begun before the data. Set the var history_starts_on to the'
            ~ ' day from which the data are complete, and they leave survival, funnel and acquisition.'
        ) %}
    {% endif %}
{% endmacro %}


{#- Of words that customers are described with, a warning has the number: one of them may be a name of a person. -#}
{% macro warn_of_unmapped_reasons() %}
    {% set query %}
        select
            count(distinct events.churn_reason),
            count(*)
        from {{ this }} as events
        left join {{ ref('churn_reasons') }} as reasons
            on events.churn_reason = {{ reason_code('reasons.reason_code') }}
        where reasons.reason_code is null and events.relationship <> 'any'
        having count(*) > 0
    {% endset %}
    {% do warn_of(
        query,
        '{1} churn event(s) have a churn reason that counts as unknown: {0} reason(s). rpt_churn_reasons has them. Add them to'
        ~ ' seeds/reference/churn_reasons.csv.'
    ) %}
{% endmacro %}


{% macro warn_of_unsold_categories() %}
    {% set query %}
        select
            count(distinct answers.product_category),
            count(distinct answers.customer_id)
        from {{ ref('int_wallet_answers') }} as answers
        where not answers.is_category_sold and not answers.is_whole_wallet
        having count(*) > 0
    {% endset %}
    {% do warn_of(
        query,
        'survey_responses: {1} customer(s) answered about a category that no product has. All that they spend'
        ~ ' with you is compared with their answers. int_wallet_answers has them (is_category_sold): use a'
        ~ ' product_category of products.'
    ) %}
{% endmacro %}


{% macro warn_of_segments_without_wallet() %}
    {% set query %}
        select
            count(distinct customers.customer_segment),
            count(*)
        from {{ ref('dim_customers') }} as customers
        left join {{ ref('wallet_benchmarks') }} as benchmarks
            on {{ is_word_of_seed('customers.customer_segment', 'benchmarks.customer_segment') }}
        where benchmarks.customer_segment is null and customers.customer_segment <> 'unknown'
        having count(*) > 0
    {% endset %}
    {% do warn_of(
        query,
        '{1} customer(s) have a share of wallet only if they answered a survey: {0} customer segment(s) lack a benchmark.'
        ~ ' dim_customers has the segments: add them to seeds/reference/wallet_benchmarks.csv.'
    ) %}
{% endmacro %}


{#- Of the fits that predictions would use: to all customers, or to the contracts of a billing term. -#}
{% macro warn_of_unused_models() %}
    {% set query %}
        select
            model || case when segment_name = 'all' then '' else ' of the term ' || segment_value end,
            verdict,
            cast(round(100 * error) as integer),
            cast(round(100 * best_baseline_error) as integer),
            cast(round(100 * total_error) as integer)
        from {{ this }}
        where
            segment_name in ('all', 'billing_term')
            and verdict in ('worse than a baseline', 'misses the total')
        order by model, segment_value
    {% endset %}
    {% do warn_of(
        query,
        'Lifetime value: {0} is not used ({1}). In the last ' ~ var('ltv_holdout_weeks') ~ ' weeks it was {2} % off, class by class, where'
        ~ ' a simple guess was {3} % off, and {4} % off in total. Its part of the value takes the next best method:'
        ~ ' fct_customer_value says which (ltv_method), rpt_ltv_model_fit has the figures.'
    ) %}
    {% set query %}
        select
            model,
            cast(log_likelihood_above_nbd as decimal(18, 1)),
            case when is_dropout_at_a_bound then ', at a bound of its parameters' else '' end
        from {{ this }}
        where segment_name = 'all' and verdict = 'dropout not identified'
    {% endset %}
    {% do warn_of(
        query,
        'Lifetime value: the history does not show that buyers leave. {0} is {1} units of log-likelihood above a model'
        ~ ' in which nobody does{2}. So p_alive and predicted purchases are empty, and the value of buyers takes the'
        ~ ' next best method (ltv_status: dropout not identified).'
    ) %}
{% endmacro %}


{% macro warn_of_touched_controls() %}
    {% set query %}
        select
            count(*),
            count(distinct campaign_id)
        from {{ this }}
        where is_control and is_touched
        having count(*) > 0
    {% endset %}
    {% do warn_of(
        query,
        'Campaigns: {0} customer(s) who were held out of a campaign were touched by it, in {1} campaign(s), so that'
        ~ ' rpt_campaign_effect shows too small an effect. fct_campaign_touches has them (is_control and is_touched): leave'
        ~ ' them out of what is sent.'
    ) %}
{% endmacro %}


{#- One warning for all: of twenty comparisons of groups that chance made, one differs. -#}
{% macro warn_of_groups_that_differ() %}
    {% set query %}
        select
            count(case when is_different_before then 1 end),
            count(*),
            count(distinct case when is_different_before then campaign_id end)
        from {{ this }}
        where ci_low_before is not null
        having count(case when is_different_before then 1 end) > 0
    {% endset %}
    {% do warn_of(
        query,
        'Campaigns: in {0} of {1} comparisons, targeted customers and those held out differed before the campaign already, in'
        ~ ' {2} campaign(s). Chance alone does that once in twenty times. Where rpt_campaign_effect says is_different_before, read'
        ~ ' difference_in_differences, and hold customers out by lot.'
    ) %}
{% endmacro %}
