"""Writing marts to a Postgres server, in one transaction."""
