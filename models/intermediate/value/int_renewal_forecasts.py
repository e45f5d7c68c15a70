"""Grain: one row per billing term and age that a running contract has."""


def model(dbt, session):
    """Forecast how many more months contracts of an age will be paid for."""
    import numpy as np

    from python_helpers.value.fits import RENEWALS
    from python_helpers.value.renewal_model import BOUNDS, paid_months
    from python_helpers.value.tables import parameters_by_slice, table

    dbt.config(materialized="table")
    settings = dbt.config.meta_get("settings")
    alike = "billing_term, term_unit, term_length, contract_age"
    known = dbt.ref("int_contracts_running").aggregate(alike, alike).order(alike).fetchnumpy()
    fits = parameters_by_slice(fits=dbt.ref("int_renewal_model_fits"))
    of_terms = [fits.get((RENEWALS, "billing_term", term), {}) for term in known["billing_term"]]
    contracts = {
        # NaN where the term has no fit
        "parameters": {
            name: np.array([found.get(name, np.nan) for found in of_terms]) for name in BOUNDS
        },
        "age": known["contract_age"],
        "interval": known["term_length"],
        "month": np.where(known["term_unit"] == "days", 365 / 12, 1.0),
    }
    (horizon,) = dbt.ref("int_history_measured").project("ltv_months").fetchone()
    months_12m = paid_months(horizon_months=12, **contracts)
    discounted = paid_months(
        horizon_months=horizon or 0,
        annual_discount_rate=float(settings["annual_discount_rate"]),
        **contracts,
    )
    return table(
        session=session,
        name="renewal_forecasts",
        types={
            "billing_term": "varchar",
            "contract_age": "bigint",
            "paid_months_12m": "double",
            "discounted_paid_months": "double",
        },
        rows=zip(known["billing_term"], known["contract_age"], months_12m, discounted, strict=True),
    )
