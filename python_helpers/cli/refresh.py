"""The command `lifecycle refresh`."""

import functools

import click
from rich.console import Console

from python_helpers.cli import options
from python_helpers.cli.command import EXIT_CODES, Command
from python_helpers.cli.tables import show_published
from python_helpers.core.errors import SettingsError
from python_helpers.core.folders import Folders
from python_helpers.core.settings import Choices, Inputs, Resources, resolve_settings
from python_helpers.operate.attended import Policy, attended, tell_of
from python_helpers.operate.refresh import refresh as run_refresh

built = functools.partial(
    options.inputs,
    options.RAW_INPUT,
    options.RAW_DATA,
    options.option(
        "--as-of",
        envvar="AS_OF_DATE",
        metavar="YYYY-MM-DD",
        help="The day whose end the warehouse shows.  "
        "[default: yesterday, or the last event in the data if that is earlier]",
    ),
    options.option(
        "--reporting-currency",
        envvar="REPORTING_CURRENCY",
        metavar="CODE",
        help="Currency all amounts are converted to, such as EUR.  "
        "[default: the one currency of the data]",
    ),
    options.option(
        "--vars",
        "dbt_vars",
        envvar="VARS",
        metavar="YAML",
        help="dbt vars of this run, such as '{default_margin_rate: 0.4}'.",
    ),
)
chosen = functools.partial(
    options.choices,
    options.option(
        "--full-refresh",
        envvar="DBT_FULL_REFRESH",
        is_flag=True,
        help="Drop and rebuild every table; needed after a column was added to a seed.",
    ),
    options.option(
        "--keep-builds",
        envvar="KEEP_BUILDS",
        type=click.IntRange(min=1),
        default=5,
        help="Published builds to keep, the live one included.",
    ),
    options.option(
        "--skip-audit",
        envvar="SKIP_AUDIT",
        is_flag=True,
        help="Publish without the audit, once, after you have looked at a blocked build and found "
        "it right. The manifest says so.",
    ),
    options.WAIT,
    options.DEBUG,
)
unattended = functools.partial(
    options.grouped,
    "policy",
    Policy,
    options.option(
        "--retry",
        "retries",
        envvar="REFRESH_RETRY",
        type=click.IntRange(min=0),
        default=0,
        help="How often to try again after a failure that may pass: a full disk, a warehouse that "
        "is open elsewhere, a delivery that is still being written. Failed tests and wrong data "
        "are not tried again.",
    ),
    options.option(
        "--retry-wait",
        envvar="REFRESH_RETRY_WAIT",
        type=options.SECONDS,
        default=60,
        help="Seconds between two tries.",
    ),
    options.option(
        "--timeout",
        envvar="REFRESH_TIMEOUT",
        type=options.MINUTES,
        help="Minutes after which the command is stopped with exit code 7, tries and waits "
        "included.",
    ),
    options.option(
        "--on-failure",
        envvar="REFRESH_ON_FAILURE",
        metavar="COMMAND",
        help="Shell command to run after a failure. It gets the facts as JSON on its input and as "
        "LIFECYCLE_PHASE, LIFECYCLE_ERROR, ... in its environment.",
    ),
    options.option(
        "--webhook",
        envvar="REFRESH_WEBHOOK",
        metavar="URL",
        help="Address that the facts of a failure are posted to, as JSON. Prefer the variable if "
        "the address is secret: other users can see a command line.",
    ),
)


@click.command(
    cls=Command,
    examples=(
        "lifecycle refresh --raw-data ~/deliveries --as-of 2024-06-30",
        "RAW_DATA_DIR=~/deliveries REPORTING_CURRENCY=EUR lifecycle refresh",
        "lifecycle refresh --warehouse trial/w.duckdb --publish-dir trial/published",
        "lifecycle refresh --wait 600 --retry 2 --timeout 90 --on-failure 'mail -s failed me'",
    ),
    exit_codes=tuple(EXIT_CODES),
    failed="Nothing was published.",
)
@built()
@options.places(options.WAREHOUSE, options.PUBLISH_DIR, options.ERASURES_DIR, options.LOG_FILE)
@options.resources()
@chosen()
@unattended()
def refresh(
    *,
    folders: Folders,
    inputs: Inputs,
    resources: Resources,
    choices: Choices,
    policy: Policy,
) -> None:
    """Build the warehouse, test it, audit it and publish its marts.

    Unless all of that passes, readers keep the build published before. Every option is an
    environment variable as well; plain dbt reads the same variables, except those of this command
    alone (VARS, PUBLISH_DIR, KEEP_BUILDS, SKIP_AUDIT, REFRESH_...). An option beats its variable,
    and --vars beats both.
    """
    log = options.log_of(folders, secrets=policy.secrets())
    try:
        settings = resolve_settings(folders, inputs=inputs, resources=resources, choices=choices)
    except SettingsError as error:
        tell_of(error, policy=policy, log=log)
        raise
    published = attended(
        lambda watch: run_refresh(settings=settings, log=log, watch=watch),
        settings=settings,
        policy=policy,
        log=log,
    )
    show_published(publish_dir=settings.publish_dir, published=published, console=Console())
