{#- The names of a header that a message may show. Where the header is missing, the first line of a file stands for it,
    and its values may say who somebody is. -#}


{#- The words that names of columns consist of, in the contract and in the exports of systems, and whole names. -#}
{% macro known_words() %}
    {% set words = {} %}
    {% for source in raw_contracts().values() %}
        {% for column in source.columns.values() %}
            {% for name in [column.name] + (column.config.meta.names or []) %}
                {% do words.update({plain_name(name): true}) %}
                {% for word in modules.re.findall('[a-z]+', name | lower) %}
                    {% do words.update({word: true}) %}
                {% endfor %}
            {% endfor %}
        {% endfor %}
    {% endfor %}
    {{ return(words) }}
{% endmacro %}


{#- Of some names those that consist of known words, or are spelt almost like one that is wanted. -#}
{% macro shown_names(names, wanted) %}
    {% set words = known_words() %}
    {% set shown = [] %}
    {% for name in names %}
        {% set plain = plain_name(name) %}
        {% if plain in words %}
            {% do shown.append(name) %}
        {% elif modules.re.fullmatch('[A-Za-z][A-Za-z _./()-]*', name) %}
            {% set is_known = not modules.re.findall('[a-z]+', name | lower) | reject('in', words) | list %}
            {% do shown.append(name) if is_known or names_spelt_like(plain, wanted) %}
        {% endif %}
    {% endfor %}
    {{ return(shown) }}
{% endmacro %}


{#- Those of some names that have the letters of a name, or most of its pairs of letters. -#}
{% macro names_spelt_like(plain, wanted) %}
    {% set pairs = pairs_of_letters(plain) %}
    {% set found = [] %}
    {% for name in wanted %}
        {% set others = pairs_of_letters(plain_name(name)) %}
        {% set shared = pairs | select('in', others) | list %}
        {% if plain | sort == plain_name(name) | sort
            or (shared and shared | length * 2 >= 0.65 * (pairs | length + others | length)) %}
            {% do found.append(name) %}
        {% endif %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}


{% macro pairs_of_letters(text) %}
    {% set pairs = [] %}
    {% for place in range(1, text | length) %}
        {% do pairs.append(text[place - 1:place + 1]) %}
    {% endfor %}
    {{ return(pairs | unique | list) }}
{% endmacro %}


{#- What was found, for a message: the names that may be shown, and where the others are. -#}
{% macro found_names(names, shown) %}
    {% set others = [] %}
    {% for name in names if name not in shown %}
        {% do others.append(names.index(name) + 1) %}
    {% endfor %}
    {% set places = ('column ' if others | length == 1 else 'columns ') ~ some_of(others) %}
    {{ return(
        (some_of(shown) or 'no name of a column') ~ ('; not known: ' ~ places if others else '')
    ) }}
{% endmacro %}


{% macro shown_currency(code) %}
    {{ return('case when ' ~ matches(code, '^[A-Z]{3}$') ~ ' then ' ~ code ~ " else 'another word' end") }}
{% endmacro %}
