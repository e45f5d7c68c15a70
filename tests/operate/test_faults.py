"""Whatever happens to a refresh, readers have one whole build, and the next refresh works.

The moments are random and come from a seed: FAULTS_SEED=7 tries others.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from exporting import ask, postgres, publish_tables
from lifecycle import MART, PROJECT, PROJECT_MACROS
from tiny_refresh import (
    SMALL_PROJECT,
    checked_number,
    environment,
    make_project,
    outcomes,
    run_tiny,
    start_tiny,
    tiny_build,
    wait_for_phase,
)

from python_helpers.core.folders import Places, find_folders
from python_helpers.core.log import Log
from python_helpers.core.settings import Resources, resolve_settings
from python_helpers.operate import refresh as refresh_module
from python_helpers.publishing.builds import check_files, kept_builds, live_build, make_live
from python_helpers.publishing.records import read_records
from python_helpers.publishing.rollback import roll_back

pytestmark = pytest.mark.faults

SEED = int(os.environ.get("FAULTS_SEED", 1))
KILLS = 8
ERASURE_KILLS = 3  # in each of three phases
READERS = 8
PUBLISHES = 20
FLIPS = 1000
LONGEST_WAIT = 1.0  # seconds from opening the file to the answer
ERASED_ROWS = 300_000
LARGE = 3_000_000  # rows, so that a phase lasts long enough to be hit in its middle


@pytest.fixture
def project(tmp_path: Path) -> Path:
    make_project(tmp_path / "tiny")
    return tmp_path / "tiny"


@pytest.fixture
def published(project: Path) -> Path:
    return project / "published"


def phase_seconds(log_file: Path, /, *, phase: str) -> float:
    """Return how long the last run was in a phase."""
    lines = [json.loads(line) for line in log_file.read_text().splitlines()]
    return [line["seconds"] for line in lines if line["phase"] == phase and line["seconds"]][-1]


def killed_in(phase: str, /, *, process: subprocess.Popen, published: Path, after: float) -> bool:
    """Kill a run so many seconds after its phase began; returns whether it was still running."""
    assert wait_for_phase(published, phase=phase, process=process), process.communicate()
    time.sleep(after)
    process.kill()
    process.communicate()
    return process.returncode == -9


# Killed


def test_a_run_killed_while_it_publishes_leaves_one_whole_build(project, published):
    assert run_tiny(project, "refresh", NUMBER=0, ROWS=LARGE).returncode == 0
    seconds = phase_seconds(project / "target" / "logs" / "refresh.jsonl", phase="publish")
    moments = random.Random(SEED)
    kills = 0
    live = 0
    for number in range(1, KILLS + 1):
        process = start_tiny(project, "refresh", NUMBER=number, ROWS=LARGE)
        after = moments.uniform(0, seconds)
        kills += killed_in("publish", process=process, published=published, after=after)
        assert checked_number(published) in (live, number)
        live = 100 + number
        assert run_tiny(project, "refresh", NUMBER=live, ROWS=LARGE).returncode == 0
        assert checked_number(published) == live
        assert not list(published.rglob(".incomplete-*"))
    assert kills >= KILLS / 2
    # each killed run was written down by the next, and none twice
    records = read_records(publish_dir=published)
    assert len({record["id"] for record in records}) == len(records) == 1 + 2 * KILLS


def test_a_run_killed_while_it_rolls_back_leaves_one_whole_build(project, published):
    for number in (1, 2, 3):
        assert run_tiny(project, "refresh", NUMBER=number, ROWS=LARGE).returncode == 0
    builds = {build.name for build in kept_builds(publish_dir=published)}
    first = min(builds)
    assert run_tiny(project, "rollback", "--to", first).returncode == 0
    seconds = phase_seconds(project / "target" / "logs" / "refresh.jsonl", phase="rollback")
    moments = random.Random(SEED)
    kills = 0
    for _ in range(KILLS):
        to = moments.choice(sorted(builds - {first}))
        process = start_tiny(project, "rollback", "--to", to)
        after = moments.uniform(0, seconds)
        kills += killed_in("rollback", process=process, published=published, after=after)
        checked_number(published)
        went = live_build(publish_dir=published).name
        assert went in (first, to)
        # the next one needs no help
        assert run_tiny(project, "rollback", "--to", first).returncode == (
            3 if went == first else 0
        )
        assert live_build(publish_dir=published).name == first
    assert kills >= KILLS / 2
    assert run_tiny(project, "refresh", NUMBER=99).returncode == 0
    assert checked_number(published) == 99
    assert len(read_records(publish_dir=published)) == 3 + 1 + 2 * KILLS + 1


def rows_of(customer: str, /, *, project: Path) -> int:
    """Count the rows of a customer in the warehouse and in every kept build."""
    files = [
        *(project / "published" / "builds").glob("[!.]*/marts.duckdb"),
        project / "warehouse.duckdb",
    ]
    found = 0
    for file in files:
        with duckdb.connect(str(file), read_only=True) as connection:
            schema = "marts." if file.name == "warehouse.duckdb" else ""
            query = f"select count(*) from {schema}fct_orders where customer_id = $customer"
            found += connection.execute(query, {"customer": customer}).fetchone()[0]
    return found


@pytest.mark.parametrize("phase", ["build", "publish", "erase"])
def test_an_erasure_that_is_killed_leaves_whole_builds_and_the_next_one_finishes(
    project, published, phase
):
    live = {"NUMBER": 2, "ROWS": ERASED_ROWS}
    for _ in range(2):
        assert run_tiny(project, "refresh", **live).returncode == 0

    def erase(customer: str) -> list[object]:
        return ["erase", "--customer", customer, "--yes", "--keep-builds", 2]

    assert run_tiny(project, *erase("c99"), **live).returncode == 0
    seconds = phase_seconds(project / "target" / "logs" / "refresh.jsonl", phase=phase)
    moments = random.Random(SEED)
    kills = 0
    for number in range(ERASURE_KILLS):
        customer = f"c{number}"
        assert rows_of(customer, project=project) > 0
        process = start_tiny(project, *erase(customer), **live)
        after = moments.uniform(0, seconds)
        kills += killed_in(phase, process=process, published=published, after=after)
        # readers have a whole build, and the warehouse can be opened
        assert checked_number(published) == 2
        rows_of(customer, project=project)
        if number % 2:
            assert run_tiny(project, "refresh", "--keep-builds", 2, **live).returncode == 0
        assert run_tiny(project, *erase(customer), **live).returncode == 0
        assert checked_number(published) == 2
        assert rows_of(customer, project=project) == 0
        assert 1 <= len(kept_builds(publish_dir=published)) <= 2
        assert not list(published.rglob(".incomplete-*"))
        assert not list(project.glob("*.erasing"))
    assert kills >= ERASURE_KILLS / 2
    assert "not finished" not in run_tiny(project, "status").stdout


DBT_PROJECT = SMALL_PROJECT | {
    "tests/expectations/marts.yml": """\
