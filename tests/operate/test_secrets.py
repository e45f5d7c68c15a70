"""What the files of a run keep of its secrets, and which users may open them."""

import base64
import os
import shlex
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
from lifecycle import PROJECT, PROJECT_MACROS, VARIABLES
from search_everything import places_of

PROJECT_FILE = """\
name: customer_lifecycle_warehouse
version: 1.2.3
profile: tiny
flags: {send_anonymous_usage_stats: false}
models:
  customer_lifecycle_warehouse:
    +materialized: table
    marts: {+schema: marts, +database: "{{ env_var('MARTS_DATABASE', target.database) }}"}
    utilities: {+schema: intermediate}
"""
PROFILE = """\
tiny:
  target: build
  outputs:
    build: {type: duckdb, path: "{{ env_var('WAREHOUSE_PATH') }}"}
"""
SETTINGS = """\
select
    date '2024-06-30' as as_of_date,
    'EUR' as reporting_currency,
    null::integer as activity_window_days,
    false as is_sample,
    false as is_reporting_currency_set,
    false as is_as_of_date_set
"""
ORDERS = "select 1 as order_id, {{ env_var('CUSTOMER', \"'c1'\") }} as customer_id\n"
FILES = {
    "dbt_project.yml": PROJECT_FILE,
    "profiles.yml": PROFILE,
    **{name: (PROJECT / name).read_text() for name in PROJECT_MACROS},
    "models/marts/fct_orders.sql": ORDERS,
    "models/utilities/int_run_settings.sql": SETTINGS,
}
# with characters that are written in another way in an address and in a shell
SECRETS = {
    "hook": "mark-hook+4711'x",
    "shell": 'mark shell "4712" $x',
    "password": "mark-password@4713/x",
}
OTHERS = 0o007

pytestmark = pytest.mark.long  # each command starts dbt


def lifecycle(project: Path, *arguments: object, **variables: str) -> subprocess.CompletedProcess:
    """Run a command on a project, in a process of its own, under an umask that hides nothing."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in VARIABLES and not name.startswith("DBT_")
    }
    command = [sys.executable, "-m", "python_helpers", *map(str, arguments)]
    return subprocess.run(
        [*command, "--project-dir", str(project)],
        cwd=PROJECT,
        env=kept | variables,
        umask=0o022,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Refresh, export, document and erase, well and badly, with each secret in every way."""
    folder = tmp_path_factory.mktemp("secrets") / "tiny"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    hook = f"http://127.0.0.1:9/{SECRETS['hook']}"
    shell = f": {shlex.quote(SECRETS['shell'])}; exit 3"
    postgres = f"postgresql://ann:{quote(SECRETS['password'], safe='')}@127.0.0.1:9/db"
    told = ("--webhook", hook, "--digest-webhook", hook, "--on-failure", shell)
    bad = {"CUSTOMER": "no_such_column"}
    variables = {"REFRESH_WEBHOOK": hook, "REFRESH_ON_FAILURE": shell, "POSTGRES_URL": postgres}
    variables["REFRESH_DIGEST_WEBHOOK"] = hook
    to_postgres = ("export", "--format", "postgres", "--select", "fct_orders")
    forget = ("erase", "--yes", "--customer")
    wanted = {
        (("refresh", *told), ()): 0,
        # early, because an erasure removes the artefacts of dbt
        ((*forget, "mark-c1", "--postgres-url", postgres), ()): 0,
        ((*forget, "mark-c2"), tuple((variables | bad).items())): 1,
        (("refresh", *told), tuple(bad.items())): 1,
        ((*to_postgres, "--postgres-url", postgres), ()): 3,
        (("export", "--format", "csv"), tuple(variables.items())): 0,
        (("docs",), tuple(variables.items())): 0,
    }
    for (arguments, given), code in wanted.items():
        result = lifecycle(folder, *arguments, **dict(given))
        assert result.returncode == code, (arguments, result.stderr)
        assert not [each for each in SECRETS.values() if each in result.stderr], result.stderr
    # the artefacts are there to be searched
    assert (folder / "target" / "run_results.json").is_file()
    assert (folder / "target" / "logs" / "dbt.log").is_file()
    return folder


def written(secret: str, /) -> set[str]:
    """Return how a file may write a secret."""
    said = {secret, quote(secret), quote(secret, safe=""), shlex.quote(secret)}
    return said | {base64.b64encode(secret.encode()).decode(), secret.replace('"', r"\"")}


def test_no_file_of_a_run_has_a_secret_whichever_way_it_was_given(project):
    forms = {form for secret in SECRETS.values() for form in written(secret)}
    assert places_of(forms, folder=project) == set()
    # what all of them begin with, in case a file writes them in another way
    assert places_of({"mark-hook", "mark shell", "mark-password"}, folder=project) == set()


def test_no_file_of_an_erasure_names_the_customer_of_its_command_line(project):
    assert places_of({"mark-c1", "mark-c2"}, folder=project) == set()


def test_no_other_user_may_open_a_file_of_a_run(project):
    # what the run found there, and the folder of the list, which others see and may not read
    ours = {project / name.split("/")[0] for name in FILES} | {project / "erasures"}
    open_to_others = {
        str(path.relative_to(project))
        for path in project.rglob("*")
        if not path.is_symlink() and path.stat().st_mode & OTHERS
        if path not in ours and not {*path.parents} & {each for each in ours if each.is_dir()}
    }
    assert open_to_others == set()
    of_list = [path for path in (project / "erasures").glob("*") if path.is_file()]
    assert {path for path in of_list if path.stat().st_mode & OTHERS} == set()
    assert of_list


def test_the_group_may_read_what_is_published(project):
    for path in (project / "published").resolve().rglob("*"):
        wanted = 0o050 if path.is_dir() else 0o040
        assert path.stat().st_mode & wanted == wanted, path


def test_a_refresh_closes_what_plain_dbt_and_older_versions_left_open(project):
    found = (
        *("warehouse.duckdb", "warehouse.duckdb.lock", "published/builds", "target/manifest.json"),
        *("published/builds.jsonl", "target/logs/dbt.log", "target/logs/refresh.jsonl"),
    )
    for name in found:
        (project / name).chmod(0o755)
    assert lifecycle(project, "refresh").returncode == 0
    assert [name for name in found if (project / name).stat().st_mode & OTHERS] == []
