"""docs/what_to_do_on_monday.md: its tables are what its queries answer, and its command works."""

import re
import shlex
from pathlib import Path

import duckdb
import monday_tables
import pytest
from lifecycle import VARIABLES, run
from sample import published_sample

PAGE = monday_tables.PAGE.read_text(encoding="utf-8")
SHELL = re.compile(r"(?<=```sh\n).*?(?=```)", re.DOTALL)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published_sample(tmp_path_factory)


def test_the_tables_are_what_the_queries_answer_for_the_sample(sample):
    with duckdb.connect(str(sample / "published" / "marts.duckdb"), read_only=True) as marts:
        assert monday_tables.answered(marts, PAGE) == PAGE
    assert len(monday_tables.ASKED.findall(PAGE)) == PAGE.count("```sql")


def test_the_command_writes_what_a_crm_imports(sample, tmp_path, monkeypatch):
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PUBLISH_DIR", str(sample / "published"))
    monkeypatch.setenv("WAREHOUSE_PATH", str(sample / "warehouse.duckdb"))
    monkeypatch.setenv("EXPORT_DIR", str(tmp_path))
    (command,) = [line for block in SHELL.findall(PAGE) for line in block.splitlines()]
    result = run(*shlex.split(command)[1:])
    assert result.exit_code == 0, result.output
    with duckdb.connect() as connection:
        for mart in ("dim_customer_360", "fct_customer_triggers"):
            file = next(tmp_path.glob(f"csv-with-identifiers/builds/*/{mart}.csv"))
            head = [name for name, *_ in connection.execute(f"describe from '{file}'").fetchall()]
            for name in re.findall(r"`(email|customer_id|best_\w+)`", PAGE):
                assert name in head or mart == "fct_customer_triggers", name
            (without,) = connection.execute(
                f"select count(*) from '{file}' where email is null or email not like '%@%'"
            ).fetchone()
            assert without == 0
