"""Raw tables in the warehouse, with keys and rules of their own, after somebody was erased."""

from pathlib import Path

import duckdb
import pytest
from jinja_macros import Macros
from lifecycle import PROJECT
from search_everything import places_of
from tiny_refresh import make_project, run_tiny

from python_helpers.core.errors import PublishError
from python_helpers.delivery.contract import personal_tables
from python_helpers.erase.checks import check_tables, rows_of_files
from python_helpers.erase.database import replace_warehouse
from python_helpers.erase.search import rows_in_database
from python_helpers.erase.values import trimmed, typed_text

CONTRACT = personal_tables(project_dir=PROJECT)
TOMBSTONES = {"7": "erased-x"}


def written_anew(folder: Path, sql: str, /) -> Path:
    """Make schema raw in a warehouse, check it, and erase the person 7."""
    warehouse = folder / "w.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(f"create schema raw; {sql}")
    check_tables(database=warehouse, ids=TOMBSTONES, contract=CONTRACT)
    replace_warehouse(warehouse=warehouse, tombstones=TOMBSTONES, contract=CONTRACT, config={})
    assert not rows_in_database(database=warehouse, ids=TOMBSTONES, contract=CONTRACT)
    return warehouse


PEOPLE = """
    create sequence raw.numbers;
    create table raw."Customers" (
        "Customer_ID" integer primary key,
        "Email" varchar unique,
        row_number integer default nextval('raw.numbers') not null,
        twice bigint generated always as (row_number * 2) virtual,
        phone bigint unique
    );
    create table raw.accounts (
        account_id integer primary key default nextval('raw.numbers'),
        customer_id integer not null references raw."Customers" ("Customer_ID"),
        check (account_id > 0)
    );
    create table raw.account_entries (account_id integer references raw.accounts (account_id));
    create unique index of_accounts on raw.accounts (account_id, customer_id);
    create index of_people on raw."Customers" (row_number);
    create view raw.subscriptions as select * from raw.accounts;
    comment on table raw."Customers" is 'As the shop knows them.';
    comment on column raw."Customers".phone is 'With the prefix.';
    comment on index raw.of_accounts is 'For the shop.';
    insert into raw."Customers" ("Customer_ID", "Email", phone)
        values (7, 'zelda@planted.example', 47114711), (77, 'ann@x.example', 47224722);
    insert into raw.accounts (customer_id) values (7), (7), (77);
    insert into raw.account_entries values (3);
"""


def test_keys_indexes_and_rules_of_raw_tables_stay(tmp_path):
    warehouse = written_anew(tmp_path, PEOPLE)
    assert not places_of(["zelda", "47114711"], folder=tmp_path)
    with duckdb.connect(str(warehouse)) as connection:
        assert connection.execute('from raw."Customers"').fetchall() == [
            ("erased-x", "erased-x-0", 1, 2, None),
            ("77", "ann@x.example", 2, 4, 47224722),
        ]
        accounts = [(3, "erased-x"), (4, "erased-x"), (5, "77")]
        assert connection.execute("from raw.accounts").fetchall() == accounts
        assert connection.execute("from raw.subscriptions").fetchall() == accounts
        # a number that was given is not given again
        connection.execute("insert into raw.accounts (customer_id) values ('77')")
        assert connection.execute("select max(account_id) from raw.accounts").fetchone() == (6,)
        for refused in (
            """insert into raw."Customers" ("Customer_ID") values ('77')""",
            """insert into raw."Customers" ("Customer_ID", "Email") values (1, 'ann@x.example')""",
            "insert into raw.accounts (customer_id) values ('nobody')",
            "insert into raw.accounts values (-1, '77')",
            "insert into raw.account_entries values (99)",
        ):
            with pytest.raises(duckdb.ConstraintException):
                connection.execute(refused)
        indexes = connection.execute(
            "select index_name, is_unique, comment from duckdb_indexes() order by all"
        ).fetchall()
        assert indexes == [("of_accounts", True, "For the shop."), ("of_people", False, None)]
        comments = connection.execute(
            "select comment from duckdb_tables() where comment is not null union all "
            "select comment from duckdb_columns() where comment is not null order by all"
        ).fetchall()
        assert comments == [("As the shop knows them.",), ("With the prefix.",)]


