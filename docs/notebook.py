"""A notebook that reads the published marts and draws three charts.

.venv/bin/marimo edit docs/notebook.py -- --marts published/marts.duckdb
"""

import marimo

app = marimo.App(width="medium")


@app.cell
def opened():
    import altair as alt
    import duckdb
    import marimo as mo

    file = str(mo.cli_args().get("marts") or "published/marts.duckdb")
    # the file as every reader opens it: nothing in a query can write, or read another file
    marts = duckdb.connect(
        file,
        read_only=True,
        config={"enable_external_access": False, "lock_configuration": True, "temp_directory": ""},
    )
    return alt, marts, mo


@app.cell
def build(marts, mo):
    (built,) = marts.execute(
        "select as_of_date, reporting_currency, build_id from dim_build"
    ).fetchall()
    mo.md(f"# Retention\n\nAs of {built[0]}, amounts in {built[1]}, build {built[2]}.")
    return


@app.cell
def churn(alt, marts):
    # counts are added up before they are divided
    rows = marts.execute("""
        select
            period_start_date as month,
            sum(lost_customers) as lost_customers,
            sum(lost_customers) / nullif(sum(opening_customers), 0) as churn_rate
        from rpt_retention_periods
        where relationship = 'any' and period_grain = 'month' and is_complete_period
        group by month
        order by month
    """).df()
    churn_chart = (
        alt.Chart(rows, title="Churn rate by month", width=640)
        .mark_line(point=True)
        .encode(x="month:T", y=alt.Y("churn_rate:Q").axis(format="%"), tooltip=list(rows))
    )
    churn_chart
    return (churn_chart,)


@app.cell
def revenue(alt, marts):
    kinds = ("first_purchase", "repeat", "expansion")
    revenue_rows = marts.execute(f"""
        select period_start_date as month, kind, sum(amount) as revenue
        from (
            unpivot (from rpt_revenue_mix where period_grain = 'month' and is_complete_period)
            on {", ".join(f"{kind}_revenue_amount" for kind in kinds)}
            into name kind value amount
        )
        group by all
        order by all
    """).df()
    revenue_chart = (
        alt.Chart(revenue_rows, title="Where revenue comes from", width=640)
        .mark_bar()
        .encode(x="month:T", y="revenue:Q", color="kind:N", tooltip=list(revenue_rows))
    )
    revenue_chart
    return (revenue_chart,)


@app.cell
def stages(alt, marts):
    stage_rows = marts.execute("""
        select lifecycle_stage, count(*) as customers
        from fct_lifecycle_stages
        where is_current
        group by lifecycle_stage
        order by customers desc
    """).df()
    stages_chart = (
        alt.Chart(stage_rows, title="Customers in each lifecycle stage today", width=640)
        .mark_bar()
        .encode(x="customers:Q", y=alt.Y("lifecycle_stage:N", sort="-x"))
    )
    stages_chart
    return (stages_chart,)


if __name__ == "__main__":
    app.run()
