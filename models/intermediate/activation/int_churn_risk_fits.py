"""Grain: one row per term of the model of churn risk and statistic."""


def model(dbt, session):
    """Fit the chance to churn to the customers of past days who could."""
    from python_helpers.value.risk_model import FIT_TYPES, risk_rows
    from python_helpers.value.tables import table

    dbt.config(materialized="table")
    settings = dbt.config.meta_get("settings")
    rows = risk_rows(
        customers=dbt.ref("int_churn_risk_inputs").filter("day_role = 'training' and can_lapse"),
        min_customers=int(settings["churn_risk_min_customers"]),
        min_churned=int(settings["churn_risk_min_churned"]),
        penalty=float(settings["churn_risk_penalty"]),
    )
    return table(session=session, name="churn_risk_fits", types=FIT_TYPES, rows=rows)
