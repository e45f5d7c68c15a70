"""Locks in Postgres: one export at a time per schema, and tables that nobody is reading."""

import time

from python_helpers.core.errors import LockedError, PublishError
from python_helpers.core.sql import text
from python_helpers.export.postgres.server import Schema, Server

# New readers queue behind whoever waits for a lock, so the wait is short, and ends before Postgres
# looks for deadlocks (after a second): a reader that already holds the table goes first.
LOCK = """
begin
    set local lock_timeout = '300ms';
    lock table {tables} in access exclusive mode;
    set local lock_timeout = 0;
    set local lifecycle.locked = 'yes';
exception when lock_not_available or deadlock_detected then
    set local lifecycle.locked = 'no';
end
"""
LOCK_PAUSE = 0.5  # seconds
LOCK_TRIES = 600  # seconds
HOLDER = """
select concat_ws(
    ', ',
    'process ' || pid || ' of the server',
    'user ' || usename,
    'since ' || to_char(xact_start at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"')
)
from pg_locks inner join pg_stat_activity using (pid)
where locktype = 'advisory' and objsubid = 1 and granted
and (classid::bigint << 32 | objid::bigint) = hashtextextended({key}, 0)
and database = (select oid from pg_database where datname = current_database())
"""


def lock_schema(*, schema: Schema, wait: float) -> None:
    """Keep other exports out of a schema until the transaction ends.

    Raises LockedError where another one is still in progress after `wait` seconds.
    """
    server, key = schema.server, text(f"lifecycle export {schema.name}")
    until = time.monotonic() + wait
    attempt = f"select pg_try_advisory_xact_lock(hashtextextended({key}, 0))"
    while server.query(attempt) != [(True,)]:
        if time.monotonic() >= until:
            who = "".join(f" ({said})" for (said,) in server.query(HOLDER.format(key=key)))
            raise LockedError(f"The schema {schema.name} is locked by another export{who}.")
        time.sleep(min(LOCK_PAUSE, max(until - time.monotonic(), 0)))


def lock_tables(*, server: Server, tables: str) -> None:
    """Wait until nobody reads the old tables. Raises PublishError where that takes too long."""
    until = time.monotonic() + LOCK_TRIES
    while True:
        server.execute(f"do {text(LOCK.format(tables=tables))}")
        if server.query("select current_setting('lifecycle.locked')") == [("yes",)]:
            return
        if time.monotonic() > until:
            raise PublishError(
                "The tables in Postgres are being read all the time. Nothing was changed. "
                "Run again when fewer queries run."
            )
        time.sleep(LOCK_PAUSE)
