"""The digest: what it says of planted changes, when it is quiet, and what it never says."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest
from digested import ACCOUNTS, LAST, MONTHS, Books, publish
from lifecycle import VARIABLES, run
from tiny_refresh import make_project, run_tiny

from python_helpers.core.log import Log
from python_helpers.digest import facts as facts_module
from python_helpers.digest.digest import make_digest
from python_helpers.digest.written import written
from python_helpers.operate import attended
from python_helpers.operate.attended import Policy, tell_digest

FIRST, SECOND, THIRD = (f"2025020{day}T060000Z" for day in (1, 2, 3))
# 90 of 300 after 60 of 300: Newcombe's interval is .0307 to .1681
JUMP = Books(lost={LAST: (30, 60)}, mrr={"opening": 1000, "new": 100, "churn": -30, "fx": 5})
QUIET = (
    f"Live build {SECOND} (as of 2025-01-31): nothing changed beyond chance since build {FIRST} "
    "(as of 2025-01-31).\n"
)


@pytest.fixture(autouse=True)
def _no_settings_of_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture(scope="module")
def jump(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Publish a build with a jump of churn, and the same build once more."""
    folder = tmp_path_factory.mktemp("jump")
    for build_id in (FIRST, SECOND):
        publish(folder, build_id=build_id, books=JUMP)
    return folder


