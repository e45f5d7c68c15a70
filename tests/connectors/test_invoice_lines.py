"""The connector of invoice lines: the UCI form, the form of an ERP, and real data to the cent."""

from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from connected import EXPORTS, connected
from lifecycle import real_data

TABLES = "customers orders order_lines products"


def test_invoices_become_sales_and_returns(tmp_path: Path) -> None:
    with connected(
        EXPORTS / "invoice_lines", "invoice_lines", salts=tmp_path, tables=TABLES
    ) as ask:
        assert ask(
            "select order_id, ordered_at::text, order_type, amount::text "
            "from staging.stg_orders order by order_id"
        ) == [
            # 6 x 2.55 + 6 x 3.39 + 6 x 3.39: two equal lines are two lines
            ("invoice_lines-536365", "2010-12-01 08:26:00", "sale", "55.98"),
            # 6 x 1.85 + 18 of postage; the first minute counts
            ("invoice_lines-536366", "2010-12-01 08:28:00", "sale", "29.10"),
            # 48 x 0.85, and 24 for nothing
            ("invoice_lines-536370", "2010-12-13 08:45:00", "sale", "40.80"),
            # 2.51 + 2 x 4.96
            ("invoice_lines-536544", "2010-12-21 14:32:00", "sale", "12.43"),
            # an exchange: - 2 x 2.55 + 2 x 2.55
            ("invoice_lines-536600", "2010-12-22 09:00:00", "sale", "0.00"),
            # - 3 x 1.85, units that came back
            ("invoice_lines-536601", "2010-12-22 09:30:00", "return", "-5.55"),
            # 10 x 0.85 as the later file has it, without its second line
            ("invoice_lines-536700", "2010-12-23 10:00:00", "sale", "8.50"),
            # 12 x 0.85 + 6 x 2.10
            ("invoice_lines-581587", "2011-12-09 12:50:00", "sale", "22.80"),
            # of two adjustments, the negative one is no return
            ("invoice_lines-A563185", "2011-08-12 14:50:00", "sale", "11062.06"),
            ("invoice_lines-A563186", "2011-08-12 14:51:00", "sale", "-11062.06"),
            ("invoice_lines-C536379", "2010-12-14 09:41:00", "return", "-27.50"),
            ("invoice_lines-C536383", "2010-12-15 09:49:00", "return", "-2.55"),
            # - 2 x 0.85
            ("invoice_lines-C581588", "2011-12-09 12:57:00", "return", "-1.70"),
            # lines after their discount: 2,250.00 + 49.90; a C without a number is no credit note
            ("north-COMP-1001", "2025-03-31 00:00:00", "sale", "2299.90"),
            # credits by their document type, one with the number of an invoice
            ("north-COMP-1001-credit", "2025-04-03 00:00:00", "return", "250.00"),
            ("north-GS-1-credit", "2025-04-02 00:00:00", "return", "4.99"),
        ]
        # the two adjustments and 536544 have no customer
        assert ask("select count(*) from staging.stg_orders where customer_id is null") == [(3,)]
        assert ask(
            "select line_number, product_id, quantity::int, amount::text "
            "from staging.stg_order_lines where order_id = 'invoice_lines-536370' order by 1"
        ) == [(1, "10002", 48, "40.80"), (2, "22728", 24, "0.00")]
        # of 21 lines in the first file, 3 have invoices without a price and 2 are replaced
        assert ask("select count(*) from staging.stg_order_lines") == [(16 + 4 + 4,)]
        # what only moved in the store was not sold
        assert ask(
            "select count(*), count(case when product_id = '22139' then 1 end), "
            "max(case when product_id = '22633' then product_name end) from staging.stg_products"
        ) == [(14, 0, "HAND WARMER, UNION JACK")]
        # 17850.0 is the customer 17850; who only got something is known; another source's
        # 17850 is somebody else
        assert ask(
            "select c.source_customer_id, c.full_name, c.region, count(o.order_id) "
            "from restricted.base_customers as c "
            "left join staging.stg_orders as o using (customer_id) group by all order by all"
        ) == [
            ("12583", None, "France", 4),
            ("12680", None, "France", 2),
            ("13256", None, "Norway", 0),
            ("14527", None, "United Kingdom", 1),
            ("17850", "Muster GmbH", None, 3),
            ("17850", None, "United Kingdom", 3),
        ]


@pytest.mark.long
def test_real_invoice_lines_give_what_their_contract_form_gives(tmp_path: Path) -> None:
    raw = real_data("online_retail_2011")
    export = tmp_path / "export"
    export.mkdir()
    tables = {name: f"'{raw / name}.parquet'" for name in ("orders", "order_lines", "products")}
    # an invoice without a price is no order of the contract form, which keeps its lines
    duckdb.sql(
        "copy (select order_id as InvoiceNo, product_id as StockCode, product_name as Description, "
        "quantity as Quantity, "
        "strftime(coalesce(ordered_at, '2011-01-13'), '%-d/%-m/%Y %-H:%M') as InvoiceDate, "
        "round(amount / quantity, 4) as UnitPrice, customer_id || '.0' as CustomerID, "
        "'United Kingdom' as Country "
        f"from {tables['order_lines']} left join (select order_id, customer_id, ordered_at "
        f"from {tables['orders']}) using (order_id) left join {tables['products']} "
        f"using (product_id)) to '{export / 'Online Retail.csv'}'"
    )
    with connected(export, "invoice_lines", salts=tmp_path, tables=TABLES) as ask:
        revenue = ask(
            "select sum(case order_type when 'return' then -abs(amount) else amount end) "
            "from staging.stg_orders"
        )
        assert revenue == [(Decimal("9747747.93"),)]
        expected = duckdb.sql(
            "select count(*), count(distinct customer_id), sum(amount), min(ordered_at)::text, "
            f"max(ordered_at)::text, count(case when order_type = 'return' then 1 end) "
            f"from {tables['orders']}"
        ).fetchall()
        assert (
            ask(
                "select count(*), count(distinct customer_id), sum(amount), min(ordered_at)::text, "
                "max(ordered_at)::text, count(case when order_type = 'return' then 1 end) "
                "from staging.stg_orders"
            )
            == expected
        )
        assert (
            ask("select count(*), sum(amount) from staging.stg_order_lines")
            == duckdb.sql(
                f"select count(*), sum(amount) from {tables['order_lines']} "
                f"semi join {tables['orders']} using (order_id)"
            ).fetchall()
        )
