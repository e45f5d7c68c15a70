"""Files as disks, browsers and attackers leave them: their names, kinds, numbers and sizes."""

import codecs
import gzip
import json
import os
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from lifecycle import PROJECT, run

from python_helpers.core.errors import RawDataError
from python_helpers.core.folders import Places, find_folders
from python_helpers.core.settings import Inputs, Settings, resolve_settings
from python_helpers.delivery.contents import (
    LONGEST_LINE,
    check_delivery,
    fault_of,
    said_of_last_lines,
)
from python_helpers.delivery.contract import raw_tables
from python_helpers.delivery.files import raw_files
from python_helpers.delivery.inputs import read_inputs, steady_inputs, warnings_of_inputs
from python_helpers.delivery.rendering import Macros
from python_helpers.warehouse.problems import explained

EXPORTED = (
    "Id,Name,Created at,Lineitem name,Lineitem quantity,Lineitem price\n"
    "{},#1,2024-01-01 10:00:00 +0000,Tea,1,5.00\n"
)
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


def settings_of(folder: Path, /, *, raw_input: str) -> Settings:
    """Return the settings of a refresh from a folder."""
    folders = find_folders(Places(project_dir=PROJECT))
    return resolve_settings(folders, inputs=Inputs(raw_input=raw_input, raw_data=folder))


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


@pytest.mark.parametrize("name", [b"caf\xe9", b"a\\b"])
@pytest.mark.parametrize("place", ["delivery", "shop"])
def test_a_folder_whose_name_cannot_be_read_is_told(tmp_path, monkeypatch, name, place):
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    folder.mkdir()
    (folder / "orders.csv").write_text(EXPORTED.format(1))
    monkeypatch.setenv("ERASURES_DIR", str(tmp_path / "erasures"))
    result = run("check", folder if place == "delivery" else tmp_path, "--from", "shopify")
    assert result.exit_code == 4
    assert re.search(
        r"^raw data: .*/(caf\\xe9|a\\b)\S* has a .*[.] Rename it[.]$", result.stderr, re.MULTILINE
    )


def test_a_table_in_a_folder_of_another_name_is_warned_of(tmp_path, monkeypatch):
    names = ("2024/orders.csv", "2024/a b/orders.csv", "2024/notes.md", ".old/orders.csv")
    for name in ("orders.csv", *names, "_old/orders.csv", "2024/_orders.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(HEADER + ROW.format(1))
    settings = settings_of(tmp_path, raw_input="files")
    (said,) = warnings_of_inputs(read_inputs(settings=settings), settings=settings)
    assert "their folder is named after no table: 2024/orders.csv. Put them" in said
    monkeypatch.setenv("ERASURES_DIR", str(tmp_path / "erasures"))
    facts = json.loads(run("check", tmp_path, "--json").stdout)
    assert facts["files_not_read"] == ["2024/orders.csv"]


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


def test_a_file_is_delivered_once(tmp_path):
    (tmp_path / "orders").mkdir()
    (tmp_path / "orders.csv").write_text(HEADER + ROW.format(1))
    (tmp_path / "orders" / "2.csv").symlink_to("../orders.csv")
    os.link(tmp_path / "orders.csv", tmp_path / "orders_3.csv")
    with pytest.raises(RawDataError) as found:
        check_delivery(folder=tmp_path, project_dir=PROJECT)
    first = f"is the same file as {tmp_path}/orders/2.csv. Deliver it once."
    assert str(found.value).splitlines() == [
        f"orders: {tmp_path}/orders.csv {first}",
        f"orders: {tmp_path}/orders_3.csv {first}",
    ]


def test_a_file_may_be_of_two_tables(tmp_path):
    (tmp_path / "orders.csv").write_text(HEADER + ROW.format(1))
    (tmp_path / "customers.csv").symlink_to("orders.csv")
    check_delivery(folder=tmp_path, project_dir=PROJECT)


def test_a_folder_that_may_not_be_looked_into_is_told(tmp_path, monkeypatch):
    (tmp_path / "orders.csv").write_text(HEADER)
    (tmp_path / "orders").mkdir()

    def closed(folder: Path) -> Iterator[Path]:
        if folder.name == "orders":
            raise PermissionError(13, "Permission denied", str(folder))
        return iter([folder / "orders", folder / "orders.csv"])

    monkeypatch.setattr(Path, "iterdir", closed)
    monkeypatch.setenv("ERASURES_DIR", str(tmp_path / "erasures"))
    result = run("check", tmp_path)
    assert result.exit_code == 4
    assert f"raw data: {tmp_path}/orders cannot be read (Permission denied)." in result.stderr


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
    said = "has no line break in the 2,000,000 bytes" if write is not preallocated else "has only"
    assert fault_of(file=tmp_path / "orders.csv").startswith(said)
    assert f" from byte {start} on" in fault_of(file=tmp_path / "orders.csv")


@pytest.mark.parametrize("start", [0, (1 << 20) - 100])
@pytest.mark.parametrize("size", [512, 4096, 1_000_000])
def test_a_part_in_the_middle_that_was_never_written_is_told(tmp_path, start, size):
    lines = HEADER + "".join(map(ROW.format, range(100_000, 200_000)))
    cut = lines.index("2024", start)
    # what is left of two rows would be one good row
    end = lines.index("2024", cut + size)
    (tmp_path / "orders.csv").write_bytes(
        lines[:cut].encode() + bytes(end - cut) + lines[end:].encode()
    )
    assert fault_of(file=tmp_path / "orders.csv").startswith("has only NUL bytes from byte ")


@pytest.mark.parametrize("mark", ["\n", "\r\n", "\r"])
def test_long_lines_and_long_files_are_read(tmp_path, mark):
    lines = (HEADER + ROW.format(1)).replace("\n", mark)
    long_row = "2,c" + "x" * (LONGEST_LINE - 100) + mark
    (tmp_path / "orders.csv").write_bytes((lines + long_row + long_row + lines * 50_000).encode())
    assert fault_of(file=tmp_path / "orders.csv") is None


# Encodings and ends


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ((HEADER + "1,🔑,2024-01-01,5\n").encode("utf-16-le"), "that cannot be read, such as"),
        ((HEADER + ROW.format(1)).encode("utf-16-le")[:-3], "is in UTF-16, and damaged."),
        ((HEADER + ROW.format(1)).encode("utf-16-be"), "is in UTF-16, big-endian,"),
        (gzip.compress(HEADER.encode()) + bytes(512), "is damaged (IO Error: Input is not a GZIP"),
    ],
    ids=["emoji", "cut", "big-endian", "zeros behind a gzip file"],
)
def test_what_duckdb_refuses_without_a_name_is_told_with_it(tmp_path, monkeypatch, content, said):
    file = tmp_path / ("orders_[1].csv.gz" if content.startswith(b"\x1f\x8b") else "orders.csv")
    file.write_bytes(content)
    monkeypatch.setenv("ERASURES_DIR", str(tmp_path / "erasures"))
    result = run("check", tmp_path)
    assert result.exit_code == 4
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("orders: ")]
    assert str(file) in line
    assert said in line


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le"])
@pytest.mark.parametrize("first", ["für", "Löß", "ü", "order"])
def test_a_header_in_utf_16_may_begin_with_any_letter(tmp_path, encoding, first):
    text = f"{first},{HEADER}x,{ROW.format(1)}x,{ROW.format(2)}"
    (tmp_path / "orders.csv").write_bytes(text.encode(encoding))
    with delivered(tmp_path) as macros:
        assert [key for key, _ in rows_read(macros)] == ["1", "2"]


