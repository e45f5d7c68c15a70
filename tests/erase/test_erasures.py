"""The list of the erased, what is asked before an erasure, and the files it writes anew."""

import errno
import functools
import hashlib
import json
import os
import pty
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import hypothesis
import pytest
from hypothesis import strategies
from jinja_macros import CompilerError, Macros
from lifecycle import PROJECT, build_with_dbt, run
from tiny_refresh import (
    checked_number,
    command_line,
    environment,
    make_project,
    outcomes,
    run_tiny,
)

from python_helpers.cli.erase import ids_in
from python_helpers.core.errors import SettingsError
from python_helpers.delivery import erasures
from python_helpers.delivery.contract import personal_tables
from python_helpers.delivery.erasures import (
    add_to_list,
    check_list,
    checked_ids,
    finish_on_list,
    read_erasures,
    unfinished,
)
from python_helpers.erase.database import erase_in_database, replace_warehouse
from python_helpers.erase.files import erase_in_table
from python_helpers.erase.texts import Words, is_distinctive
from python_helpers.erase.values import canonical_id
from python_helpers.publishing.builds import live_build
from python_helpers.publishing.swap import settle_builds

CONTRACT = personal_tables(project_dir=PROJECT)
SPACES = " \u00a0\t\u2009\u3000\u200b\n"
STRANGE = ("o'neil", 'say "hi"; drop table x', "two\nlines", "Ζωή 42", "a|b", "7")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    make_project(tmp_path / "tiny")
    return tmp_path / "tiny"


# The list


def test_a_person_who_is_erased_again_keeps_the_tombstone(tmp_path):
    first = add_to_list(folder=tmp_path / "e", ids=["a", "b"])
    finish_on_list(folder=tmp_path / "e", tombstones=[each.tombstone_id for each in first.values()])
    assert unfinished(folder=tmp_path / "e") == 0
    again = add_to_list(folder=tmp_path / "e", ids=["b", "c"])
    assert again["b"].tombstone_id == first["b"].tombstone_id
    assert again["c"].tombstone_id not in {each.tombstone_id for each in first.values()}
    assert unfinished(folder=tmp_path / "e") == 2
    assert len(read_erasures(folder=tmp_path / "e")) == 3


def test_a_list_that_lost_its_key_is_not_given_another_one(tmp_path):
    add_to_list(folder=tmp_path, ids=["a"])
    (tmp_path / "key").unlink()
    with pytest.raises(SettingsError, match="is gone"):
        add_to_list(folder=tmp_path, ids=["b"])


@contextmanager
def broken(folder: Path, damage: str, /) -> Iterator[None]:
    """Do to a list and its key what a restored backup may do, and undo it."""
    kept = {path.name: path.read_bytes() for path in folder.glob("[!.]*")}
    if damage == "key is gone":
        (folder / "key").unlink()
    elif damage == "key is damaged":
        (folder / "key").write_text("0" * 63)
    elif damage == "is the key of another list":
        (folder / "key").write_text("0" * 64)
    elif damage == "erased.csv is gone":
        (folder / "erased.csv").unlink()
    yield
    for name, data in kept.items():
        (folder / name).write_bytes(data)


DAMAGES = ("key is gone", "key is damaged", "is the key of another list", "erased.csv is gone")


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_list_and_a_key_that_do_not_belong_together_stop_every_build(tmp_path, damage):
    folder = tmp_path / "erasures"
    add_to_list(folder=folder, ids=["a"])
    with duckdb.connect() as connection:
        macros = Macros(connection=connection)
        macros.settings["erasures_dir"] = str(folder)
        assert macros.has_erasures() is True
        with broken(folder, damage):
            with pytest.raises(SettingsError, match=damage):
                check_list(folder=folder)
            with pytest.raises(CompilerError, match=damage):
                macros.has_erasures()
            with pytest.raises(SettingsError, match=damage):
                add_to_list(folder=folder, ids=["b"])
        check_list(folder=folder)
        assert macros.has_erasures() is True
    assert len(read_erasures(folder=folder)) == 1


def test_without_a_list_or_with_an_empty_one_nobody_is_erased(tmp_path):
    with duckdb.connect() as connection:
        macros = Macros(connection=connection)
        macros.settings["erasures_dir"] = str(tmp_path)
        assert macros.has_erasures() is False
        (tmp_path / "erased.csv").write_text("id_hash,tombstone_id,erased_at,finished_at\n")
        assert macros.has_erasures() is False
    check_list(folder=tmp_path)


