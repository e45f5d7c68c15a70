"""Joins addresses and names to marts, on request: what an import into a CRM finds people by.

No mart has them. They come from the warehouse of today, so nobody is exported who was erased, or
who has said since the build that they do not want to be contacted.
"""

import duckdb

from python_helpers.core.errors import SettingsError
from python_helpers.core.settings import Settings
from python_helpers.core.sql import name, text
from python_helpers.publishing.reader import Mart, Source

SUFFIX = "-with-identifiers"  # of the folder, so that no program that reads marts finds these
KEY = "customer_id"
IDENTIFIERS = ("email", "full_name")
PEOPLE = "temp.people"
OWNER_ALONE, OWNERS_FOLDER = 0o600, 0o700


def load_people(*, source: Source, settings: Settings) -> None:
    """Let the connection know those who may be contacted, with their addresses.

    Raises SettingsError without a warehouse that has them, and duckdb.Error.
    """
    if not settings.warehouse.is_file():
        raise SettingsError(
            f"There is no warehouse {settings.warehouse}, which has the addresses. Name it with "
            "--warehouse."
        )
    columns = ", ".join(f"addresses.{column}" for column in IDENTIFIERS)
    source.connection.execute(f"attach {text(settings.warehouse)} as warehouse (read_only)")
    try:
        source.connection.execute(
            f"create temp table people as select {KEY}, {columns} "
            "from warehouse.restricted.base_customers as addresses "
            f"inner join warehouse.intermediate.int_customers as customers using ({KEY}) "
            "where addresses.is_accepted and customers.may_be_contacted "
            "and addresses.email is not null"
        )
    except duckdb.CatalogException as error:
        raise SettingsError(
            f"{settings.warehouse} was not built by this version: run refresh first."
        ) from error
    source.connection.execute("detach warehouse")


def check_marts(*, marts: list[Mart]) -> None:
    """Raise SettingsError where a mart is not about customers."""
    others = [mart.name for mart in marts if KEY not in {column.name for column in mart.columns}]
    if others:
        raise SettingsError(
            f"--with-identifiers is for marts with a {KEY}, which {', '.join(others)} "
            f"{'has' if len(others) == 1 else 'have'} not. Select others, such as "
            "dim_customer_360 fct_customer_triggers."
        )


def identified(*, mart: Mart) -> str:
    """Return a relation: the rows of the people who may be contacted, with what finds them."""
    columns = ", ".join(f"people.{column}" for column in IDENTIFIERS)
    return (
        f"(select {columns}, mart.* from {name(mart.name)} as mart "
        f"inner join {PEOPLE} as people using ({KEY}) order by mart.{KEY})"
    )
