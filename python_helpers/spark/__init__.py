"""The warehouse on Spark: what dbt does not do there."""
