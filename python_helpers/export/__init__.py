"""Published marts as Parquet, as CSV or in Postgres."""
