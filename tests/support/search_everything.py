"""Finds values wherever they are in a folder: in tables, in files, in bytes, however written."""

import gzip
import json
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path

import duckdb


def places_of(
    values: Collection[str], /, *, folder: Path, without: Collection[Path] = ()
) -> set[tuple[str, str]]:
    """Return value and file for each value found under a folder, but in some folders."""
    return {
        (value, str(path.relative_to(folder)))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(path.is_relative_to(each) for each in without)
        for text in texts_of(path)
        for value in values
        if value.casefold() in text.casefold()
    }


def texts_of(path: Path, /) -> Iterator[str]:
    """Yield what a file says, in each way in which it can be read."""
    data = path.read_bytes()
    if path.name.endswith(".gz"):
        data = gzip.decompress(data)
    text = data.decode("utf-8", errors="replace")
    yield text
    yield data.decode("utf-16-le", errors="replace")
    if path.suffix == ".jsonl":
        for line in text.splitlines():
            yield json.dumps(json.loads(line), ensure_ascii=False)
    if path.suffix == ".duckdb":
        yield from rows_of_database(path)
    if path.suffix == ".parquet":
        yield "\n".join(map(repr, duckdb.sql(f"from read_parquet('{path}')").fetchall()))
    if path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield archive.read(name).decode()


def rows_of_database(path: Path, /) -> Iterator[str]:
    """Yield every table, every view and every comment of a database."""
    with duckdb.connect(str(path), read_only=True) as connection:
        yield repr(connection.execute("select sql, comment from duckdb_tables()").fetchall())
        yield repr(connection.execute("select sql, comment from duckdb_views()").fetchall())
        for schema, table in connection.execute(
            "select table_schema, table_name from information_schema.tables "
            "where table_catalog = current_database()"
        ).fetchall():
            rows = connection.execute(f'from "{schema}"."{table}"').fetchall()
            yield "\n".join(map(repr, rows))
