"""An export that is told to end ends at once, is written down, and leaves the one before."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from exporting import ask, postgres, publish_tables, server_of
from tiny_refresh import make_project, run_tiny, start_tiny, wait_for_phase

from python_helpers.core.locks import locked, reading_lock
from python_helpers.publishing.builds import check_files, live_build
from python_helpers.publishing.records import read_records

pytestmark = pytest.mark.long  # each is an export that takes seconds

SOON = 5  # seconds
SMALL = "create table fct_orders as select 1 as number"
# so many that they take seconds to write
LARGE = """
    create table fct_orders as
        select 2 as number, hash(range)::varchar as order_id from range(5000000)
"""


@pytest.fixture(autouse=True)
def signals_that_are_heard() -> Iterator[None]:
    """Take back what nohup or a shell in the background asked to ignore, which children inherit."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {number: signal.signal(number, signal.default_int_handler) for number in numbers}
    yield
    for number, answer in before.items():
        signal.signal(number, answer)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    publish_tables(make_project(tmp_path / "tiny"), sql=SMALL)
    return tmp_path / "tiny"


def stopped(
    project: Path, exports: Path, *arguments: object, after: Callable[[], object], **values: object
) -> subprocess.Popen[str]:
    """Start an export and end it by a signal; checks what that leaves."""
    before = live_build(publish_dir=exports)
    process = start_tiny(project, "export", *arguments, **values)
    assert wait_for_phase(exports, phase="export", process=process)
    after()
    assert process.poll() is None
    process.send_signal(values["SIGNAL"])
    started = time.monotonic()
    output, errors = process.communicate(timeout=60)
    assert time.monotonic() - started < SOON
    name = signal.Signals(values["SIGNAL"]).name
    assert (process.returncode, output) == (7, "")
    left = "The previous export is still there."
    said = f"Error: Stopped by {name}. It was in phase export. {left}\n"
    assert errors == said
    assert live_build(publish_dir=exports) == before
    check_files(build=before)
    assert not list(exports.rglob(".incomplete-*"))
    assert (exports / ".lock").read_text() == ""
    record = read_records(publish_dir=exports)[-1]
    assert (record["outcome"], record["exit_code"]) == ("failed", 7)
    assert record["error"] == f"Stopped by {name}."
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_an_export_to_files(project, number):
    exports = project / "exports" / "csv"
    assert run_tiny(project, "export", "--format", "csv").returncode == 0
    publish_tables(project / "published", sql=LARGE)

    def until_it_writes() -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if any(path.stat().st_size for path in exports.rglob(".incomplete-*/*fct_orders.csv")):
                return
            time.sleep(0.01)

    stopped(project, exports, "--format", "csv", after=until_it_writes, SIGNAL=number)


@pytest.mark.parametrize("moment", ["rows are sent", "a reader is waited for"])
def test_a_signal_ends_an_export_to_postgres_which_is_rolled_back(project, moment):
    exports = project / "exports" / "postgres"
    with postgres() as url:
        arguments = ("--format", "postgres")
        assert run_tiny(project, "export", *arguments, POSTGRES_URL=url).returncode == 0
        is_large = moment == "rows are sent"
        publish_tables(project / "published", sql=LARGE if is_large else SMALL)

        def until_it_is_there() -> None:
            query = "copy%" if is_large else "%lock_timeout%"
            until = time.monotonic() + 60
            busy = f"select 1 from pg_stat_activity where query ilike '{query}' "
            while time.monotonic() < until:
                if ask(url, busy + "and pid <> pg_backend_pid()"):
                    return
                time.sleep(0.01)

        with server_of(url) as reader:
            reader.query("select number from marts.fct_orders")
            settings = {"POSTGRES_URL": url, "SIGNAL": signal.SIGTERM}
            stopped(project, exports, *arguments, after=until_it_is_there, **settings)
        tables = ask(url, "select relname::text from pg_class where relname like '%\\_\\_new'")
        assert tables == []
        assert ask(url, "select number from marts.fct_orders") == [(1,)]
        # the server lets go of the schema by itself
        publish_tables(project / "published", sql=SMALL)
        again = run_tiny(project, "export", *arguments, "--wait", 10, POSTGRES_URL=url)
        assert again.returncode == 0, again.stderr
        lines = (exports / "places.jsonl").read_text().splitlines()
        assert len(lines) == 4


def test_a_signal_to_who_waits_ends_the_wait(project):
    path = reading_lock(publish_dir=project / "published")
    with locked(path, command="lifecycle other"):
        process = start_tiny(project, "export", "--wait", 60)
        until = time.monotonic() + 30
        while not answers(process.pid, signal.SIGTERM) and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=SOON)
    assert process.returncode == 7
    assert "It was in phase waiting." in errors


def answers(pid: int, number: signal.Signals, /) -> bool:
    """Tell whether a process has an answer of its own to a signal."""
    status = Path(f"/proc/{pid}/status").read_text()
    (caught,) = [line.split()[1] for line in status.splitlines() if line.startswith("SigCgt")]
    return bool(int(caught, 16) >> (number - 1) & 1)
