"""Files as disks, browsers and attackers leave them: their names, kinds, numbers and sizes."""

import os
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from lifecycle import PROJECT, run

from python_helpers.core.errors import RawDataError
from python_helpers.delivery.contract import raw_tables
from python_helpers.delivery.files import LONGEST_LINE, check_delivery, fault_of, raw_files
from python_helpers.delivery.rendering import Macros

HEADER = "order_id,customer_id,ordered_at,amount\n"
ROW = "{},c1,2024-01-01,5\n"
TABLES = raw_tables(project_dir=PROJECT)


@contextmanager
def delivered(folder: Path, /, *, threads: int = 2, memory: str = "1GB") -> Iterator[Macros]:
    """Look at a folder with the project's macros."""
    with duckdb.connect() as connection:
        connection.execute(f"set threads = {threads}; set memory_limit = '{memory}'")
        connection.execute("set preserve_insertion_order = false; set TimeZone = 'UTC'")
        yield Macros(
            connection=connection,
            project_dir=PROJECT,
            settings={"raw_input": "files", "raw_data_dir": str(folder)},
        )


def rows_read(macros: Macros, /) -> list[tuple[str, str]]:
    """Return the key of each order that is read, with the path of its file."""
    raw = macros.union_by_name(macros.raw_parts("orders"))
    sql = f"select order_id, {raw['file_name']} from {raw['relation']} order by all"
    return macros.connection.execute(sql).fetchall()


# Many


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("count", [300, pytest.param(5000, marks=pytest.mark.faults)])
def test_many_small_files_are_read_in_the_memory_of_a_few(tmp_path, count, kind):
    for number in range(count):
        (tmp_path / f"orders_{number}.csv").write_text(HEADER + ROW.format(number))
        if kind == "parquet":
            source = tmp_path / f"orders_{number}.csv"
            duckdb.sql(f"copy (from '{source}') to '{source.with_suffix('.parquet')}'")
            source.unlink()
    with delivered(tmp_path, threads=1, memory="250MB") as macros:
        assert len(rows_read(macros)) == count


def test_files_with_another_header_each_are_read_in_the_memory_of_a_few(tmp_path):
    for number in range(60):
        header = HEADER.replace("\n", f",extra_{number}\n")
        row = ROW.format(number).replace("\n", ",x\n")
        (tmp_path / f"orders_{number}.csv").write_text(header + row)
    with delivered(tmp_path, threads=1, memory="250MB") as macros:
        assert len(rows_read(macros)) == 60


# Names

PARTS = st.sampled_from(
    (
        *("[1]", "1", "*", "?", "[!a]", "a", "{1,2}", "]", "[", "~", "'", '"', "%41", "#", "."),
        *("_", " ", "\n", "\t", "é", "e\u0301", "🔑", "$HOME", ";", ":", "-", "(1)", "ORDERS"),
    )
)
names = st.builds(
    "{}{}{}".format,
    st.sampled_from(["orders", "orders_", "Orders_", "order", "orders."]),
    st.lists(PARTS, max_size=4).map("".join),
    st.sampled_from([".csv", ".CSV", ".txt", ".csv.bak", ".xlsx", ""]),
)


def check_names(folder: Path, found: list[str], /) -> None:
    """Deliver a row in each file; each file is read once, or named as one that is not read."""
    for number, name in enumerate(found):
        (folder / name).write_text(HEADER + ROW.format(number))
    listed = {
        str(path) for table, path in raw_files(folder=folder, tables=TABLES) if table == "orders"
    }
    rows = {str(folder / name): str(number) for number, name in enumerate(found)}
    with delivered(folder) as macros:
        assert set(macros.raw_files("orders")) == listed
        if listed:
            assert rows_read(macros) == sorted((rows[path], path) for path in listed)
        macros.warn_of_ignored_files()
    said = " ".join(macros.warnings)
    for path in rows.keys() - listed:
        assert path in said or Path(path).name.startswith((".", "_"))


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(found=st.lists(names, min_size=1, max_size=6, unique_by=str.lower))
@example(found=["orders_[1].csv", "orders_1.csv"])
@example(found=["orders_*.csv", "orders_a.csv", "orders_?.csv"])
@example(found=["orders.2024.csv", "orders.csv"])
def test_each_file_is_read_once_whatever_its_name(tmp_path_factory, found):
    check_names(tmp_path_factory.mktemp("names"), found)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (b"orders_\xff.csv", r"orders: {}/orders_\xff.csv has a name that is not UTF-8. Rename"),
        # DuckDB lists no folder that has it
        (b"r\xe9sum\xe9.pdf", r"raw data: {}/r\xe9sum\xe9.pdf has a name that is not UTF-8."),
        (b"orders_\\[1].csv", r"orders: {}/orders_\[1].csv has a backslash in its name. Rename"),
    ],
)
def test_a_name_that_cannot_be_read_is_told(tmp_path, name, said):
    (tmp_path / "orders.csv").write_text(HEADER)
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))).write_text(HEADER)
    with pytest.raises(RawDataError, match=re.escape(said.format(tmp_path))):
        check_delivery(folder=tmp_path, project_dir=PROJECT)


