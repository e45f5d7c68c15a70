"""What `--help` teaches, a text per command. A backspace keeps the lines of its paragraph."""

MAIN = """
Build the customer-lifecycle warehouse and publish its marts.

A refresh builds every model, runs every test and, only if all of them pass, publishes the marts in
one atomic step. Until then readers keep the build published before.

\b
Examples:
  lifecycle refresh                           from the sample in the project
  lifecycle refresh --raw-data ~/deliveries   from your CSV or Parquet files
  lifecycle refresh --raw-input tables        from schema raw of the warehouse
  lifecycle status                            what is published, how old it is
  lifecycle docs                              every table and where it comes from, as one page

\b
Exit codes:
  0  done
  1  a model or a test failed; for status: nothing is published
  2  wrong usage
  3  the build passed and could not be published
  4  the raw data cannot be used: the message says which file, what is wrong, what to do
"""

REFRESH = """
Build the warehouse, test it and publish its marts.

Each option is an environment variable as well; plain dbt reads those that are not of this command
alone (VARS, PUBLISH_DIR, KEEP_BUILDS) under the same name. An option beats its variable, and --vars
beats both.

\b
Examples:
  lifecycle refresh --raw-data ~/deliveries --as-of 2024-06-30
  RAW_DATA_DIR=~/deliveries REPORTING_CURRENCY=EUR lifecycle refresh
  lifecycle refresh --warehouse trial/w.duckdb --publish-dir trial/published

\b
Exit codes:
  0  every model and test passed, and the marts are published
  1  a model or a test failed; nothing is published
  2  wrong usage; nothing was built
  3  the build passed and could not be published
  4  the raw data cannot be used: the message says which file, what is wrong, what to do
After 1, 2, 3 or 4 readers still have the build published before.
"""

STATUS = """
Show what is published: which build, how old, from what, rows per mart.

Exits with 1 where nothing is published.

\b
Examples:
  lifecycle status
  lifecycle status --publish-dir /srv/marts
"""

DOCS = """
Write the documentation of every table, with its lineage, as one HTML file that needs no server.

The warehouse is described as it is; one that is missing is built first, without publishing it. Give
the settings it was built with: they show in the lineage and in the SQL of the page.

\b
Examples:
  lifecycle docs
  lifecycle docs --raw-data ~/deliveries
"""
