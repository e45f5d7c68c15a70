"""A new warehouse file: what others keep in it stays as it is, and no old block survives."""

from pathlib import Path

import duckdb
import pytest

from python_helpers.core.errors import PublishError
from python_helpers.erase.warehouse import (
    carry_over,
    look_of,
    project_schemas,
    replace_warehouse,
)

OURS = ("marts", "restricted")


def made(folder: Path, sql: str, /) -> Path:
    """Make a warehouse, with what this project builds in it."""
    warehouse = folder / "w.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            "create schema raw; create schema analyst; create schema marts; "
            "create table marts.fct_orders as select 'planted' as customer_id"
        )
        connection.execute(sql)
    return warehouse


def carried(warehouse: Path, /) -> Path:
    """Carry over what is not ours; returns the new file."""
    new = warehouse.with_name("new") / warehouse.name
    new.parent.mkdir()
    with duckdb.connect() as connection:
        carry_over(connection=connection, old=warehouse, new=new, ours=OURS)
    return new


SHOP = """
    create sequence raw.numbers;
    create type raw.mood as enum ('calm', 'wild');
    create table raw."Customers" (
        "Customer_ID" integer primary key,
        "Email" varchar unique,
        row_number integer default nextval('raw.numbers') not null,
        twice bigint generated always as (row_number * 2) virtual,
        mood raw.mood
    );
    create table raw.accounts (
        account_id integer primary key default nextval('raw.numbers'),
        customer_id integer not null references raw."Customers" ("Customer_ID"),
        check (account_id > 0)
    );
    create table raw.account_entries (account_id integer references raw.accounts (account_id));
    create table analyst.empty (customer_id varchar);
    create unique index of_accounts on raw.accounts (account_id, customer_id);
    create index of_people on raw."Customers" ((row_number + 1));
    create view raw.subscriptions as select * from w.raw.accounts;
    create view analyst.orders as select * from marts.fct_orders;
    create macro analyst.twice(x) as x * 2;
    comment on table raw."Customers" is 'As the shop knows them.';
    comment on column raw."Customers"."Email" is 'Where we write to.';
    comment on index raw.of_accounts is 'For the shop.';
    comment on view raw.subscriptions is 'An account is one.';
    insert into raw."Customers" ("Customer_ID", "Email", mood)
        values (7, 'zelda@planted.example', 'calm'), (77, 'ann@x.example', 'wild');
    insert into raw.accounts (customer_id) values (7), (7), (77);
    insert into raw.account_entries values (3);
"""
CATALOG = (
    "select schema_name, table_name, sql, comment from duckdb_tables()",
    "select schema_name, view_name, sql, comment from duckdb_views() where not internal",
    "select schema_name, index_name, is_unique, sql, comment from duckdb_indexes()",
    "select schema_name, table_name, constraint_text from duckdb_constraints()",
    "select schema_name, sequence_name, sql, comment from duckdb_sequences()",
    "select schema_name, type_name, labels from duckdb_types() where not internal",
    "select schema_name, function_name, macro_definition from duckdb_functions() "
    "where not internal",
    "select table_name, column_name, comment from duckdb_columns() where comment is not null",
)


def test_tables_keys_indexes_views_and_sequences_of_others_stay_as_they_are(tmp_path):
    warehouse = made(tmp_path, SHOP)
    new = carried(warehouse)
    found = []
    for file in (warehouse, new):
        with duckdb.connect(str(file)) as connection:
            connection.execute("drop schema if exists marts cascade")
            found.append(
                [connection.execute(f"from ({query}) order by all").fetchall() for query in CATALOG]
                + [
                    connection.execute(f"from {table} order by all").fetchall()
                    for table in ('raw."Customers"', "raw.accounts", "raw.account_entries")
                ]
            )
    assert found[0] == found[1]
    assert all(found[1])
    with duckdb.connect(str(new)) as connection:
        # a number that was given is not given again
        connection.execute("insert into raw.accounts (customer_id) values (77)")
        assert connection.execute("select max(account_id) from raw.accounts").fetchone() == (6,)
        for refused in (
            """insert into raw."Customers" ("Customer_ID") values (77)""",
            """insert into raw."Customers" ("Customer_ID", "Email") values (1, 'ann@x.example')""",
            "insert into raw.accounts (customer_id) values (78)",
            "insert into raw.accounts values (-1, 77)",
            "insert into raw.account_entries values (99)",
        ):
            with pytest.raises(duckdb.ConstraintException):
                connection.execute(refused)


