"""Messages have no value of a delivery, which may be the name of a person, and no endless list."""

import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from jinja_macros import CompilerError, Macros
from lifecycle import PROJECT, refresh_delivery, run

from python_helpers.core.log import Log, some_of, without_values
from python_helpers.delivery.contract import personal_tables
from python_helpers.warehouse.problems import cause_of

PERSON = "Zelda Quixplanted"
PERSONAL = [table.name for table in personal_tables(project_dir=PROJECT)]
# what may stand beside a name in a first row, and looks like names of columns
ROWS = {
    "values": f"c1,zelda.q@planted.example,{PERSON},north,2024-01-01",
    "words of columns": f"email,web,{PERSON},paid,status,region",
    "a name twice": f"c1,{PERSON},{PERSON}",
    "a comment with the name of a column": f"c1,my full name is {PERSON},5",
    "a name with known words": f"c1,{PERSON} customer id,5",
    "text in quotes": f'1,"{PERSON}, Sr.",2024-01-01',
    "blanks and accents": "1,Zélda  Quixplanted,2024-01-01",
}
MOST_LETTERS = 800  # of a message; a path is a hundred of them

Stopped = Callable[[str, str], str]


def says_nothing_of(text: str, /) -> bool:
    folded = text.casefold().replace("é", "e")
    return "quixplanted" not in folded and "zelda" not in folded


@pytest.fixture
def stopped(tmp_path: Path) -> Stopped:
    """Return a function that delivers a table, and returns the message that stops a build."""

    def stop(table: str, content: str, /) -> str:
        (tmp_path / f"{table}.csv").write_text(content, encoding="utf-8")
        macros = Macros(connection=duckdb.connect())
        macros.settings |= {"raw_input": "files", "raw_data_dir": str(tmp_path)}
        with pytest.raises(CompilerError, match=r"^Raw data: ") as error:
            macros.raw_parts(table)
        return str(error.value)

    return stop


# Headers


@pytest.mark.parametrize("table", PERSONAL)
def test_a_file_without_a_header_says_nothing_of_its_first_row(table, stopped):
    for kind, row in ROWS.items():
        said = stopped(table, f"{row}\n{row}\n")
        assert says_nothing_of(said), (kind, said)
        assert said.startswith(f"Raw data: {table}: ")


@pytest.mark.parametrize("kind", ROWS)
def test_a_check_says_nothing_of_a_first_row_either(kind, tmp_path):
    (tmp_path / "orders.csv").write_text(f"{ROWS[kind]}\n{ROWS[kind]}\n")
    for form in ((), ("--json",)):
        result = run("check", tmp_path, *form)
        assert result.exit_code == 4
        assert says_nothing_of(result.output), result.output


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (
            "oder_id,customer,orderd_at,amuont",
            "order_id (found: oder_id?), ordered_at (found: orderd_at?), amount (found: amuont?)",
        ),
        ("Order Number,customer_id,Order Date,Total", "(found: order number, customer_id,"),
        (
            "Auftrag,Kunde,Datum,Betrag",
            "(found: no name of a column; not known: columns 1, 2, 3, 4). Rename or add them in "
            "the delivery. The first line may be no header: then add one.",
        ),
        ("order_id,ordered_at,Betrag", "(found: order_id, ordered_at; not known: column 3)."),
    ],
)
def test_names_of_columns_are_shown_and_others_by_their_place(header, said, stopped):
    assert said in stopped("orders", f"{header}\n1,a,2024-01-01,5\n")


