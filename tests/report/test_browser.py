"""The report in a real browser: Debian's Chromium, driven by Playwright."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from sample import published_sample

from python_helpers.report.charts.nps import CHART

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not CHROMIUM, reason="no Chromium: make test-report installs Debian's, if it may"
    ),
]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published_sample(tmp_path_factory) / "published"


@pytest.fixture(scope="module")
def marts(published: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(published / "marts.duckdb"), read_only=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def chromium() -> Iterator:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


class Opened:
    """The report in a window, with what the browser said and asked for."""

    def __init__(self, chromium, path: Path, *, width: int = 1280, scheme: str = "light") -> None:
        """Open the file, and wait until it is drawn."""
        self.page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda said: self.hear(said))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())
        self.wait()

    def hear(self, said) -> None:
        """Keep what the console calls an error."""
        if said.type == "error":
            self.errors.append(said.text)

    def wait(self) -> None:
        """Wait until everything is drawn."""
        self.page.evaluate("window.drawn")

    def choose(self, segment: str) -> None:
        """Choose a segment at the top of the page."""
        self.page.select_option("#segment", label=segment)
        self.wait()

    def tiles(self) -> dict[str, str]:
        """Read the number of each tile."""
        boxes = self.page.locator("#tiles > div").all()
        return {
            box.locator("dt").inner_text(): box.locator("dd.value").inner_text() for box in boxes
        }

    def table(self, chart: str) -> list[list[str]]:
        """Open the table of a chart, and read its cells."""
        details = self.page.locator(f"#{chart} details")
        if not details.evaluate("each => each.open"):
            details.locator("summary").click()
            details.locator("table").wait_for()
        return details.locator("tbody").evaluate(
            "body => [...body.rows].map(row => [...row.cells].map(cell => cell.textContent))"
        )


@pytest.fixture(scope="module")
def report(chromium, published: Path) -> Opened:
    return Opened(chromium, published / "current" / "report.html")


@pytest.fixture(autouse=True)
def all_customers(request: pytest.FixtureRequest) -> None:
    """Let each test begin with all customers."""
    if "report" in request.fixturenames:
        request.getfixturevalue("report").choose("All customers")


def test_nothing_fails_and_nothing_is_asked_of_any_network(report):
    assert report.errors == []
    assert [url for url in report.requests if not url.startswith(("file:", "data:", "blob:"))] == []
    assert len(report.requests) == 1


def test_a_request_to_a_network_is_refused_by_the_page_itself(report):
    # without a network any request fails: the page must say that it was the one to refuse
    refused_by = report.page.evaluate("""
        () => new Promise((resolve) => {
            addEventListener("securitypolicyviolation", ({effectiveDirective: of}) => resolve(of));
            fetch("https://example.com").catch(() => setTimeout(() => resolve("nobody"), 500));
        })
    """)
    assert refused_by == "connect-src"
    report.errors.clear()


def test_every_chart_has_marks_a_title_a_sentence_and_a_text_alternative(report):
    figures = report.page.locator("figure").all()
    assert len(figures) > 20
    for figure in figures:
        name = figure.get_attribute("id")
        marks = figure.locator(".drawing svg .role-mark path, .drawing svg .role-mark line")
        assert marks.count() > 0, name
        sentence = figure.locator("p.sentence").inner_text()
        assert sentence.endswith("."), name
        assert figure.locator("svg").get_attribute("aria-label") == sentence, name
        assert figure.locator("svg").get_attribute("role") == "img", name
        assert figure.locator("h3").inner_text(), name


def shown(value: float, /) -> str:
    """Write a number as the page does, rounded half away from zero."""
    return f"{value + 1e-9:,.0f}"


def test_the_tiles_are_the_headlines_of_the_marts(report, marts):
    headlines = dict(marts.execute("select headline, headline_value from rpt_headlines").fetchall())
    tiles = report.tiles()
    assert tiles["Active customers"] == shown(headlines["= active customers at its end"])
    assert float(tiles["Churn rate of the month"].rstrip("%")) == pytest.approx(
        headlines["Churn rate"] * 100, abs=0.05
    )
    assert tiles["Recurring revenue a month"] == shown(
        headlines["= monthly recurring revenue at its end"]
    )


@pytest.mark.parametrize("segment", ["All customers", "Region: dach"])
def test_three_charts_hold_what_the_marts_hold(report, marts, segment):
    report.choose(segment)
    region = segment.partition(": ")[2]
    where = f"region = '{region}'" if region else "true"
    moved = marts.execute(f"""
        select sum(opening_customers), sum(new_customers), sum(reactivated_customers),
            sum(lost_customers), sum(closing_customers)
        from rpt_retention_periods
        where relationship = 'any' and period_grain = 'month' and is_complete_period and {where}
        group by period_start_date order by period_start_date
    """).fetchall()
    rows = report.table("customers_moved")
    assert [tuple(int(cell.replace(",", "")) for cell in row[1:]) for row in rows] == moved

    mix = marts.execute(f"""
        select sum(closing_mrr_amount), sum(opening_mrr_amount)
        from rpt_mrr_periods
        where period_grain = 'trailing_12_months' and {where} and closes_on = (
            select max(closes_on) from rpt_mrr_periods where is_complete_period
        )
    """).fetchone()
    waterfall = report.table("mrr_waterfall")
    assert (waterfall[0][0], waterfall[-1][0]) == ("Start", "End")
    assert [waterfall[-1][2], waterfall[0][2]] == [shown(float(amount)) for amount in mix]

    nps = marts.execute(f"""
        select nps from rpt_nps
        where period_grain = 'quarter' and segment_name = '{"region" if region else "all"}'
            and segment_value = '{region or "all"}' and nps is not null
        order by period_start_date desc limit 1
    """).fetchone()
    place = [*CHART.columns].index("nps")
    assert report.table("nps")[-1][place] == f"{nps[0]:.1f}".removesuffix(".0")


def test_a_segment_changes_tiles_sentences_and_tables(report):
    tiles, rows = report.tiles(), report.table("customers_moved")
    sentence = report.page.locator("#customers_moved p.sentence").inner_text()
    report.choose("Region: dach")
    assert report.tiles() != tiles
    assert report.table("customers_moved") != rows
    assert report.page.locator("#customers_moved p.sentence").inner_text() != sentence
    # what cannot be filtered says so
    assert report.page.locator("#activity_windows .note").is_visible()
    assert not report.page.locator("#customers_moved .note").count()


def test_a_switch_works_with_the_keyboard(report):
    before = report.page.locator("#cohorts svg").inner_html()
    report.page.locator("#cohorts input").first.focus()
    report.page.keyboard.press("ArrowRight")
    report.wait()
    assert report.page.locator("#cohorts svg").inner_html() != before


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_phones_and_desks_in_light_and_dark(
    chromium, published, tmp_path, width, scheme
):
    opened = Opened(chromium, published / "current" / "report.html", width=width, scheme=scheme)
    assert opened.errors == []
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    background = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")
    label = opened.page.locator("#active_customers svg .role-axis-label text").first
    assert label.evaluate("each => getComputedStyle(each).fill") != background
    opened.page.close()


def test_paper_is_light_and_has_every_chart(chromium, published, tmp_path):
    opened = Opened(chromium, published / "current" / "report.html", scheme="dark")
    opened.page.emulate_media(media="print")
    assert opened.page.evaluate("getComputedStyle(document.body).backgroundColor") == (
        "rgb(255, 255, 255)"
    )
    assert not opened.page.locator("#segment").is_visible()
    for figure in opened.page.locator("figure").all():
        box = figure.locator("svg").bounding_box()
        assert box and box["width"] <= figure.bounding_box()["width"], figure.get_attribute("id")
    # a page has three charts at most
    pages = len(re.findall(rb"/Type\s*/Page\b", opened.page.pdf(format="A4")))
    assert pages >= opened.page.locator("figure").count() / 3
    opened.page.close()
