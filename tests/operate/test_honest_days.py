"""The audit of a refresh: the last days of an honest shop pass, one after the other."""

import duckdb
import pytest
from lifecycle import real_data
from shops import GIFT_SHOP, OLD, deliver, shop_of


@pytest.mark.nightly
def test_honest_days_are_published_without_a_false_alarm(tmp_path):
    """Of the last weeks every other day, as far as the last."""
    source = real_data(GIFT_SHOP)
    with duckdb.connect() as connection:
        days = connection.execute(
            f"""
            select distinct ordered_at::date as day from '{source / "orders.parquet"}'
            order by day desc limit 21
            """
        ).fetchall()
    said = []
    days = days[::-2]
    for (day,) in days:
        until = f"from orders where ordered_at::date <= '{day}'"
        lines = f"from order_lines where order_id in (select order_id {until})"
        changes = {"orders": until, "order_lines": lines}
        if not said:
            shop = shop_of(source=source, folder=tmp_path, changes=changes)
        else:
            deliver(source=source, folder=tmp_path / "delivery", changes=changes)
        result = shop.refresh()
        said.append((str(day), result.exit_code, shop.said(result)))
    assert len(said) == 11
    assert said == [(day, 0, {"warn": {OLD}, "block": set()}) for day, _, _ in said]
