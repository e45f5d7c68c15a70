"""The command line: parses, and calls."""

from contextlib import suppress
from pathlib import Path

import click
from click.core import ParameterSource
from rich.console import Console

from python_helpers.audit.run import audit_alone
from python_helpers.cli import help_texts
from python_helpers.cli.erase import erase
from python_helpers.cli.errors import errors_as_exit_codes
from python_helpers.cli.export import export
from python_helpers.cli.options import (
    DEBUG,
    ERASURES_DIR,
    LOG_FILE,
    PROJECT_DIR,
    PUBLISH_DIR,
    RAW_DATA,
    RAW_INPUT,
    WAIT,
    WAREHOUSE,
    built,
    unattended,
)
from python_helpers.cli.report import (
    readable,
    show_headlines,
    show_how_to_open,
    show_status,
    status_as_json,
)
from python_helpers.core.errors import PublishError, SettingsError
from python_helpers.core.log import Log
from python_helpers.core.progress import say
from python_helpers.core.settings import (
    default_erasures_dir,
    default_log_file,
    default_publish_dir,
    find_project_dir,
    resolve_settings,
)
from python_helpers.operate.attended import Policy, attended, tell_of
from python_helpers.operate.notify import Recipients, checked_webhook
from python_helpers.operate.refresh import refresh as run_refresh
from python_helpers.publishing.rollback import roll_back
from python_helpers.publishing.status import status_facts
from python_helpers.warehouse.docs import write_docs


@click.group(
    help=help_texts.MAIN,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Each command has its own --help, with its options and their environment variables.",
)
def main() -> None:
    """Hold the commands."""


@main.command(help=help_texts.REFRESH)
@RAW_INPUT
@RAW_DATA
@WAREHOUSE
@PUBLISH_DIR
@ERASURES_DIR
@built
@unattended
@PROJECT_DIR
@DEBUG
@click.pass_context
def refresh(context: click.Context, /, **options: object) -> None:
    """Refresh, then show the numbers of what was published."""
    debug = bool(options["debug"])
    with errors_as_exit_codes(debug=debug):
        console = Console(stderr=True)
        policy, log, options = operation(with_raw_input(context, options))
        try:
            settings = resolve_settings(**options)
        except SettingsError as error:
            tell_of(error, recipients=policy.recipients, console=console, log=log)
            raise
        published = attended(
            lambda watch: run_refresh(settings=settings, console=console, log=log, watch=watch),
            settings=settings,
            policy=policy,
            console=console,
            log=log,
        )
        output = Console()
        show_headlines(published=published, console=output)
        show_how_to_open(publish_dir=settings.publish_dir, published=published, console=output)


def operation(options: dict[str, object], /) -> tuple[Policy, Log, dict[str, object]]:
    """Take out of the options what is about the run and not about the warehouse."""
    recipients = Recipients(
        on_failure=options.pop("on_failure"), webhook=checked_webhook(options.pop("webhook"))
    )
    policy = Policy(
        recipients=recipients,
        **{name: options.pop(name) for name in ("retries", "retry_wait", "timeout")},
    )
    secrets = tuple(filter(None, (recipients.on_failure, recipients.webhook)))
    log_file = options.pop("log_file") or default_log_file(
        project_dir=options["project_dir"], warehouse=options["warehouse"]
    )
    return policy, Log(file=log_file.absolute(), secrets=secrets), options


@main.command(help=help_texts.ROLLBACK)
@click.option(
    "--to",
    envvar="ROLLBACK_TO",
    show_envvar=True,
    metavar="BUILD_ID",
    help="The build to make live.  [default: the one before the live one]",
)
@PUBLISH_DIR
@WAIT
@LOG_FILE
@PROJECT_DIR
def rollback(
    to: str | None,
    publish_dir: Path | None,
    lock_wait: float,
    log_file: Path | None,
    project_dir: Path | None,
) -> None:
    """Make an earlier build live, then say which."""
    with errors_as_exit_codes(debug=False):
        log_file = log_file or default_log_file(project_dir=project_dir)
        build, before = roll_back(
            publish_dir=chosen_publish_dir(publish_dir, project_dir=project_dir),
            to=to,
            log=Log(file=log_file.absolute()),
            wait=lock_wait,
        )
        say(Console(), f"Build {build.name} is live; it was {before.name if before else 'none'}.")


@main.command(help=help_texts.AUDIT)
@WAREHOUSE
@PUBLISH_DIR
@WAIT
@PROJECT_DIR
def audit(**options: object) -> None:
    """Audit the warehouse, then say where the page is."""
    with errors_as_exit_codes(debug=False, unaudited="The warehouse is not fit to publish."):
        console = Console(stderr=True)
        audited = audit_alone(settings=resolve_settings(**options), console=console)
        say(Console(), f"Open {readable(audited.page)} in a browser.")


@main.command(help=help_texts.STATUS)
@PUBLISH_DIR
@click.option(
    "--json",
    "as_json",
    envvar="STATUS_JSON",
    show_envvar=True,
    is_flag=True,
    help="Print all of it as JSON, for programs.",
)
@ERASURES_DIR
@PROJECT_DIR
def status(
    publish_dir: Path | None, as_json: bool, erasures_dir: Path | None, project_dir: Path | None
) -> None:
    """Show the live build."""
    with errors_as_exit_codes(debug=False, publish_error_code=1):
        publish_dir = chosen_publish_dir(publish_dir, project_dir=project_dir)
        if not erasures_dir:
            with suppress(SettingsError):
                project = find_project_dir(chosen=project_dir)
                erasures_dir = default_erasures_dir(project_dir=project)
        facts = status_facts(publish_dir=publish_dir, erasures_dir=erasures_dir)
        if as_json:
            click.echo(status_as_json(facts=facts))
        else:
            show_status(facts=facts, console=Console())
        if not facts["live"]:
            raise PublishError(f"Nothing is published in {publish_dir}: run refresh first.")


main.add_command(export)
main.add_command(erase)


def chosen_publish_dir(publish_dir: Path | None, /, *, project_dir: Path | None) -> Path:
    """Return the chosen folder of published builds, else the one in the project."""
    if not publish_dir:
        publish_dir = default_publish_dir(project_dir=find_project_dir(chosen=project_dir))
    return publish_dir.absolute()


@main.command(help=help_texts.DOCS)
@RAW_INPUT
@RAW_DATA
@WAREHOUSE
@ERASURES_DIR
@PROJECT_DIR
@click.pass_context
def docs(context: click.Context, /, **options: object) -> None:
    """Write the documentation, then say where it is."""
    with errors_as_exit_codes(debug=False, unbuilt="No page was written."):
        settings = resolve_settings(**with_raw_input(context, options))
        page = write_docs(settings=settings, console=Console(stderr=True))
        say(Console(), f"Open {readable(page)} in a browser.")


def with_raw_input(context: click.Context, options: dict[str, object], /) -> dict[str, object]:
    """Let `--raw-data`, given itself, beat the variable of `--raw-input`.

    Raises UsageError where both are given and do not go together.
    """
    said = {
        option
        for option in ("raw_data", "raw_input")
        if context.get_parameter_source(option) is ParameterSource.COMMANDLINE
    }
    if "raw_data" not in said or options["raw_input"] in (None, "files"):
        return options
    if "raw_input" in said:
        raise click.UsageError("--raw-data goes with --raw-input files only.")
    return options | {"raw_input": None}
