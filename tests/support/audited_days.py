"""The days of a data set as the audit sees them, without dbt: the project's own SQL, in memory.

A day's figures depend on the rows of that day alone. So a delivery with a fault in its last days is
the honest days before, and then the days of a data set that has the fault on every day.
"""

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import duckdb
from lifecycle import PROJECT

from python_helpers.audit.database import KNOWN_TO_SUITES
from python_helpers.audit.expectations import Expectation, Suite, read_suites
from python_helpers.delivery.rendering import Macros

MARTS = ("rpt_raw_days", "rpt_raw_day_profile")
DAY_QUERIES = ("new_days", "lags")
"""What the expectations about the newest days read."""
WINDOW = timedelta(days=90)
"""More than any query of a day looks back."""


@cache
def suites() -> list[Suite]:
    """Read the suites of the project, once."""
    return read_suites(project_dir=PROJECT)


def query_of(name: str, /) -> str:
    """Return a query of the suites."""
    (sql,) = (suite.queries[name] for suite in suites() if name in suite.queries)
    return sql


class Days:
    """The days of a data set, of which the last ones may be those of a fault."""

    def __init__(self, *, delivery: Path, folder: Path, as_of: date, currency: str) -> None:
        """Make the honest days."""
        (folder / "salt").write_text("0" * 64, encoding="utf-8")
        self.connection = duckdb.connect()
        self.connection.execute("set TimeZone = 'UTC'")
        self.macros = Macros(
            connection=self.connection,
            project_dir=PROJECT,
            settings={
                "raw_input": "files",
                "raw_data_dir": str(delivery),
                "erasures_dir": str(folder),
                "as_of_date": str(as_of),
                "reporting_currency": currency,
            },
        )
        for table in ("orders", "order_lines"):
            self.macros.ref(f"base_{table}")
        for statement in KNOWN_TO_SUITES:
            self.connection.execute(statement)
        # in place of the mart, which needs half of the project
        self.connection.execute(
            """
            create schema marts;
            create view marts.fct_order_lines as
            select order_date: orders.event_date, original_amount: lines.amount
            from restricted.base_order_lines as lines
            inner join restricted.base_orders as orders
                on lines.order_id = orders.order_id and orders.is_accepted
            where lines.is_accepted
            """
        )
        self.macros.made["fct_order_lines"] = self.macros.relation("marts", "fct_order_lines")
        self.make("honest")

    def make(self, schema: str, /) -> None:
        """Make the marts of the days from the base tables as they are now."""
        self.connection.execute(f"create or replace schema {schema}")
        for mart in MARTS:
            sql = self.macros.render(PROJECT / "models" / "marts" / "audit" / f"{mart}.sql")
            self.connection.execute(f"create table {schema}.{mart} as {sql}")

    def plant(self, schema: str, /, *, changes: Mapping[str, str]) -> None:
        """Make the days of a fault that is on all of them: base table -> the rows it has then."""
        for table, sql in changes.items():
            self.connection.execute(
                f"""
                create table kept_{table} as from restricted.{table};
                create or replace table restricted.{table} as {sql}
                """
            )
        self.make(schema)
        for table in changes:
            self.connection.execute(
                f"""
                create or replace table restricted.{table} as from kept_{table};
                drop table kept_{table}
                """
            )

    def dates(self, *, since: date, until: date) -> list[date]:
        """List the days on which anything happened."""
        rows = self.connection.execute(
            "select distinct event_date from honest.rpt_raw_days "
            "where event_date between ? and ? order by 1",
            [since, until],
        ).fetchall()
        return [day for (day,) in rows]

    def alarms(
        self, day: date, /, *, fault: str = "honest", faulty_days: int = 0, published: date
    ) -> set[str]:
        """Judge a delivery that ends on a day; returns the expectations that are not met.

        The last `faulty_days` are those of a fault. The last build had the days up to `published`.
        """
        first = day - timedelta(days=faulty_days - 1)
        for mart in MARTS:
            self.connection.execute(
                f"""
                create or replace table marts.{mart} as
                from honest.{mart} where event_date < $first and event_date > $start
                union all
                from {fault}.{mart} where event_date between $first and $day
                """,
                {"first": first, "day": day, "start": day - WINDOW},
            )
        self.connection.execute(
            "create or replace table run as select as_of_date: $day, not_compared: null::varchar, "
            "published_as_of_date: $published",
            {"day": day, "published": published},
        )
        for name in ("settling_columns", "day_figures", "day_bands", *DAY_QUERIES):
            self.connection.execute(f"create or replace table {name} as {query_of(name)}")
        return {each.name for each in not_met(self.connection, tables=DAY_QUERIES)}


def not_met(
    connection: duckdb.DuckDBPyConnection, *, tables: Collection[str], level: str = "warn"
) -> list[Expectation]:
    """List the expectations about some queries that do not hold at a level of their suite."""
    return [
        each
        for suite in suites()
        for each in suite.expectations
        if level in each.arguments
        and any(
            connection.execute(
                f"select count(*) from {table} where {each.column} > $limit"
                + "".join(f" and {column} = '{value}'" for column, value in each.where.items()),
                {"limit": each.arguments[level]["max_value"]},
            ).fetchone()
            != (0,)
            for table in {*each.tables} & {*tables}
        )
    ]