def test_no_file_of_a_refresh_has_the_first_row_of_a_file_without_a_header(tmp_path):
    delivery = tmp_path / "delivery"
    delivery.mkdir()
    (delivery / "orders.csv").write_text("order_id,ordered_at,amount\n1,2024-01-01,5\n")
    for table in ("customers", "subscriptions"):
        (delivery / f"{table}.csv").write_text(f"{ROWS['values']}\n")
    alert = tmp_path / "alert.json"
    result = refresh_delivery(
        tmp_path, *("--on-failure", f"cat > '{alert}'"), select=["int_run_settings"]
    )
    assert result.exit_code == 4, result.output
    assert says_nothing_of(result.output)
    written = {
        str(path.relative_to(tmp_path)): path.read_bytes().decode(errors="replace")
        for path in tmp_path.rglob("*")
        if path.is_file() and not path.is_relative_to(delivery)
    }
    assert {"alert.json", "published/builds.jsonl", "target/logs/dbt.log"} <= {*written}
    assert "missing from" in json.loads(written["alert.json"])["error"]
    assert [name for name, text in written.items() if not says_nothing_of(text)] == []


# Values


def test_a_check_shows_how_rejected_values_are_written_and_none_of_them(tmp_path):
    header = "order_id,customer_id,ordered_at,amount,currency,status"
    rows = (
        f"1,c1,{PERSON},5,EUR,completed",
        f"2,c1,2024-01-05,{PERSON},EUR,completed",
        f"3,c1,2024-01-05,5,EUR,{PERSON}",
        f"4,c1,2024-01-05,5,{PERSON},completed",
        # one key, and columns that differ
        f"5,{PERSON},2024-01-05,5,EUR,completed",
        "5,c1,2024-01-06,5,EUR,completed",
    )
    (tmp_path / "orders.csv").write_text("\n".join([header, *rows]))
    for form in ((), ("--json",)):
        result = run("check", tmp_path, *form, "--reporting-currency", "EUR")
        assert says_nothing_of(result.output), result.output
    assert "'xxxxx xxxxxxxxxxx'" in result.output
    assert "differ in customer_id, ordered_at" in result.output


def test_of_several_currencies_codes_are_named_alone(tmp_path):
    rows = f"1,2024-01-05,5,EUR\n2,2024-01-05,5,{PERSON}\n"
    (tmp_path / "orders.csv").write_text(f"order_id,ordered_at,amount,currency\n{rows}")
    result = run("check", tmp_path)
    assert "The data has several currencies, EUR and another word among them" in result.output
    assert says_nothing_of(result.output), result.output


def test_a_customer_with_many_orders_is_counted_and_not_named(tmp_path):
    rows = [f"{number},{PERSON},2024-01-05,5" for number in range(60)]
    rows += [f"g{number},c{number},2024-01-05,5" for number in range(200)]
    text = "\n".join(["order_id,customer_id,ordered_at,amount", *rows])
    (tmp_path / "orders.csv").write_text(text)
    result = run("check", tmp_path)
    assert "60 of 260 orders share one customer_id." in result.stdout
    assert says_nothing_of(result.output)


@pytest.mark.parametrize(
    "sql",
    [
        "select cast('Zelda O''Quixplanted' as integer)",
        "select cast('Zelda\nQuixplanted' as date)",
        "select cast('Zelda' as timestamp)",
        "select strptime('Zelda', '%Y')",
        "select cast('Zelda' as json) -> 'x'",
        "select cast('Zelda' as boolean)",
        "select cast(['Zelda'][1] as struct(a integer))",
        "create table keys (id text primary key); insert into keys values ('Zelda'), ('Zelda')",
        "create table e (id text check (length(id) > 99)); insert into e values ('Zelda')",
    ],
)
def test_a_message_of_duckdb_is_shown_without_the_value_it_quotes(sql):
    with duckdb.connect() as connection, pytest.raises(duckdb.Error) as error:
        connection.execute(sql).fetchall()
    for message in (str(error.value), f"Runtime Error in model x (x.sql)\n  {error.value}"):
        said = cause_of(message=message)
        assert says_nothing_of(said), said
        assert " Error: " in said
        # what was cleaned once stays as it is, with the lines after it
        lines = f'{said}\nmodel y: Binder Error: no column "z"'
        assert without_values(lines) == lines
        assert says_nothing_of(Log(file=Path("x")).clean(message))


