"""What campaigns changed: customers targeted less customers held out, with the interval."""

from collections.abc import Sequence

import altair as alt

from python_helpers.report.chart import ROWS, Chart, Column, Row
from python_helpers.report.theme import colour, series
from python_helpers.report.words import count, share

MEASURES = {"conversion": "Bought in the days after", "retention": "Still active later"}
VERDICTS = ("helps", "cannot tell", "hurts")


def spec() -> alt.LayerChart:
    """Draw an interval per campaign, and a line where targeting changes nothing."""
    base = alt.Chart(alt.NamedData(name=ROWS), width="container", height=alt.Step(24)).encode(
        y=alt.Y("campaign:N", title=None, sort=None),
        color=alt.Color("verdict:N").scale(
            domain=list(VERDICTS), range=series("teal", "grey", "orange")
        ),
    )
    axis = alt.X("ci_low:Q", title="targeted less held out").axis(format="+.0%")
    intervals = base.mark_rule(strokeWidth=3).encode(x=axis, x2="ci_high:Q")
    points = base.mark_point(filled=True, size=70).encode(x="difference:Q")
    nothing = (
        alt.Chart(alt.NamedData(name=ROWS))
        .mark_rule(color=colour("muted"))
        .encode(x=alt.datum(0), tooltip=alt.value(None))
    )
    return nothing + intervals + points


def sentence(rows: Sequence[Row]) -> str:
    """Say how many campaigns help, and what the best of them changes."""
    said = []
    for measure in MEASURES.values():
        campaigns = [row for row in rows if row["measure"] == measure]
        helping = [row for row in campaigns if row["verdict"] == "helps"]
        if not campaigns:
            continue
        words = f"{measure}: {len(helping)} of {count(len(campaigns), 'campaign')} helped"
        if hurting := sum(row["verdict"] == "hurts" for row in campaigns):
            words += f", {hurting} hurt"
        if helping:
            best = max(helping, key=lambda row: row["difference"])
            words += (
                f", {best['campaign']} most: {share(best['targeted_value'])} of those targeted "
                f"against {share(best['held_out_value'])} of those held out"
            )
        said.append(f"{words}.")
    return f"{' '.join(said)} The others cannot be told from chance."


CHART = Chart(
    place=960,
    section="What to do",
    title="What campaigns changed",
    query=f"""
        select
            case measure when 'conversion' then '{MEASURES["conversion"]}'
            else '{MEASURES["retention"]}' end as measure,
            coalesce(nullif(campaign_name, 'unknown'), campaign_id) as campaign,
            targeted_customers,
            held_out_customers,
            targeted_value,
            held_out_value,
            difference,
            ci_low,
            ci_high,
            verdict
        from rpt_campaign_effect
        inner join dim_campaigns using (campaign_id)
        where (measure = 'conversion' or measure like 'retention%') and ci_low is not null
        qualify row_number() over (partition by measure order by started_on desc, campaign_id) <= 20
        order by measure, started_on desc, campaign_id
    """,
    columns={
        "measure": Column(label="Measure"),
        "campaign": Column(label="Campaign"),
        "targeted_customers": Column(label="Targeted", unit="count"),
        "held_out_customers": Column(label="Held out", unit="count"),
        "targeted_value": Column(label="Of those targeted", unit="share"),
        "held_out_value": Column(label="Of those held out", unit="share"),
        "difference": Column(label="Difference", unit="share"),
        "ci_low": Column(label="At least", unit="share"),
        "ci_high": Column(label="At most", unit="share"),
        "verdict": Column(label="Verdict"),
    },
    spec=spec,
    sentence=sentence,
    is_wide=True,
    switch="measure",
)
