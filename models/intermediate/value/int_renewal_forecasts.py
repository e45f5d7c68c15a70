"""Grain: one row per billing term and age that a running contract has."""


def model(dbt, session):
    """Forecast how many more months contracts of an age will be paid for."""
    import numpy as np

    from python_helpers.value.fitted import table
    from python_helpers.value.renewal_fits import paid_months

    dbt.config(materialized="table")
    settings = dbt.config.meta_get("settings")
    alike = "billing_term, term_unit, term_length, contract_age"
    known = dbt.ref("int_contracts_running").aggregate(alike, alike).order(alike).fetchnumpy()
    terms = np.asarray(known["billing_term"], dtype=object)
    fits = dbt.ref("int_renewal_model_fits")
    contracts = {
        "age": np.asarray(known["contract_age"], dtype=float),
        "interval": np.asarray(known["term_length"], dtype=float),
        "month": np.where(np.asarray(known["term_unit"]) == "days", 365 / 12, 1.0),
    }
    return table(
        session=session,
        name="renewal_forecasts",
        types={
            "billing_term": "varchar",
            "contract_age": "bigint",
            "paid_months_12m": "double",
            "discounted_paid_months": "double",
        },
        columns={
            "billing_term": terms,
            "contract_age": known["contract_age"],
            "paid_months_12m": paid_months(
                fits=fits, contracts=contracts, terms=terms, horizon_months=12
            ),
            "discounted_paid_months": paid_months(
                fits=fits,
                contracts=contracts,
                terms=terms,
                horizon_months=int(settings["ltv_horizon_months"]),
                annual_discount_rate=float(settings["annual_discount_rate"]),
            ),
        },
    )
