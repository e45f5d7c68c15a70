"""A connection to a Postgres server; rows of DuckDB are streamed over it as Arrow."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import adbc_driver_manager as adbc
import adbc_driver_postgresql
import duckdb

from python_helpers.core.errors import PublishError, SettingsError
from python_helpers.core.log import without_secrets
from python_helpers.core.sql import name, text
from python_helpers.warehouse.dbt import environment
from python_helpers.warehouse.problems import shortened

CONNECT_SECONDS = "10"
SECRET_PARAMETERS = ("password", "sslpassword")
# A pattern in a message of the server, and what to do about it.
ADVICE = (
    (
        r"authentication failed|no password supplied",
        "Correct the user and password in POSTGRES_URL.",
    ),
    (
        r"could not translate host|[Cc]onnection refused|timeout expired|No such file|unreachable",
        "Is the server running, and is its address in POSTGRES_URL right?",
    ),
    (r"database .* does not exist", "Correct the database in POSTGRES_URL."),
    (r"permission denied|must be owner", "Grant that right to the user of POSTGRES_URL."),
    (r"0x00", "Postgres cannot store NUL characters. Leave that mart out with --exclude."),
    (r"No space left|disk full", "Free some space on the server."),
    (
        r"other objects depend on",
        "Nothing was changed. Drop them during the export, or choose another schema with --schema.",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Address:
    """The address of a server, and the secrets in it."""

    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)

    def described(self) -> str:
        """Name host and port."""
        parts = urlsplit(self.url)
        asked = dict(parse_qsl(parts.query))
        host = parts.hostname or asked.get("host") or "localhost"
        port = parts.port or asked.get("port") or "5432"
        return f"{host}:{port}"


def checked_address(*, url: str | None) -> Address:
    """Check the address of a server. Raises SettingsError, which does not show the address."""
    if not url:
        raise SettingsError(
            "No Postgres server is named. Set POSTGRES_URL to postgresql://user:password@host/db."
        )
    address = Address(url=url, secrets=secrets_in(url=url))
    try:
        parts = urlsplit(url)
        is_right = parts.scheme in ("postgresql", "postgres") and "\0" not in url
        address.described()
    except ValueError:
        is_right = False
    if not is_right or "@" in parts.path or "@" in unquote(parts.hostname or ""):
        raise SettingsError(
            "Invalid POSTGRES_URL. Use postgresql://user:password@host:5432/db, and write "
            "characters such as / @ : in a password as %2F %40 %3A."
        )
    return address


def secrets_in(*, url: str) -> tuple[str, ...]:
    """List the secrets in an address: it, its password, and parts that a message may quote."""
    found = {url}
    between = re.match(r"\w+://[^:/@]*:(.*)@", url, flags=re.DOTALL)
    if between:
        found |= {between[1], *re.split(r"[@:/?#]", between[1])}
    query = url.partition("?")[2]
    for parameter, _, value in (each.partition("=") for each in query.split("&")):
        if unquote(parameter) in SECRET_PARAMETERS:
            found.add(value)
    return tuple(sorted(found | {unquote(each) for each in found} - {""}))


@dataclass(frozen=True, kw_only=True)
class Server:
    """An open connection, in a transaction."""

    connection: adbc.AdbcConnection
    address: Address

    def execute(self, sql: str, /) -> None:
        """Run a statement."""
        with translated(address=self.address), adbc.AdbcStatement(self.connection) as statement:
            statement.set_sql_query(sql)
            statement.execute_update()

    def query(self, sql: str, /) -> list[tuple]:
        """Return the rows of a query."""
        with translated(address=self.address), adbc.AdbcStatement(self.connection) as statement:
            statement.set_sql_query(sql)
            stream, _ = statement.execute_query()
            with duckdb.connect() as reader:
                return reader.from_arrow(stream).fetchall()

    def send(self, relation: duckdb.DuckDBPyRelation, /, *, schema: str, table: str) -> int:
        """Stream rows into a table, by COPY in its binary form; returns how many."""
        with translated(address=self.address), adbc.AdbcStatement(self.connection) as statement:
            statement.set_options(
                **{
                    "adbc.ingest.target_table": table,
                    "adbc.ingest.target_db_schema": schema,
                    "adbc.ingest.mode": "adbc.ingest.mode.append",
                }
            )
            statement.bind_stream(relation)
            return int(statement.execute_update())

    def commit(self) -> None:
        """Commit the transaction."""
        with translated(address=self.address):
            self.connection.commit()


@dataclass(frozen=True, kw_only=True)
class Schema:
    """A schema of a server."""

    server: Server
    name: str

    def table(self, table: str, /) -> str:
        """Write the name of a table in SQL."""
        return f"{name(self.name)}.{name(table)}"

    def query(self, sql: str, /, *, tables: Sequence[str] = (), **words: str) -> list[tuple]:
        """Return the rows of a query about {schema} and {tables}."""
        listed = ", ".join(map(text, tables)) or "null"
        return self.server.query(sql.format(schema=text(self.name), tables=listed, **words))


@contextmanager
def connected(*, address: Address) -> Iterator[Server]:
    """Connect and begin a transaction, which is rolled back unless `commit` is called."""
    with translated(address=address), environment(values={"PGCONNECT_TIMEOUT": CONNECT_SECONDS}):
        database = adbc_driver_postgresql.connect(address.url)
    with database:
        with translated(address=address):
            connection = adbc.AdbcConnection(database)
            connection.set_autocommit(False)
        with connection:
            try:
                yield Server(connection=connection, address=address)
            finally:
                with suppress(adbc.Error):
                    connection.rollback()


def said_by(error: adbc.Error, /) -> str:
    """Return the server's message without the statement, else the driver's, on one line."""
    parts: dict[Any, Any] = dict(error.details or ())
    said = [parts.get(f"PG_DIAG_MESSAGE_{part}".encode(), b"") for part in ("PRIMARY", "DETAIL")]
    message = ". ".join(part.decode(errors="replace").rstrip(".") for part in said if part)
    if not message:
        message = re.sub(r"^[A-Z_]+: (\[libpq\] )?(Failed to connect: )?", "", str(error))
    return " ".join(message.split())


@contextmanager
def translated(*, address: Address) -> Iterator[None]:
    """Turn an error of the driver into one line without a secret."""
    try:
        yield
    except adbc.Error as error:
        message = shortened(without_secrets(said_by(error), secrets=address.secrets))
        for pattern, advice in ADVICE:
            if re.search(pattern, message):
                message += f" {advice}"
                break
        # without its cause: the driver's message may contain the address
        raise PublishError(f"Postgres: {message}") from None
