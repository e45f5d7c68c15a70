"""Grain: one row per number of repeats and age that a customer has."""


def model(dbt, session):
    """Forecast the purchases of customers who are alive, by the fit to everybody."""
    import numpy as np

    from python_helpers.value import purchase_forecasts, purchase_model
    from python_helpers.value.fitted import Slice, parameters_of, table
    from python_helpers.value.purchase_fits import DAYS_PER_WEEK, PURCHASES

    dbt.config(materialized="table")
    settings = dbt.config.meta_get("settings")
    known = (
        dbt.ref("int_purchase_histories")
        .aggregate("clv_frequency, clv_age_days", "clv_frequency, clv_age_days")
        .order("clv_frequency, clv_age_days")
        .fetchnumpy()
    )
    frequency, age_days = known["clv_frequency"], known["clv_age_days"]
    parameters = parameters_of(
        fits=dbt.ref("int_purchase_model_fits"),
        of=Slice(model=PURCHASES, segment_name="all", segment_value="all"),
    )
    if "r" not in parameters:  # nothing to forecast with
        frequency, age_days = frequency[:0], age_days[:0]
        parameters = dict.fromkeys(purchase_model.BOUNDS, 1.0)
    history = {
        "parameters": parameters,
        "frequency": frequency,
        "age": np.asarray(age_days, dtype=float) / DAYS_PER_WEEK,
    }
    return table(
        session=session,
        name="purchase_forecasts",
        types={
            "frequency": "bigint",
            "age_days": "bigint",
            "purchases_12m_if_alive": "double",
            "discounted_purchases_if_alive": "double",
        },
        columns={
            "frequency": frequency,
            "age_days": age_days,
            "purchases_12m_if_alive": purchase_forecasts.purchases_if_alive(
                horizon=365 / DAYS_PER_WEEK, **history
            ),
            "discounted_purchases_if_alive": purchase_forecasts.discounted_purchases_if_alive(
                horizon_months=int(settings["ltv_horizon_months"]),
                annual_discount_rate=float(settings["annual_discount_rate"]),
                **history,
            ),
        },
    )