def test_what_must_be_filled_is_filled_with_what_says_nothing(tmp_path):
    warehouse = written_anew(
        tmp_path,
        """
        create table raw.customers (
            customer_id varchar not null,
            born date not null,
            seen timestamp with time zone not null,
            height decimal(5, 2) not null,
            mood enum ('calm', 'planted') not null,
            names varchar[] not null,
            note varchar not null
        );
        insert into raw.customers values
            ('7', '1980-02-03', '2024-01-01 00:00:00+00', 1.8, 'planted', ['planted'], 'planted');
        """,
    )
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        found = connection.execute(
            "select * exclude (seen), epoch(seen) from raw.customers"
        ).fetchone()
    assert repr(found[1]) == "datetime.date(1970, 1, 1)"
    assert (found[0], float(found[2]), *found[3:]) == ("erased-x", 0, "calm", [], "erased", 0)


def test_a_text_where_the_contract_has_a_date_or_a_number_goes(tmp_path):
    warehouse = written_anew(
        tmp_path,
        """
        create table raw.orders (
            order_id varchar, customer_id varchar, ordered_at varchar, amount varchar
        );
        insert into raw.orders values
            ('o1', '7', 'Zelda Planted', 'planted'), ('o2', '7', '2024-01-01 10:00:00 +02', ' 5'),
            ('o3', '77', 'Ann', 'ann'), ('o4', '7', '', null);
        """,
    )
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        assert connection.execute("from raw.orders order by order_id").fetchall() == [
            ("o1", "erased-x", "erased", "erased"),
            ("o2", "erased-x", "2024-01-01 10:00:00 +02", " 5"),
            ("o3", "77", "Ann", "ann"),
            ("o4", "erased-x", "", None),
        ]


def test_a_table_behind_a_view_is_rewritten_by_the_names_of_its_columns(tmp_path):
    warehouse = written_anew(
        tmp_path,
        """
        create table raw.loaded (customer_id bigint, email varchar, amount int, note varchar);
        insert into raw.loaded values (7, 'planted@x', 5, 'planted'), (77, 'ann@x', 6, 'ann');
        create view raw.customers as select customer_id, email, note from raw.loaded;
        """,
    )
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        rows = connection.execute("from raw.loaded").fetchall()
        assert rows == [("erased-x", "erased", 5, "erased"), ("77", "ann@x", 6, "ann")]
        shown = connection.execute("from raw.customers").fetchall()
        assert shown == [("erased-x", "erased", "erased"), ("77", "ann@x", "ann")]


def test_a_view_of_a_file_is_told_of_like_the_file(tmp_path):
    (tmp_path / "orders.csv").write_text("customer_id,amount\n7,5\n7,6\n77,5\n")
    view = f"create view raw.orders as from '{tmp_path / 'orders.csv'}'"
    warehouse = written_anew(tmp_path, view)
    assert rows_of_files(database=warehouse, ids=["7"]) == {"raw.orders": 2}


