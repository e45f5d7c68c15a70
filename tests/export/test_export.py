"""Exports to files: they hold the marts, change all at once, and bad input is one line."""

import csv
import json
import os
import shutil
import tempfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from exporting import publish_tables
from hypothesis import given, settings
from hypothesis import strategies as st
from lifecycle import VARIABLES, run
from tiny_refresh import make_project

from python_helpers.core.locks import holder, locked, publish_lock, reading_lock
from python_helpers.export import run as export_module
from python_helpers.publishing import reader as published_reader
from python_helpers.publishing import writing as writing_module
from python_helpers.publishing.builds import check_files, live_build, read_manifest
from python_helpers.publishing.records import read_records

TABLES = """
    create table fct_orders as
        select
            'o' || range as order_id,
            ((range - 2) / 4)::decimal(18, 2) as amount,
            date '2024-01-01' + range::integer as order_date,
            timestamp '2024-01-01 10:00:00' + range * interval 1 hour as ordered_at,
            range % 2 = 0 as is_first,
            range / 3 as score
        from range(5);
    comment on table fct_orders is 'One row per order.';
    comment on column fct_orders.amount is 'Unit: reporting currency.';
    create table dim_customers as select 'ann' as customer_id;
"""
TRIGGERS = ("=", "+", "-", "@", "\t", "\r")


@pytest.fixture(autouse=True)
def _no_settings_of_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    publish_dir = make_project(tmp_path / "tiny")
    publish_tables(publish_dir, sql=TABLES)
    return tmp_path / "tiny"


def export(project: Path, *arguments: object, code: int = 0) -> str:
    """Export; returns what was said."""
    result = run("export", "--project-dir", project, *arguments)
    assert result.exit_code == code, result.output
    return result.output


def current(project: Path, file_format: str = "parquet") -> Path:
    """Return the folder of the last export, checked."""
    folder = live_build(publish_dir=project / "exports" / file_format)
    check_files(build=folder)
    return folder


# What is written


def test_parquet_holds_the_rows_and_types_of_the_marts(project):
    said = export(project)
    folder = current(project)
    assert {path.name for path in folder.iterdir()} == {
        *("dim_customers.parquet", "fct_orders.parquet", "manifest.json"),
    }
    with duckdb.connect(str(project / "published" / "marts.duckdb"), read_only=True) as marts:
        for mart in ("fct_orders", "dim_customers"):
            written = f"from '{folder / mart}.parquet'"
            assert marts.sql(written).fetchall() == marts.sql(f"from {mart}").fetchall()
            assert marts.sql(written).types == marts.sql(f"from {mart}").types
    assert "Exported 2 marts of build 20" in said
    assert "6 rows" in said


def test_the_manifest_says_what_it_is_and_what_its_columns_mean(project):
    export(project)
    folder = current(project)
    manifest = read_manifest(build=folder)
    assert manifest["export_id"] == folder.name
    assert manifest["build_id"] == live_build(publish_dir=project / "published").name
    assert manifest["as_of_date"] == "2024-06-30"
    assert manifest["reporting_currency"] == "EUR"
    assert manifest["format"] == "parquet"
    assert manifest["selection"] == {"select": [], "exclude": []}
    assert manifest["rows"] == {"dim_customers": 1, "fct_orders": 5}
    orders = manifest["marts"]["fct_orders"]
    assert orders["description"] == "One row per order."
    assert orders["columns"][1] == {
        **{"name": "amount", "type": "DECIMAL(18,2)", "description": "Unit: reporting currency."},
    }
    (record,) = read_records(publish_dir=project / "exports" / "parquet")
    assert (record["outcome"], record["build_id"]) == ("exported", manifest["build_id"])
    assert record["rows"] == manifest["rows"]
    assert record["seconds"].keys() == {"export"}


def test_files_are_read_only_and_nothing_hidden_is_left(project):
    export(project)
    folder = current(project)
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o440}
    assert not list((project / "exports").rglob(".incomplete-*"))
    assert not list((project / "exports").rglob("spill"))


def test_a_build_exported_twice_is_two_exports_and_the_last_five_are_kept(project):
    for _ in range(6):
        export(project)
    builds = sorted(path.name for path in (project / "exports/parquet/builds").iterdir())
    assert len(builds) == 5
    assert current(project).name == builds[-1]
    export(project, "--keep-exports", 2)
    assert len(list((project / "exports/parquet/builds").iterdir())) == 2


def test_a_kept_build_can_be_exported_after_a_newer_one(project):
    old = live_build(publish_dir=project / "published").name
    publish_tables(project / "published", sql="create table fct_new as select 1 as a")
    export(project)
    assert read_manifest(build=current(project))["rows"] == {"fct_new": 1}
    export(project, "--build", old)
    assert read_manifest(build=current(project))["build_id"] == old


