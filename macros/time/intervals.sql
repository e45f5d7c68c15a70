{#- Where an interval ends of which no end is known. -#}
{% macro open_end() %}
    {{ return("cast('9999-12-31' as date)") }}
{% endmacro %}


{#- The union of intervals that overlap or touch, for each value of the keys: a query with the keys,
    spell_number, active_from, active_to. Nothing is grouped: a window over all intervals finds where a
    spell begins, one over those few rows finds where it ends. -#}
{% macro merged_intervals(relation, keys=['customer_id', 'relationship']) %}
    {%- set keys = keys | join(', ') %}
    select
        {{ keys }},
        row_number() over (
            partition by {{ keys }}
            order by active_from
        ) as spell_number,
        active_from,
        -- a spell lasts as far as anything before the next one's beginning reaches
        coalesce(
            lead(reached_before) over (
                partition by {{ keys }}
                order by active_from
            ),
            reached_at_last
        ) as active_to
    from (
        select
            {{ keys }},
            active_from,
            max(active_to) over (
                partition by {{ keys }}
                order by active_from, active_to
                rows between unbounded preceding and 1 preceding
            ) as reached_before,
            max(active_to) over (
                partition by {{ keys }}
            ) as reached_at_last
        from {{ relation }}
    ) as intervals_with_reach
    where reached_before is null or active_from > reached_before
{% endmacro %}