# Kinds


def link_out(path: Path) -> None:
    """Link to a private file."""
    path.symlink_to("/etc/hostname")


def link_to_a_link(path: Path) -> None:
    """Link to a link that leads out."""
    path.with_name("there").symlink_to("/etc/hostname")
    path.symlink_to("there")


def loop(path: Path) -> None:
    """Link to itself."""
    path.symlink_to(path.name)


def named_socket(path: Path) -> None:
    """Make a socket. The path of one is short, so it is made from within the folder."""
    before = Path.cwd()
    os.chdir(path.parent)
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(path.name)
    os.chdir(before)


KINDS: Mapping[str, tuple[Callable[[Path], None], str]] = {
    "link out": (link_out, "is a link to a place outside the delivery. Deliver the file itself."),
    "link to a link": (link_to_a_link, "is a link to a place outside the delivery."),
    "link to a device": (lambda path: path.symlink_to("/dev/zero"), "is a link to a place"),
    "loop": (loop, "is a link that leads nowhere."),
    "pipe": (os.mkfifo, "is a pipe, a socket or a device. Deliver a file."),
    "socket": (named_socket, "is a pipe, a socket or a device."),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["orders_2.csv", "orders_2.parquet", "orders/2.csv.gz"])
def test_what_is_no_file_of_the_delivery_is_never_opened(tmp_path, kind, name):
    make, said = KINDS[kind]
    (tmp_path / "orders").mkdir()
    (tmp_path / "orders.csv").write_text(HEADER)
    make(tmp_path / name)
    with pytest.raises(RawDataError) as found:
        check_delivery(folder=tmp_path, project_dir=PROJECT)
    assert str(found.value).startswith(f"orders: {tmp_path / name} {said}")
    assert "\n" not in str(found.value)


def test_a_folder_of_a_table_that_leads_out_of_the_delivery_is_refused(tmp_path):
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "secret.csv").write_text("secret\n")
    (tmp_path / "delivery").mkdir()
    (tmp_path / "delivery" / "orders").symlink_to(tmp_path / "private")
    with pytest.raises(RawDataError, match=r"secret\.csv is a link to a place outside"):
        check_delivery(folder=tmp_path / "delivery", project_dir=PROJECT)


def test_a_link_within_the_delivery_is_a_file_of_it(tmp_path):
    (tmp_path / "delivery").mkdir()
    (tmp_path / "delivery" / "latest").write_text(HEADER + ROW.format(1))
    (tmp_path / "delivery" / "orders.csv").symlink_to("latest")
    (tmp_path / "link").symlink_to("delivery")
    check_delivery(folder=tmp_path / "link", project_dir=PROJECT)


@pytest.mark.parametrize("command", ["check", "refresh"])
def test_a_command_ends_at_once_where_a_pipe_is_delivered(tmp_path, monkeypatch, command):
    (tmp_path / "delivery").mkdir()
    os.mkfifo(tmp_path / "delivery" / "orders.csv")
    monkeypatch.setenv("RAW_DATA_DIR", str(tmp_path / "delivery"))
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path / "target"))
    for name in ("WAREHOUSE_PATH", "PUBLISH_DIR", "ERASURES_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    result = run(command)
    assert result.exit_code == 4
    assert f"orders: {tmp_path}/delivery/orders.csv is a pipe" in result.stderr


# Sizes

ENOUGH = 40_000_000  # bytes: more than DuckDB reads at once


def preallocated(path: Path) -> None:
    """Leave the end of a file unwritten, as a copy does that was broken off."""
    path.write_text(HEADER + ROW.format(1))
    os.truncate(path, ENOUGH)


def endless(path: Path) -> None:
    """End in a line without an end."""
    path.write_text(HEADER + ROW.format(1) + "2,c" + "x" * ENOUGH)


def one_line(path: Path) -> None:
    """Have one line, the header's."""
    path.write_text("x" * (LONGEST_LINE + 1))


@pytest.mark.parametrize("write", [preallocated, endless, one_line])
def test_a_file_whose_end_would_be_left_out_is_told(tmp_path, write):
    write(tmp_path / "orders.csv")
    start = 1 if write is one_line else len(HEADER + ROW.format(1)) + 1
    said = f"has no line break in the 2,000,000 bytes from byte {start} on"
    assert fault_of(file=tmp_path / "orders.csv").startswith(said)


@pytest.mark.parametrize("mark", ["\n", "\r\n", "\r"])
def test_long_lines_and_long_files_are_read(tmp_path, mark):
    lines = (HEADER + ROW.format(1)).replace("\n", mark)
    long_row = "2,c" + "x" * (LONGEST_LINE - 100) + mark
    (tmp_path / "orders.csv").write_bytes((lines + long_row + long_row + lines * 50_000).encode())
    assert fault_of(file=tmp_path / "orders.csv") is None