def test_a_selection_is_that_of_dbt_among_what_is_published(project, monkeypatch):
    asked = []

    def selected(**words: object) -> set[str]:
        asked.append((words["select"], words["exclude"]))
        return {"fct_orders", "stg_orders"}

    monkeypatch.setattr("python_helpers.warehouse.selection.selected_models", selected)
    for words in (
        ("--select", "marts.core tag:a", "--select", "+b", "--exclude", "c"),
        ("--select", "marts.core", "tag:a", "+b", "--exclude", "c"),
        ("--exclude=c", "--select=marts.core", "tag:a", "--raw-text", "--select", "+b"),
    ):
        export(project, *words)
        assert asked.pop() == (("marts.core", "tag:a", "+b"), ("c",))
    monkeypatch.setenv("EXPORT_SELECT", "marts.core tag:a +b")
    export(project, "--exclude", "c")
    assert asked.pop() == (("marts.core", "tag:a", "+b"), ("c",))
    monkeypatch.delenv("EXPORT_SELECT")
    assert read_manifest(build=current(project))["rows"] == {"fct_orders": 5}
    monkeypatch.setattr(
        "python_helpers.warehouse.selection.selected_models", lambda **_: {"stg_orders"}
    )
    assert "The selection has no mart of build" in export(project, "--select", "x", code=2)


SMALL_PROJECT = {
    "dbt_project.yml": "name: small\nversion: 0.0.1\nprofile: customer_lifecycle_warehouse\n",
    "models/core/fct_orders.sql": "select 1 as order_id",
    "models/core/dim_customers.sql": "select 'ann' as customer_id",
    "models/staging/stg_orders.sql": "select 1 as order_id",
    "selectors.yml": "selectors: [{name: orders, definition: fct_orders}]\n",
}


def test_dbt_answers_selections_without_a_warehouse(project):
    for name, text in SMALL_PROJECT.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    (project / "profiles.yml").write_text(
        "customer_lifecycle_warehouse: {target: dev, outputs: {dev: {type: duckdb, path: no/w}}}"
    )
    for selection, marts in {
        "core": {"fct_orders", "dim_customers"},
        "fct_orders stg_orders": {"fct_orders"},
        "core --exclude dim_customers": {"fct_orders"},
        "selector:orders": {"fct_orders"},
        "selector:orders dim_customers": {"fct_orders", "dim_customers"},
    }.items():
        select, _, exclude = selection.partition(" --exclude ")
        export(project, "--select", select, *(["--exclude", exclude] if exclude else []))
        assert read_manifest(build=current(project))["rows"].keys() == marts, selection
    assert "The selection has no mart" in export(project, "--select", "staging", code=2)
    # what was to be withheld would be written
    for words in (("--select", "nothing"), ("--exclude", "dim_customrs")):
        said = export(project, "--select", "core", *words, code=2)
        assert f"Nothing in the project is selected by '{words[1]}'" in said
    assert "cannot be read" in export(project, "--select", "no_such_method:x", code=2)


# Texts in CSV


def csv_rows(file: Path, /) -> list[list[str]]:
    csv.field_size_limit(10**9)
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.reader(lines))


def test_csv_tells_null_from_an_empty_text_and_keeps_numbers_dates_and_times(project):
    publish_tables(
        project / "published",
        sql="""
        create table t as select * from (values
            (null, '', -1.50::decimal(18, 2), date '2024-01-02', timestamp '2024-01-02 03:04:05',
            true, -0.1::double),
            ('a', 'b', null, null, null, null, null)
        ) as rows (a, b, c, d, e, f, g)
        """,
    )
    export(project, "--format", "csv")
    text = (current(project, "csv") / "t.csv").read_text(encoding="utf-8")
    assert text == 'a,b,c,d,e,f,g\n,"",-1.50,2024-01-02,2024-01-02 03:04:05,true,-0.1\na,b,,,,,\n'


