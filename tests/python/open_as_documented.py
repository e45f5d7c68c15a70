"""Opens a published file as the README says, and tries to get out of it.

`python open_as_documented.py DATABASE FOLDER`; the folder holds private.csv and private.parquet.
A process of its own: DuckDB opens a path once per process, with the first settings.
"""

import sys

import duckdb

DATABASE, FOLDER = sys.argv[1:]
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
    "from query('from ''{folder}/private.csv''')",
)

marts = duckdb.connect(
    DATABASE,
    read_only=True,
    config={"enable_external_access": False, "lock_configuration": True},
)
assert marts.execute("select count(*) from marts.fct_orders").fetchall() == [(1000,)]
succeeded = []
for escape in ESCAPES:
    try:
        marts.execute(escape.format(folder=FOLDER)).fetchall()
    except duckdb.Error:
        continue
    succeeded.append(escape)
print(*succeeded, sep="\n")
sys.exit(bool(succeeded))