queries:
  customers: |
    select customers.number, last_build.number as published_number
    from marts.dim_customers as customers, published.dim_customers as last_build
expectations:
  - name: there_are_customers
    table: marts.dim_customers
    expect: ExpectTableRowCountToBeBetween
    block: {min_value: 1}
    found: "{observed} rows"
    reason: A shop has customers.
    advice: Look for them.
""",
    "models/fct_orders.sql": MART
    + """
select {{ env_var('NUMBER') }} as number, hash(range) as order_id
from {{ ref('int_run_settings') }}, range(10000000)
order by order_id
""",
    "models/dim_customers.sql": MART
    + """
select distinct number from {{ ref('fct_orders') }}
""",
}


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Make a small dbt project, whose one large table is sorted."""
    project = tmp_path / "small"
    for name, text in DBT_PROJECT.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    for name in ("profiles.example.yml", *PROJECT_MACROS):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PROJECT / name, project / name)
    return project


def start_small(project: Path, /, *arguments: str, number: int) -> subprocess.Popen:
    """Start to refresh a small dbt project."""
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "python_helpers", "refresh"),
            *("--project-dir", str(project), *arguments),
        ],
        env=environment(NUMBER=number, PYTHONPATH=PROJECT),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("phase", ["build", "audit"])
def test_a_run_killed_before_it_publishes_leaves_one_whole_build(small, phase):
    project = small
    seconds: list[float] = []

    def refreshed(number: int) -> None:
        process = start_small(project, number=number)
        _, errors = process.communicate()
        assert process.returncode == 0, errors
        assert checked_number(published) == number
        log_file = project / "target" / "logs" / "refresh.jsonl"
        seconds.append(phase_seconds(log_file, phase=phase))

    published = project / "published"
    refreshed(0)
    refreshed(1)
    moments = random.Random(SEED)
    live = 1
    for number in range(2, KILLS + 2):
        process = start_small(project, number=number)
        # the first quarter is the import of dbt, and says nothing
        after = moments.uniform(min(seconds) / 4, min(seconds) * 0.9)
        killed_in(phase, process=process, published=published, after=after)
        seen = checked_number(published)
        assert seen in (live, number)
        live = seen
        if number % 4:  # the others find what two killed ones left
            refreshed(live := 100 + number)
    refreshed(200)
    failed = [failed_in for outcome, failed_in in outcomes(published) if outcome == "failed"]
    assert failed.count(phase) >= KILLS / 2


