"""Own numbers beside published ones."""

from collections.abc import Sequence

import altair as alt

from python_helpers.report.chart import ROWS, Chart, Column, Row
from python_helpers.report.drawing import ONE_BELOW_ANOTHER
from python_helpers.report.theme import series
from python_helpers.report.words import month, readable, share

OWN, PUBLISHED = "Own", "Published"
PER_CENT = "Per cent"


def spec() -> alt.LayerChart:
    """Draw each published range as a bar, and the own value as a dot."""
    base = (
        alt.Chart(alt.NamedData(name=ROWS), width="container", height=alt.Step(38))
        .transform_calculate(benchmark="datum.metric + ':' + datum.companies")
        .encode(
            y=alt.Y("benchmark:N", title=None, sort=None).axis(
                labelExpr="split(datum.label, ':')", labelLimit=170
            ),
            color=alt.Color("side:N")
            .scale(domain=[OWN, PUBLISHED], range=series("blue", "gold"))
            .legend(**ONE_BELOW_ANOTHER),
        )
    )
    published = (
        base.transform_calculate(side=f"{PUBLISHED!r}")
        .mark_rule(strokeWidth=10, strokeCap="round")
        .encode(x=alt.X("low:Q", title=None).scale(zero=True), x2="high:Q")
    )
    own = (
        base.transform_calculate(side=f"{OWN!r}")
        .mark_point(filled=True, size=110, opacity=1)
        .encode(x="own:Q")
    )
    return published + own


def sentence(rows: Sequence[Row]) -> str:
    """Say on which side of what is published the own values are."""
    sides: dict[str, list[str]] = {"above": [], "within": [], "below": []}
    for metric in dict.fromkeys(row["metric"] for row in rows):
        of_metric = [row for row in rows if row["metric"] == metric]
        own, is_share = of_metric[0]["own"], of_metric[0]["scale"] == PER_CENT
        value = share(own / 100) if is_share else f"{own:,.1f} times"
        # companies of several kinds may be on both sides
        compared = {row["compared"] for row in of_metric}
        side = compared.pop() if len(compared) == 1 else "within"
        sides[side].append(f"{metric} ({value})")
    said = " ".join(
        f"{side.capitalize()} what is published: {', '.join(names)}."
        for side, names in sides.items()
        if names
    )
    return f"{said} Measured over twelve months to {month(rows[0]['window_end_date'])}."


CHART = Chart(
    place=620,
    section="Where revenue comes from",
    title="Against published benchmarks",
    # shares as per cent: one axis cannot show them beside ratios
    query=f"""
        with benchmarks as (
            select
                *,
                case metric
                    when 'existing_customer_revenue_share' then 'Revenue of existing customers'
                    when 'expansion_revenue_share' then 'Revenue of expansion'
                    when 'blended_acquisition_to_retention_cost_ratio'
                        then 'Cost of winning to keeping'
                    when 'profit_change' then 'Profit of better retention'
                    when 'ltv_to_cac' then 'LTV to CAC'
                    else {readable("metric")}
                end as metric_name,
                metric not in ('blended_acquisition_to_retention_cost_ratio', 'ltv_to_cac')
                    as is_share
            from rpt_benchmarks
            where own_value is not null
        )
        select
            case when is_share then 'Per cent' else 'Times' end as scale,
            metric_name as metric,
            replace(company_kind, '_', ' ') as companies,
            case when is_share then 100 else 1 end * own_value as own,
            case when is_share then 100 else 1 end * low_value as low,
            case when is_share then 100 else 1 end * high_value as high,
            compared_with_benchmark as compared,
            source,
            window_end_date
        from benchmarks
        order by is_share desc, metric_name, low_value
    """,
    columns={
        "scale": Column(label="In"),
        "metric": Column(label="Number"),
        "companies": Column(label="Published of companies"),
        "own": Column(label="Own", unit="number"),
        "low": Column(label="Published from", unit="number"),
        "high": Column(label="to", unit="number"),
        "compared": Column(label="Own against published"),
        "source": Column(label="Where it comes from"),
    },
    spec=spec,
    sentence=sentence,
    switch="scale",
)