def test_no_message_of_duckdb_has_a_stack_trace():
    message = "INTERNAL Error: index 2 within vector of size 2\n\nStack Trace:\n\n/usr/lib/x.so(_Z)"
    assert explained(message=message) == "INTERNAL Error: index 2 within vector of size 2."


def test_a_last_row_that_may_have_been_cut_is_warned_of(tmp_path, monkeypatch):
    lines = HEADER + ROW.format(1)
    contents = {
        "orders_cut.csv": lines.encode()[:-1],
        "orders_cut_too.csv": codecs.BOM_UTF16_LE + lines[:-2].encode("utf-16-le"),
        "orders_whole.csv": lines.encode(),
        "orders_mac.csv": lines.replace("\n", "\r").encode(),
        "orders_wide.csv": lines.encode("utf-16"),
        "orders_packed.csv.gz": gzip.compress(lines.encode()),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    said = said_of_last_lines([*sorted(tmp_path.iterdir()), tmp_path / "gone.csv"])
    assert said.startswith("Raw data: the last line of orders_cut.csv, orders_cut_too.csv has no")
    monkeypatch.setenv("ERASURES_DIR", str(tmp_path / "erasures"))
    assert said in json.loads(run("check", tmp_path, "--json").stdout)["warnings"]


@pytest.mark.parametrize("value", ["[{}]", "[{}]::date[1]", "{{'a': {}}}", "map {{'a': {}}}"])
def test_a_nested_value_is_rejected_as_text(tmp_path, monkeypatch, value):
    day = value.format("date '2024-01-01'")
    query = f"select 1 as order_id, [1] as customer_id, {day} as ordered_at, 5 as amount"
    duckdb.sql(f"copy ({query}) to '{tmp_path / 'orders.parquet'}'")
    monkeypatch.setenv("ERASURES_DIR", str(tmp_path / "erasures"))
    result = run("check", tmp_path)
    assert result.exit_code == 4
    assert "orders: 1 of 1 rows are rejected: invalid_ordered_at 1" in result.stderr


# Persons


@pytest.mark.parametrize(
    "row", ["c1,Grete,grete@example.com", "c1,grete@example.com,grete@example.com"]
)
def test_no_message_shows_a_row_that_stands_in_place_of_the_header(tmp_path, monkeypatch, row):
    (tmp_path / "orders.csv").write_text(HEADER + ROW.format(1))
    (tmp_path / "customers.csv").write_text(f"{row}\n")
    (tmp_path / "customers_2.csv").write_text("customer_id,Comment\nc2,x\n")
    monkeypatch.setenv("ERASURES_DIR", str(tmp_path / "erasures"))
    for options in ((), ("--json",)):
        result = run("check", tmp_path, *options)
        assert result.exit_code == 4
        assert not re.search("grete", result.stdout + result.stderr, re.IGNORECASE)


def test_no_message_shows_a_value_of_a_parquet_file_that_is_not_utf_8(tmp_path, monkeypatch):
    names = pa.StringArray.from_buffers(
        1, pa.py_buffer(b"\0\0\0\0\x04\0\0\0"), pa.py_buffer(b"Ann\xfc")
    )
    pq.write_table(pa.table({"customer_id": names}), tmp_path / "customers.parquet")
    (tmp_path / "orders.csv").write_text(HEADER + ROW.format(1))
    monkeypatch.setenv("ERASURES_DIR", str(tmp_path / "erasures"))
    result = run("check", tmp_path)
    assert result.exit_code == 4
    assert "customers.parquet cannot be read: " in result.stderr
    assert "Ann" not in result.stdout + result.stderr


# Exports, which have any name


def exports_read(folder: Path, /) -> list[str]:
    """Return the files whose rows a build from Shopify reads; the manifest lists just these."""
    with duckdb.connect() as connection:
        macros = Macros(
            connection=connection,
            project_dir=PROJECT,
            settings={"raw_input": "shopify", "raw_data_dir": str(folder)},
        )
        raw = macros.union_by_name(macros.export_parts("shopify.orders"))
        sql = f"select distinct {raw['file_name']} from {raw['relation']} order by all"
        found = [Path(path) for (path,) in connection.execute(sql).fetchall()]
    settings = settings_of(folder, raw_input="shopify")
    assert sorted(read_inputs(settings=settings)) == sorted(found)
    return [path.relative_to(folder).as_posix() for path in found]


def test_a_hidden_file_is_no_export(tmp_path):
    for name in ("a.csv", ".a.csv", ".ipynb_checkpoints/a.csv", "shop/a.csv", "shop/.a.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(EXPORTED.format(name))
    (tmp_path / "._a.csv").write_bytes(b"\0\5\x16\7Mac OS X\xff")
    (tmp_path / "a.csv\n").write_text(EXPORTED.format(1))
    assert exports_read(tmp_path) == ["a.csv", "shop/a.csv"]


def test_the_manifest_lists_the_exports_that_were_read(tmp_path):
    exports = {
        "plain.csv": EXPORTED.format(1),
        "wide.csv": EXPORTED.format(1).encode("utf-16-le"),
        "long.csv": "x" * 70_000 + "\n" + EXPORTED.format(1),
        "pages.csv": "page\x0c" * 40 + "\n" + EXPORTED.format(1),
        "question.csv": '"a\nb",' + EXPORTED.format("1,1"),
    }
    others = {"quoted.csv": '"' + EXPORTED.split("\n")[0] + '",x\n1,2\n', "other.csv": "a,b\n1,2\n"}
    for name, content in (exports | others).items():
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    assert exports_read(tmp_path) == sorted(exports)


def test_a_shop_is_not_delivered_twice_by_a_link(tmp_path):
    (tmp_path / "2024-05").mkdir()
    (tmp_path / "2024-05" / "export.csv").write_text(EXPORTED.format(1))
    (tmp_path / "latest").symlink_to("2024-05")
    with pytest.raises(RawDataError, match=r"latest/export\.csv is the same file as .*/2024-05/"):
        check_delivery(folder=tmp_path, project_dir=PROJECT, has_exports=True)


# Changes


def rewrite(path: Path, /) -> None:
    """Write other rows of the same size."""
    path.write_text(HEADER + ROW.format(2))


def replace(path: Path, /) -> None:
    """Put another file in the place of one."""
    rewrite(path.with_name("new"))
    path.with_name("new").replace(path)


@pytest.mark.parametrize("change", [rewrite, replace])
def test_a_change_that_keeps_size_and_time_is_noticed(tmp_path, change):
    file = tmp_path / "orders.csv"
    file.write_text(HEADER + ROW.format(1))
    time = file.stat().st_mtime_ns
    steady = steady_inputs(settings=settings_of(tmp_path, raw_input="files"))
    with pytest.raises(RawDataError, match=r"changed while it was read: orders\.csv\."), steady:
        change(file)
        os.utime(file, ns=(time, time))
