"""Opens a published file in a way of docs/bi.md, and prints the ways out of it that work.

`python open_as_documented.py WAY FOLDER`, in a folder that has `published` in it; FOLDER holds
private.csv, private.parquet and private.duckdb. With the name of a gap, it tries that one alone;
with `spill`, it sorts more than the memory holds and prints what lay beside the file. A process of
its own: DuckDB opens a file once per process, with the first settings, and a gap may end it.
"""

import json
import re
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import duckdb
from sqlalchemy import create_engine
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "bi.md").read_text(encoding="utf-8")
BLOCKS = {
    (language, name): text
    for language, name, text in re.findall(
        r"^```(\w+) (\S+)\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL
    )
}
DATABASE = "published/marts.duckdb"
ESCAPES = (
    "from read_csv('{folder}/private.csv')",
    "from '{folder}/private.csv'",
    "from '{folder}/private.parquet'",
    "from parquet_metadata('{folder}/private.parquet')",
    "from read_text('{folder}/private.csv')",
    "from read_blob('{folder}/private.csv')",
    "from glob('{folder}/*')",
    "from sniff_csv('{folder}/private.csv')",
    "from read_csv('https://example.com/a.csv')",
    "copy fct_orders to '{folder}/out.csv'",
    "copy fct_orders to '{folder}/out.parquet' (format parquet)",
    "export database '{folder}/out'",
    "attach '{folder}/out.duckdb'",
    "attach '{folder}/out.duckdb' (read_only)",
    "install httpfs",
    "load '{folder}/private.csv'",
    "create table other as select 1",
    "insert into fct_orders from fct_orders",
    "update fct_orders set number = 2",
    "delete from fct_orders",
    "drop table fct_orders",
    "create secret s (type s3, key_id 'a', secret 'b')",
    "set enable_external_access = true",
    "set lock_configuration = false",
    "reset enable_external_access",
    "set allowed_directories = ['{folder}']",
    "set temp_directory = '{folder}/spill'",
    "set home_directory = '{folder}'",
    "set log_query_path = '{folder}/queries.log'",
    "set profiling_output = '{folder}/profile.json'",
    "pragma enable_logging",
    "from query_table('{folder}/private.csv')",
    "from read_json('{folder}/private.csv')",
    "from parquet_schema('{folder}/private.parquet')",
    "from '{folder}/private.duckdb'",
    "from read_text('/proc/self/environ')",
    "from read_csv('s3://example/a.csv')",
    "select getenv('PATH')",
    "describe '{folder}/private.csv'",
    "prepare reading as from read_csv($1); execute reading('{folder}/private.csv')",
    "create temp macro reading(x) as table from read_csv(x); from reading('{folder}/private.csv')",
    "from json_execute_serialized_sql("
    "json_serialize_sql('from read_csv(''{folder}/private.csv'')'))",
    "create temp table mine as from read_csv('{folder}/private.csv')",
    "copy (select 1) to '/dev/stdout'",
    "copy fct_orders from '{folder}/private.csv'",
    "explain analyze copy fct_orders to '{folder}/out.csv'",
    "import database '{folder}'",
    "attach ':memory:' as mine",
    "attach 'postgres:dbname=mine' as mine (type postgres)",
    "force install httpfs from community",
    "update extensions",
    "create persistent secret s (type s3, key_id 'a', secret 'b')",
    "set logging_storage = 'file'",
    "from query('from ''{folder}/private.csv''')",
)
HARMLESS = ("call enable_profiling(format = 'json', save_location = '{folder}/profile.json')",)
"""What some versions accept and do not do."""
GAPS = {
    "log": "call enable_logging(storage = 'file', storage_path = '{folder}/queries')",
    "wal": "copy (select 1) to '{database}.wal'",
}
"""What the settings of an opening leave open, and what closes it has to close."""
SORT = "select range, hash(range)::text from range(2000000) order by 2 limit 1 offset 1900000"
MEMORY = "60MB"

Query = Callable[[str], list[tuple]]


def block(*key: str) -> dict[str, object]:
    """Run a block of the page; returns its names."""
    names: dict[str, object] = {}
    exec(BLOCKS[key], names)
    return names


def asks(engine: Engine, /) -> Query:
    """Ask each query on a connection of its own."""

    def query(sql: str) -> list[tuple]:
        with engine.connect() as connection:
            result = connection.exec_driver_sql(sql)
            return [tuple(row) for row in result] if result.returns_rows else []

    return query


def with_duckdb() -> Query:
    """Open as the block for Python does."""
    marts = block("python", "duckdb")["marts"]
    return lambda sql: marts.execute(sql).fetchall()


def closed() -> Query:
    """Open as the block for people who are not trusted does."""
    marts = block("python", "closed")["marts"]
    return lambda sql: marts.cursor().execute(sql).fetchall()


def with_sqlalchemy() -> Query:
    """Open as the block for SQLAlchemy does."""
    return asks(block("python", "sqlalchemy")["engine"])


def with_parameters_of_superset() -> Query:
    """Open with the engine parameters that are written into Superset's form."""
    parameters = json.loads(BLOCKS["json", "superset"])
    return asks(create_engine(f"duckdb:///{DATABASE}", **parameters))


def as_metabase() -> Query:
    """Open as Metabase's driver does, and run the Init SQL of the page, for two connections."""
    (init,) = re.findall(r"^\| Init SQL \| `(.*)` \|$", PAGE, flags=re.MULTILINE)
    settings = {"temp_directory": f"{DATABASE}.tmp", "old_implicit_casting": "true"}
    pool = [duckdb.connect(DATABASE, read_only=True, config=settings) for _ in range(2)]
    for connection in pool:
        connection.execute(init)
    return lambda sql: pool[1].execute(sql).fetchall()


WAYS = {
    "duckdb": with_duckdb,
    "closed": closed,
    "sqlalchemy": with_sqlalchemy,
    "superset": with_parameters_of_superset,
    "metabase": as_metabase,
}


def sort(query: Query, /) -> None:
    """Sort more than the memory holds, and print what lay beside the file meanwhile."""
    known, seen, is_over = {*Path("published").rglob("*")}, set(), threading.Event()

    def watch() -> None:
        while not is_over.wait(0.001):
            with suppress(OSError):  # it has just gone
                seen.update({*Path("published").rglob("*")} - known)

    watching = threading.Thread(target=watch)
    watching.start()
    # no room to spill is an error
    with suppress(duckdb.Error, SQLAlchemyError):
        query(SORT)
    is_over.set()
    watching.join()
    print(*{path.name for path in seen if not path.name.startswith("duckdb_temp_")})


def main(way: str, folder: str, what: str = "") -> None:
    """Read, then try to get out."""
    if what == "spill":
        opened = duckdb.connect
        duckdb.connect = lambda *args, config=None, **options: opened(
            *args, config={"memory_limit": MEMORY, "threads": 2, **(config or {})}, **options
        )
    query = WAYS[way]()
    assert query("select count(*) from marts.fct_orders") == [(1000,)]
    if what == "spill":
        return sort(query)
    if what in GAPS:
        ((database,),) = query("select path from duckdb_databases() where not internal")
        for sql in (GAPS[what], "select count(*) from marts.fct_orders"):
            with suppress(duckdb.Error, SQLAlchemyError):
                query(sql.format(folder=folder, database=database))
        return None
    for escape in ESCAPES:
        try:
            query(escape.format(folder=folder))
        except (duckdb.Error, SQLAlchemyError):
            continue
        print(escape)
    for accepted in HARMLESS:
        with suppress(duckdb.Error, SQLAlchemyError):
            query(accepted.format(folder=folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
