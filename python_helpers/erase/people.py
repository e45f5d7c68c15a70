"""The people to erase, and how tables and texts are searched for all of them at once."""

import html
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import duckdb

from python_helpers.core.errors import SettingsError
from python_helpers.core.log import HIDDEN
from python_helpers.core.settings import Settings
from python_helpers.core.sql import name, text
from python_helpers.delivery.contract import personal_tables
from python_helpers.delivery.erasures import id_of_address

CUSTOMER_ID = "customer_id"
SOURCE_ID = "source_customer_id"
ERASED = "temp.erased_people"
"""The table of the people: erased_id, tombstone_id."""
WORD = "erased"  # what macros/erasure.sql leaves of a text
SHORTEST = 8  # one short word, such as a first name, is the name of many people
OF_ONE = re.compile(r"[ \d]")  # as have full names, comments and keys; a word without is common
LONGEST = 50_000  # characters of one regular expression
# an id inside a longer word is another id
BEFORE, AFTER = r"(^|[^\pL\pN_-])", r"($|[^\pL\pN_-])"
LIKE = {
    **{"ß": "ss", "æ": "ae", "œ": "oe", "ł": "l", "ø": "o"},
    **{"đ": "d", "ð": "d", "\u0131": "i", "\u03c2": "\u03c3"},
}
"""Letters that no accent makes of others, in folded text, and how people write them as well."""
EITHER = {
    like: f"(?:{'|'.join([like, *(letter for letter, other in LIKE.items() if other == like)])})"
    for like in sorted({*LIKE.values()}, key=len, reverse=True)
}
"""What finds a letter, or two, and the letters like it."""
PLAIN = re.compile(r"\w*INT(EGER)?|DOUBLE|FLOAT|DECIMAL.*|DATE|TIME.*|BOOLEAN|INTERVAL|UUID")
"""Types that hold no text."""


@dataclass(frozen=True, kw_only=True)
class People:
    """The people to erase."""

    tombstones: Mapping[str, str]
    """Their ids, each with the id that replaces it."""
    texts: frozenset[str] = frozenset()
    """Their e-mail addresses, names and comments."""

    @cached_property
    def text_patterns(self) -> list[str]:
        """Return regular expressions that find the texts."""
        return patterns(self.texts)

    @cached_property
    def patterns(self) -> list[str]:
        """Return regular expressions that find the texts, and the ids that are clearly ids."""
        return [*self.text_patterns, *patterns(filter(is_distinctive, self.tombstones))]

    def load(self, connection: duckdb.DuckDBPyConnection, /) -> None:
        """Let a connection know the people."""
        connection.execute(f"create temp table {ERASED} (erased_id varchar, tombstone_id varchar)")
        connection.execute(
            f"insert into {ERASED} select unnest($ids), unnest($tombstones)",
            {"ids": list(self.tombstones), "tombstones": list(self.tombstones.values())},
        )

    def rows_in(
        self, connection: duckdb.DuckDBPyConnection, relation: str, /, *, is_ours: bool
    ) -> int:
        """Count the rows of the people in a relation. Raises duckdb.Error.

        In our own tables an id is a customer's in the column customer_id only: a campaign may have
        the same one. In those of others it may be in any text, but for the ids of things.
        """
        columns = connection.execute(f"describe from {relation}").fetchall()
        texts = [column for column, type_, *_ in columns if not PLAIN.fullmatch(type_)]
        found = [
            f"coalesce({canonical(column)} in (select erased_id from {ERASED}), false)"
            for column, *_ in columns
            if column.lower() == CUSTOMER_ID
        ]
        if not is_ours:
            texts = [column for column in texts if not column.lower().endswith("_id")]
        if texts:
            row = ", ".join(f"cast({name(column)} as varchar)" for column in texts)
            wanted = self.text_patterns if is_ours else self.patterns
            written = folded(f"concat_ws(' | ', {row})")
            found += [f"regexp_matches({written}, {text(each)})" for each in wanted]
        condition = " or ".join(found) or "false"
        sql = f"select count(*) from {relation} where {condition}"
        ((rows,),) = connection.execute(sql).fetchall()
        return int(rows)

    def are_in(self, content: str, /, *, is_ours: bool) -> bool:
        """Tell whether a text names one of the people; in our own, an id may be any number."""
        with duckdb.connect() as connection:
            return any(
                connection.execute(
                    f"select regexp_matches({folded('$content')}, $pattern)",
                    {"content": f"{content}\n{unescaped(content)}", "pattern": each},
                ).fetchone()
                == (True,)
                for each in (self.text_patterns if is_ours else self.patterns)
            )

    def hidden_in(self, contents: list[str], /) -> list[str]:
        """Hide every id and every text where it stands as a word of its own."""
        with duckdb.connect() as connection:
            for pattern in patterns([*self.tombstones, *self.texts]):
                ((found,),) = connection.execute(
                    "select list_transform($contents::varchar[], lambda content: "
                    f"regexp_matches({folded('content')}, $pattern))",
                    {"contents": contents, "pattern": pattern},
                ).fetchall()
                contents = [
                    hidden_by(pattern, content, connection=connection) if is_there else content
                    for content, is_there in zip(contents, found, strict=True)
                ]
        return contents


