"""The list of erased customers, and the ids that a command takes."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest
from jinja_macros import CompilerError, Macros
from lifecycle import build_with_dbt

from python_helpers.cli.erase import ids_in
from python_helpers.core.errors import SettingsError
from python_helpers.delivery import erasures
from python_helpers.delivery.erasures import (
    add_to_list,
    check_list,
    checked_ids,
    finish_on_list,
    id_of_address,
    make_salt,
    read_erasures,
    unfinished,
)
from python_helpers.erase.people import People, known_ids


def test_a_customer_who_is_erased_again_keeps_the_tombstone(tmp_path):
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

    def die(path: Path, content: str, *, mode: int) -> None:
        if len(files) == written:
            raise KeyboardInterrupt
        files.append(path)
        path.write_text(content)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(erasures, "replace_text", die)
        add_to_list(folder=tmp_path, ids=["a"])
    check_list(folder=tmp_path)
    with duckdb.connect() as connection:
        macros = Macros(connection=connection)
        macros.settings["erasures_dir"] = str(tmp_path)
        assert macros.has_erasures() is False
    add_to_list(folder=tmp_path, ids=["a"])
    check_list(folder=tmp_path)
    assert len(read_erasures(folder=tmp_path)) == 1


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
    listed = add_to_list(folder=tmp_path, ids=ids)
    assert add_to_list(folder=tmp_path, ids=ids) == listed
    people = People(tombstones={id_: each.tombstone_id for id_, each in listed.items()})
    hidden = people.hidden_in(["c99999 and c100000, " * 1000])
    assert hidden == ["*** and c100000, " * 1000]
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        ([""], "Invalid customer id ''"),
        (["  "], "Invalid customer id ''"),
        (["anonymous"], "Invalid customer id 'anonymous'"),
        (["a", "erased-0123456789abcdef"], "Invalid customer id 'erased-0123456789abcdef'"),
        ([], "No customer is named"),
    ],
)
def test_ids_that_name_no_customer_are_refused(ids, said):
    with pytest.raises(SettingsError, match=said):
        checked_ids(ids)


def test_ids_are_read_from_lines_or_from_a_column_of_their_name(tmp_path):
    file = tmp_path / "ids"
    file.write_text("\ufeffa\r\n\nb,c\n", encoding="utf-8")
    assert ids_in(file) == ["a", "b,c"]
    file.write_text('name;Customer_ID\nx;"a"\ny;"say ""hi"""\n')
    assert ids_in(file) == ["a", 'say "hi"']
    file.write_bytes(b"M\xfcller\n")
    with pytest.raises(SettingsError, match="not UTF-8"):
        ids_in(file)


# Who is meant


def test_a_customer_is_named_by_an_address_or_by_the_id_of_a_system(tmp_path):
    make_salt(folder=tmp_path)
    anna = id_of_address(" Anna@Example.com", folder=tmp_path)
    assert anna == id_of_address("anna@example.com", folder=tmp_path)
    settings = SimpleNamespace(warehouse=tmp_path / "w.duckdb", erasures_dir=tmp_path)
    # nobody is known: every way in which a delivery may name her goes on the list
    assert set(known_ids(["anna@example.com"], settings=settings)) == {"anna@example.com", anna}
    with duckdb.connect(str(settings.warehouse)) as warehouse:
        warehouse.execute("create schema intermediate")
        warehouse.execute(
            "create table intermediate.int_customers as "
            "from (values ($1, '7001, cus_1'), ('b', 'cus_2'), ('c', '55'), ('d', '55')) "
            "as t (customer_id, source_customer_id)",
            [anna],
        )
    for named in ("anna@example.com", "7001", "cus_1", anna):
        assert known_ids([named], settings=settings) == [anna]
    assert known_ids(["cus_2", "7001", "nobody"], settings=settings) == ["b", anna, "nobody"]
    with pytest.raises(SettingsError, match="55 is the id of several customers"):
        known_ids(["55"], settings=settings)


def test_the_salt_is_made_once(tmp_path):
    make_salt(folder=tmp_path)
    salt = (tmp_path / "salt").read_text()
    assert re.fullmatch("[0-9a-f]{64}", salt)
    make_salt(folder=tmp_path, is_first=False)
    assert (tmp_path / "salt").read_text() == salt
    with pytest.raises(SettingsError, match="is gone"):
        make_salt(folder=tmp_path / "other", is_first=False)
    assert (tmp_path / "salt").stat().st_mode & 0o777 == 0o600
    for damaged in ("", f"{salt}\n"):
        (tmp_path / "salt").write_text(damaged)
        with pytest.raises(SettingsError, match="is damaged"):
            make_salt(folder=tmp_path)
