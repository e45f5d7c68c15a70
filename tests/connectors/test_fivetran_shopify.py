"""The connector of Shopify's tables as Fivetran copies them, beside the one of its CSV exports."""

from pathlib import Path

from connected import EXPORTS, connected

TABLES = "customers orders order_lines products"


def copied(version: str) -> str:
    """Return the SQL that fills the schema of Fivetran, with the column names of a version."""
    files = sorted((EXPORTS / "fivetran_shopify" / version).glob("*.csv"))
    tables = [f"create table shopify.\"{file.stem}\" as from read_csv('{file}')" for file in files]
    return "; ".join(["create schema shopify", *tables])


def test_a_shop_that_moves_from_its_exports_keeps_keys_and_amounts(tmp_path: Path) -> None:
    common = (
        "select order_id, customer_id, amount::text, discount_amount::text, status, "
        "coalesce(refunded_amount, 0)::text from staging.stg_orders "
        "where order_id between 'shopify-5001' and 'shopify-5008' order by order_id"
    )
    with connected(EXPORTS / "shopify", "shopify", salts=tmp_path) as ask:
        exported = ask(common)
    assert len(exported) == 7
    system = "fivetran_shopify"
    with connected(tmp_path, system, salts=tmp_path, before=copied("rest"), tables=TABLES) as ask:
        assert ask(common) == exported
        assert ask(
            "select order_id, amount::text, refunded_amount::text, refunded_at::text, "
            "customer_id is null from staging.stg_orders where order_id > 'shopify-5999' order by 1"
        ) == [
            # 5 paid back beside any line
            ("shopify-6001", "36.00", "5.00", "2025-03-12 00:00:00", False),
            # a cup of 36 came back, and 6 were kept
            ("shopify-6002", "36.00", "30.00", "2025-03-13 00:00:00", False),
            ("shopify-6003", "36.00", None, None, False),
        ]
        # 5007 without its delivery; what was refunded for 5004 was the gift card
        assert ask(
            "select order_id, refunded_amount::text, refunded_at::text from staging.stg_orders "
            "where refunded_at < '2025-03-12' order by 1"
        ) == [
            ("shopify-5002", "10.00", "2025-03-05 14:00:00"),
            ("shopify-5007", "30.00", "2025-03-10 10:00:00"),
        ]
        assert ask(
            "select line_number, product_id, amount::text, cost_amount::text "
            "from staging.stg_order_lines "
            "where order_id in ('shopify-5001', 'shopify-5008') order by order_id, 1"
        ) == [
            (1, "TEA-1", "20.00", "8.00"),  # two that cost 4 each today
            (2, "CUP-1", "30.00", None),
            (1, "TEA-1", "12.00", "4.00"),
        ]
        assert ask("select product_id, product_category from staging.stg_products order by 1") == [
            ("CUP-1", None),
            ("POT-1", None),
            ("TEA-1", "Tea"),
        ]
        # Anna, Ben, Carla, Dana, Eva, 7003 and Nora
        assert ask(
            "select count(*), count(created_at), "
            "max(case when full_name = 'Anna Muster' then source_customer_id end) "
            "from restricted.base_customers"
        ) == [(7, 2, "7001")]


def test_columns_of_the_graphql_version(tmp_path: Path) -> None:
    system, before = "fivetran_shopify", copied("graphql")
    # the lines of an order were not copied
    before += '; insert into shopify."order" select * replace (8002 as id) from shopify."order"'
    # the zone of files does not move the times of a copied table
    zone = {"raw_timezone": "Europe/Berlin"}
    with connected(tmp_path, system, salts=tmp_path, before=before, **zone) as ask:
        # 2 x 15 less 3; paid back: 13.50 and 1.50 beside the line
        assert ask(
            "select order_id, ordered_at::text, amount::text, discount_amount::text, status, "
            "currency from staging.stg_orders"
        ) == [("shopify-8001", "2025-07-18 09:00:00", "30.00", "3.00", "completed", "USD")]
        assert ask("select refunded_amount::text, refunded_at::text from staging.stg_orders") == [
            ("15.00", "2025-07-20 23:30:00")
        ]
        assert ask(
            "select raw_key, rejection_reasons from restricted.base_orders "
            "where rejection_reasons is not null"
        ) == [("shopify-8002", "missing_amount")]
