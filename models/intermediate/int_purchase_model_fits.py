"""Grain: one row per model, slice, statistic and frequency class."""


def model(dbt, session):
    """Fit the models of purchases and of margins, and judge them on the hold-out."""
    from python_helpers.fitted import table_of_rows
    from python_helpers.purchase_fits import purchase_rows

    dbt.config(materialized="table")
    rows = purchase_rows(
        states=dbt.ref("int_purchase_states"),
        min_repeat_customers=int(dbt.config.meta_get("ltv_min_repeat_customers")),
        holdout_weeks=float(dbt.config.meta_get("ltv_holdout_weeks")),
    )
    return table_of_rows(session=session, name="purchase_model_fits", rows=list(rows))
