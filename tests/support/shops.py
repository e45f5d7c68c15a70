"""Shops that are published, and refreshed again from a delivery that changed."""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
from click.testing import Result
from lifecycle import refresh_delivery

GIFT_SHOP = "online_retail_2011"
# what the suites read, with all it needs, and no more
AUDITED = (
    *("+row_reconciliation", "+rejected_rows", "+rpt_raw_profile", "+rpt_raw_days"),
    *("+rpt_raw_day_profile", "+rpt_period_history"),
    *("+rpt_restatements", "+dim_customers", "+fct_orders", "+fct_order_lines"),
    *("+fct_survey_responses", "+fct_subscription_versions", "+fct_activity_spells"),
    *("+fct_churn_events", "+rpt_cohort_retention", "+rpt_renewals", "+rpt_nps"),
)
LEFT_OUT = "not delivered"
OLD = "the_delivery_is_fresh"  # of data that ended years ago this is no false alarm


@dataclass(frozen=True)
class Shop:
    """A folder with a delivery, a warehouse and what is published."""

    folder: Path

    def refresh(self, *arguments: object) -> Result:
        """Refresh from the delivery."""
        return refresh_delivery(self.folder, *arguments, select=AUDITED)

    def said(self, result: Result) -> dict[str, set[str]]:
        """Return the expectations that were not met: level -> names."""
        names = {"warn": set(), "block": set()}
        for line in result.stderr.splitlines():
            found = re.search(r"\((\w+) in \w+\.yml\)$", line)
            if found:
                names["warn" if line.startswith("Warning: ") else "block"].add(found[1])
        return names


def deliver(*, source: Path, folder: Path, changes: Mapping[str, str] | None = None) -> None:
    """Write a delivery of the tables of another one; a change is SQL that reads some of them."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    tables = {file.stem: file for file in source.iterdir()}
    with duckdb.connect() as connection:
        for table, file in tables.items():
            read = f"read_parquet('{file}')"
            if file.suffix == ".csv":
                read = f"read_csv('{file}', all_varchar = true)"
            connection.execute(f"create view {table} as from {read}")
        for table, sql in (dict.fromkeys(tables) | (changes or {})).items():
            if sql != LEFT_OUT:
                query = sql or f"from {table}"
                connection.execute(f"copy ({query}) to '{folder / table}.parquet' (format parquet)")


def shop_of(*, source: Path, folder: Path, changes: Mapping[str, str] | None = None) -> Shop:
    """Publish the first build of a shop."""
    deliver(source=source, folder=folder / "delivery", changes=changes)
    shop = Shop(folder=folder)
    result = shop.refresh()
    assert result.exit_code == 0, result.output
    assert shop.said(result) == {"warn": {OLD}, "block": set()}
    assert "First build: nothing to compare with yet." in result.stderr
    return shop
