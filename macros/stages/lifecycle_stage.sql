{#- The signals that decide a stage, each a bit of one number. -#}
{% macro stage_signals() %}
    {{ return([
        'known', 'captured', 'nurtured', 'customer', 'spell', 'natural', 'preventable', 'silent', 'paying',
        'warning', 'new', 'won_back', 'promoter', 'seasoned', 'declining', 'growing', 'repeat',
    ]) }}
{% endmacro %}


{#- The number of a signal, a column that holds its name. -#}
{% macro signal_bit(signal) %}
    {% set cases = [] %}
    {% for name in stage_signals() %}
        {% do cases.append("when '" ~ name ~ "' then " ~ 2 ** loop.index0) %}
    {% endfor %}
    {{ return('case ' ~ signal ~ ' ' ~ cases | join(' ') ~ ' end') }}
{% endmacro %}


{#- Whether a signal is among those of a number. -#}
{% macro has_signal(signals, name) %}
    {{ return('(' ~ signals ~ ' & ' ~ 2 ** stage_signals().index(name) ~ ') > 0') }}
{% endmacro %}


{#- The stage of a customer with these signals: the first that fits. NULL before the customer is known. -#}
{% macro lifecycle_stage(signals) %}
        case
            when not {{ has_signal(signals, 'known') }} then null
            when
                {{ has_signal(signals, 'customer') }}
                and not {{ has_signal(signals, 'spell') }}
                then
                    case
                        when {{ has_signal(signals, 'natural') }} then 'churned_natural'
                        when {{ has_signal(signals, 'preventable') }} then 'churned_preventable'
                        else 'churned_unknown'
                    end
            when
                {{ has_signal(signals, 'spell') }}
                and (
                    {{ has_signal(signals, 'warning') }}
                    or (
                        {{ has_signal(signals, 'silent') }}
                        and not {{ has_signal(signals, 'paying') }}
                    )
                )
                then 'at_risk'
            when {{ has_signal(signals, 'won_back') }} then 'won_back'
            when {{ has_signal(signals, 'new') }} then 'new'
            when
                {{ has_signal(signals, 'spell') }}
                and {{ has_signal(signals, 'promoter') }}
                and {{ has_signal(signals, 'seasoned') }}
                then 'advocate'
            when {{ has_signal(signals, 'spell') }} and {{ has_signal(signals, 'declining') }}
                then 'declining'
            when {{ has_signal(signals, 'spell') }} and {{ has_signal(signals, 'growing') }}
                then 'growing'
            when {{ has_signal(signals, 'spell') }} then 'established'
            when {{ has_signal(signals, 'nurtured') }} then 'nurtured'
            when {{ has_signal(signals, 'captured') }} then 'captured'
            else 'aware'
        end
{%- endmacro %}
