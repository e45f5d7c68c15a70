"""One customer with a million orders, as a shop has that gives all its guests one key."""

import threading
from datetime import date, timedelta

import duckdb
from lifecycle import PROJECT

from python_helpers.delivery.rendering import Macros

SILENCES = PROJECT / "models" / "intermediate" / "stages" / "int_purchase_silences.sql"
ENDLESS = 60  # seconds; a step that needs the square of a customer's orders takes days


def test_the_silences_of_a_customer_with_a_million_orders_are_found():
    with duckdb.connect() as connection:
        macros = Macros(connection=connection, project_dir=PROJECT)
        for name, query in {
            "int_orders_sequenced": """
                select
                    'guest' as customer_id,
                    true as is_purchase,
                    number as order_number,
                    date '2020-01-01' + (number // 700)::integer as order_date,
                    order_date - lag(order_date) over (order by number)
                        as days_since_previous_order
                from range(1, 1000001) as orders (number)
            """,
            "int_customers": "select 'guest' as customer_id, 90 as activity_window_days",
        }.items():
            connection.execute(f"create table {name} as {query}")
            macros.made[name] = macros.relation("main", name)
        watch = threading.Timer(ENDLESS, connection.interrupt)
        watch.start()
        silences = connection.execute(f"from ({macros.render(SILENCES)})").fetchall()
        watch.cancel()
    # an order on every day, and then no more
    last_day = date(2020, 1, 1) + timedelta(days=1_000_000 // 700)
    assert silences == [("guest", last_day + timedelta(days=14), None)]