@pytest.mark.parametrize("written", [0, 1, 2])
def test_a_first_erasure_that_dies_over_its_list_stops_no_build(tmp_path, monkeypatch, written):
    files = []

    def die(*, path: Path, text: str) -> None:
        if len(files) == written:
            raise KeyboardInterrupt
        files.append(path)
        path.write_text(text)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(erasures, "write_private", die)
        add_to_list(folder=tmp_path, ids=["a"])
    check_list(folder=tmp_path)
    with duckdb.connect() as connection:
        macros = Macros(connection=connection)
        macros.settings["erasures_dir"] = str(tmp_path)
        assert macros.has_erasures() is False
    add_to_list(folder=tmp_path, ids=["a"])
    check_list(folder=tmp_path)
    assert len(read_erasures(folder=tmp_path)) == 1


def test_a_list_of_an_earlier_version_is_read_and_gets_its_key_the_next_time(tmp_path):
    key = "ab" * 32
    id_hash = hashlib.sha256(f"{key}a".encode()).hexdigest()
    (tmp_path / "key").write_text(key)
    (tmp_path / "erased.csv").write_text(
        "id_hash,tombstone_id,erased_at,finished_at\n"
        f"{id_hash},erased-1,2024-01-01T00:00:00+00:00,2024-01-01T00:00:00+00:00\n"
    )
    check_list(folder=tmp_path)
    assert add_to_list(folder=tmp_path, ids=["a", "b"])["a"].tombstone_id == "erased-1"
    assert len(read_erasures(folder=tmp_path)) == 2
    (tmp_path / "key").write_text("0" * 64)
    with pytest.raises(SettingsError, match="another list"):
        check_list(folder=tmp_path)


def test_plain_dbt_stops_with_one_line_where_the_key_is_of_another_list(tmp_path):
    add_to_list(folder=tmp_path / "erasures", ids=["a"])
    (tmp_path / "erasures" / "key").write_text("0" * 64)
    select = ["int_run_settings", "base_exchange_rates", "base_orders"]
    with pytest.raises(AssertionError, match="is the key of another list") as stopped:
        build_with_dbt(folder=tmp_path, select=select, ERASURES_DIR=tmp_path / "erasures")
    assert str(stopped.value).count("is the key of another list") == 1


def test_a_hundred_thousand_ids_take_seconds(tmp_path):
    started = time.monotonic()
    ids = [f"c{number}" for number in range(100_000)]
    add_to_list(folder=tmp_path, ids=ids)
    add_to_list(folder=tmp_path, ids=ids)
    words = Words(ids)
    assert words.cleaned("c99999 and c100000, " * 1000) == "*** and c100000, " * 1000
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        ([""], "empty"),
        (["  "], "empty"),
        (["anonymous"], "no customer"),
        (["erased-0123456789abcdef"], "erased before"),
        ([], "No customer is named"),
    ],
)
def test_ids_that_name_nobody_are_refused(ids, said):
    with pytest.raises(SettingsError, match=said):
        checked_ids(ids)


@hypothesis.settings(deadline=None)
@hypothesis.given(
    before=strategies.text(SPACES, max_size=4), behind=strategies.text(SPACES, max_size=4)
)
@hypothesis.example(before=" \u00a0", behind="")
@hypothesis.example(before="", behind="\u2009 ")
def test_an_id_is_the_same_to_staging_and_to_an_erasure_whatever_is_around_it(before, behind):
    staged = macros().raw_value("customer_id", {"customer_id": "varchar"})
    erased = canonical_id("customer_id", "VARCHAR")
    query = f"select {staged}, {erased} from (select $id as customer_id)"
    found = macros().connection.execute(query, {"id": f"{before}c7{behind}"}).fetchone()
    assert found[0] == found[1] == checked_ids([f"{before}c7{behind}"])[0]


@functools.cache
def macros() -> Macros:
    return Macros(connection=duckdb.connect())


def test_ids_are_read_from_lines_or_from_a_column_of_their_name(tmp_path):
    file = tmp_path / "ids"
    file.write_text("\ufeffa\r\n\nb,c\n", encoding="utf-8")
    assert ids_in(file) == ["a", "b,c"]
    file.write_text('name;Customer_ID\nx;"a"\ny;"say ""hi"""\n')
    assert ids_in(file) == ["a", 'say "hi"']
    file.write_bytes(b"M\xfcller\n")
    with pytest.raises(SettingsError, match="not UTF-8"):
        ids_in(file)


# Texts


