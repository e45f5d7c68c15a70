"""The command `lifecycle refresh`."""

import click
from rich.console import Console

from python_helpers.cli import options
from python_helpers.cli.command import EXIT_CODES, Command
from python_helpers.cli.tables import show_published
from python_helpers.core.errors import SettingsError
from python_helpers.core.folders import Folders
from python_helpers.core.settings import Choices, Inputs, Resources, resolve_settings
from python_helpers.operate.attended import Policy, attended, tell_digest, tell_of
from python_helpers.operate.refresh import refresh as run_refresh

POLICY = options.described(
    Policy,
    retries="--retry REFRESH_RETRY: How often to try again after a failure that may pass: a full "
    "disk, a warehouse that is open elsewhere, a delivery that is still being written. Failed "
    "tests and wrong data are not tried again.",
    retry_wait="--retry-wait REFRESH_RETRY_WAIT: Seconds between two tries.",
    timeout="--timeout REFRESH_TIMEOUT: Minutes after which the command is stopped with exit code "
    "7, tries and waits included.",
    on_failure="--on-failure COMMAND REFRESH_ON_FAILURE: Shell command to run after a failure. It "
    "gets the facts as JSON on its input and as LIFECYCLE_PHASE, LIFECYCLE_ERROR, ... in its "
    "environment.",
    on_success="--on-success COMMAND REFRESH_ON_SUCCESS: Shell command to run after a build was "
    "published, with the same facts.",
    on_warning="--on-warning COMMAND REFRESH_ON_WARNING: Shell command to run after a build was "
    "published with warnings; LIFECYCLE_WARNINGS and LIFECYCLE_FIRST_WARNINGS say how many, and "
    "the first ten.",
    webhook="--webhook URL REFRESH_WEBHOOK: Address that the facts of a failure are posted to, as "
    "JSON; it is told of nothing else. Prefer the variable if the address is secret: other users "
    "can see a command line.",
    digest="--digest REFRESH_DIGEST: At the end, print what moved since the build before, as "
    "lifecycle digest does.",
    digest_webhook="--digest-webhook URL REFRESH_DIGEST_WEBHOOK: Address of a chat that the digest "
    "is posted to as JSON, unless nothing is new. Prefer the variable if the address is secret.",
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
@options.inputs()
@options.places("warehouse", "publish_dir", "erasures_dir", "log_file")
@options.resources()
@options.choices()
@options.grouped("policy", Policy, POLICY)
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
    publish_dir = settings.publish_dir
    show_published(publish_dir=publish_dir, published=published, console=Console())
    digest = tell_digest(published, policy=policy, log=log, publish_dir=publish_dir)
    if digest:
        click.echo(f"\n{digest}", nl=False)
