"""Grain: one row per number of repeats and age that a customer has."""


def model(dbt, session):
    """Forecast the purchases of customers who are alive, by the fit to all customers."""
    from python_helpers.value.fits import ALL, DAYS_PER_WEEK, PURCHASES
    from python_helpers.value.purchase_model import (
        discounted_purchases_if_alive,
        purchases_if_alive,
    )
    from python_helpers.value.tables import parameters_by_slice, table

    dbt.config(materialized="table")
    settings = dbt.config.meta_get("settings")
    known = (
        dbt.ref("int_purchase_histories")
        .aggregate("clv_frequency, clv_age_days", "clv_frequency, clv_age_days")
        .order("clv_frequency, clv_age_days")
        .fetchnumpy()
    )
    fits = parameters_by_slice(fits=dbt.ref("int_purchase_model_fits"))
    parameters = fits.get((PURCHASES, ALL, ALL), {})
    rows = []
    if "r" in parameters:  # without a fit there is no forecast
        history = {
            "parameters": parameters,
            "frequency": known["clv_frequency"],
            "age": known["clv_age_days"] / DAYS_PER_WEEK,
        }
        rows = zip(
            known["clv_frequency"],
            known["clv_age_days"],
            purchases_if_alive(horizon=365 / DAYS_PER_WEEK, **history),
            discounted_purchases_if_alive(
                horizon_months=int(settings["ltv_horizon_months"]),
                annual_discount_rate=float(settings["annual_discount_rate"]),
                **history,
            ),
            strict=True,
        )
    return table(
        session=session,
        name="purchase_forecasts",
        types={
            "frequency": "bigint",
            "age_days": "bigint",
            "purchases_12m_if_alive": "double",
            "discounted_purchases_if_alive": "double",
        },
        rows=rows,
    )
