"""`lifecycle check`: the SQL that dbt runs, what it tells about a delivery, and how fast."""

import gzip
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest
from lifecycle import PROJECT, VARIABLES, build_with_dbt, run

from python_helpers.delivery.contract import exports_of
from python_helpers.delivery.judged import explained
from python_helpers.delivery.rendering import Macros
from python_helpers.delivery.standins import CompilerError
from python_helpers.delivery.systems import OTHERS, export_of, other_system_of, required_names

ORDERS = (
    "order_id,customer_id,ordered_at,amount,currency,status\n"
    "1,a,2024-01-31,10,EUR,completed\n"
    "2,,2024-02-01,20,EUR,cancelled\n"
    "3,b,soon,5 euros,EUR,completed\n"
    "3,b,2024-02-03,30,EUR,completed\n"
)


@pytest.fixture(autouse=True)
def _no_settings_of_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)


def delivered(folder: Path, /, **contents: str) -> Path:
    """Write CSV files by their stem."""
    for name, content in contents.items():
        (folder / f"{name}.csv").write_text(content, encoding="utf-8")
    return folder


def facts_of(
    folder: Path, /, *arguments: object, code: int = 0
) -> tuple[dict[str, Any], Mapping[str, dict[str, Any]]]:
    """Check a folder; returns the facts for programs, and those of its tables by name."""
    result = run("check", folder, "--json", *arguments)
    assert result.exit_code == code, result.output
    facts = json.loads(result.stdout)
    assert facts["can_be_built"] == (code == 0)
    return facts, {table["table"]: table for table in facts["tables"]}


# One set of rules


def comparable(sql: str, /) -> str:
    """Leave out what no two runs have in common."""
    sql = re.sub(r"cast\('[-0-9]{10} [:0-9]{8}' as timestamp\)", "<now>", sql.strip())
    return sql.replace('"memory".', '"warehouse".')


def test_check_runs_the_sql_that_dbt_runs(tmp_path):
    folder = tmp_path / "delivery"
    folder.mkdir()
    delivered(
        folder,
        orders=ORDERS,
        orders_old="ordered_at;amount;order_id;note\n2023-01-31;7;0;x\n",
        order_lines="order_id,line_number,product_id,amount\n1,1,p,10\n",
        customers="customer_id,email\na,a@example.com\n",
        subscriptions="subscription_id,customer_id,started_at,amount\ns,a,2024-01-01,9\n",
        survey_responses="response_id,survey_type,responded_at,score\nr,nps,2024-01-02,9\n",
        marketing_spend="spend_date,channel,amount\n2024-01-01,web,3\n",
        exchange_rates="rate_date,from_currency,to_currency,rate\n2024-01-01,USD,EUR,0.9\n",
    )
    shutil.copy(PROJECT / "tests" / "connectors" / "shopify" / "orders_export_2.csv", folder)
    (tmp_path / "salt").write_text("salt")
    settings = {
        "RAW_INPUT": "files,shopify",
        "RAW_DATA_DIR": str(folder),
        "ERASURES_DIR": str(tmp_path),
    }
    build_with_dbt(folder=tmp_path, select=["+path:models/staging/base"], **settings).close()
    compiled = tmp_path / "target" / "compiled" / "customer_lifecycle_warehouse" / "models"
    with duckdb.connect() as connection:
        environment = settings | {"REPORTING_CURRENCY": "EUR"}
        macros = Macros(connection=connection, project_dir=PROJECT, environment=environment)
        for table in macros.sources:
            macros.ref(f"base_{table}")
        # each base model, and all that they need
        assert len(macros.made) > len(macros.sources)
        for name in macros.made:
            for model in (PROJECT / "models").rglob(f"{name}.sql"):
                dbt = (compiled / model.relative_to(PROJECT / "models")).read_text()
                assert comparable(macros.render(model)) == comparable(dbt), name


