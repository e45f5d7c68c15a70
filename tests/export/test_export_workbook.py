"""Exports as a spreadsheet: the rows of the marts, texts that stay texts, and what does not fit."""

import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from exporting import publish_tables
from lifecycle import VARIABLES, run
from tiny_refresh import make_project

from python_helpers.erase.people import People
from python_helpers.erase.search import rows_in_file
from python_helpers.export import workbook as workbook_module
from python_helpers.publishing.builds import read_manifest

TABLES = """
    create table fct_orders as
        select * from (values
            ('o1', 12.34::decimal(18, 2), date '2024-02-29', timestamp '2024-02-29 13:30:00', true,
                0.1::double, null, ''),
            ('C2', 9999999999999.99, date '1899-12-31', timestamp '2024-01-01 00:00:00', false,
                'nan', '=1+1', 'http://example.com'),
            (' -3', 12345678901234.56, date '9999-12-31', null, null, 1e300, '@é<&>', E'a\\nb')
        ) as rows (order_id, amount, ordered_on, ordered_at, is_first, score, note, more);
    comment on table fct_orders is 'One row per order.';
    comment on column fct_orders.amount is '=Unit: reporting currency.';
    create table dim_customers as select 'ann' as customer_id, 9007199254740993::bigint as number;
"""
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@pytest.fixture(autouse=True)
def _no_settings_of_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    publish_tables(make_project(tmp_path / "tiny"), sql=TABLES)
    return tmp_path / "tiny"


def export(project: Path, *arguments: object, code: int = 0) -> str:
    """Export to a spreadsheet; returns what was said."""
    result = run("export", "--format", "xlsx", "--project-dir", project, *arguments)
    assert result.exit_code == code, result.output
    return result.output


def exported(project: Path) -> Path:
    """Return the current spreadsheet."""
    return project / "exports" / "xlsx" / "current" / "marts.xlsx"


def sheets(file: Path, /) -> dict[str, list[dict[str, tuple[str, str]]]]:
    """Read each sheet by its name: the rows, each column letter -> kind of the cell and content."""
    found = {}
    with zipfile.ZipFile(file) as archive:
        book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
        for number, sheet in enumerate(book.iter(f"{MAIN}sheet"), start=1):
            page = ElementTree.fromstring(archive.read(f"xl/worksheets/sheet{number}.xml"))
            rows = []
            for row in page.iter(f"{MAIN}row"):
                cells = {}
                for cell in row:
                    content = "".join(each.text or "" for each in cell.iter() if each.text)
                    column = re.sub(r"\d", "", cell.get("r"))
                    cells[column] = (cell.get("t", "number"), content)
                rows.append(cells)
            found[sheet.get("name")] = rows
    return found


def test_a_sheet_has_the_rows_of_its_mart_in_the_kinds_of_a_spreadsheet(project):
    said = export(project)
    assert re.search(r"Exported 2 marts of build \w+, 4 rows, in [\d.]+ s, to .*current\.", said)
    orders = sheets(exported(project))["fct_orders"]
    header, first, second, third = orders
    assert [content for _, content in header.values()] == [
        *("order_id", "amount", "ordered_on", "ordered_at", "is_first", "score", "note", "more")
    ]
    # a day is the days since 1899-12-30; without a cell it is NULL, and an empty cell is a text
    assert first == {
        "A": ("inlineStr", "o1"),
        "B": ("number", "12.34"),
        "C": ("number", "45351"),
        "D": ("number", "45351.5625"),
        "E": ("b", "1"),
        "F": ("number", "0.1"),
        "H": ("inlineStr", ""),
    }
    assert second["B"] == ("number", "9999999999999.99")
    # what a spreadsheet cannot hold is a text
    assert (second["C"], second["F"]) == (("inlineStr", "1899-12-31"), ("inlineStr", "nan"))
    assert third["B"] == ("inlineStr", "12345678901234.56")
    assert "E" not in third
    assert sheets(exported(project))["dim_customers"][1]["B"] == ("inlineStr", "9007199254740993")


