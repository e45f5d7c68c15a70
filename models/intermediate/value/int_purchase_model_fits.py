"""Grain: one row per model, slice, statistic, frequency class and decile."""


def model(dbt, session):
    """Fit the models of purchases and of margins, and test them on the hold-out."""
    from python_helpers.value.fits import purchase_rows
    from python_helpers.value.tables import FIT_TYPES, table

    dbt.config(materialized="table")
    settings = dbt.config.meta_get("settings")
    rows = purchase_rows(
        states=dbt.ref("int_purchase_states"),
        min_repeat_customers=int(settings["ltv_min_repeat_customers"]),
        holdout_weeks=float(settings["ltv_holdout_weeks"]),
        most_customers=int(settings["ltv_sample_customers"]),
    )
    return table(session=session, name="purchase_model_fits", types=FIT_TYPES, rows=rows)
