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


{#- For each wanted name, the one of those found that is most like it, if any is. A name that was found can be one of the
    wanted ones. -#}
{% macro nearest_names(wanted, found) %}
    {% set nearest = {} %}
    {% set best = {} %}
    {% for name in found %}
        {% set most = namespace(similarity=0.85, wanted=none) %}
        {% for other in wanted | sort %}
            {% set similarity = similarity_of(plain_name(other), plain_name(name)) %}
            {% if similarity > most.similarity %}
                {% set most.similarity = similarity %}
                {% set most.wanted = other %}
            {% endif %}
        {% endfor %}
        {% if most.wanted is not none and most.similarity > best.get(most.wanted, 0) %}
            {% do best.update({most.wanted: most.similarity}) %}
            {% do nearest.update({most.wanted: name}) %}
        {% endif %}
    {% endfor %}
    {{ return(nearest) }}
{% endmacro %}


{#- 2 for the same name, 1.5 for one in the other, else Jaro and Winkler's: letters in common, and at the start. -#}
{% macro similarity_of(wanted, found) %}
    {% if wanted == found %}
        {{ return(2) }}
    {% elif wanted in found or wanted.endswith(found) %}
        {{ return(1.5) }}
    {% endif %}
    {% set reach = [[wanted | length, found | length] | max // 2 - 1, 0] | max %}
    {% set places = [] %}
    {% set letters = [] %}
    {% for letter in wanted %}
        {% set at = namespace(place=none) %}
        {% for place in range([loop.index0 - reach, 0] | max, [loop.index0 + reach + 1, found | length] | min) %}
            {% if at.place is none and place not in places and found[place] == letter %}
                {% set at.place = place %}
            {% endif %}
        {% endfor %}
        {% if at.place is not none %}
            {% do places.append(at.place) %}
            {% do letters.append(letter) %}
        {% endif %}
    {% endfor %}
    {% if not letters %}
        {{ return(0) }}
    {% endif %}
    {% set moved = namespace(letters=0) %}
    {% for place in places | sort %}
        {% if found[place] != letters[loop.index0] %}
            {% set moved.letters = moved.letters + 1 %}
        {% endif %}
    {% endfor %}
    {% set common = letters | length %}
    {% set jaro = (common / (wanted | length) + common / (found | length)
        + (common - moved.letters // 2) / common) / 3 %}
    {% set start = namespace(letters=0) %}
    {% for letter in wanted[:4] %}
        {% if start.letters == loop.index0 and found[loop.index0:loop.index] == letter %}
            {% set start.letters = start.letters + 1 %}
        {% endif %}
    {% endfor %}
    {{ return(jaro + start.letters * 0.1 * (1 - jaro) if jaro > 0.7 else jaro) }}
{% endmacro %}