# Killed while it exports

EXPORTED = """
    create table fct_orders as
        select {number}::bigint as number, hash(range)::varchar as order_id from range(400000);
    create table dim_customers as select {number}::bigint as number;
"""


def export_number(exports: Path, /) -> int:
    """Check that the current export is one whole build, with its checksums; returns its number."""
    current = live_build(publish_dir=exports)
    check_files(build=current)
    files = f"read_parquet('{current}/*.parquet', union_by_name = true)"
    ((number, orders),) = duckdb.sql(
        f"select number, count(order_id) from {files} group by number"
    ).fetchall()
    assert orders == 400_000
    return number


def check_every_export(exports: Path, /) -> None:
    """Check that whatever has the name of an export is a whole one, current or not."""
    for folder in exports.glob("builds/[!.]*"):
        check_files(build=folder)


def postgres_number(url: str, /) -> int:
    """Check that the schema in Postgres is one whole build; returns its number."""
    ((number, rows, recorded),) = ask(
        url,
        "select number, count(*), (select sum(rows) from marts.export_manifest)::bigint from ("
        "select number from marts.fct_orders union all select number from marts.dim_customers"
        ") as both_tables group by number",
    )
    assert rows == recorded == 400_001
    left = ask(url, "select tablename::text from pg_tables where schemaname = 'marts' order by 1")
    assert [table for (table,) in left] == ["dim_customers", "export_manifest", "fct_orders"]
    return number


@pytest.mark.parametrize("file_format", ["parquet", "postgres"])
def test_an_export_that_is_killed_leaves_the_last_one_whole(project, published, file_format):
    exports = project / "exports" / file_format
    log_file = project / "target" / "logs" / "refresh.jsonl"
    with postgres() as url:

        def exported() -> int:
            return postgres_number(url) if file_format == "postgres" else export_number(exports)

        arguments = ("export", "--format", file_format)
        publish_tables(published, sql=EXPORTED.format(number=0))
        result = run_tiny(project, *arguments, POSTGRES_URL=url)
        assert result.returncode == 0, result.stderr
        seconds = phase_seconds(log_file, phase="export")
        moments = random.Random(SEED)
        kills = 0
        for number in range(1, KILLS + 1):
            publish_tables(published, sql=EXPORTED.format(number=number))
            process = start_tiny(project, *arguments, POSTGRES_URL=url)
            after = moments.uniform(0, seconds)
            kills += killed_in("export", process=process, published=exports, after=after)
            assert exported() in (number - 1, number)
            check_every_export(exports)
            result = run_tiny(project, *arguments, POSTGRES_URL=url)
            assert result.returncode == 0, result.stderr
            assert exported() == number
            assert not list(exports.rglob(".incomplete-*"))
        assert kills >= KILLS / 2
        records = read_records(publish_dir=exports)
        assert len({record["id"] for record in records}) == len(records) == 1 + 2 * KILLS


# Readers