def test_an_id_is_hidden_as_a_word_and_not_inside_another_one():
    words = Words(["c7", "ann@x.example", *STRANGE])
    text = "c7, c77 and xc7, c7-b: 'c7' ann@x.example o''neil Ζωή 42 two lines"
    hidden = "***, c77 and xc7, c7-b: '***' *** *** *** ***"
    assert words.cleaned(text) == hidden
    assert words.cleaned(json.dumps(STRANGE[1])) == '"***"'
    assert not is_distinctive("12345")
    assert is_distinctive("123456")


# Databases


def test_a_rewritten_warehouse_is_what_staging_makes_of_the_same_delivery(tmp_path):
    delivery = tmp_path / "delivery"
    delivery.mkdir()
    ids = ["o'neil", "Zoë 42", "7", "a|b"]
    (delivery / "customers.csv").write_text(
        "customer_id,created_at,email,full_name,region\n"
        + "".join(f"{id_},2024-01-01,{id_}@x.example,N {id_},north\n" for id_ in [*ids, "77"])
        + "".join(f"{id_},no day,{id_}@x.example,N {id_},north\n" for id_ in [*ids, "77"])
    )
    (delivery / "orders.csv").write_text(
        "order_id,customer_id,ordered_at,amount,status\n"
        + "".join(f"{n},{id_},2024-01-01,5,no word\n" for n, id_ in enumerate([*ids, "77"]))
        + "".join(f"9{n},{id_},2024-01-01,5,\n" for n, id_ in enumerate([*ids, "77"]))
    )
    (delivery / "campaign_members.csv").write_text(
        "campaign_id,customer_id,assigned_at\n"
        + "".join(f"k,{id_},no day\n" for id_ in [*ids, "77"])
    )
    select = ["+base_customers", "+base_orders", "+base_campaign_members", "+rejected_rows"]
    settings = {"RAW_INPUT": "files", "RAW_DATA_DIR": delivery, "ERASURES_DIR": tmp_path / "none"}
    build_with_dbt(folder=tmp_path, select=select, **settings).close()
    listed = add_to_list(folder=tmp_path / "erasures", ids=ids)
    warehouse = tmp_path / "warehouse.duckdb"
    replace_warehouse(
        warehouse=warehouse,
        tombstones={id_: each.tombstone_id for id_, each in listed.items()},
        contract=CONTRACT,
        config={},
    )
    queries = [
        "select * from restricted.base_customers order by all",
        "select * from restricted.base_orders order by all",
        "select * from restricted.base_campaign_members order by all",
        "select * exclude (reject_number) from marts.rejected_rows order by all",
    ]
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        rewritten = [connection.execute(query).fetchall() for query in queries]
    settings["ERASURES_DIR"] = tmp_path / "erasures"
    with build_with_dbt(folder=tmp_path, select=select, **settings) as connection:
        staged = [connection.execute(query).fetchall() for query in queries]
    assert staged == rewritten
    said = repr(staged)
    assert not [id_ for id_ in ids if f"N {id_}'" in said or f"'{id_}@" in said]
    assert "77@x.example" in said
    # neither the key nor an id is in what dbt leaves
    key = (tmp_path / "erasures" / "key").read_text()
    for path in (tmp_path / "target").rglob("*"):
        assert not path.is_file() or key.encode() not in path.read_bytes(), path


def test_ids_that_are_numbers_become_text_in_a_raw_table(tmp_path):
    warehouse = tmp_path / "w.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            """
            create schema raw;
            create table raw.orders (Customer_ID bigint not null, phone varchar, born date);
            insert into raw.orders values (7, '555', date '1980-01-01'), (77, '556', null);
            create view raw.phones as select phone from w.raw.orders;
            comment on table raw.orders is 'As delivered.';
            """
        )
    replace_warehouse(
        warehouse=warehouse, tombstones={"7": "erased-x"}, contract=CONTRACT, config={}
    )
    with duckdb.connect(str(warehouse)) as connection:
        rows = connection.execute("from raw.orders order by all").fetchall()
        assert rows == [("77", "556", None), ("erased-x", "erased", None)]
        assert len(connection.execute("from raw.phones").fetchall()) == 2
        assert "As delivered." in repr(connection.execute("from duckdb_tables()").fetchall())


def test_what_is_deleted_or_replaced_before_is_not_in_the_new_file(tmp_path):
    old = tmp_path / "w.duckdb"
    with duckdb.connect(str(old)) as connection:
        connection.execute("create table t as select 'Planted' || range as x from range(9)")
        connection.execute("checkpoint")
        connection.execute("create or replace table t as select 1 as x")
    assert b"Planted" in old.read_bytes()
    erase_in_database(
        database=old, to=tmp_path / "new", catalog="w", tombstones={}, contract=[], config={}
    )
    assert b"Planted" not in (tmp_path / "new").read_bytes()


def test_a_csv_file_stays_as_it_is_but_for_the_ids(tmp_path):
    file, to = tmp_path / "dim_customers.csv", tmp_path / "new.csv"
    file.write_text('customer_id,note,n\n7,"",1.50\n\'=7,,2\n77,"a ""b""",3\n')
    tombstones = {"7": "erased-x", "=7": "erased-y"}
    assert erase_in_table(file=file, to=to, tombstones=tombstones, contract=CONTRACT)
    assert to.read_text() == ('customer_id,note,n\nerased-x,"",1.50\nerased-y,,2\n77,"a ""b""",3\n')
    assert not erase_in_table(file=file, to=to, tombstones={"78": "x"}, contract=CONTRACT)


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_an_id_is_no_other_one_with_a_mark_before_it_or_a_space_behind(tmp_path, suffix):
    file, to = tmp_path / f"dim_customers.{suffix}", tmp_path / f"new.{suffix}"
    others = ["'7", "7\u00a0", "77", "07"]
    duckdb.execute(f"copy (select unnest($1) as customer_id) to '{file}'", [["7", " 7 ", *others]])
    assert erase_in_table(file=file, to=to, tombstones={"7": "erased-x"}, contract=CONTRACT)
    found = [row for (row,) in duckdb.sql(f"from '{to}'").fetchall()]
    assert found == ["erased-x", "erased-x", *others]