def known_ids(ids: Collection[str], /, *, settings: Settings) -> list[str]:
    """Return the ids of customers who are named by an id, by one of another system or an address.

    One that nobody has stays as it is. Raises SettingsError and duckdb.Error.
    """
    found: dict[str, None] = {}
    with duckdb.connect() as connection:
        customers = "(select null as customer_id, null as source_customer_id where false)"
        if settings.warehouse.is_file():
            connection.execute(f"attach {text(settings.warehouse)} as warehouse (read_only)")
            columns = connection.execute(
                "select column_name from duckdb_columns() where table_name = 'int_customers'"
            ).fetchall()
            if (SOURCE_ID,) in columns:
                customers = "warehouse.intermediate.int_customers"
        for each in ids:
            address = id_of_address(each, folder=settings.erasures_dir) if "@" in each else None
            named = {each, address or each}
            rows = connection.execute(
                f"select customer_id from {customers} where list_contains($named, customer_id) or "
                f"list_contains(string_split({SOURCE_ID}, ', '), $each) order by customer_id",
                {"named": [*named], "each": each},
            ).fetchall()
            known = {id_: None for (id_,) in rows}
            if len(known) > 1 and not named >= set(known):
                raise SettingsError(
                    f"{each} is the id of several customers: name the customer_id of the one that "
                    f"you mean, {' or '.join(known)}."
                )
            found |= known or dict.fromkeys(sorted(named))
    return list(found)


def known_texts(*, settings: Settings, people: People) -> frozenset[str]:
    """Return what the warehouse knows of the people that says who they are. Raises duckdb.Error."""
    found: set[str] = set()
    if settings.warehouse.is_file():
        with duckdb.connect() as connection:
            people.load(connection)
            connection.execute(f"attach {text(settings.warehouse)} as warehouse (read_only)")
            there = connection.execute(
                "select table_name from duckdb_tables() where schema_name = 'restricted'"
            ).fetchall()
            for table in personal_tables(project_dir=settings.project_dir):
                if table.restricted and (f"base_{table.name}",) in there:
                    # of a rejected row, the row as delivered may have more than the columns
                    values = [f"cast({each} as varchar)" for each in table.restricted]
                    values += [
                        f"json_extract_string(raw_row, '$.{each}')" for each in table.restricted
                    ]
                    rows = connection.execute(
                        f"select distinct unnest([{', '.join(values)}]) "
                        f"from warehouse.restricted.base_{table.name} "
                        f"where {CUSTOMER_ID} in (select erased_id from {ERASED})"
                    ).fetchall()
                    found |= {value.strip() for (value,) in rows if value}
    return frozenset(
        value
        for value in found
        if "@" in value or (len(value) >= SHORTEST and OF_ONE.search(value))
    ) - {WORD}


