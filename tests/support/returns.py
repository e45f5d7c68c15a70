"""Which sale each return takes back, and what is a purchase: the definition in plain Python.

Written from its words, one return after the other, the way a clerk would leaf back through the
pages of a customer. The warehouse joins and sorts instead; the two share neither code nor method.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from typing import Any

MATCH_DAYS = 60


@dataclass(frozen=True, kw_only=True)
class Booking:
    """An accepted order, in its own currency; an amount that was not delivered is None."""

    order_id: str
    customer_id: str | None
    ordered_at: datetime
    ordered_on: date
    amount: Fraction
    currency: str = ""
    status: str = "completed"
    order_type: str = "sale"
    discount: Fraction | None = None
    refunded: Fraction | None = None
    original_order_id: str | None = None
    is_invoice: bool = False

    @property
    def counts(self) -> bool:
        """What is pending or cancelled has not happened."""
        return self.status not in ("pending", "cancelled")

    @property
    def is_return(self) -> bool:
        """Something came back."""
        return self.order_type == "return"

    @property
    def is_sale(self) -> bool:
        """Something went out; a sale below zero corrects another one."""
        return self.order_type == "sale" and self.amount >= 0

    @property
    def to_pay(self) -> Fraction:
        """The amount less the discount, whatever their signs."""
        return abs(abs(self.amount) - abs(self.discount or 0))

    @property
    def price(self) -> Fraction:
        """What the customer of a sale paid; below zero if the discount was above the amount."""
        return self.amount - abs(self.discount or 0)

    @property
    def paid_back(self) -> Fraction:
        """What was refunded of a sale; all of it if its status alone says so."""
        if self.refunded is not None:
            return abs(self.refunded)
        return self.price if self.status == "refunded" else Fraction(0)


def booked(row: Mapping[str, Any], /) -> Booking:
    """Book a raw or an accepted row of orders; an empty text is a value that was not delivered."""

    def exact(name: str) -> Fraction | None:
        value = row.get(name)
        return None if value in (None, "") else Fraction(value)

    ordered_at = row["ordered_at"]
    if isinstance(ordered_at, str):
        ordered_at = datetime.fromisoformat(ordered_at)
    return Booking(
        order_id=row["order_id"],
        customer_id=row["customer_id"] or None,
        ordered_at=ordered_at,
        ordered_on=ordered_at.date(),
        amount=Fraction(row["amount"]),
        currency=row.get("currency") or "",
        status=row["status"] or "completed",
        order_type=row["order_type"] or "sale",
        discount=exact("discount_amount"),
        refunded=exact("refunded_amount"),
        original_order_id=row.get("original_order_id") or None,
        is_invoice=bool(row["subscription_id"]),
    )


@dataclass(frozen=True, kw_only=True)
class Matches:
    """What came back: the sale of each return, and the returns of each sale."""

    by_id: dict[str, str] = field(default_factory=dict)
    by_amount: dict[str, str] = field(default_factory=dict)
    taken_back: dict[str, Fraction] = field(default_factory=dict)
    """What the returns of a sale took off, in its own currency."""

    @property
    def sale_of(self) -> Mapping[str, str]:
        """Return the sale of each return that has one."""
        return self.by_id | self.by_amount


def matched(*, bookings: Iterable[Booking], match_days: int = MATCH_DAYS) -> Matches:
    """Find the sale of each return."""
    happened = sorted(
        (booking for booking in bookings if booking.counts),
        key=lambda booking: (booking.ordered_at, booking.order_id),
    )
    matches = Matches()
    known = {booking.order_id: booking for booking in happened}
    pages: dict[tuple[str, str], list[Booking]] = {}
    for booking in happened:
        if booking.customer_id is not None:
            pages.setdefault((booking.customer_id, booking.currency), []).append(booking)
        if booking.is_return and booking.original_order_id is not None:
            sale = known.get(booking.original_order_id)
            if (
                sale
                and sale.is_sale
                and (sale.customer_id, sale.currency)
                == (
                    booking.customer_id,
                    booking.currency,
                )
            ):
                matches.by_id[booking.order_id] = sale.order_id
    named = set(matches.by_id.values())
    for page in pages.values():
        for number, booking in enumerate(page):
            if not booking.is_return or booking.original_order_id is not None:
                continue
            sale = last_of_amount(page=page[:number], amount=booking.to_pay)
            if (
                sale is not None
                and sale.is_sale
                and (booking.ordered_on - sale.ordered_on).days <= match_days
                and sale.order_id not in named
                and sale.paid_back == 0
            ):
                matches.by_amount[booking.order_id] = sale.order_id
    for return_id, sale_id in matches.sale_of.items():
        booking = known[return_id]
        taken = Fraction(0) if booking.is_invoice else abs(booking.amount)
        matches.taken_back[sale_id] = matches.taken_back.get(sale_id, Fraction(0)) + taken
    return matches


def last_of_amount(*, page: Sequence[Booking], amount: Fraction) -> Booking | None:
    """Leaf back to the last order of an amount."""
    return next((booking for booking in reversed(page) if booking.to_pay == amount), None)


def is_purchase(*, booking: Booking, matches: Matches) -> bool:
    """Decide whether an order is a purchase; one of a customer nobody knows can be one too.

    A completed sale, amount not negative, not the invoice of a subscription, not taken back as a
    whole: its refund and its returns together are more than nothing and reach what was paid.
    """
    if not booking.counts or not booking.is_sale or booking.is_invoice:
        return False
    gone = booking.paid_back + matches.taken_back.get(booking.order_id, Fraction(0))
    return not (gone > 0 and gone >= booking.price)