# The command


def test_the_folder_of_the_list_can_be_entered_whatever_the_umask(project):
    before = os.umask(0o077)
    try:
        assert run_tiny(project, "erase", "--customer", "c1", "--yes").returncode == 0
    finally:
        os.umask(before)
    assert (project / "erasures").stat().st_mode & 0o777 == 0o711
    assert (project / "erasures" / "key").stat().st_mode & 0o777 == 0o600


def test_a_damaged_key_is_not_used(project):
    assert run_tiny(project, "erase", "--customer", "c1", "--yes").returncode == 0
    (project / "erasures" / "key").write_text("x")
    result = run_tiny(project, "erase", "--customer", "c1", "--yes")
    assert result.returncode == 2
    assert "key is damaged: restore it from a backup." in result.stderr
    assert len(read_erasures(folder=project / "erasures")) == 1


def test_a_refresh_stops_before_it_builds_where_the_key_is_of_another_list(project):
    assert run_tiny(project, "refresh", NUMBER=1).returncode == 0
    assert run_tiny(project, "erase", "--customer", "c1", "--yes").returncode == 0
    (project / "erasures" / "key").write_text("0" * 64)
    result = run_tiny(project, "refresh", NUMBER=2)
    assert result.returncode == 2
    assert "is the key of another list" in result.stderr
    assert checked_number(project / "published") == 1


@pytest.mark.parametrize("file", ["marts.duckdb", "manifest.json"])
@pytest.mark.parametrize("damage", ["{}", None])
def test_a_kept_build_that_is_damaged_is_removed_and_blocks_nobody(project, file, damage):
    published = project / "published"
    for number in (1, 2):
        assert run_tiny(project, "refresh", NUMBER=number).returncode == 0
    old, live = sorted((published / "builds").iterdir())
    (old / file).unlink()
    if damage:
        (old / file).write_text(damage)
    result = run_tiny(project, "erase", "--customer", "c1", "--yes")
    assert result.returncode == 0, result.stderr
    assert list((published / "builds").iterdir()) == [live]
    assert checked_number(published) == 2


def test_without_a_terminal_somebody_has_to_say_yes(project):
    result = run_tiny(project, "erase", "--customer", "c1")
    assert result.returncode == 2
    assert "add --yes" in result.stderr
    assert not (project / "erasures").exists()


