"""Published marts as Parquet, as CSV, as a spreadsheet or in Postgres."""