def test_what_was_deleted_replaced_or_built_is_not_in_the_new_file(tmp_path):
    warehouse = made(
        tmp_path,
        "create table raw.t as select 'planted' || range as x from range(9); checkpoint; "
        "delete from raw.t where x <> 'planted0'; update raw.t set x = 'kept'; checkpoint",
    )
    assert b"planted" in warehouse.read_bytes()
    new = carried(warehouse)
    assert b"planted" not in new.read_bytes()
    assert b"kept" in new.read_bytes()
    with duckdb.connect(str(new)) as connection:
        schemas = connection.execute("select schema_name from duckdb_schemas()").fetchall()
    assert ("marts",) not in schemas


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        (
            "create table raw.tree (id int primary key, parent int references raw.tree (id)); "
            "insert into raw.tree values (1, null); insert into raw.tree values (2, 1)",
            "DuckDB cannot copy raw.tree",
        ),
        (
            'create table raw."a""b" as select 1 as x',
            'DuckDB cannot copy raw.a"b',
        ),
    ],
    ids=["a foreign key to the table itself", "a quote in a name"],
)
def test_what_duckdb_cannot_copy_is_named(tmp_path, sql, said):
    warehouse = made(tmp_path, sql)
    with pytest.raises(PublishError, match=said):
        carried(warehouse)


def test_a_copy_that_lacks_something_is_refused(tmp_path, monkeypatch):
    warehouse = made(tmp_path, "create table raw.t as select 1 as x; create index i on raw.t (x)")
    monkeypatch.setattr(
        "python_helpers.erase.warehouse.CATALOG", {"tables": "schema_name, table_oid"}
    )
    with pytest.raises(PublishError, match=r"DuckDB does not copy tables: \('raw'"):
        carried(warehouse)


@pytest.mark.parametrize("meanwhile", ["a row", "a log"])
def test_a_warehouse_that_others_wrote_to_meanwhile_is_not_replaced(tmp_path, meanwhile):
    warehouse = made(tmp_path, "select 1")
    new, seen = carried(warehouse), look_of(warehouse)
    if meanwhile == "a log":
        (tmp_path / "w.duckdb.wal").write_bytes(b"")
    else:
        with duckdb.connect(str(warehouse)) as connection:
            connection.execute("create table raw.later as from range(100000)")
    with pytest.raises(PublishError, match="has written to"):
        replace_warehouse(warehouse=warehouse, new=new, seen=seen)
    assert new.exists()


def test_a_warehouse_behind_a_link_is_replaced_where_it_is(tmp_path):
    (tmp_path / "disk").mkdir()
    file = made(tmp_path, "select 1").rename(tmp_path / "disk" / "real.duckdb")
    warehouse = tmp_path / "w.duckdb"
    warehouse.symlink_to(file)
    new = carried(warehouse)
    file.chmod(0o640)
    replace_warehouse(warehouse=warehouse, new=new, seen=look_of(warehouse))
    assert warehouse.readlink() == file
    assert file.stat().st_mode & 0o777 == 0o640
    assert b"planted" not in file.read_bytes()


def test_the_schemas_of_the_project_are_those_of_its_settings():
    project = Path(__file__).resolve().parents[2]
    assert project_schemas(project_dir=project) == {
        *("marts", "intermediate", "staging", "restricted", "reference", "sample")
    }
