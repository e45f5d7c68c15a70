"""What `--help` teaches, a text per command. A backspace keeps the lines of its paragraph."""

MAIN = """
Build the customer-lifecycle warehouse and publish its marts.

A refresh builds every model, runs every test, audits the result against the build published before
and, only if all of that passes, publishes the marts in one atomic step. Until then readers keep the
build published before.

\b
Examples:
  lifecycle refresh                           from the sample in the project
  lifecycle refresh --raw-data ~/deliveries   from your CSV or Parquet files
  lifecycle refresh --raw-input tables        from schema raw of the warehouse
  lifecycle audit                             is the warehouse plausible, as it is?
  lifecycle status                            what is published, how old it is
  lifecycle docs                              every table and where it comes from, as one page

\b
Exit codes:
  0  done
  1  a model or a test failed; for status: nothing is published
  2  wrong usage
  3  the build passed and could not be published
  4  the raw data cannot be used: the message says which file, what is wrong, what to do
  5  the audit blocked: the message says what was expected, what was found, what to do
"""

REFRESH = """
Build the warehouse, test it, audit it and publish its marts.

Each option is an environment variable as well; plain dbt reads those that are not of this command
alone (VARS, KEEP_BUILDS, SKIP_AUDIT) under the same name. An option beats its variable, and --vars
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
  5  the audit blocked: the message says what was expected, what was found, what to do
After 1, 2, 3, 4 or 5 readers still have the build published before.
"""

AUDIT = """
Audit the warehouse as it is, as a refresh does before it publishes. Nothing is built or published.

The suites in tests/expectations say what is expected, at which level, and why. Drift is measured
against the live build in the folder of what is published.

\b
Examples:
  lifecycle audit
  lifecycle audit --warehouse trial/w.duckdb --publish-dir /srv/marts

\b
Exit codes:
  0  nothing blocks; warnings are printed
  2  wrong usage, no warehouse, or a suite that cannot be understood
  5  blocked: the message says what was expected, what was found, what to do
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