@pytest.mark.parametrize(
    "formula",
    [
        *("=1+1", "+1", "-1", "@sum(a1)", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", "\u3000-1"),
        *("\uff1d1", "\x00=1", "  \ufeff@a", "\x00\r", " \ta", "=cmd|' /C calc'!A0", "+"),
    ],
)
def test_a_text_that_reads_as_a_formula_gets_a_quote_and_raw_text_none(project, formula):
    literal = "||".join(f"chr({ord(character)})" for character in formula)
    publish_tables(project / "published", sql=f"create table t as select {literal} as a, 1 as b")
    export(project, "--format", "csv")
    assert csv_rows(current(project, "csv") / "t.csv")[1][0] == f"'{formula}"
    export(project, "--format", "csv", "--raw-text")
    assert csv_rows(current(project, "csv") / "t.csv")[1][0] == formula


@pytest.mark.parametrize("harmless", ["a=1", "1-1", "'=1", "jane@example.com", "", " a", "é"])
def test_other_texts_are_left_as_they_are(project, harmless):
    literal = f"'{harmless.replace(chr(39), chr(39) * 2)}'"
    publish_tables(project / "published", sql=f"create table t as select {literal} as a, 1 as b")
    export(project, "--format", "csv")
    assert csv_rows(current(project, "csv") / "t.csv")[1][0] == harmless


TEXTS = st.one_of(
    st.none(),
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.tuples(
        st.sampled_from([*TRIGGERS, " ", "\n", '"', ",", "'", "\x00"]), st.text(max_size=5)
    ).map("".join),
    st.text("a", min_size=1, max_size=1).map(lambda letter: letter * 200_000),
).filter(lambda text: text is None or text.encode("utf-8", "ignore").decode() == text)
ROWS = st.lists(
    st.tuples(
        st.integers(-(10**15), 10**15),
        TEXTS,
        st.none() | st.decimals(-(10**15), 10**15, places=2),
        st.none() | st.floats(allow_nan=False, allow_infinity=False),
        st.none() | st.dates(date(1900, 1, 1)),
        st.none() | st.datetimes(datetime(1900, 1, 1)),
    ),
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(rows=ROWS)
def test_what_a_csv_reader_gets_is_the_mart_and_no_text_is_a_formula(rows):
    with tempfile.TemporaryDirectory() as folder:
        publish_dir = make_project(Path(folder))
        database = Path(folder) / "rows.duckdb"
        with duckdb.connect(str(database)) as connection:
            connection.execute(
                "create table t (id bigint, said varchar, amount decimal(18, 2), "
                "rate double, day date, stamp timestamp)"
            )
            if rows:
                connection.executemany("insert into t values (?, ?, ?, ?, ?, ?)", rows)
        publish_tables(
            publish_dir, sql=f"attach '{database}' as r; create table t as from r.t; detach r"
        )
        export(Path(folder), "--format", "csv")
        header, *read = csv_rows(current(Path(folder), "csv") / "t.csv")
    assert header == ["id", "said", "amount", "rate", "day", "stamp"]
    assert len(read) == len(rows)
    for (key, said, amount, rate, day, at), cells in zip(rows, read, strict=True):
        assert int(cells[0]) == key
        assert cells[1] in ((said or ""), f"'{said}")
        assert not cells[1].lstrip(" \n\x00").startswith(TRIGGERS)
        assert not cells[1].startswith(TRIGGERS)
        if said and said[0].isalnum():
            assert cells[1] == said
        assert (Decimal(cells[2]) if cells[2] else None) == amount
        assert (float(cells[3]) if cells[3] else None) == rate
        assert (date.fromisoformat(cells[4]) if cells[4] else None) == day
        assert (datetime.fromisoformat(cells[5]) if cells[5] else None) == at


# Bad input


def test_nothing_published_is_one_line(tmp_path):
    make_project(tmp_path / "tiny")
    assert "Nothing is published in" in export(tmp_path / "tiny", code=3)
    assert not (tmp_path / "tiny" / "exports").exists()


EVIL = ["no'such", 'a"b', "x; drop table t", "line\nbreak", "../..", "$(id)", ""]


@pytest.mark.parametrize("evil", EVIL)
def test_names_with_quotes_and_semicolons_are_names_that_are_not_there(project, evil):
    assert "There is no build" in export(project, "--build", evil, code=3)


@pytest.mark.parametrize("evil", EVIL[:4])
def test_a_folder_may_be_called_anything(project, evil):
    export(project, "--export-dir", project / evil)
    export(project, "--format", "csv", "--export-dir", project / evil)
    check_files(build=live_build(publish_dir=project / evil / "csv"))


def test_an_empty_selection_is_not_everything(project):
    said = export(project, "--select", "", code=2)
    assert "Invalid value for '--select'" in said
    assert "it is empty" in said


def test_a_folder_in_the_way_of_the_link_is_told_before_the_export(project):
    (project / "exports" / "parquet" / "current").mkdir(parents=True)
    assert "was not made by publishing" in export(project, code=3)
    assert not list((project / "exports" / "parquet" / "builds").glob("*"))


@pytest.mark.parametrize("evil", ["--profiles-dir", "-x"])
def test_a_selection_is_no_option_of_dbt(project, evil):
    assert "looks like an option" in export(project, f"--select={evil} a", code=2)


def test_a_damaged_build_is_not_exported(project):
    export(project)
    before = current(project)
    database = live_build(publish_dir=project / "published") / "marts.duckdb"
    database.chmod(0o644)
    with database.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        (last,) = file.read(1)
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last ^ 1]))
    assert "is damaged: marts.duckdb has changed since it was published" in export(project, code=3)
    database.write_bytes(b"no database")
    assert "is damaged" in export(project, code=3)
    database.unlink()
    assert "is damaged" in export(project, code=3)
    assert current(project) == before


