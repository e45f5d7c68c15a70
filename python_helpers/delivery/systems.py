"""Tells by its header which system a file was exported from."""

import gzip
import re
import zlib
from pathlib import Path

# Columns that together are in the header of one export alone. The first that fits counts.
SYSTEMS = (
    ("Shopify orders", "financial status, lineitem quantity, lineitem name"),
    ("Shopify transactions", "order, kind, gateway, created at, status, amount"),
    ("Shopify products", "handle, title, variant price"),
    ("Shopify customers", "first name, last name, email, total spent, total orders"),
    ("Shopify customers", "customer id, first name, default address country code"),
    ("Amazon All Orders", "amazon-order-id, purchase-date, order-status"),
    ("Amazon date-range transactions", "date/time, settlement id, order id, product sales"),
    ("Etsy sold order items", "sale date, item name, buyer, transaction id, listing id"),
    ("Etsy sold orders", "sale date, order id, order value, order net"),
    ("Square item sales", "date, time, time zone, item, gross sales, transaction id"),
    ("Square transactions", "date, time, time zone, gross sales, total collected, transaction id"),
    ("WooCommerce Analytics orders", "date, order #, status, customer type, net sales"),
    ("WooCommerce orders", "order_id, order_total, billing_email"),
    ("WooCommerce orders (Advanced Order Export)", "order number, order status, order date"),
    ("Stripe subscriptions", "customer id, plan, current period start (utc)"),
    ("Stripe subscriptions", "id, customer, livemode, canceled_at, ended_at"),
    ("Stripe invoices", "id, customer, livemode, total_excluding_tax"),
    ("Stripe payments", "amount refunded, seller message"),
    ("Stripe customers", "created (utc), delinquent, total spend"),
    ("Qualtrics responses", "startdate, recordeddate, responseid"),
    ("SurveyMonkey responses", "respondent id, collector id, start date"),
    ("Typeform responses", "#, start date (utc), submit date (utc), network id"),
    ("Fivetran Shopify orders", "id, _fivetran_synced, financial_status"),
    ("Fivetran Stripe subscriptions", "id, _fivetran_active, current_period_end"),
    ("UCI invoice lines", "stockcode, quantity, invoicedate"),
)
BEGINNING = 1 << 16  # bytes: a preamble and a header are not longer
LINES = 20


def system_of(file: Path, /) -> str | None:
    """Name the export that a file of text is; None if its header is of none that is known."""
    for line in first_lines(file):
        found = {each.strip(" \"'").lower() for each in re.split("[,;\t]", line)}
        for system, columns in SYSTEMS:
            if found.issuperset(columns.split(", ")):
                return system
    return None


def first_lines(file: Path, /) -> list[str]:
    """Read the first lines of a file, whatever its encoding; none of one that cannot be read."""
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as opened:
            content = opened.read(BEGINNING)
    except (OSError, EOFError, zlib.error):
        return []
    is_utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = content.decode("utf-16" if is_utf16 else "utf-8-sig", errors="replace")
    return text.splitlines()[:LINES]
