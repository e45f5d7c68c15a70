"""Ask MetricFlow in this process: it writes the SQL, DuckDB answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
from metricflow.protocols.sql_client import SqlEngine
from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
from metricflow_semantics.model.dbt_manifest_parser import (
    parse_manifest_from_dbt_generated_manifest,
)
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup


class Dialect:
    """All that MetricFlow has to know of an engine that it never calls."""

    sql_engine_type = SqlEngine.DUCKDB
    sql_plan_renderer = DuckDbSqlPlanRenderer()


@dataclass(frozen=True)
class Metrics:
    """The metrics of a project that dbt has parsed, and the warehouse that it has built."""

    manifest: Any
    engine: MetricFlowEngine
    warehouse: duckdb.DuckDBPyConnection

    @classmethod
    def of(cls, *, target: Path, warehouse: duckdb.DuckDBPyConnection) -> "Metrics":
        """Read the semantic manifest of a target folder."""
        manifest = parse_manifest_from_dbt_generated_manifest(
            (target / "semantic_manifest.json").read_text(encoding="utf-8")
        )
        engine = MetricFlowEngine(
            semantic_manifest_lookup=SemanticManifestLookup(manifest), sql_client=Dialect()
        )
        return cls(manifest=manifest, engine=engine, warehouse=warehouse)

    def ask(
        self,
        metrics: Sequence[str] | None = None,
        by: Sequence[str] = (),
        where: Sequence[str] = (),
        saved_query: str | None = None,
        start: datetime | None = None,
    ) -> list[tuple]:
        """Return the rows of the answer: first what it is grouped by, then the metrics."""
        request = MetricFlowQueryRequest.create(
            metric_names=metrics,
            group_by_names=by or None,
            where_constraints=where or None,
            saved_query_name=saved_query,
            time_constraint_start=start,
        )
        plan = self.engine.explain(request).sql_statement.without_descriptions
        answer = self.warehouse.sql(plan.sql)
        return answer.select(*by, *metrics).fetchall() if metrics else answer.fetchall()


PERIODS = (
    "from marts.{mart} join marts.dim_periods using (period_grain, period_start_date) "
    "where period_grain = '{grain}' and {rows} group by all"
)
RATED = "bool_and(dim_periods.is_complete_period and dim_periods.has_rates)"


def by_period(
    *, mart: str, grain: str, value: str, rows: str = "true", by: str = "", rated: bool = True
) -> str:
    """Write the query that asks a mart for a number of each period of a grain."""
    value = f"case when {RATED} then {value} end" if rated else value
    source = PERIODS.format(mart=mart, grain=grain, rows=rows)
    return f"select {', '.join(filter(None, ['period_start_date', by]))}, {value} {source}"


def churn(*, grain: str, relationship: str = "any", by: str = "") -> str:
    """Write the query for the churn rates of a grain."""
    return by_period(
        mart="rpt_retention_periods",
        grain=grain,
        value="sum(lost_customers) / nullif(sum(opening_customers), 0)",
        rows=f"relationship = '{relationship}'",
        by=by,
    )


ANSWERS = {
    ("churn_rate_quarterly", "metric_time__quarter"): churn(grain="quarter"),
    ("churn_rate_yearly", "metric_time__year"): churn(grain="year"),
    ("purchase_churn_rate_monthly", "metric_time__month region"): churn(
        grain="month", relationship="orders", by="region"
    ),
    ("churn_rate_trailing_12_months", "metric_time__month"): (
        "select date_trunc('month', closes_on), sum(lost_customers) / sum(opening_customers) "
        "from marts.rpt_retention_periods where relationship = 'any' "
        "and period_grain = 'trailing_12_months' and churn_rate is not null group by all"
    ),
    ("net_revenue_retention_rate_yearly", "metric_time__year"): by_period(
        mart="rpt_mrr_periods",
        grain="year",
        value="sum(net_retained_mrr_amount) / nullif(sum(opening_mrr_amount), 0)",
    ),
    ("gross_mrr_churn_rate", "metric_time__year"): by_period(
        mart="rpt_mrr_periods",
        grain="year",
        value="-sum(churn_mrr_amount + contraction_mrr_amount) "
        "/ nullif(sum(opening_mrr_amount), 0)",
    ),
    ("active_customers", "metric_time__quarter"): by_period(
        mart="rpt_retention_periods",
        grain="quarter",
        value="sum(closing_customers)",
        rows="relationship = 'any'",
        rated=False,
    ),
    ("mrr", "metric_time__year acquisition_channel"): by_period(
        mart="rpt_mrr_periods",
        grain="year",
        value="sum(closing_mrr_amount)",
        by="acquisition_channel",
        rated=False,
    ),
    ("revenue", "metric_time__month customer_segment"): by_period(
        mart="rpt_revenue_mix",
        grain="month",
        value="sum(total_revenue_amount)",
        by="customer_segment",
        rated=False,
    ),
    ("share_of_wallet", "metric_time__quarter"): (
        "select date_trunc('quarter', quarter_end_date), "
        "sum(own_spend_amount) / sum(own_spend_amount + wallet_headroom_amount) "
        "from marts.rpt_share_of_wallet where wallet_source = 'survey' group by all"
    ),
    ("nps_quarterly", "metric_time__quarter"): by_period(
        mart="rpt_nps", grain="quarter", value="any_value(nps)", rows="segment_name = 'all'"
    ),
    ("csat", "metric_time__year"): by_period(
        mart="rpt_csat", grain="year", value="any_value(csat)", rows="segment_name = 'all'"
    ),
    ("renewal_rate", "metric_time__quarter"): by_period(
        mart="rpt_renewals",
        grain="quarter",
        value="any_value(renewal_rate)",
        rows="segment_name = 'all'",
    ),
    ("subscription_churn_rate", "metric_time__year"): by_period(
        mart="rpt_mrr_periods",
        grain="year",
        value="sum(lost_subscriptions) / nullif(sum(opening_subscriptions), 0)",
    ),
    ("plan_mrr", "metric_time__quarter plan__plan_id"): by_period(
        mart="rpt_mrr_plans",
        grain="quarter",
        value="sum(closing_mrr_amount)",
        by="plan_id",
        rated=False,
    ),
    ("trial_conversion_rate", "metric_time__month"): (
        "select cohort_month, conversion_rate from marts.rpt_trials where segment_name = 'all'"
    ),
    ("recovery_rate", "metric_time__month"): by_period(
        mart="rpt_dunning",
        grain="month",
        value="any_value(recovery_rate)",
        rows="segment_name = 'all'",
    ),
    ("involuntary_churn_share", "metric_time__quarter"): by_period(
        mart="rpt_dunning",
        grain="quarter",
        value="any_value(involuntary_churn_share)",
        rows="segment_name = 'all'",
    ),
    ("stage_entries", "metric_time__quarter stage__lifecycle_stage"): by_period(
        mart="rpt_stage_periods",
        grain="quarter",
        value="sum(entries)",
        by="lifecycle_stage",
        rated=False,
    ),
    ("cohort_active_rate", "metric_time__month cohort__months_since"): (
        "select cohort_month, months_since, sum(active_customers) / sum(cohort_customers) "
        "from marts.rpt_cohort_retention where relationship = 'any' and is_complete_period "
        "group by all having sum(cohort_customers) > 0"
    ),
    ("cac", "metric_time__month marketing__channel"): (
        "select month_start_date, channel, cac_amount from marts.rpt_marketing_mix"
    ),
    ("won_customers", "metric_time__month"): (
        "select month_start_date, sum(new_customers) from marts.rpt_marketing_mix "
        "group by all having sum(new_customers) > 0"
    ),
    (
        "repeat_rate",
        "",
    ): "select repeat_rate from marts.rpt_repeat_purchases where segment_name = 'all'",
    ("campaign_open_rate", "metric_time__year campaign__channel"): (
        "select date_trunc('year', touches.targeted_on), channel, "
        "count(*) filter (is_opened) / count(*) from marts.fct_campaign_touches as touches "
        "join marts.dim_campaigns using (campaign_id) where is_sent and not is_control group by all"
    ),
    ("customer_sale_rate", "metric_time__quarter"): (
        "select quarter_start_date, sale_rate from marts.rpt_sale_odds where audience = 'customer'"
    ),
    ("ltv_to_cac_by_months", ""): (
        "select ltv_to_cac from marts.rpt_formula_ltv where relationship = 'any' "
        "and period_grain = 'month' and segment_name = 'all'"
    ),
}
"""What a mart says: (metric, what it is grouped by) -> query."""