def digest(folder: Path, *arguments: object) -> str:
    """Ask for the digest of a folder of published builds."""
    result = run("digest", "--publish-dir", folder, *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def lines(text: str, /, *, title: str) -> list[str]:
    """Return the lines of a section."""
    return re.search(rf"^{title}\n((?:- .*\n)+)", text, re.M)[1].splitlines()


# What it says


def test_a_jump_of_churn_is_told_with_its_interval_and_the_region_that_did_it(jump):
    found = lines(digest(jump, "--build", FIRST), title="Churn and retention")
    values = "from 20.0% (60 of 300) in {} to 30.0% (90 of 300) in 2025-01"
    # the south went from 30 to 60 of 150: half of the customers, so 10 points of the change
    driver = "Region south stands out, from 20.0% to 40.0%: +10.0 points of the change."
    assert found == [
        f"- Churn of all customers rose {values.format(before)}, by 3.1 to 16.8 points. {driver}"
        for before in ("2024-12", "2024-01")
    ]


def test_a_region_does_not_stand_out_by_chance_nor_by_being_everybody(tmp_path):
    # 44 and 42 of 150 after 30: the interval of either region holds 0, that of both together not
    publish(tmp_path, build_id=FIRST, books=Books(lost={LAST: (44, 42)}))
    assert "points. No segment stands out.\n" in digest(tmp_path)


def test_a_rise_that_may_be_chance_is_not_called_one(tmp_path):
    # 72 of 300 after 60 of 300: the interval of the difference is -2.6 to 10.6 points
    publish(tmp_path, build_id=FIRST, books=Books(lost={LAST: (36, 36)}))
    assert lines(digest(tmp_path), title="Churn and retention") == [
        "- Churn of all customers: 24.0% (72 of 300) in 2025-01 (retention 76.0%), "
        "20.0% (60 of 300) the month before, 20.0% (60 of 300) a year before. "
        "No change beyond chance."
    ]


def test_both_relationships_are_told_where_there_are_both(tmp_path):
    publish(tmp_path, build_id=FIRST, books=Books(relationships=("any", "orders", "subscription")))
    said = [line.partition(":")[0] for line in lines(digest(tmp_path), title="Churn and retention")]
    assert said == [f"- Churn of {who}" for who in ("all customers", "buyers", "subscribers")]
    publish(tmp_path, build_id=SECOND, books=Books(relationships=("any", "orders")))
    assert len(lines(digest(tmp_path, "--full"), title="Churn and retention")) == 1


@pytest.mark.parametrize(
    ("now", "said"),
    [
        # Newcombe 1998, table II, method 10, a: 56 of 70 less 48 of 80 is .20, .0524 to .3339
        ((56, 70), "more are active after 1 month than of those won since 2024-06: 80.0% (56 of 70)"
         " against 60.0% (48 of 80), 5.2 to 33.4 points more."),
        ((44, 70), None),
    ],
)  # fmt: skip
def test_a_cohort_is_compared_with_the_six_before_it(tmp_path, now, said):
    before = {f"2024-{month:02}-01": (8, 14 if month < 8 else 13) for month in range(6, 12)}
    publish(tmp_path, build_id=FIRST, books=Books(cohorts={**before, "2024-12-01": now}))
    (found,) = lines(digest(tmp_path), title="Cohorts")
    quiet = "The newest cohorts stay as those before them did. No difference beyond chance."
    assert found == f"- {f'Of all customers won in 2024-12, {said}' if said else quiet}"


def test_a_score_that_fell_is_told_in_points(tmp_path):
    # 60 and 20 of 100, then 40 and 40: adjusted Wald, by the formula of the docs
    books = Books(nps={"2024-12-01": (60, 20, 40.0, 22.8, 54.9), LAST: (40, 40, 0.0, -17.3, 17.3)})
    publish(tmp_path, build_id=FIRST, books=books)
    # 0 - 40 -+ hypot: of 17.3 and 14.9 below, of 17.3 and 17.2 above
    assert lines(digest(tmp_path), title="Churn and retention")[0] == (
        "- NPS fell from +40 (100 answers) in 2024-12 to +0 (100 answers) in 2025-01, by 15.6 to "
        "62.8 points. No segment stands out."
    )


def test_recurring_revenue_names_customers_only_if_asked_and_then_five_ids(jump):
    text = digest(jump, "--full")
    assert lines(text, title="Monthly recurring revenue") == [
        "- 2025-01: from 1,000.00 to 1,075.00 EUR.",
        "- New +100.00, churn -30.00, exchange rates +5.00.",
    ]
    for as_format in ("text", "html", "json"):
        told = digest(jump, "--full", "--format", as_format)
        assert not [account for account in ACCOUNTS if account in told], as_format
        told = digest(jump, "--full", "--format", as_format, "--accounts")
        assert [a for a in ACCOUNTS if re.search(rf"\b{a}\b", told)] == [*ACCOUNTS][:5], as_format
    assert "- Account c2: -60.00 (expansion).\n" in digest(jump, "--full", "--accounts")


def test_reasons_for_contact_are_told_by_kind_and_again_only_if_there_is_a_new_kind(tmp_path):
    books = Books(triggers={"at_risk": [40, 2], "win_back": [100]})
    publish(tmp_path, build_id=FIRST, books=books)
    assert lines(digest(tmp_path), title="Whom to contact") == [
        "- 3 customers, expected to bring 142 EUR.",
        "- Win back: 1, worth 100 EUR.",
        "- At risk: 2, worth 42 EUR.",
    ]
    books = Books(triggers={"at_risk": [40, 2, 3], "win_back": [100]})
    publish(tmp_path, build_id=SECOND, books=books)
    assert "Whom to contact" not in digest(tmp_path)
    books = Books(triggers={"at_risk": [40, 2, 3], "cross_sell": [100]})
    publish(tmp_path, build_id=THIRD, books=books)
    assert "- Cross sell: 1, worth 100 EUR." in digest(tmp_path)


def test_restated_months_and_new_warnings_are_told_once(tmp_path):
    publish(tmp_path, build_id=FIRST, warnings=["orders: 12 rows.", "gone"])
    books = Books(restated=[("2024-11-01", 500, 450), ("2024-12-01", 300, 310)])
    warnings = ["orders: 13 rows.", *(f"table {letter} is late." for letter in "abcdefg")]
    publish(tmp_path, build_id=SECOND, books=books, warnings=warnings)
    text = digest(tmp_path)
    assert lines(text, title="Restated") == [
        "- total_revenue_amount of rpt_revenue_mix: 2 closed months, most 2024-11, 500.00 before, "
        "450.00 now."
    ]
    assert lines(text, title="New warnings") == [
        *(f"- {warning}" for warning in warnings[1:6]),
        "- And 2 more.",
    ]
    # what the build before said as well is left out
    assert "Churn and retention" not in text
    assert text.endswith(
        f"Live build {SECOND} (as of 2025-01-31), compared with build {FIRST} (as of 2025-01-31).\n"
    )


def test_warnings_are_not_compared_with_a_build_that_did_not_record_any(tmp_path):
    publish(tmp_path, build_id=FIRST, warnings=None)
    publish(tmp_path, build_id=SECOND, books=JUMP, warnings=["orders: 13 rows."])
    text = digest(tmp_path)
    assert "orders" not in text
    assert text.endswith("That build did not record its warnings, so none are compared.\n")


# When it is quiet


def test_an_unchanged_rebuild_is_one_line(jump):
    assert digest(jump) == QUIET
    assert json.loads(digest(jump, "--format", "json"))["is_quiet"] is True
    text = digest(jump, "--full")
    assert "Churn of all customers rose" in text
    assert "compared with build" in text


def test_a_new_month_is_news_even_if_no_rate_changed(tmp_path):
    publish(tmp_path, build_id=FIRST, months=MONTHS[:-1])
    publish(tmp_path, build_id=SECOND)
    assert "No change beyond chance." in digest(tmp_path)


def test_a_first_build_says_that_there_is_nothing_to_compare_with(tmp_path):
    publish(tmp_path, build_id=FIRST, months=[], audit={"not_compared": "first build"})
    assert digest(tmp_path) == (
        "Customer lifecycle\n\nChurn and retention\n- No month is complete yet.\n\n"
        f"Live build {FIRST} (as of 2025-01-31); it is the first one kept, so there is nothing to "
        "compare with.\n"
    )


# With which build it compares


def test_it_compares_with_the_build_of_the_audit_and_not_with_one_of_another_currency(tmp_path):
    publish(tmp_path, build_id="20250101T060000Z", books=JUMP)
    publish(tmp_path, build_id=FIRST)
    audit = {"compared_with": "20250101T060000Z"}
    publish(tmp_path, build_id=SECOND, books=JUMP, audit=audit)
    assert "since build 20250101T060000Z" in digest(tmp_path)
    third = {"not_compared": "another reporting currency"}
    publish(tmp_path, build_id="20250203T060000Z", books=JUMP, audit=third)
    assert "it is not compared: another reporting currency.\n" in digest(tmp_path)


def test_a_build_before_that_is_damaged_is_passed_over(tmp_path):
    publish(tmp_path, build_id="20250101T060000Z", books=JUMP)
    damaged = publish(tmp_path, build_id=FIRST)
    publish(tmp_path, build_id=SECOND, books=JUMP)
    (damaged / "marts.duckdb").write_bytes(b"damaged")
    assert "since build 20250101T060000Z" in digest(tmp_path)
    (tmp_path / "builds" / "20250101T060000Z" / "manifest.json").unlink()
    assert "it is not compared: Build 20250201T060000Z is damaged: " in digest(tmp_path)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("missing", "Nothing is published in "),
        ("unknown", f"There is no build {FIRST} in "),
        ("damaged", f"Build {SECOND} is damaged: marts.duckdb has changed since it was published."),
        ("old", f"Build {SECOND} has no digest, because it was built by another version of the "
         "project (Catalog Error: Table with name rpt_changes does not exist!). Run refresh, then "
         "ask again."),
        ("large", f"Build {SECOND} has no digest, because rpt_changes is in Spark alone. Raise "
         "--file-rows above its rows, run refresh, then ask again."),
        ("output", "/digest.txt cannot be written: No such file or directory. Name another file "
         "with --output."),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_one_sentence_and_exit_code_3(tmp_path, fault, said):
    arguments = []
    if fault != "missing":
        drop = ["rpt_changes"] if fault in ("old", "large") else []
        left_out = {"rpt_changes": 2000} if fault == "large" else {}
        build = publish(tmp_path, build_id=SECOND, drop=drop, left_out=left_out)
    if fault == "damaged":
        with (build / "marts.duckdb").open("ab") as file:
            file.write(b"x")
    if fault == "unknown":
        arguments = ["--build", FIRST]
    if fault == "output":
        arguments = ["--output", tmp_path / "nowhere" / "digest.txt"]
    result = run("digest", "--publish-dir", tmp_path, *arguments)
    assert (result.exit_code, result.stdout) == (3, "")
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_query_reads_no_file_of_the_machine(jump, monkeypatch):
    monkeypatch.setattr(facts_module, "MONTH", "select content as month from read_text('/etc/*')")
    with pytest.raises(duckdb.PermissionException, match="disabled by configuration"):
        make_digest(publish_dir=jump)


# The formats


class References(HTMLParser):
    """Collects the elements of a page, and what refers to something else."""

    def __init__(self) -> None:
        """Begin with none."""
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def test_a_page_refers_to_nothing_and_a_hostile_region_stays_text(tmp_path):
    hostile = "<img src=//x>\x1b[2J<!channel>"
    publish(
        tmp_path,
        build_id=FIRST,
        books=Books(lost={LAST: (30, 60)}, regions=("north", hostile)),
    )
    page = References()
    html = digest(tmp_path, "--format", "html")
    page.feed(html)
    assert page.tags == {"html", "head", "meta", "title", "body", "h1", "h2", "ul", "li", "p"}
    assert page.attributes == {"lang", "charset", "style"}
    assert "url(" not in html
    assert "&lt;img src=//x&gt; [2J" in html
    payload = json.loads(digest(tmp_path, "--format", "json"))
    assert "&lt;!channel&gt;" in payload["text"]
    assert "<!" not in payload["text"]
    assert "\x1b" not in digest(tmp_path)


def test_the_json_has_a_text_and_the_facts_beside_it(jump, tmp_path):
    file = tmp_path / "digest.json"
    arguments = ("--build", FIRST, "--format", "json", "--output", file)
    assert digest(jump, *arguments) == ""
    payload = json.loads(file.read_text(encoding="utf-8"))
    assert payload["text"] == digest(jump, "--build", FIRST)
    assert payload["build"]["build_id"] == FIRST
    assert (payload["build"]["is_live"], payload["compared_with"]) == (False, None)
    assert payload["month_start_date"] == LAST
    rates, mrr = payload["sections"]
    assert rates["facts"][0]["numerator"] == 90
    assert rates["facts"][0]["change_ci_low"] == pytest.approx(0.0307, abs=5e-5)
    assert rates["facts"][0]["change_ci_high"] == pytest.approx(0.1681, abs=5e-5)
    assert mrr["facts"][0]["movements"]["closing"] == 1075.0


# After a refresh


def test_a_refresh_tells_the_digest_and_posts_it_unless_nothing_is_new(jump, tmp_path, monkeypatch):
    posted = []
    monkeypatch.setattr(
        attended, "post", lambda url, *, body, what: posted.append((url, json.loads(body)))
    )
    log = Log(file=tmp_path / "log.jsonl")
    url = "https://example.com/hook"
    policy = Policy(digest=True, digest_webhook=url)
    said = tell_digest(jump / "builds" / FIRST, policy=policy, log=log, publish_dir=jump)
    assert "Churn of all customers rose" in said
    ((to, payload),) = posted
    assert (to, payload["text"]) == (url, said)
    told = tell_digest(jump / "builds" / SECOND, policy=policy, log=log, publish_dir=jump)
    assert (told, len(posted)) == (QUIET, 1)
    nothing = tell_digest(jump / "builds" / FIRST, policy=Policy(), log=log, publish_dir=jump)
    assert (nothing, log.warnings) == ("", 0)


def test_a_digest_that_cannot_be_made_is_a_warning_and_the_manifest_has_the_warnings(tmp_path):
    published = make_project(tmp_path / "tiny")
    published.mkdir()
    (published / "marts.duckdb.note").write_text("mine")
    result = run_tiny(published.parent, "refresh", "--digest", NUMBER=1)
    assert result.returncode == 0, result.stderr
    assert "Warning: There is no digest: Build " in result.stderr
    warnings = json.loads((published / "manifest.json").read_text())["warnings"]
    assert warnings[0].startswith("Beside published files, and not published: ")


def test_the_digest_of_a_month_is_written_in_the_format_that_is_asked_for(jump):
    made = make_digest(publish_dir=jump, build_id=FIRST)
    for as_format in ("text", "html", "json"):
        arguments = ("--build", FIRST, "--format", as_format)
        assert digest(jump, *arguments) == written(made, as_format=as_format)
