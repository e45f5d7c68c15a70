"""Reads what a published build says of its last complete month, and of the build before it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from python_helpers.core.errors import PublishError
from python_helpers.publishing.reader import Source, opened

Row = Mapping[str, Any]
MOST_ACCOUNTS = 5

MONTH = """
    select max(period_start_date) as month from dim_periods
    where period_grain = 'month' and is_complete_period
"""
# a metric of cohorts names an age in months; its cohort reached it in the last complete month
CHANGES = f"""
    with last_month as ({MONTH})
    select rpt_changes.*
    from rpt_changes
    cross join last_month
    where
        period_grain = 'month'
        and segment_name = 'all'
        and period_start_date = case
            when compared_with = 'cohorts_before'
                then month - to_months(regexp_extract(metric, '[0-9]+$')::integer)
            else month
        end
    order by
        list_position(['churn_rate', 'nps', 'csat'], metric) nulls last,
        list_position(['any', 'orders', 'subscription'], relationship),
        metric,
        compared_with
"""
# a slice stands out if it has changed itself, and did more of the change than its weight would
DRIVERS = f"""
    with last_month as ({MONTH})
    select
        drivers.*,
        drivers.own_effect * sign(drivers.metric_change)
        - (drivers.weight + drivers.weight_before) / 2 * abs(drivers.metric_change) as excess
    from rpt_rate_drivers as drivers
    inner join last_month on drivers.period_start_date = month
    inner join rpt_changes as changes
        using (
            metric, relationship, period_grain, period_start_date, compared_with,
            segment_name, segment_value
        )
    where
        drivers.metric = drivers.driver
        and period_grain = 'month'
        and segment_name <> 'all'
        and changes.is_changed
        and excess > 1e-9
    qualify row_number() over (
        partition by metric, relationship, compared_with
        order by excess desc, segment_name, segment_value
    ) = 1
"""
MOVEMENTS = f"""
    with last_month as ({MONTH})
    select
        sum(opening_mrr_amount) as opening,
        sum(new_mrr_amount) as new,
        sum(reactivation_mrr_amount) as reactivation,
        sum(expansion_mrr_amount) as expansion,
        sum(contraction_mrr_amount) as contraction,
        sum(churn_mrr_amount) as churn,
        sum(fx_mrr_amount) as exchange_rates,
        sum(closing_mrr_amount) as closing
    from rpt_mrr_periods
    inner join last_month on period_start_date = month
    where period_grain = 'month'
    having bool_or(opening_mrr_amount > 0 or closing_mrr_amount > 0 or new_mrr_amount > 0)
"""
ACCOUNTS = f"""
    with last_month as ({MONTH})
    select
        customer_id,
        sum(mrr_change_amount) as mrr_change,
        string_agg(distinct movement, ', ' order by movement) as movements
    from fct_mrr_movements
    inner join last_month on date_trunc('month', moved_on) = month
    where movement <> 'fx'
    group by customer_id
    order by abs(sum(mrr_change_amount)) desc, customer_id
    limit {MOST_ACCOUNTS}
"""
# each customer for their best reason
TRIGGERS = """
    select
        trigger_name,
        count(*) as customers,
        sum(expected_value_amount) as expected_value
    from fct_customer_triggers
    where customer_rank = 1
    group by trigger_name
    order by expected_value desc, trigger_name
"""
RESTATED = """
    select
        mart,
        measure,
        count(*) as months,
        min(period_start_date) as first_month,
        max(period_start_date) as last_month,
        arg_max(period_start_date, abs(value_change)) as most_in,
        arg_max(published_value, abs(value_change)) as published_value,
        arg_max(current_value, abs(value_change)) as current_value
    from rpt_restatements
    where period_grain = 'month'
    group by mart, measure
    order by mart, measure
"""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a build says."""

    build_id: str
    manifest: Row
    month: date | None
    """First day of the last complete month; None if no month is complete."""
    changes: list[Row]
    """Rows of rpt_changes about that month, and about the cohorts that came of age in it."""
    drivers: list[Row]
    """The slice that did most beyond its weight for each change of a rate, if one did."""
    movements: Row | None
    """Sums of recurring revenue in the month, in the reporting currency; None without any."""
    accounts: list[Row]
    """The customers whose recurring revenue moved most; empty unless asked for."""
    triggers: list[Row]
    """Customers to contact and what that is worth, by the best reason of each customer."""
    restated: list[Row]
    """Closed months that differ from the build compared with, by measure."""

    @property
    def warnings(self) -> list[str] | None:
        """The warnings of the build; None if its version did not record them."""
        found = self.manifest.get("warnings")
        return [str(each) for each in found] if isinstance(found, list) else None


def read_facts(*, publish_dir: Path, build_id: str | None, has_accounts: bool = False) -> Facts:
    """Read a build, the live one if none is named, in a sandbox.

    Raises PublishError where it is missing, damaged, or lacks the marts that are read.
    """
    with opened(publish_dir=publish_dir, build_id=build_id) as source:
        source.connection.execute("set enable_external_access = false")
        source.connection.execute("set lock_configuration = true")
        try:
            return facts_in(source, has_accounts=has_accounts)
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            cause = str(error).splitlines()[0]
            for mart in source.manifest.get("left_out") or ():
                if f" {mart} " in cause:
                    raise PublishError(
                        f"Build {source.build.name} has no digest, because {mart} is in Spark "
                        "alone. Raise --file-rows above its rows, run refresh, then ask again."
                    ) from error
            raise PublishError(
                f"Build {source.build.name} has no digest, because it was built by another version "
                f"of the project ({cause}). Run refresh, then ask again."
            ) from error


def facts_in(source: Source, /, *, has_accounts: bool) -> Facts:
    """Ask an open build."""

    def rows(query: str) -> list[Row]:
        asked = source.connection.execute(query)
        names = [column[0] for column in asked.description or ()]
        return [dict(zip(names, row, strict=True)) for row in asked.fetchall()]

    return Facts(
        build_id=source.build.name,
        manifest=source.manifest,
        month=rows(MONTH)[0]["month"],
        changes=rows(CHANGES),
        drivers=rows(DRIVERS),
        movements=next(iter(rows(MOVEMENTS)), None),
        accounts=rows(ACCOUNTS) if has_accounts else [],
        triggers=rows(TRIGGERS),
        restated=rows(RESTATED),
    )