def test_a_text_is_never_a_formula_or_a_link(project):
    export(project)
    _, _, second, third = sheets(exported(project))["fct_orders"]
    assert (second["G"], third["A"]) == (("inlineStr", "=1+1"), ("inlineStr", " -3"))
    assert (third["G"], third["H"]) == (("inlineStr", "@é<&>"), ("inlineStr", "a\nb"))
    with zipfile.ZipFile(exported(project)) as archive:
        pages = [archive.read(each).decode() for each in archive.namelist() if "sheet" in each]
    assert not re.findall(r"<f\b|hyperlink|externalLink", " ".join(pages))


def test_the_first_sheet_says_what_each_column_means(project):
    export(project)
    found = sheets(exported(project))
    assert list(found) == ["definitions", "dim_customers", "fct_orders"]
    rows = [[content for _, content in row.values()] for row in found["definitions"]]
    assert rows[0] == ["sheet", "mart", "column", "type", "definition"]
    assert rows[1:4] == [
        ["dim_customers", "dim_customers"],
        ["dim_customers", "dim_customers", "customer_id", "VARCHAR"],
        ["dim_customers", "dim_customers", "number", "BIGINT"],
    ]
    assert rows[4:7] == [
        ["fct_orders", "fct_orders", "One row per order."],
        ["fct_orders", "fct_orders", "order_id", "VARCHAR"],
        ["fct_orders", "fct_orders", "amount", "DECIMAL(18,2)", "=Unit: reporting currency."],
    ]


def test_a_mart_of_more_rows_than_a_sheet_holds_is_left_out_and_named(project, monkeypatch):
    monkeypatch.setattr(workbook_module, "MOST_ROWS", 2)
    said = export(project)
    assert "Exported 1 mart of build" in said
    assert "Left out, because a sheet holds 1,000,000 rows: fct_orders. Export them as" in said
    assert list(sheets(exported(project))) == ["definitions", "dim_customers"]
    manifest = read_manifest(build=exported(project).parent)
    assert (manifest["rows"], manifest["left_out"]) == ({"dim_customers": 1}, {"fct_orders": 3})
    monkeypatch.setattr(workbook_module, "MOST_ROWS", 0)
    said = export(project, code=2)
    assert "No mart of the selection fits in a sheet, which holds 0 rows." in said


def test_a_text_that_no_cell_holds_stops_the_export(tmp_path):
    sql = "create table fct_notes as select repeat('x', 32767) as short, repeat('x', 32768) as long"
    publish_tables(make_project(tmp_path / "tiny"), sql=sql)
    said = export(tmp_path / "tiny", code=3)
    assert "fct_notes has a text of 32,768 characters in long, and a cell holds 32,767." in said
    assert not exported(tmp_path / "tiny").exists()
    # the longest is whole
    publish_tables(tmp_path / "tiny" / "published", sql=sql.split(", repeat('x', 32768)")[0])
    export(tmp_path / "tiny")
    assert sheets(exported(tmp_path / "tiny"))["fct_notes"][1]["A"] == ("inlineStr", "x" * 32767)


def test_marts_with_long_names_have_sheets_of_their_own(tmp_path):
    names = [f"fct_{'x' * 40}_{number}" for number in range(3)] + ["Definitions"]
    sql = ";".join(f'create table "{name}" as select 1 as a' for name in names)
    publish_tables(make_project(tmp_path / "tiny"), sql=sql)
    export(tmp_path / "tiny")
    found = list(sheets(exported(tmp_path / "tiny")))
    assert len(found) == len({name.lower() for name in found}) == 5
    assert max(map(len, found)) == 31


def test_a_person_is_found_in_the_cells_of_a_spreadsheet_and_not_in_its_markup(project):
    export(project)

    def found(people: People) -> int | None:
        return rows_in_file(exported(project), people, is_ours=False)

    assert found(People(tombstones={"ann": "erased-1"})) == 1
    assert found(People(tombstones={}, texts=frozenset({"@é<&>"}))) == 1
    assert found(People(tombstones={"sheetData": "erased-1"})) == 0
    exported(project).chmod(0o600)
    exported(project).write_bytes(b"PK\3\4 cut off \xff")
    assert found(People(tombstones={"bob": "erased-1"})) is None
