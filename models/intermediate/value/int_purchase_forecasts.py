"""Grain: one row per number of repeats and age that a customer has."""


def model(dbt, session):
    """Forecast the purchases of customers who are alive, by the chosen fit to all customers."""
    from python_helpers.value.fits import DAYS_PER_WEEK
    from python_helpers.value.purchase_model import (
        FAMILIES,
        discounted_purchases_if_alive,
        purchases_if_alive,
    )
    from python_helpers.value.tables import ALL, parameters_by_slice, table

    dbt.config(materialized="table")
    settings = dbt.config.meta_get("settings")
    known = (
        dbt.ref("int_purchase_histories")
        .aggregate("clv_frequency, clv_age_days", "clv_frequency, clv_age_days")
        .order("clv_frequency, clv_age_days")
        .fetchnumpy()
    )
    fits = parameters_by_slice(fits=dbt.ref("int_purchase_model_fits"))
    (horizon,) = dbt.ref("int_history_measured").project("ltv_months").fetchone()
    of_families = {family: fits.get((family, ALL, ALL), {}) for family in FAMILIES}
    family = next((name for name, fit in of_families.items() if fit.get("chosen")), None)
    rows = []
    if family and "r" in of_families[family]:  # without a fit there is no forecast
        history = {
            "family": family,
            "parameters": of_families[family],
            "frequency": known["clv_frequency"],
            "age": known["clv_age_days"] / DAYS_PER_WEEK,
        }
        rows = zip(
            known["clv_frequency"],
            known["clv_age_days"],
            purchases_if_alive(horizon=365 / DAYS_PER_WEEK, **history),
            discounted_purchases_if_alive(
                horizon_months=horizon or 0,
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