def test_a_line_of_a_damaged_file_is_not_in_the_message(tmp_path):
    file = tmp_path / "x.csv"
    file.write_text('a,b\n1,2\n3,"Zelda\nQuixplanted",5\n')
    sql = (
        f"from read_csv('{file}', auto_detect = false, header = true, delim = ',', quote = '\"', "
        "columns = {a: 'varchar', b: 'varchar'}, strict_mode = true)"
    )
    with pytest.raises(duckdb.Error, match="Quixplanted") as error:
        duckdb.sql(sql).fetchall()
    assert says_nothing_of(cause_of(message=str(error.value)))
    assert says_nothing_of(Log(file=file).clean(str(error.value)))


# Lists


def test_a_list_in_a_message_has_its_first_names_and_a_count():
    names = [f"n{number}" for number in range(5000)]
    said = "n0, n1, n2, n3, n4, n5, n6, n7, n8, n9 and 4,990 more"
    macros = Macros(connection=duckdb.connect())
    assert some_of(names) == macros.some_of(names) == said
    for few in ([], ["a"], names[:10]):
        assert some_of(few) == macros.some_of(few) == ", ".join(few)


def test_five_thousand_unknown_columns_are_a_short_warning(tmp_path):
    names = ",".join(f"extra{number}" for number in range(5000))
    (tmp_path / "orders.csv").write_text(f"order_id,ordered_at,amount,{names}\n")
    macros = Macros(connection=duckdb.connect())
    macros.settings |= {"raw_input": "files", "raw_data_dir": str(tmp_path)}
    (part,) = macros.raw_parts("orders")
    found = part["types"]
    macros.warn_of_ignored_columns("orders", found, [*macros.sources["orders"]["columns"]])
    (warning,) = macros.warnings
    assert "ignored: extra0, extra1," in warning
    assert "extra9 and 4,990 more." in warning
    assert len(warning) < MOST_LETTERS


def test_a_check_of_five_thousand_unknown_columns_is_short(tmp_path):
    names = ",".join(f"extra{number}" for number in range(5000))
    (tmp_path / "orders.csv").write_text(f"order_id,ordered_at,amount,{names}\n")
    result = run("check", tmp_path)
    assert "extra9 and 4,990 more." in result.stdout
    assert max(map(len, result.output.splitlines())) < MOST_LETTERS


def test_a_message_about_five_thousand_columns_is_short(stopped):
    names = ",".join(f"{'total ' * (number + 1)}" for number in range(50))
    others = ",".join(f"extra{number}" for number in range(5000))
    said = stopped("orders", f"order_id,{others}\n")
    assert "columns 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 4,990 more" in said
    assert len(said) < MOST_LETTERS
    assert "and 41 more" in stopped("orders", f"order_id,{names}\n")


def test_a_message_about_five_hundred_files_of_one_header_is_short(stopped, tmp_path):
    for number in range(500):
        (tmp_path / f"orders_{number:03}.csv").write_text("order_id,ordered_at\n")
    (tmp_path / "orders_500.csv").write_text("order_id\n")
    said = stopped("orders", "order_id,ordered_at\n")
    assert "and 491 more (found: order_id, ordered_at)" in said
    assert "orders_500.csv (found: order_id)" in said


def test_five_hundred_files_that_no_table_has_are_a_short_warning(tmp_path):
    for number in range(500):
        (tmp_path / f"notes_{number:03}.csv").write_text("x\n")
    macros = Macros(connection=duckdb.connect())
    macros.settings |= {"raw_input": "files", "raw_data_dir": str(tmp_path)}
    macros.warn_of_ignored_files()
    (warning,) = macros.warnings
    assert "notes_009.csv and 490 more. " in warning


def test_an_error_of_five_thousand_lines_is_short_in_a_record(tmp_path):
    lines = [f"orders: orders_{number}.csv is truncated." for number in range(5000)]
    said = Log(file=tmp_path / "log").cause("\n".join(lines))
    assert said.endswith("orders_19.csv is truncated. and 4,980 more")
