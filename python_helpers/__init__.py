"""The `lifecycle` command: builds the warehouse with dbt and publishes its marts.

Thin on purpose: dbt transforms the data, DuckDB copies the marts, and this package calls the two
in order, shows what happens and keeps readers on the last good build.
"""