READER = """
import json, sys, time
from pathlib import Path
import duckdb
folder, stop = Path(sys.argv[1]), Path(sys.argv[2])
longest, queries, builds, errors = 0.0, 0, set(), []
while not stop.exists():
    started = time.monotonic()
    try:
        with duckdb.connect(str(folder / "marts.duckdb"), read_only=True) as marts:
            sql = "select distinct number from marts.{}"
            seen = {n for t in ("fct_orders", "dim_customers")
                    for (n,) in marts.execute(sql.format(t)).fetchall()}
        if len(seen) != 1:
            errors.append(f"two builds: {seen}")
        builds |= seen
    except Exception as error:
        errors.append(str(error))
    longest = max(longest, time.monotonic() - started)
    queries += 1
print(json.dumps({"longest": longest, "queries": queries, "builds": len(builds), "errors": errors}))
"""


@contextmanager
def readers(*, published: Path, stop: Path) -> Iterator[list[dict]]:
    """Let processes query without pause; yields the list their reports will be in."""
    command = [sys.executable, "-c", READER, str(published), str(stop)]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(READERS)
    ]
    reports = []
    try:
        yield reports
    finally:
        stop.touch()
        reports += [json.loads(process.communicate()[0]) for process in processes]


def test_readers_notice_nothing_of_twenty_publishes_and_a_rollback(
    project, published, tmp_path, monkeypatch
):
    # in this process: what is tried is publishing, not how fast Python starts beside the readers
    monkeypatch.setattr(refresh_module, "build", tiny_build)
    settings = resolve_settings(
        find_folders(Places(project_dir=project)), resources=Resources(threads=1)
    )
    log = Log(file=tmp_path / "log.jsonl")

    def refresh(number: int) -> None:
        monkeypatch.setenv("NUMBER", str(number))
        refresh_module.refresh(settings=settings, log=log)

    refresh(0)
    with readers(published=published, stop=tmp_path / "stop") as reports:
        for number in range(1, PUBLISHES + 1):
            refresh(number)
        roll_back(publish_dir=published, log=log)
        time.sleep(1)
    assert [error for report in reports for error in report["errors"]] == []
    longest = max(report["longest"] for report in reports)
    queries = sum(report["queries"] for report in reports)
    print(f"{queries} queries, the longest {longest:.2f} s")
    assert all(report["builds"] > PUBLISHES / 2 for report in reports)
    assert longest < LONGEST_WAIT
    assert checked_number(published) == PUBLISHES - 1


LOOKER = """
import os, sys
looks = missing = 0
while not os.path.exists(sys.argv[2]):
    for _ in range(1000):
        looks += 1
        try:
            os.stat(sys.argv[1])
        except FileNotFoundError:
            missing += 1
print(looks, missing)
"""