def test_no_library_of_the_build_is_loaded(tmp_path):
    code = (
        "import sys; from python_helpers.cli.main import main\n"
        f"main(['check', {str(delivered(tmp_path, orders=ORDERS))!r}], standalone_mode=False)\n"
        "print([name for name in sys.modules if name.split('.')[0] in"
        " ('dbt', 'great_expectations', 'sqlalchemy', 'scipy', 'numpy', 'pandas')])"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert result.stdout.splitlines()[-1] == "[]", result.stdout + result.stderr


# What it tells


def test_a_table_is_described(tmp_path):
    facts, tables = facts_of(delivered(tmp_path, orders=ORDERS))
    orders = tables["orders"]
    counts = ("rows", "accepted", "superseded", "rejected", "held_back")
    assert [orders[name] for name in counts] == [4, 3, 0, 1, 0]
    assert (orders["without_customer"], orders["without_revenue"]) == (1, 1)
    assert (orders["first_day"], orders["last_day"]) == ("2024-01-31", "2024-02-03")
    assert orders["currencies"] == {"EUR": 4}
    assert orders["files"] == ["orders.csv"]
    reasons = {each["reason"]: (each["rows"], each["example"]) for each in orders["rejected_for"]}
    assert reasons == {
        "invalid_amount": (1, {"amount": "'9 xxxxx'"}),
        "invalid_ordered_at": (1, {"ordered_at": "'xxxx'"}),
    }
    assert facts["as_of_date"] == "2024-02-03"
    assert facts["reporting_timezone"] == facts["raw_timezone"] == "UTC"


def test_a_person_reads_tables_and_sentences(tmp_path):
    result = run("check", delivered(tmp_path, orders=ORDERS))
    assert result.exit_code == 0
    said = " ".join(result.stdout.split())
    for words in (
        "orders 4 3 0 1 0",
        "invalid_amount 1 amount: '9 xxxxx' 1234.50",
        "orders: 6 of 17 columns found in orders.csv.",
        "orders: from 2024-01-31 to 2024-02-03.",
        "orders: rows by currency: EUR 4.",
        "orders: 33.3% of the accepted rows have no customer.",
        "orders: 33.3% of the accepted rows carry no revenue.",
        "Times without an offset are read as UTC; days are those of UTC.",
        f"lifecycle refresh --raw-data {tmp_path}",
    ):
        assert words in said


def test_a_missing_column_comes_with_the_nearest_name(tmp_path):
    header = "Order ID,ordered_at,amount,Discount,colour\n"
    facts, tables = facts_of(delivered(tmp_path, orders=f"{header}1,2024-01-31,1,0,red\n"), code=4)
    missing = {each["column"]: each for each in tables["orders"]["missing"]}
    assert missing["order_id"]["is_required"] and missing["order_id"]["nearest"] == "order id"
    assert missing["discount_amount"]["nearest"] == "discount"
    assert missing["original_order_id"]["nearest"] is None  # that one is taken
    assert not missing["tax_amount"]["is_required"] and missing["tax_amount"]["nearest"] is None
    assert tables["orders"]["unknown"] == ["order id", "discount"]
    assert tables["orders"]["unknown_not_shown"] == 1  # colour, which may be a value
    (stop,) = facts["stops"]
    assert "order_id" in stop and "orders.csv" in stop


def test_a_table_that_stops_a_build_hides_no_other_table(tmp_path):
    delivered(tmp_path, orders=ORDERS, customers="name\nx\n", products="product_id\np\np\n")
    facts, tables = facts_of(tmp_path, code=4)
    assert tables["orders"]["accepted"] == 3
    assert tables["products"]["superseded"] == 1
    assert "rows" not in tables["customers"]
    assert len(facts["stops"]) == 1
    assert facts["stops"][0].startswith("customers: ")


def test_several_currencies_are_counted(tmp_path):
    delivered(tmp_path, orders=ORDERS.replace("10,EUR", "10,USD"))
    facts, tables = facts_of(tmp_path, code=4)
    assert tables["orders"]["currencies"] == {"EUR": 3, "USD": 1}
    (stop,) = facts["stops"]
    assert "EUR and USD" in stop and "REPORTING_CURRENCY" in stop
    _, tables = facts_of(tmp_path, "--reporting-currency", "eur")
    assert [each["reason"] for each in tables["orders"]["rejected_for"]].count("no_exchange_rate")


def test_the_settings_are_those_of_a_build(tmp_path, monkeypatch):
    delivered(tmp_path, orders=ORDERS)
    facts, tables = facts_of(
        tmp_path, "--as-of", "2024-01-31", "--vars", "{reporting_timezone: Asia/Tokyo}"
    )
    assert facts["as_of_date"] == "2024-01-31"
    assert facts["reporting_timezone"] == "Asia/Tokyo"
    assert tables["orders"]["held_back"] == 2
    monkeypatch.setenv("REPORTING_TIMEZONE", "Europe/Berlin")
    own = "{raw_input: tables, raw_data_dir: /gone, earliest_plausible_date: 2024-02-01}"
    facts, tables = facts_of(tmp_path, "--vars", own)
    assert facts["reporting_timezone"] == "Europe/Berlin"
    assert tables["orders"]["rejected_for"][0]["reason"] == "implausible_date"


def test_ids_that_look_wrong_are_counted_and_addresses_are_not_shown(tmp_path):
    _, tables = facts_of(delivered(tmp_path, orders=ORDERS.replace("1,a,", "1,a@example.com,")))
    found = {each["column"]: each for each in tables["orders"]["doubtful_ids"]}
    assert found["customer_id"]["rows"] == 1
    assert found["customer_id"]["example"] == "an e-mail address"
    result = run("check", tmp_path)
    assert "1 values of customer_id are e-mail addresses." in result.stdout
    assert "example.com" not in result.output


def test_a_value_of_a_restricted_column_is_never_shown():
    row = {"email": "x", "region": "north", "customer_id": "a@example.com"}
    with duckdb.connect() as connection:
        macros = Macros(connection=connection, project_dir=PROJECT)
        shown = {
            name: explained(f"invalid_{name}", row, table="customers", macros=macros)["example"]
            for name in row
        }
    assert shown == {
        "email": {},
        "region": {"region": "'xxxxx'"},
        "customer_id": {"customer_id": "an e-mail address"},
    }


def test_what_the_findings_say_is_told(tmp_path):
    rows = ORDERS + "1,a,2024-01-31,11,EUR,completed\n"
    facts, tables = facts_of(delivered(tmp_path, orders=rows.replace(",EUR", ",")), code=4)
    (stop,) = facts["stops"]
    assert stop.startswith("orders: 1 of 5 rows have the key of another row and other content")
    assert tables["orders"]["keys_in_conflict"] == 1
    # the reasons for rejection have a place of their own
    assert [warning[:35] for warning in facts["warnings"]] == [
        "orders: no row names a currency and"
    ]


def test_a_terminal_obeys_no_value(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    rows = ORDERS.replace("soon", "[/b][red]\x1b[31m:bomb:").replace("10,EUR", "10,\x1b[2J")
    result = run("check", delivered(tmp_path, orders=rows), "--reporting-currency", "EUR")
    assert result.exit_code == 0, result.output
    assert "\x1b" not in result.output
    assert "ordered_at: '[/x][xxx] [99x:xxxx:'" in result.stdout


# Exports


EXPORTS = exports_of(project_dir=PROJECT)


@pytest.mark.parametrize("export", [name for name in EXPORTS if not name.startswith("fivetran_")])
@pytest.mark.parametrize(("before", "delimiter"), [("", ","), ("\ufeff", "\t"), ("A\n\n", ";")])
def test_an_export_is_recognised(tmp_path, export, before, delimiter):
    file = tmp_path / "export.csv"
    columns = [
        name.replace("_", " ").title()
        for name, column in EXPORTS[export]["columns"].items()
        if column["config"]["meta"].get("required")
    ]
    header = delimiter.join(f'"{each}"' for each in ["more", *columns])
    file.write_text(f"{before}{header}\n", encoding="utf-8")
    found = export_of(file, exports=EXPORTS)
    assert found
    # the lines above the rows of a file may be an export of their own
    assert required_names(EXPORTS[found]) == required_names(EXPORTS[export])
    assert found.split(".")[0] == export.split(".")[0]
    compressed = tmp_path / "EXPORT.CSV.GZ"
    compressed.write_bytes(gzip.compress(file.read_bytes()))
    assert export_of(compressed, exports=EXPORTS) == found


@pytest.mark.parametrize(("system", "columns"), OTHERS)
def test_an_export_that_no_connector_reads_is_recognised(tmp_path, system, columns):
    delivered(tmp_path, orders=ORDERS, export=columns.replace(", ", ",").title())
    result = run("check", tmp_path)
    assert f"export.csv is an export of {system}, which no connector reads" in result.stdout


def test_the_contract_is_no_export(tmp_path):
    for file in (PROJECT / "seeds" / "sample").glob("*.csv"):
        assert export_of(file, exports=EXPORTS) is None
        assert other_system_of(file) is None


def test_an_export_is_named_whatever_its_file_is_called(tmp_path):
    content = (PROJECT / "tests" / "connectors" / "shopify" / "orders_export_2.csv").read_text()
    delivered(tmp_path, orders=ORDERS, orders_export=content, shop=content)
    result = run("check", tmp_path)
    assert result.exit_code == 4
    for file in ("orders_export.csv", "shop.csv"):
        assert f"{file} is an export of shopify (orders): read it with --from" in result.stdout
    assert "their names match no table: shop.csv." in result.stdout
    facts, tables = facts_of(tmp_path, "--from", "shopify")
    assert tables["orders"]["accepted"] == 3 + 2
    assert facts["files_not_read"] == []
    assert "lifecycle refresh --from shopify" in run("check", tmp_path, "--from", "shopify").stdout
    assert run("check", tmp_path, "--from", "fivetran_shop").exit_code == 2


# Whatever is delivered


def damaged(folder: Path, kind: str, /) -> None:
    """Break a delivery of orders."""
    if kind == "truncated":
        content = gzip.compress(ORDERS.encode() * 99)
        (folder / "orders.csv.gz").write_bytes(content[: len(content) // 2])
    elif kind == "no parquet":
        (folder / "orders.parquet").write_text(ORDERS)
    elif kind == "a folder":
        (folder / "orders.csv").mkdir()
    elif kind == "a gone file":
        (folder / "orders.csv").symlink_to(folder / "gone")
    elif kind == "no files":
        (folder / "orders.xlsx").write_bytes(b"PK")
    elif kind == "other names":
        delivered(folder, sales=ORDERS)
    elif kind == "no main table":
        delivered(folder, customers="customer_id\na\n")
    else:
        texts = {
            "no header": "",
            "a short line": ORDERS + "1,2\n",
            "a quote": ORDERS + '"1,2\n',
            "a column twice": ORDERS.replace("status", "amount"),
            "latin": ORDERS.replace("soon", "s\udcfcon"),
        }
        (folder / "orders.csv").write_text(texts[kind], "utf-8", errors="surrogateescape")


@pytest.mark.parametrize(
    "kind",
    [
        "truncated",
        "no parquet",
        "a folder",
        "a gone file",
        "no files",
        "other names",
        "no main table",
        "no header",
        "a short line",
        "a quote",
        "a column twice",
        "latin",
    ],
)
def test_what_cannot_be_built_is_said_in_one_line(tmp_path, kind):
    damaged(tmp_path, kind)
    facts, _ = facts_of(tmp_path, code=4)
    stop = facts["stops"][0]
    assert stop.endswith(".")
    assert str(tmp_path) in stop


def test_a_header_and_no_row_is_a_delivery(tmp_path):
    header = ORDERS.splitlines()[0]
    _, tables = facts_of(delivered(tmp_path, orders=f"{header}\n"))
    assert tables["orders"]["rows"] == 0
    assert run("check", tmp_path).exit_code == 0


@pytest.mark.parametrize("name", ["it's a [shop]?", "50% {{ off }}"])
def test_a_folder_may_be_called_anything(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    _, tables = facts_of(delivered(folder, orders=ORDERS))
    assert tables["orders"]["rows"] == 4


def test_wrong_usage_is_told(tmp_path, monkeypatch):
    assert run("check").exit_code == 2
    assert run("check", tmp_path / "gone").exit_code == 2
    delivered(tmp_path, orders=ORDERS)
    assert run("check", tmp_path, "--as-of", "soon").exit_code == 2
    assert run("check", tmp_path, "--vars", "[").exit_code == 2
    monkeypatch.setenv("RAW_DATA_DIR", str(tmp_path))
    assert run("check").exit_code == 0


# Segments of one's own


CUSTOMERS = "customer_id,region,Sales Team,tier\na,north,east,gold\nb,south,,silver\n"


def test_columns_of_ones_own_are_read_as_segments(tmp_path):
    delivered(tmp_path, customers=CUSTOMERS, orders=ORDERS)
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        settings = {"raw_input": "files", "raw_data_dir": str(tmp_path)}
        settings |= {"custom_segment_1": "sales team", "custom_segment_2": "team"}
        macros = Macros(connection=connection, project_dir=PROJECT, settings=settings)
        macros.ref("stg_customers")
        assert connection.execute(
            "select customer_id, custom_segment_1, custom_segment_2 "
            "from staging.stg_customers order by 1"
        ).fetchall() == [("a", "east", None), ("b", None, None)]
    said = [*macros.warnings]
    assert [warning for warning in said if "custom_segment" in warning] == [
        "customers: no column team was delivered, which the var custom_segment_2 names. It is "
        "unknown for every customer. Deliver the column, or correct the var."
    ]
    assert any("are ignored: tier." in warning for warning in said)


@pytest.mark.parametrize(
    ("named", "fault"),
    [
        # an address is published to nobody
        ({"custom_segment_1": "email"}, "It is a column of the contract"),
        ({"custom_segment_2": "region"}, "not the name of another slice"),
        ({"custom_segment_1": "tier", "custom_segment_2": "Tier"}, "not the name of another"),
        ({"custom_segment_1": "touchpoint"}, "not the name of another slice"),
        ({"custom_segment_1": "tier' --"}, "in letters, digits and underscores"),
        ({"more_slices": ["email"]}, "Invalid more_slices 'email'. Use vertical, discount, first"),
    ],
)
def test_a_segment_that_cannot_be_one_stops_the_build(named, fault, tmp_path):
    delivered(tmp_path, customers=CUSTOMERS, orders=ORDERS)
    with duckdb.connect() as connection:
        settings = {"raw_input": "files", "raw_data_dir": str(tmp_path)} | named
        macros = Macros(connection=connection, project_dir=PROJECT, settings=settings)
        with pytest.raises(CompilerError, match=fault):
            macros.ref("stg_customers")
            macros.ref("int_surveys_tallied")