IN_THE_WAY = {
    "a rule on numbers": (
        "create table raw.orders (customer_id bigint check (customer_id > 0)); "
        "insert into raw.orders values (7)",
        r"raw.orders: CHECK\(\(customer_id > 0\)\) forbids",
    ),
    "a rule on addresses": (
        "create table raw.customers (customer_id int, email varchar check (email like '%@%')); "
        "insert into raw.customers values (7, 'a@b')",
        r"raw.customers: CHECK\(.*\) forbids",
    ),
    "a column worked out from the id": (
        "create table raw.orders (customer_id bigint, g bigint generated always as "
        "(customer_id * 2))",
        "raw.orders: column g forbids",
    ),
    "an id that is worked out": (
        "create table raw.orders (n int, customer_id varchar generated always as ('c' || n))",
        "raw.orders: customer_id is worked out",
    ),
    "an index on a calculation": (
        "create table raw.orders (customer_id int); insert into raw.orders values (7); "
        "create index later on raw.orders ((customer_id + 1))",
        "raw.orders: index later forbids",
    ),
    "a foreign key of another name": (
        "create table raw.customers (customer_id int primary key); "
        "create table raw.orders (buyer int references raw.customers (customer_id))",
        r"raw.orders: its foreign key \(buyer\) leads to raw.customers \(customer_id\)",
    ),
    "a foreign key to itself": (
        "create table raw.tree (id int primary key, parent int references raw.tree (id))",
        r"raw.tree: its foreign key \(parent\) leads to the table itself",
    ),
    "a structure that must be filled": (
        "create table raw.orders (customer_id int, s struct(a int) not null)",
        "raw.orders: column s must be filled",
    ),
    "a unique number that must be filled": (
        "create table raw.customers (customer_id int, phone bigint not null unique)",
        "raw.customers: column phone must be filled",
    ),
    "a view that renames the id": (
        "create table raw.people (nr int, email varchar); insert into raw.people values (7, 'x'); "
        "create view raw.customers as select nr as customer_id, email from raw.people",
        "raw.customers: the people are in raw.people, without a column customer_id",
    ),
}


@pytest.mark.parametrize("case", IN_THE_WAY)
def test_what_cannot_be_kept_is_named_and_nothing_is_touched(tmp_path, case):
    sql, said = IN_THE_WAY[case]
    with pytest.raises(PublishError, match=f"Nothing was touched, .*{said}"):
        written_anew(tmp_path, sql)


def test_the_list_is_not_begun_where_a_table_is_in_the_way(tmp_path):
    make_project(tmp_path)
    (tmp_path / "models" / "staging").mkdir(parents=True)
    contract = Path("models", "staging", "_raw.yml")
    (tmp_path / contract).write_text((PROJECT / contract).read_text())
    assert run_tiny(tmp_path, "refresh", NUMBER=1).returncode == 0
    (warehouse,) = tmp_path.glob("*.duckdb")
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(f"create schema raw; {IN_THE_WAY['a rule on numbers'][0]}")
    result = run_tiny(tmp_path, "erase", "--customer", "7", "--yes")
    assert result.returncode == 3, result.stderr
    assert "Nothing was touched" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "erasures" / "erased.csv").exists()


@pytest.mark.parametrize(
    "data_type", ["boolean", "date", "integer", "timestamp", "decimal(18,2)", "decimal(18,10)"]
)
def test_what_is_of_its_type_is_what_staging_says_it_is(data_type):
    values = (
        *("7", "6.5", "7.0", "1e3", "99999999999", "-3", "1,5", "abc", "yes", "true", "t", "1"),
        *("2024-01-05", "2024-1-5", "2024-13-01", "20240105", "05.01.2024", "2024-01-05T10:00"),
        *("2024-01-05 10:00:00 UTC", "2024-01-05 10:00:00 +02", "2024-01-05T10:00:00Z", "10:00"),
        *("2024-01-05 10:00 Europe/Berlin", "John Smith", "infinity", "today", "nan"),
    )
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        macros = Macros(connection=connection)
        staged = macros.cast_or_null("raw_value", "varchar", data_type)
        ours = typed_text(trimmed("raw_value"), data_type)
        rows = connection.execute(
            f"select raw_value, {staged} is null, {ours} is null "
            "from (select unnest($values) as raw_value)",
            {"values": list(values)},
        ).fetchall()
    assert len(rows) == len(values)
    assert [value for value, staged, ours in rows if staged != ours] == []
    assert {staged for _, staged, _ in rows} == {True, False}