def test_the_published_file_is_there_at_every_moment(project, published, tmp_path):
    for number in (1, 2):
        assert run_tiny(project, "refresh", NUMBER=number).returncode == 0
    builds = kept_builds(publish_dir=published)
    arguments = [str(published / "marts.duckdb"), str(tmp_path / "stop")]
    command = [sys.executable, "-c", LOOKER, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as looker:
        time.sleep(0.2)
        for number in range(FLIPS):
            make_live(build=builds[number % 2], publish_dir=published)
        (tmp_path / "stop").touch()
        looks, missing = map(int, looker.communicate()[0].split())
    assert looks > FLIPS
    assert missing == 0


# What else happens


@contextmanager
def small_disk(folder: Path, /, *, size: str) -> Iterator[None]:
    """Put a folder on a disk of its own."""
    folder.mkdir(parents=True)
    options = ["-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if subprocess.run(["mount", *options], capture_output=True, check=False).returncode:
        pytest.skip("only who may mount has a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def remount(folder: Path, /, *, options: str) -> None:
    """Change the disk of a folder."""
    command = ["mount", "-o", f"remount,{options}", str(folder)]
    subprocess.run(command, check=True, capture_output=True)


def test_a_full_disk_publishes_nothing_and_one_with_room_again_does(project, published):
    with small_disk(published, size="3m"):
        assert run_tiny(project, "refresh", NUMBER=1).returncode == 0
        (published / "fill").write_bytes(bytes(1_500_000))
        arguments = ("refresh", "--retry", 1, "--retry-wait", 0)
        result = run_tiny(project, *arguments, NUMBER=2, ROWS=200_000)
        assert result.returncode == 1, result.stderr
        assert "Trying again in 0 s: " in result.stderr
        assert "Free some space on the disk." in result.stderr
        assert checked_number(published) == 1
        assert not list(published.rglob(".incomplete-*"))
        assert run_tiny(project, "status").returncode == 0
        remount(published, options="size=50m")
        assert run_tiny(project, "refresh", NUMBER=3, ROWS=200_000).returncode == 0
        assert checked_number(published) == 3


def test_a_disk_without_a_byte_left_stops_neither_readers_nor_the_refresh_after_it(
    project, published
):
    with small_disk(published, size="2m"):
        assert run_tiny(project, "refresh", NUMBER=1).returncode == 0
        with (published / "fill").open("wb", buffering=0) as file, pytest.raises(OSError):
            while True:
                file.write(bytes(4096))
        assert run_tiny(project, "refresh", NUMBER=2).returncode == 1
        assert checked_number(published) == 1
        (published / "fill").unlink()
        assert run_tiny(project, "refresh", NUMBER=3).returncode == 0
        assert checked_number(published) == 3
        assert outcomes(published)[-1] == ("published", None)


def test_a_folder_that_cannot_be_written_to_is_one_line(project, published):
    with small_disk(published, size="5m"):
        assert run_tiny(project, "refresh", NUMBER=1).returncode == 0
        remount(published, options="ro")
        for command in ("refresh", "rollback"):
            result = run_tiny(project, command, NUMBER=2)
            assert result.returncode == 3
            (line,) = result.stderr.splitlines()
            assert f"The folder {published} cannot be written to (Read-only file system)" in line
        assert run_tiny(project, "status").returncode == 0
        assert checked_number(published) == 1
        remount(published, options="rw")
        assert run_tiny(project, "refresh", NUMBER=3).returncode == 0


def test_an_export_to_a_full_or_closed_disk_leaves_the_last_one(project, published):
    exports = project / "exports"
    with small_disk(exports, size="2m"):
        publish_tables(published, sql="create table fct_orders as select 1 as number")
        assert run_tiny(project, "export").returncode == 0
        before = live_build(publish_dir=exports / "parquet")
        publish_tables(published, sql=EXPORTED.format(number=2))
        for file_format in ("parquet", "csv"):
            result = run_tiny(project, "export", "--format", file_format)
            assert result.returncode == 3, result.stderr
            (line,) = result.stderr.splitlines()
            assert "No space left on device" in line
            assert "Free some space on the disk." in line
            assert not list(exports.rglob(".incomplete-*"))
            check_every_export(exports / file_format)
        remount(exports, options="ro,size=50m")
        result = run_tiny(project, "export")
        assert result.returncode == 3
        (line,) = result.stderr.splitlines()
        assert "cannot be written to (Read-only file system)" in line
        assert "Choose another folder." in line
        assert live_build(publish_dir=exports / "parquet") == before
        check_files(build=before)
        remount(exports, options="rw,size=50m")
        assert run_tiny(project, "export").returncode == 0
        assert export_number(exports / "parquet") == 2


def test_a_stale_log_of_a_killed_writer_reaches_no_reader(project, published):
    write = (
        "import duckdb, os, sys; c = duckdb.connect(sys.argv[1]); "
        "c.execute('update dim_customers set number = 666'); os.kill(os.getpid(), 9)"
    )
    assert run_tiny(project, "refresh", NUMBER=1).returncode == 0
    database = live_build(publish_dir=published) / "marts.duckdb"
    database.chmod(0o644)
    # somebody opens the published file to write, through the link, and is killed
    subprocess.run([sys.executable, "-c", write, published / "marts.duckdb"], check=False)
    assert list(published.rglob("*.wal")) == [database.with_name("marts.duckdb.wal")]
    assert run_tiny(project, "refresh", NUMBER=2).returncode == 0
    assert checked_number(published) == 2
    result = run_tiny(project, "rollback")
    assert result.returncode == 3
    assert "marts.duckdb.wal was not published with it" in result.stderr
    assert checked_number(published) == 2


def test_a_stale_log_of_the_warehouse_is_of_the_past(project, published):
    write = (
        "import duckdb, os, sys; c = duckdb.connect(sys.argv[1]); "
        "c.execute('create schema marts; create table marts.dim_customers as select 666'); "
        "os.kill(os.getpid(), 9)"
    )
    warehouse = project / "warehouse.duckdb"
    subprocess.run([sys.executable, "-c", write, warehouse], check=False)
    assert warehouse.with_name("warehouse.duckdb.wal").exists()
    assert run_tiny(project, "refresh", NUMBER=1).returncode == 0
    assert checked_number(published) == 1


SPILL = """
import duckdb, sys
with duckdb.connect(sys.argv[1], config={"memory_limit": "100MB", "threads": 1}) as connection:
    print("open", flush=True)
    connection.execute("create table t as from range(50000000) order by hash(range)")
"""


def test_what_a_killed_build_spilled_is_removed_and_what_another_program_spills_is_not(project):
    warehouse = project / "warehouse.duckdb"
    with subprocess.Popen(
        [sys.executable, "-c", SPILL, str(warehouse)], stdout=subprocess.PIPE, text=True
    ) as spilling:
        spilling.stdout.readline()
        until = time.monotonic() + 30
        while not list(project.glob("warehouse.duckdb.tmp/*.tmp")) and time.monotonic() < until:
            time.sleep(0.05)
        assert run_tiny(project, "refresh", NUMBER=1).returncode != 0
        assert spilling.poll() is None
        assert list(project.glob("warehouse.duckdb.tmp/*.tmp"))
        spilling.kill()
    assert list(project.glob("warehouse.duckdb.tmp/*.tmp"))
    assert run_tiny(project, "refresh", NUMBER=2).returncode == 0
    assert not list(project.glob("warehouse.duckdb.tmp/*.tmp"))


def spilled_by(project: Path, /) -> list[Path]:
    """List what is spilled beside the warehouse of a project."""
    return list(project.glob("warehouse.duckdb.tmp/*"))


LITTLE = ("--memory-limit", "150MB", "--threads", "1")  # so that a sort of ten million rows spills


def test_a_build_that_spills_too_much_is_given_up_and_leaves_nothing(small):
    process = start_small(small, *LITTLE, "--max-spill", "50MB", number=1)
    _, errors = process.communicate()
    assert process.returncode == 1
    assert "has spilled as much to disk as --max-spill allows. A small file can hold" in errors
    assert not spilled_by(small)


def test_a_build_that_is_stopped_takes_what_it_spilled_with_it(small):
    process = start_small(small, *LITTLE, number=1)
    while process.poll() is None and not spilled_by(small):
        time.sleep(0.005)
    assert process.poll() is None
    process.terminate()
    _, errors = process.communicate()
    assert process.returncode == 7, errors
    assert not spilled_by(small)


EXPANDING = """
copy (
    select 'o' || range % 1000000 as order_id, 'c' as customer_id, 5 as amount,
        timestamp '2024-01-01' as ordered_at
    from range(20000000)
) to '{}' (compression zstd)
"""


def test_a_check_that_is_stopped_takes_what_it_spilled_with_it(tmp_path):
    (tmp_path / "delivery").mkdir()
    (tmp_path / "tmp").mkdir()
    file = tmp_path / "delivery" / "orders.parquet"
    duckdb.sql(EXPANDING.format(file))
    command = [sys.executable, "-m", "python_helpers", "check", str(file.parent)]
    process = subprocess.Popen(
        [*command, "--memory-limit", "300MB", "--log-file", str(tmp_path / "log")],
        env=environment(PYTHONPATH=PROJECT, TMPDIR=tmp_path / "tmp"),
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None and not list(tmp_path.glob("tmp/*/duckdb_temp*")):
        time.sleep(0.01)
    assert process.poll() is None
    process.terminate()
    _, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors
    assert list((tmp_path / "tmp").iterdir()) == []


def test_refreshes_and_rollbacks_all_at_once_end_one_after_another(project, published):
    assert run_tiny(project, "refresh", NUMBER=0).returncode == 0
    moments = random.Random(SEED)
    codes = []

    def run(number: int) -> None:
        time.sleep(moments.uniform(0, 1))
        command = "rollback" if number % 3 == 0 else "refresh"
        codes.append(run_tiny(project, command, "--wait", 60, NUMBER=number).returncode)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(1, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # 3: a rollback before which nothing else was published
    assert set(codes) <= {0, 3}
    checked_number(published)
    records = read_records(publish_dir=published)
    assert len(records) == 10
    assert len({record["id"] for record in records}) == 10