def canonical(column: str, /) -> str:
    """Return an id as staging has it: without blanks around, 7 for 7.0, addresses in lower case."""
    id_ = f"trim(cast({name(column)} as varchar), ' ')"
    number = f"regexp_replace({id_}, '^(-?\\d+)[.]0+$', '\\1')"
    return f"case when contains({id_}, '@') then lower({id_}) else {number} end"


def patterns(values: Iterable[str], /) -> list[str]:
    """Return regular expressions that find any of the values in a folded text, each as a word."""
    spelt = {form for value in values for form in spellings(value)}
    with duckdb.connect() as connection:
        ((forms,),) = connection.execute(
            f"select list_transform($forms::varchar[], lambda form: {folded('form')})",
            {"forms": sorted(spelt)},
        ).fetchall()
    chunks: list[list[str]] = []
    size = LONGEST
    # the longest first: one id may be the beginning of another
    for form in sorted({*forms} - {""}, key=lambda form: (-len(form), form)):
        either = either_letter(form)
        size += len(either)
        if size > LONGEST:
            chunks.append([])
            size = len(either)
        chunks[-1].append(either)
    return [f"{BEFORE}({'|'.join(chunk)}){AFTER}" for chunk in chunks]


def folded(sql: str, /) -> str:
    """Return the SQL of a text without its accents, in small letters."""
    return f"lower(strip_accents({sql}))"


def either_letter(form: str, /) -> str:
    """Write a folded text as a regular expression in which letters like o and ø are the same."""
    plain = re.sub("|".join(LIKE), lambda found: LIKE[found[0]], form)
    return re.sub("|".join(EITHER), lambda found: EITHER[found[0]], re.escape(plain))


def hidden_by(pattern: str, content: str, /, *, connection: duckdb.DuckDBPyConnection) -> str:
    """Hide what a pattern finds in the folded text."""
    ((letters,),) = connection.execute(
        f"select list_transform(string_split($content, ''), lambda letter: {folded('letter')})",
        {"content": content},
    ).fetchall()
    # where each letter of the folded text comes from: an accent of its own leaves none
    places = [place for place, letter in enumerate(letters) for _ in letter]
    # Python has no \pL; its \w is the same letters and digits
    words = pattern.replace(BEFORE, r"(?<![\w-])").replace(AFTER, r"(?![\w-])")
    hidden, end = [], 0
    for found in re.finditer(words, "".join(letters)):
        last = places[found.end() - 1] + 1
        while last < len(content) and not letters[last]:
            last += 1
        hidden += [content[end : places[found.start()]], HIDDEN]
        end = last
    return "".join([*hidden, content[end:]])


def unescaped(content: str, /) -> str:
    """Return a text as JSON and HTML mean it."""
    plain = re.sub(
        r"\\(?:u([0-9a-fA-F]{4})|[nrt])",
        lambda found: chr(int(found[1], 16)) if found[1] else " ",
        content,
    )
    return html.unescape(plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def spellings(value: str, /) -> set[str]:
    """Return how logs and pages may write a value: escaped, with doubled quotes, on one line."""
    found = {value, " ".join(value.split()), value.replace("'", "''")}
    for each in tuple(found):
        found |= {json.dumps(each)[1:-1], json.dumps(each, ensure_ascii=False)[1:-1]}
        found |= {html.escape(each), html.escape(each, quote=False)}
    return found - {""}


def is_distinctive(id_: str, /) -> bool:
    """Tell whether an id in a text can be taken for what it is: 7 may be seven of anything."""
    return len(id_) >= (6 if re.fullmatch(r"[\d.,:-]+", id_) else 3)
