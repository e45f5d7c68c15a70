"""How people are found in tables, texts and files, and hidden in messages."""

import functools
import gzip
import html
import json
import unicodedata
from pathlib import Path

import duckdb
import hypothesis
import pytest
from hypothesis import strategies
from jinja_macros import Macros

from python_helpers.delivery.erasures import checked_ids
from python_helpers.erase.builds import replacements
from python_helpers.erase.people import People, canonical, is_distinctive
from python_helpers.erase.search import rows_in_file

SPACES = " \u00a0\t\u2009\u3000\u200b\n"
STRANGE = ("o'neil", 'say "hi"; drop table x', "two\nlines", "Ζωή 42", "a|b", "7")
ZELDA = People(
    tombstones={"7": "erased-1", "PLANTED-4711": "erased-2"},
    texts=frozenset({"zelda@x.example", "Zelda O'Quix"}),
)


def people(*ids: str) -> People:
    return People(tombstones={id_: f"erased-{number}" for number, id_ in enumerate(ids)})


# Messages


def test_an_id_is_hidden_as_a_word_and_not_inside_another_one():
    text = "c7, c77 and xc7, c7-b: 'c7' ann@x.example o''neil Ζωή 42 two lines c7 c7"
    hidden = "***, c77 and xc7, c7-b: '***' *** *** *** *** *** ***"
    erased = people("c7", "ann@x.example", *STRANGE)
    assert erased.hidden_in([text, "c8"]) == [hidden, "c8"]
    assert erased.hidden_in([json.dumps(STRANGE[1])]) == ['"***"']
    assert erased.hidden_in([]) == []


def test_a_short_number_in_a_text_may_be_anything():
    assert not is_distinctive("12345")
    assert is_distinctive("123456")
    assert not ZELDA.are_in("7 rows", is_ours=False)
    assert ZELDA.are_in("id,PLANTED-4711,x", is_ours=False)


# Case and accents

JOSE = People(
    tombstones={"AB-12x": "erased-1"},
    texts=frozenset({"José Núñez", "Łukasz Straße", "ANNA MÜLLER 2"}),
)
AS_WRITTEN = [
    "JOSE NUNEZ",
    "josé nuñez",
    unicodedata.normalize("NFD", "José NÚÑEZ"),
    "lukasz strasse",
    "ŁUKASZ STRAẞE",
    "Anna Muller 2",
    unicodedata.normalize("NFD", "anna müller 2"),
]


@pytest.mark.parametrize("written", AS_WRITTEN)
def test_a_name_is_found_and_hidden_whatever_its_case_and_accents(written):
    said = f"line 1 is no header (found: 7, {written}, paid)"
    assert JOSE.hidden_in([said, "c8"]) == [
        "line 1 is no header (found: 7, ***, paid)",
        "c8",
    ]
    for text in (said, json.dumps({"message": f"one\n{written}"}), html.escape(written)):
        assert JOSE.are_in(text, is_ours=True), text
    with duckdb.connect() as connection:
        JOSE.load(connection)
        connection.execute("create table t as select $said as note", {"said": said})
        assert JOSE.rows_in(connection, "t", is_ours=True) == 1


@pytest.mark.parametrize("written", ["xJose Nunez", "Jose Nunezé", "Jose-Nunez", "anna müller 20"])
def test_a_name_inside_a_longer_one_is_another_name_whatever_its_accents(written):
    assert JOSE.hidden_in([written]) == [written]
    assert not JOSE.are_in(written, is_ours=True)


def test_an_id_in_a_text_is_the_same_in_any_case_and_in_customer_id_it_is_not():
    assert JOSE.hidden_in(["ab-12X, ab-12xy"]) == ["***, ab-12xy"]
    assert JOSE.are_in("by AB-12X", is_ours=False)
    with duckdb.connect() as connection:
        JOSE.load(connection)
        for id_, rows in (("AB-12x", 1), ("ab-12x", 0)):
            connection.execute(
                "create or replace table t as select $id as customer_id", {"id": id_}
            )
            assert JOSE.rows_in(connection, "t", is_ours=True) == rows


@hypothesis.settings(deadline=None, max_examples=30)
@hypothesis.given(
    before=strategies.text("aé\u0301 ßŁx", max_size=4),
    behind=strategies.text("aé\u0301 ßŁx", max_size=4),
    written=strategies.sampled_from(AS_WRITTEN),
)
def test_what_the_search_finds_is_hidden_and_nothing_beside_it(before, behind, written):
    content = f"{before}{written}{behind}"
    (hidden,) = JOSE.hidden_in([content])
    assert JOSE.are_in(content, is_ours=True) == (hidden != content)
    assert not JOSE.are_in(hidden, is_ours=True)
    if hidden != content:
        assert hidden.startswith(before)
        # accents that follow a name belong to its last letter
        assert hidden.removeprefix(before) == f"***{behind.lstrip(chr(0x301))}"


# Tables


@functools.cache
def macros() -> Macros:
    return Macros(connection=duckdb.connect())