def answered(project: Path, answer: str, /) -> tuple[int, str]:
    """Erase on a terminal, and answer what it asks; returns the exit code and what was said."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command_line(project, "erase", "--customer", "c1"),
        env=environment(),
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    os.write(ours, answer.encode())
    said, _ = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    return process.returncode, said


@pytest.mark.parametrize("answer", ["n\n", "\n", "\x04"])
def test_on_a_terminal_it_asks_and_no_changes_nothing(project, answer):
    exit_code, said = answered(project, answer)
    assert exit_code == 1
    assert "Erase 1 person from" in said
    assert f"{project / 'published'}" in said
    assert "It cannot be undone. [y/N]:" in said
    assert "Aborted!" in said
    assert not (project / "erasures").exists()


def test_on_a_terminal_yes_erases(project):
    exit_code, said = answered(project, "y\n")
    assert exit_code == 0, said
    assert "On the list: 1 person." in said
    assert len(read_erasures(folder=project / "erasures")) == 1


def test_an_id_with_a_blank_is_one_id_in_the_variable_too(project):
    result = run_tiny(project, "erase", "--yes", ERASE_CUSTOMER="two words\nc1")
    assert result.returncode == 0, result.stderr
    assert len(read_erasures(folder=project / "erasures")) == 2


def test_who_is_known_nowhere_is_on_the_list_all_the_same(project):
    assert run_tiny(project, "refresh", NUMBER=1).returncode == 0
    result = run_tiny(project, "erase", "--customer", "nobody", "--yes")
    assert result.returncode == 0, result.stderr
    assert "Nothing that is kept has a row of them. On the list: 1 person." in result.stdout
    assert len(read_erasures(folder=project / "erasures")) == 1
    assert outcomes(project / "published")[-1] == ("erased", None)
    assert checked_number(project / "published") == 1


def test_an_erasure_that_was_not_finished_is_told_of_until_it_is(project):
    add_to_list(folder=project / "erasures", ids=["c1"])
    assert "1 erasure was begun and not finished" in run_tiny(project, "status").stdout
    assert "begun and not finished" in run_tiny(project, "refresh", NUMBER=1).stderr
    assert run_tiny(project, "erase", "--customer", "c1", "--yes").returncode == 0
    assert "begun and not finished" not in run_tiny(project, "status").stdout


def test_who_may_not_read_the_list_sees_the_rest_of_the_status(project, monkeypatch):
    assert run_tiny(project, "refresh", NUMBER=1).returncode == 0
    add_to_list(folder=project / "erasures", ids=["c1"])
    # as root may read everything, the refusal of the operating system is played
    read_text = Path.read_text

    def refused(path: Path, *arguments: object, **named: object) -> str:
        if path.name == "erased.csv":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return read_text(path, *arguments, **named)

    monkeypatch.setattr(Path, "read_text", refused)
    arguments = ("status", "--project-dir", project, "--publish-dir", project / "published")
    said = run(*arguments)
    assert said.exit_code == 0, said.output
    assert "unknown: this user may not read the list" in said.output
    facts = json.loads(run(*arguments, "--json").output)
    assert facts["unfinished_erasures"] is None
    assert facts["live"]["rows"]["fct_orders"] == 1000


def test_a_database_it_was_exported_to_is_named_until_it_is_exported_again(project):
    assert run_tiny(project, "refresh", NUMBER=1).returncode == 0
    export = project / "exports" / "postgres" / "builds" / "20240701T000000Z"
    export.mkdir(parents=True)
    manifest = {
        "build_id": "x",
        "exported_at": "2024-07-01T00:00:00+00:00",
        "postgres": {"schema": "marts", "database": "shop", "server": "db:5432"},
        "files": {},
    }
    (export / "manifest.json").write_text(json.dumps(manifest))
    looked = run_tiny(project, "erase", "--customer", "c1", "--dry-run").stdout
    assert "where nobody has looked: schema marts of shop on db:5432." in looked
    result = run_tiny(project, "erase", "--customer", "c1", "--yes")
    assert result.returncode == 3
    assert "schema marts of shop on db:5432" in result.stderr
    assert unfinished(folder=project / "erasures") == 1
    newer = export.with_name("20990701T000000Z")
    newer.mkdir()
    manifest["exported_at"] = "2099-07-01T00:00:00+00:00"
    (newer / "manifest.json").write_text(json.dumps(manifest))
    assert run_tiny(project, "erase", "--customer", "c1", "--yes").returncode == 0


def test_a_replacement_that_was_left_behind_takes_its_place(project):
    published = project / "published"
    for number in (1, 2):
        assert run_tiny(project, "refresh", NUMBER=number).returncode == 0
    first, second = sorted((published / "builds").iterdir())
    # killed between the removal of the old folder and the name of the new one, live and not
    first.rename(f"{first}~")
    second.rename(f"{second}~")
    (published / "current").unlink()
    (published / "current").symlink_to(Path("builds", f"{second.name}~"))
    assert checked_number(published) == 2
    settle_builds(publish_dir=published)
    assert sorted((published / "builds").iterdir()) == [first, second]
    assert live_build(publish_dir=published) == second
    assert checked_number(published) == 2


def test_another_user_cannot_build_past_the_list(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    folder = tmp_path / "erasures"
    add_to_list(folder=folder, ids=["a"])
    assert oct(folder.stat().st_mode & 0o777) == "0o711"
    assert oct((folder / "erased.csv").stat().st_mode & 0o777) == "0o600"
