"""Each text means the same on both engines: its form, its time, its number."""

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
from lifecycle import PROJECT
from spark_macros import SparkMacros
from staged_engines import start_spark
from texts import BOOLEANS, COMPACTS, DAYS, EPOCHS, KEYS, NUMBERS, PLAIN_NUMBERS, SERIALS, TIMES
from texts import DATES as NUMERIC_DATES
from texts import WORDS as WORDED_TIMES

from python_helpers.core.log import without_values
from python_helpers.delivery.rendering import Macros
from python_helpers.spark.session import first_line
from python_helpers.warehouse.problems import cause_of

pytestmark = pytest.mark.spark

FORMS = {
    "day_first": NUMERIC_DATES,
    "month_first": NUMERIC_DATES,
    "words": WORDED_TIMES,
    "compact": COMPACTS,
    "epoch_seconds": EPOCHS,
    "epoch_milliseconds": EPOCHS,
    "serial": SERIALS,
    "decimal_point": NUMBERS,
    "decimal_comma": NUMBERS,
    "whole_number": KEYS,
}
ZONES = (
    {},
    {"raw_timezone": "Europe/Berlin"},
    {"reporting_timezone": "America/New_York"},
    {"raw_timezone": "America/New_York", "reporting_timezone": "America/Sao_Paulo"},
)
SIGNED = [*NUMERIC_DATES, *WORDED_TIMES, *EPOCHS, *SERIALS, *NUMBERS, *KEYS, *COMPACTS, *TIMES]


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    """Start Spark once."""
    with tempfile.TemporaryDirectory() as folder:
        yield start_spark(Path(folder))


def check_texts(
    spark: Any,
    texts: Sequence[str],
    expression: Callable[[Macros], str],
    /,
    settings: Mapping[str, object] | None = None,
) -> None:
    """Work out an expression over `x` for each text on both engines; all must be equal."""
    numbered = list(enumerate(texts))
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'; create table texts (i integer, x varchar)")
        connection.executemany("insert into texts values (?, ?)", numbered)
        macros = Macros(connection=connection, project_dir=PROJECT, settings=settings)
        query = "select cast({} as varchar) from texts order by i"
        found = connection.execute(query.format(expression(macros))).fetchall()
    spark.createDataFrame(numbered, "i int, x string").createOrReplaceTempView("texts")
    query = query.replace("varchar", "string").format(
        expression(SparkMacros(spark=spark, settings=settings))
    )
    on_spark = spark.sql(query).collect()
    different = [
        (given, on_duckdb, other)
        for given, (on_duckdb,), (other,) in zip(texts, found, on_spark, strict=True)
        if on_duckdb != other
    ]
    assert not different


@pytest.mark.parametrize("form", FORMS)
def test_a_text_is_rewritten_alike(form: str, spark: Any) -> None:
    check_texts(spark, FORMS[form], lambda macros: macros.canonical_text("x", form))


@pytest.mark.parametrize("zones", ZONES)
def test_a_text_is_the_same_time_in_every_zone(zones: Mapping[str, str], spark: Any) -> None:
    texts = [*TIMES, *NUMERIC_DATES, *WORDED_TIMES]
    check_texts(spark, texts, lambda macros: macros.utc_time_of_text("x"), zones)


def test_a_clock_shows_the_same_time(spark: Any) -> None:
    check_texts(spark, TIMES, lambda macros: macros.local_time("x"))


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (DAYS, "date"),
        (PLAIN_NUMBERS, "integer"),
        (PLAIN_NUMBERS, "decimal(18,2)"),
        (BOOLEANS, "boolean"),
    ],
)
def test_a_text_is_the_same_value(texts: Sequence[str], kind: str, spark: Any) -> None:
    check_texts(spark, texts, lambda macros: macros.cast_or_null("x", "varchar", kind))


def test_a_text_is_the_same_fraction(spark: Any) -> None:
    def fraction(macros: Macros) -> str:
        number = macros.cast_or_null("x", "varchar", "double")
        return f"case when abs({number}) < 1e12 then cast({number} as decimal(38, 6)) end"

    check_texts(spark, PLAIN_NUMBERS, fraction)


@pytest.mark.parametrize("kind", ["time", "number", "key"])
def test_a_text_bears_the_same_signs(kind: str, spark: Any) -> None:
    def signs(macros: Macros) -> str:
        cases = (
            f"case when {sign} then '{name}' end"
            for name, sign in macros.signs_of_form(kind).items()
        )
        return f"(select concat_ws(',', {', '.join(cases)}))".replace("raw_value", "x")

    check_texts(spark, SIGNED, signs)


def test_a_fraction_is_the_same_amount_of_money(spark: Any) -> None:
    numbers = ["1.005", "-2.675", "0.125", "1e15", "1e16", "5e17", "1e32", "1e34", "5e35", "1e40"]
    check_texts(
        spark,
        [*numbers, "-1e34", "1e300", "nan", "inf", "-inf"],
        lambda macros: macros.cast_of_value("cast(x as double)", "double", "decimal(18,2)"),
    )


def test_a_hash_tells_where_nothing_is_known(spark: Any) -> None:
    query = f"""
        select count(distinct {SparkMacros(spark=spark).hash_number("a, b")})
        from values ('x', null), (null, 'x'), (null, null), ('x', 'x') as rows (a, b)
    """
    assert spark.sql(query).collect() == [(4,)]


def test_a_median_of_nothing_so_far_is_not_known(spark: Any) -> None:
    query = """
        select {} as found from (values (1, null), (2, 5), (3, null), (4, 8), (5, 1)) as rows (i, x)
        window so_far as (order by i rows unbounded preceding) order by i
    """
    with duckdb.connect() as connection:
        median = Macros(connection=connection, project_dir=PROJECT).running_median("x", "so_far")
        known = [value for (value,) in connection.execute(query.format(median)).fetchall()]
    median = SparkMacros(spark=spark).running_median("x", "so_far")
    assert [value for (value,) in spark.sql(query.format(median)).collect()] == known
    assert known == [None, 5, 5, 6.5, 5]


@pytest.mark.parametrize(
    "query",
    [
        "select cast('Zelda' as int)",
        "select cast('Zelda''s\nown' as date)",
        "select to_date('Zelda', 'yyyy')",
        "select to_number('Zelda', '999')",
        "select cast('Zelda' as boolean)",
        "select map('Zelda', 1, 'Zelda', 2)",
        "select to_binary('Zelda', 'hex')",
        "select cast(81471100000 as int)",
        "select cast(814711.5 as decimal(3, 0))",
        "select 814711 * 814711",
    ],
)
def test_a_message_of_spark_is_shown_without_the_value_it_quotes(query: str, spark: Any) -> None:
    with pytest.raises(Exception, match=r"Zelda|814711") as error:
        spark.sql(query).collect()
    for said in (first_line(error.value), cause_of(message=f"Runtime Error\n  {error.value}")):
        assert "Zelda" not in said
        assert "814711" not in said
        assert re.match(r"\[[A-Z_.]+\] \(a value\)", said)
        assert without_values(said) == said


def test_a_message_of_spark_names_tables_and_columns(spark: Any) -> None:
    for query in ("select * from no_table", "select no_column from (values (1)) as rows (x)"):
        with pytest.raises(Exception, match="no_") as error:
            spark.sql(query).collect()
        assert "no_" in first_line(error.value)