@hypothesis.settings(deadline=None)
@hypothesis.given(
    before=strategies.text(SPACES, max_size=4), behind=strategies.text(SPACES, max_size=4)
)
@hypothesis.example(before=" \u00a0", behind="")
@hypothesis.example(before="", behind="\u2009 ")
def test_an_id_is_the_same_to_staging_and_to_an_erasure_whatever_is_around_it(before, behind):
    column = macros().sources["customers"]["columns"]["customer_id"]
    types = {"customer_id": "varchar"}
    query = f"""
        select {macros().typed_value(column, types, [])}, {canonical("customer_id")}
        from (
            select *, {macros().raw_value(column, types)} as raw_customer_id
            from (select $id as customer_id)
        )
    """
    for each in ("c7", "Ann@Example.com"):
        delivered = f"{before}{each}{behind}"
        found = macros().connection.execute(query, {"id": delivered}).fetchone()
        assert found[0] == found[1] == checked_ids([delivered])[0]


@pytest.mark.parametrize(
    ("row", "ours", "theirs"),
    [
        ("'7' as customer_id", 1, 1),
        ("' 7 ' as CUSTOMER_ID", 1, 1),
        ("7 as customer_id", 1, 1),
        ("7.0::double as customer_id", 1, 1),
        ("'77' as customer_id", 0, 0),
        ("'7\u00a0' as customer_id", 0, 0),
        ("7 as amount, '7' as note", 0, 0),
        # a campaign or an order may be called what a customer is called
        ("'PLANTED-4711' as campaign_id", 0, 0),
        ("'from PLANTED-4711, by mail' as note", 0, 1),
        ("'PLANTED-47112' as note", 0, 0),
        ("'Ms. Zelda O''Quix' as note", 1, 1),
        ("['a', 'zelda@x.example'] as notes", 1, 1),
        ("{'mail': 'zelda@x.example'}::json as notes", 1, 1),
        ("'joezelda@x.example' as note", 0, 0),
    ],
)
def test_rows_are_found_by_the_id_of_the_customer_and_by_texts(row, ours, theirs):
    with duckdb.connect() as connection:
        ZELDA.load(connection)
        connection.execute(f"create table t as select {row}")
        assert ZELDA.rows_in(connection, "t", is_ours=True) == ours
        assert ZELDA.rows_in(connection, "t", is_ours=False) == theirs


# Files of others


def write_utf_16(path: Path, /) -> None:
    path.write_text("PLANTED-4711\n", encoding="utf-16")


def write_csv(path: Path, /) -> None:
    path.write_text("customer_id;n\n7;1\n")


def write_parquet(path: Path, /) -> None:
    duckdb.execute(f"copy (select 7 as customer_id) to '{path}' (format parquet)")


def write_database(path: Path, /) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table mine as select 'x' as id, 'zelda@x.example' as mail")


def write_gzip(path: Path, /) -> None:
    path.write_bytes(gzip.compress(b"Zelda O'Quix called"))


def write_json(path: Path, /) -> None:
    path.write_text(json.dumps({"name": "Zelda O'Quix", "e": "é"}))


def write_html(path: Path, /) -> None:
    path.write_text("<td>Zelda O&#x27;Quix</td>")


def write_cut_parquet(path: Path, /) -> None:
    path.write_bytes(b"PAR1\0\1zelda@x.example\0\xff\xfe")


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("mail.txt", write_utf_16),
        ("mine.csv", write_csv),
        ("mine.parquet", write_parquet),
        ("mine.PARQUET", write_parquet),
        ("mine.duckdb", write_database),
        ("notes.txt.gz", write_gzip),
        ("facts.json", write_json),
        ("page.html", write_html),
        ("half.parquet", write_cut_parquet),
    ],
)
def test_people_are_found_in_files_however_these_are_written(tmp_path, name, write):
    write(tmp_path / name)
    assert rows_in_file(tmp_path / name, ZELDA, is_ours=False) == 1
    assert not rows_in_file(tmp_path / name, people("somebody else"), is_ours=False)


def test_the_spill_of_a_reader_that_ends_during_the_search_holds_nobody(tmp_path):
    for name in ("duckdb_temp_storage_DEFAULT-0.tmp", "gone.duckdb", "gone.parquet"):
        assert rows_in_file(tmp_path / name, ZELDA, is_ours=False) == 0


def test_what_cannot_be_decoded_is_not_taken_for_searched(tmp_path):
    (tmp_path / ".DS_Store").write_bytes(b"\0\0\0\1Bud1\0")
    (tmp_path / "notes.txt").write_text("nothing")
    assert rows_in_file(tmp_path / ".DS_Store", ZELDA, is_ours=False) is None
    assert rows_in_file(tmp_path / "notes.txt", ZELDA, is_ours=False) == 0


# Kept builds


@pytest.mark.parametrize(
    ("table", "key", "left"),
    [
        ("customers", "7.0", "erased"),
        ("campaign_members", "k|8", "erased"),
        ("customers", None, "erased"),
        # the key of an order has no customer in it
        ("orders", "7", "7"),
    ],
)
def test_the_key_of_a_rejected_row_of_customers_is_not_kept(table, key, left):
    (replaced,) = replacements(
        columns=["table_name", "row_key"],
        of_people=["customers", "campaign_members"],
        restricted=[],
    )
    query = f"select * replace ({replaced}) from (select $table as table_name, $key as row_key)"
    with duckdb.connect() as connection:
        found = connection.execute(query, {"table": table, "key": key}).fetchone()
    assert found == (table, left)