def test_an_export_folder_that_is_a_file_is_one_line(project):
    (project / "file").touch()
    assert "is a file" in export(project, "--export-dir", project / "file", code=2)
    (project / "exports").mkdir()
    (project / "exports" / "parquet").touch()
    said = export(project, code=3)
    assert "Choose another folder." in said


@pytest.mark.parametrize("size", ["banana", "4", "80%", "4XB", "-4GB"])
@pytest.mark.parametrize("limit", ["memory", "spill"])
@pytest.mark.parametrize("command", ["export", "refresh"])
def test_a_limit_that_is_no_size_is_one_line(project, command, limit, size):
    option = {"memory": "--memory-limit", "spill": "--max-spill"}[limit]
    result = run(command, "--project-dir", project, option, size)
    assert result.exit_code == 2, result.output
    (line,) = result.output.splitlines()
    assert line == f"Error: Invalid {limit} limit '{size}'. Use a size such as 4GB."


@pytest.mark.parametrize("command", ["export", "refresh"])
@pytest.mark.parametrize("number", ["0", "1025", "9" * 30, "many"])
def test_threads_that_no_machine_has_are_refused(project, command, number):
    result = run(command, "--project-dir", project, "--threads", number)
    assert result.exit_code == 2, result.output
    assert "--threads" in result.output


def test_one_mart_is_called_one(project):
    publish_tables(project / "published", sql="create table t as select 1 as a")
    assert "Exported 1 mart of build" in export(project)
    assert "1 row," in export(project)


# Beside other runs


def test_an_export_waits_for_no_refresh_and_keeps_a_build_that_is_removed(project, monkeypatch):
    old = live_build(publish_dir=project / "published")
    write_mart = export_module.write_mart

    def write(**arguments: object) -> int:
        if old.exists():  # as a refresh removes it
            for path in old.iterdir():
                path.unlink()
            old.rmdir()
        return write_mart(**arguments)

    monkeypatch.setattr(export_module, "write_mart", write)
    with locked(publish_lock(publish_dir=project / "published"), command="lifecycle refresh"):
        export(project)
    assert read_manifest(build=current(project))["rows"]["fct_orders"] == 5


@pytest.mark.parametrize("step", ["read_manifest", "check_files"])
def test_a_build_that_is_removed_before_it_is_checked_gives_way_to_the_live_one(
    project, monkeypatch, step
):
    old = live_build(publish_dir=project / "published")
    publish_tables(project / "published", sql="create table fct_new as select 1 as a")
    olds = [old]
    find_build = published_reader.find_build
    do_step = getattr(published_reader, step)

    def choose(**arguments: object) -> Path:
        return olds.pop() if olds else find_build(**arguments)

    def remove_first(*, build: Path) -> object:
        if build == old:
            shutil.rmtree(build)
        return do_step(build=build)

    monkeypatch.setattr(published_reader, "find_build", choose)
    monkeypatch.setattr(published_reader, step, remove_first)
    export(project)
    assert read_manifest(build=current(project))["rows"] == {"fct_new": 1}


def test_who_takes_rows_out_of_builds_and_exports_can_keep_exports_away(project):
    with locked(reading_lock(publish_dir=project / "published"), command="lifecycle other"):
        said = export(project, code=6)
    assert "published is locked by lifecycle other" in said


def test_an_export_holds_that_lock_to_its_end(project, monkeypatch):
    seen = []
    make_live = writing_module.make_live

    def look(**arguments: object) -> None:
        seen.append(holder(reading_lock(publish_dir=project / "published"))[1])
        make_live(**arguments)

    monkeypatch.setattr(writing_module, "make_live", look)
    export(project)
    assert seen == [True]


def test_two_exports_of_a_format_to_one_folder_are_one_after_the_other(project):
    with locked(publish_lock(publish_dir=project / "exports" / "csv"), command="other"):
        assert "is locked by other" in export(project, "--format", "csv", code=6)
        export(project, "--format", "parquet")


def test_the_log_has_the_phase_with_its_seconds(project, tmp_path):
    log = tmp_path / "log.jsonl"
    export(project, "--log-file", log)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    events = [(line["phase"], line["event"]) for line in lines]
    assert ("export", "started") in events
    assert ("export", "finished") in events
    assert events[-1][1] in ("run exported", "finished")
