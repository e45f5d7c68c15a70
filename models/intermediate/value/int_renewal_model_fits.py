"""Grain: one row per billing term, statistic and class of renewals so far."""


def model(dbt, session):
    """Fit the model of renewals to the contracts of each billing term, and test it."""
    from python_helpers.value.fits import renewal_rows
    from python_helpers.value.tables import FIT_TYPES, table

    dbt.config(materialized="table")
    settings = dbt.config.meta_get("settings")
    rows = renewal_rows(
        histories=dbt.ref("int_renewal_histories"),
        min_churned=int(settings["ltv_min_churned_contracts"]),
    )
    return table(session=session, name="renewal_model_fits", types=FIT_TYPES, rows=rows)
