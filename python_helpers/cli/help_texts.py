"""What `--help` teaches, a text per command. A backspace keeps the lines of its paragraph."""

EXIT_CODES = {
    0: "done",
    1: "a model or a test failed; for status: nothing is published",
    2: "wrong usage",
    3: "the build cannot be published; for rollback: that build cannot be live; "
    "for export: it cannot be read or written; for erase: not all is erased yet",
    4: "the raw data cannot be used: the message says which file, what is wrong, what to do",
    5: "the audit blocked: the message says what was expected, what was found, what to do",
    6: "another run holds the lock: the message says which",
    7: "a refresh or an export was stopped, by --timeout or by a signal",
}
"""Every exit code with its meaning; docs/operations.md has the same list."""


def exit_codes(*codes: int) -> str:
    """List exit codes with their meanings."""
    return "\n".join(f"  {code}  {EXIT_CODES[code]}" for code in codes)


MAIN = f"""
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
  lifecycle rollback                          the build before, live again
  lifecycle export                            the published marts as Parquet, CSV or in Postgres
  lifecycle erase --customers forget.txt      people who are to be forgotten
  lifecycle docs                              every table and where it comes from, as one page

\b
Exit codes:
{exit_codes(*EXIT_CODES)}
"""

REFRESH = f"""
Build the warehouse, test it, audit it and publish its marts.

Each option is an environment variable as well; plain dbt reads those that are not of this command
alone (VARS, PUBLISH_DIR, KEEP_BUILDS, SKIP_AUDIT, REFRESH_...) under the same name. An option beats
its variable, and --vars beats both.

\b
Examples:
  lifecycle refresh --raw-data ~/deliveries --as-of 2024-06-30
  RAW_DATA_DIR=~/deliveries REPORTING_CURRENCY=EUR lifecycle refresh
  lifecycle refresh --warehouse trial/w.duckdb --publish-dir trial/published
  lifecycle refresh --wait 600 --retry 2 --timeout 90 --on-failure 'mail -s failed me@example.com'

\b
Exit codes:
{exit_codes(*EXIT_CODES)}
After each but 0 readers still have the build published before.
"""

ROLLBACK = f"""
Make an earlier build the live one, in one step, after its files were checked.

Without --to it is the newest build before the live one that was not taken back itself. The next
refresh publishes as usual.

\b
Examples:
  lifecycle rollback
  lifecycle rollback --to 20240701T060000Z

\b
Exit codes:
{exit_codes(0, 2, 3, 6)}
"""

AUDIT = f"""
Audit the warehouse as it is, as a refresh does before it publishes. Nothing is built or published.

The suites in tests/expectations say what is expected, at which level, and why. Drift is measured
against the live build in the folder of what is published.

\b
Examples:
  lifecycle audit
  lifecycle audit --warehouse trial/w.duckdb --publish-dir /srv/marts

\b
Exit codes:
{exit_codes(0, 2, 5, 6)}
"""

EXPORT = f"""
Write the marts of a published build for other programs: as Parquet, as CSV, as tables in Postgres.

Files are in exports/FORMAT/current, one per mart, beside a manifest.json with checksums, rows and
what each column means. They change all at once, as the tables of a schema in Postgres do. Texts in
CSV that a spreadsheet would take for a formula get a ' before them.

A selection is in the syntax of dbt, and what it has beside published marts is left out. Each export
replaces the one before: in Postgres, marts that are not selected any more are dropped.

\b
Examples:
  lifecycle export
  lifecycle export --format csv --select marts.retention --exclude rpt_survival
  lifecycle export --build 20240701T060000Z --export-dir /srv/exports
  POSTGRES_URL=postgresql://etl:secret@db/bi lifecycle export --format postgres --schema marts

\b
Exit codes:
{exit_codes(0, 2, 3, 6, 7)}
After each but 0 the export before is still there, whole; of Postgres, unless the message is about
the folder of the manifest.
"""

STATUS = """
Show what is published: which build, how old, from what, rows per mart; which builds are kept, what
failed last, whether a run goes on.

Exits with 1 where nothing is published.

\b
Examples:
  lifecycle status
  lifecycle status --publish-dir /srv/marts
  lifecycle status --json
"""

ERASE = f"""
Erase people: from the warehouse, from every kept build, from exports, logs and records, and from
every later delivery. Totals stay.

The person's id becomes another one that says nothing, and what names the person becomes the word
`erased`; orders, dates and segments stay. The list of the erased holds a keyed hash of each id, so
that staging knows them again. The delivered files belong to their owner: the command says in which
of them the people still are. With POSTGRES_URL set, what was exported to that database is exported
again; other databases are named. Run again what was ended before it was done.

\b
Examples:
  lifecycle erase --customers forget.txt --dry-run    where are they?
  lifecycle erase --customers forget.txt
  lifecycle erase --customer C0000042 --yes

\b
Exit codes:
{exit_codes(0, 2, 3, 6)}
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
