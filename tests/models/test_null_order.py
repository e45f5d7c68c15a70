"""Engines sort NULL first or last: no mart may depend on it."""

from pathlib import Path

import pytest
from compare_builds import differences
from lifecycle import PROJECT, refresh_delivery
from sample import SAMPLE_SETTINGS, published_sample


@pytest.mark.long
def test_no_mart_depends_on_where_nulls_are_sorted(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The sample has the same marts where NULL is the least value, as on Spark."""
    result = refresh_delivery(
        tmp_path,
        *SAMPLE_SETTINGS,
        delivery=PROJECT / "seeds" / "sample",
        duckdb_setting="default_null_order: nulls_first_on_asc_last_on_desc",
    )
    assert result.exit_code == 0, result.output
    old = published_sample(tmp_path_factory) / "published" / "marts.duckdb"
    new = tmp_path / "published" / "marts.duckdb"
    assert not [*differences(old=old, new=new)]
