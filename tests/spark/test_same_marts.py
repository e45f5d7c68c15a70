"""Every mart is the same on both engines, row by row: the sample, and real data."""

import duckdb
import pytest
from comparison import Difference, contracts, difference, differences
from conftest import Engines, built_on_both
from lifecycle import real_data

HEADING = f"{'mart':34} {'rows':>10} {'differ':>8}"


def check(engines: Engines, /) -> None:
    """Compare every mart, show the table, and fail with the marts that differ."""
    found = [
        *differences(published=engines.published, schema=engines.schema, manifest=engines.manifest)
    ]
    print("\n".join([HEADING, *(each.line() for each in found)]))
    assert len(found) == len(contracts(manifest=engines.manifest)) > 70
    different = [each.line() for each in found if each.differing_rows or each.columns]
    assert not different, "\n".join([HEADING, *different])


@pytest.mark.spark
def test_every_mart_of_the_sample_is_the_same(sample: Engines) -> None:
    """Counts, days and words are equal, money to the cent, ratios and fits to six digits."""
    check(sample)


@pytest.mark.spark
@pytest.mark.long
@pytest.mark.parametrize("dataset", ["cdnow_sample", "online_retail_2011"])
def test_every_mart_of_real_data_is_the_same(
    dataset: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Shops that nobody made up have the same marts on both engines."""
    check(built_on_both(tmp_path_factory.mktemp(dataset), "--raw-data", real_data(dataset)))


ROWS = "(1, 'a', 1.00::decimal(18, 2), 0.5::double, date '2024-01-31'), (2, null, 2.00, null, null)"


@pytest.mark.parametrize(
    ("change", "row", "rows", "columns"),
    [
        ("share = 0.5 + 4e-7", 1, 0, {}),
        ("share = 0.5 + 2e-6", 1, 1, {"share": 1}),
        ("share = 'nan'", 1, 1, {"share": 1}),
        ("share = 0", 2, 1, {"share": 1}),
        ("amount = 1.01", 1, 1, {"amount": 1}),
        ("word = ''", 2, 1, {"word": 1}),
        ("day = '2024-02-01'", 1, 1, {"day": 1}),
        ("id = 3", 1, 2, {}),
    ],
)
def test_a_difference_is_found(change: str, row: int, rows: int, columns: dict[str, int]) -> None:
    """A cent, a day, an empty text, a missing row or the sixth digit of a share is a difference."""
    with duckdb.connect() as connection:
        for table in ("one", "other"):
            connection.execute(
                f"create table {table} as from (values {ROWS}) "
                "as rows (id, word, amount, share, day)"
            )
        connection.execute(f"update other set {change} where id = {row}")
        found = difference(
            connection=connection, mart="m", relations=("one", "other"), grain=["id"]
        )
    assert found == Difference(mart="m", rows=2, other_rows=2, differing_rows=rows, columns=columns)
