"""A second computation of the order relationship's numbers, to compare the marts with.

Written from the metric definitions alone, as slow and as plain as two real data sets allow:
a grid of customers by days says who is active on which day, and every count is read off that
grid the way the definition says it in words. The warehouse must never do that (it works on
intervals), which is the point: the two share neither code nor method.

Covers what the real data sets have: one activity window, one segment (region), one currency,
one file per table, no subscriptions, each order once. Anything else raises an error here.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from lifelines import KaplanMeierFitter
from returns import Booking, Matches, booked, is_purchase, matched

ACTIVITY_WINDOW_DAYS = 60
FIT_WINDOWS = (30, 60, 90, 120, 180, 270, 365)
RETURN_DAYS = 180
GRAINS = {"month": "M", "quarter": "Q", "year": "Y"}
ONE_DAY = pd.Timedelta(days=1)
PERIOD_COUNTS = (
    "opening_customers",
    "closing_customers",
    "lost_customers",
    "lost_and_returned_customers",
    "new_customers",
    "reactivated_customers",
    "new_and_lost_customers",
    "reactivated_and_lost_customers",
    "active_in_period_customers",
    "churn_events",
)


@dataclass(frozen=True)
class History:
    """Who was active on which day: row i of `active` is customer i, column j is `days[j]`."""

    as_of: pd.Timestamp
    window: int
    customer_ids: np.ndarray
    regions: np.ndarray
    days: pd.DatetimeIndex
    active: np.ndarray
    purchases: pd.DataFrame  # order_id, customer_id, row, day

    def active_on(self, *, day: pd.Timestamp) -> np.ndarray:
        """Return for each customer whether that day lies in one of its spells."""
        if day < self.days[0]:
            return np.zeros(len(self.customer_ids), dtype=bool)
        return self.active[:, self.days.get_loc(day)]

    def active_between(self, *, first: pd.Timestamp, last: pd.Timestamp) -> np.ndarray:
        """Return for each customer whether any day of `first`..`last` lies in a spell."""
        return self.active[:, (self.days >= first) & (self.days <= last)].any(axis=1)


def read_orders(*, raw: Path, as_of: dt.date | None = None) -> tuple[pd.DataFrame, pd.Timestamp]:
    """Read the orders up to `as_of`, with every optional column of the contract present.

    The default of `as_of` is the earlier of yesterday and the latest `ordered_at`; what is later
    than it is held back (raw contract).
    """
    orders = pd.read_parquet(raw / "orders.parquet")
    for column in (
        "customer_id",
        "status",
        "order_type",
        "discount_amount",
        "refunded_amount",
        "original_order_id",
        "subscription_id",
        "cost_amount",
    ):
        if column not in orders:
            orders[column] = None
    if orders["order_id"].duplicated().any():
        raise ValueError("the reference knows one version of each order only")
    if "currency" in orders and orders["currency"].nunique() > 1:
        raise ValueError("the reference knows one currency only")

    orders["day"] = pd.to_datetime(orders["ordered_at"]).dt.normalize().astype("datetime64[ns]")
    orders["order_type"] = orders["order_type"].fillna("sale")
    orders["status"] = orders["status"].fillna("completed")
    if as_of is None:
        yesterday = dt.datetime.now(tz=dt.UTC).date() - dt.timedelta(days=1)
        as_of = min(yesterday, orders["day"].max().date())
    last_day = pd.Timestamp(as_of)
    return orders[orders["day"] <= last_day].reset_index(drop=True), last_day


def read_regions(*, raw: Path) -> dict[str, str]:
    """Read each customer's current region; a customer who is not in the file has none."""
    path = raw / "customers.parquet"
    if not path.exists():
        return {}
    customers = pd.read_parquet(path)
    if customers["customer_id"].duplicated().any():
        raise ValueError("the reference knows one version of each customer only")
    known = customers.dropna(subset=["region"])
    return dict(zip(known["customer_id"], known["region"], strict=True))


def read_bookings(*, orders: pd.DataFrame) -> list[Booking]:
    """Read the orders as a clerk books them."""
    known = orders.astype(object).where(orders.notna(), None)
    return [booked(row) for row in known.to_dict("records")]


@lru_cache(maxsize=32)
def read_purchases(*, raw: Path, as_of: dt.date | None) -> tuple[pd.DataFrame, pd.Timestamp]:
    """Read who bought on which day, up to `as_of` (metrics, section 1).

    Only a known customer is kept active by a purchase.
    """
    orders, last_day = read_orders(raw=raw, as_of=as_of)
    bookings = read_bookings(orders=orders)
    matches = matched(bookings=bookings)
    bought = np.array(
        [
            booking.customer_id is not None and is_purchase(booking=booking, matches=matches)
            for booking in bookings
        ],
        dtype=bool,
    )
    return orders.loc[bought, ["order_id", "customer_id", "day"]], last_day


@lru_cache(maxsize=32)
def read_matches(*, raw: Path, as_of: dt.date | None) -> Matches:
    """Read which sale each return takes back, up to `as_of`."""
    orders, _ = read_orders(raw=raw, as_of=as_of)
    return matched(bookings=read_bookings(orders=orders))


@lru_cache(maxsize=32)
def history(*, raw: Path, window: int, as_of: dt.date | None) -> History:
    """Mark the days each customer is active: a purchase on d marks `[d, d + window)`."""
    purchases, last_day = read_purchases(raw=raw, as_of=as_of)
    purchases = purchases.sort_values(["customer_id", "day", "order_id"])
    customer_ids = np.array(sorted(purchases["customer_id"].unique()), dtype=object)
    row_of = {customer: row for row, customer in enumerate(customer_ids)}
    purchases["row"] = purchases["customer_id"].map(row_of)
    region_of = read_regions(raw=raw)

    days = pd.date_range(purchases["day"].min(), last_day, freq="D")
    active = np.zeros((len(customer_ids), len(days)), dtype=bool)
    for row, day in zip(purchases["row"], purchases["day"], strict=True):
        first = (day - days[0]).days
        active[row, first : first + window] = True
    return History(
        as_of=last_day,
        window=window,
        customer_ids=customer_ids,
        regions=np.array([region_of.get(customer, "unknown") for customer in customer_ids]),
        days=days,
        active=active,
        purchases=purchases.reset_index(drop=True),
    )


def spells(
    *, raw: Path, window: int = ACTIVITY_WINDOW_DAYS, as_of: dt.date | None = None
) -> pd.DataFrame:
    """List each customer's spells: unbroken runs of active days (metrics, section 1).

    `ended_on` is the first day without activity, NULL while the spell lasts on `as_of`; then
    `lapses_on` is the day it will end, and `days_in_spell` runs through `as_of`.
    """
    past = history(raw=raw, window=window, as_of=as_of)
    last_purchase = past.purchases.groupby("row")["day"].max()
    rows = []
    for row, customer_id in enumerate(past.customer_ids):
        edges = np.diff(np.concatenate(([0], past.active[row].astype(int), [0])))
        starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
        for number, (start, end) in enumerate(zip(starts, ends, strict=True), start=1):
            lasts = end == len(past.days)
            started_on = past.days[start]
            rows.append(
                {
                    "customer_id": customer_id,
                    "spell_number": number,
                    "started_on": started_on,
                    "ended_on": pd.NaT if lasts else past.days[end],
                    "lapses_on": last_purchase[row] + window * ONE_DAY if lasts else pd.NaT,
                    "is_active": lasts,
                    "days_in_spell": (past.as_of - started_on).days + 1 if lasts else end - start,
                    "region": past.regions[row],
                }
            )
    return pd.DataFrame(rows)


def first_spell_starts(*, past: History) -> pd.Series:
    """Return the day each customer's first spell began, in the order of `customer_ids`."""
    return pd.Series(past.days[past.active.argmax(axis=1)])


def retention_periods(
    *, raw: Path, window: int = ACTIVITY_WINDOW_DAYS, as_of: dt.date | None = None
) -> pd.DataFrame:
    """Count each region's customers per month, quarter and year (metrics, section 2).

    A period that `as_of` cuts short closes on `as_of` and has no rate.
    """
    past = history(raw=raw, window=window, as_of=as_of)
    first_start = first_spell_starts(past=past).to_numpy()
    row_of = {customer: row for row, customer in enumerate(past.customer_ids)}
    churned = spells(raw=raw, window=window, as_of=as_of).dropna(subset=["ended_on"])
    churned_row = churned["customer_id"].map(row_of).to_numpy()
    churned_on = churned["ended_on"].to_numpy()

    rows = []
    for grain, frequency in GRAINS.items():
        for period in pd.period_range(first_start.min(), past.as_of, freq=frequency):
            p0, last_day = period.start_time, period.end_time.normalize()
            closes_on = min(last_day, past.as_of)
            event_rows = churned_row[(churned_on >= p0) & (churned_on <= closes_on)]
            had_churn_event = np.zeros(len(past.customer_ids), dtype=bool)
            had_churn_event[event_rows] = True

            opening = past.active_on(day=p0 - ONE_DAY)
            closing = past.active_on(day=closes_on)
            active = opening | past.active_between(first=p0, last=closes_on)
            began_first = (first_start >= p0) & (first_start <= closes_on)
            # known before the period, away on its opening day, and back at some time in it
            came_back = (first_start < p0) & ~opening & active
            members = {
                "opening_customers": opening,
                "closing_customers": closing,
                "lost_customers": opening & ~closing,
                "lost_and_returned_customers": opening & closing & had_churn_event,
                "new_customers": began_first & closing,
                "reactivated_customers": came_back & closing,
                "new_and_lost_customers": began_first & ~closing,
                "reactivated_and_lost_customers": came_back & ~closing,
                "active_in_period_customers": active,
            }
            for region in np.unique(past.regions):
                in_region = past.regions == region
                if first_start[in_region].min() > closes_on:
                    continue  # before the region's first activity
                counts = {name: int((who & in_region).sum()) for name, who in members.items()}
                is_complete = last_day <= past.as_of
                rated = is_complete and counts["opening_customers"] > 0
                churn = counts["lost_customers"] / counts["opening_customers"] if rated else np.nan
                rows.append(
                    {
                        "period_grain": grain,
                        "period_start_date": p0,
                        "is_complete_period": is_complete,
                        "region": region,
                        **counts,
                        "churn_events": int(in_region[event_rows].sum()),
                        "churn_rate": churn,
                        "retention_rate": 1 - churn,
                    }
                )
    return pd.DataFrame(rows)


def revenue_entries(*, raw: Path, as_of: dt.date | None = None) -> pd.DataFrame:
    """List what each order adds to revenue, in cents, on its day (metrics, section 6).

    A return takes its absolute amount off, a negative sale (an adjustment) its own; what is not
    completed, and the invoice of a subscription, adds nothing. Anonymous orders are kept.
    """
    orders, _ = read_orders(raw=raw, as_of=as_of)
    if orders[["discount_amount", "refunded_amount", "cost_amount"]].notna().any(axis=None):
        raise ValueError("the reference's revenue knows no discount, refund or cost")
    counted = orders[(orders["status"] == "completed") & orders["subscription_id"].isna()].copy()
    cents = [int(amount.scaleb(2)) for amount in counted["amount"]]
    counted["cents"] = np.where(counted["order_type"] == "return", -np.abs(cents), cents)
    return counted[["order_id", "customer_id", "day", "cents"]]


def money(*, cents: int) -> Decimal:
    """Return cents as the exact decimal amount."""
    return Decimal(int(cents)).scaleb(-2)


def total_revenue(*, raw: Path, as_of: dt.date | None = None) -> Decimal:
    """Sum the raw file: sales and adjustments less returns, customers known or not."""
    return money(cents=revenue_entries(raw=raw, as_of=as_of)["cents"].sum())


def revenue_periods(*, raw: Path, as_of: dt.date | None = None) -> pd.DataFrame:
    """Sum revenue per period and region; orders without a customer are in region unknown."""
    entries = revenue_entries(raw=raw, as_of=as_of)
    entries["region"] = entries["customer_id"].map(read_regions(raw=raw)).fillna("unknown")
    frames = []
    for grain, frequency in GRAINS.items():
        starts = entries["day"].dt.to_period(frequency).dt.start_time.rename("period_start_date")
        cents = entries.groupby([starts, "region"])["cents"].sum().reset_index()
        frames.append(
            cents.assign(
                period_grain=grain,
                total_revenue_amount=[money(cents=value) for value in cents["cents"]],
            )
        )
    return pd.concat(frames, ignore_index=True)


def cohort_retention(
    *, raw: Path, window: int = ACTIVITY_WINDOW_DAYS, as_of: dt.date | None = None
) -> pd.DataFrame:
    """Follow each month's new customers, by region, to the as-of month (metrics, section 3).

    Unknown cost is margin at the default rate of 1.0, so margin is revenue here. The unfinished
    month is judged on `as_of`, as a period that `as_of` cuts short is in section 2.
    """
    past = history(raw=raw, window=window, as_of=as_of)
    cohort = first_spell_starts(past=past).dt.to_period("M").to_numpy()
    row_of = {customer: row for row, customer in enumerate(past.customer_ids)}

    months = pd.period_range(cohort.min(), past.as_of, freq="M")
    column_of = {month: column for column, month in enumerate(months)}
    bought = np.zeros((len(past.customer_ids), len(months)), dtype=bool)
    for row, day in zip(past.purchases["row"], past.purchases["day"], strict=True):
        bought[row, column_of[day.to_period("M")]] = True

    cents = np.zeros((len(past.customer_ids), len(months)), dtype=np.int64)
    entries = revenue_entries(raw=raw, as_of=as_of)
    entries = entries[entries["customer_id"].isin(row_of)]
    for entry in entries.itertuples():
        row = row_of[entry.customer_id]
        # revenue before the first spell (a return of something bought earlier) counts at age 0
        month = max(entry.day.to_period("M"), cohort[row])
        cents[row, column_of[month]] += entry.cents

    rows = []
    for cohort_month in months:
        for region in np.unique(past.regions):
            members = (cohort == cohort_month) & (past.regions == region)
            if not members.any():
                continue
            cumulative = 0
            for age, month in enumerate(months[months >= cohort_month]):
                last_day = month.end_time.normalize()
                revenue = int(cents[members, column_of[month]].sum())
                cumulative += revenue
                still_active = past.active_on(day=min(last_day, past.as_of))
                rows.append(
                    {
                        "cohort_month": cohort_month.start_time,
                        "months_since": age,
                        "region": region,
                        "cohort_customers": int(members.sum()),
                        "purchasing_customers": int(bought[members, column_of[month]].sum()),
                        "active_customers": int((members & still_active).sum()),
                        "revenue_amount": money(cents=revenue),
                        "margin_amount": money(cents=revenue),
                        "cumulative_revenue_amount": money(cents=cumulative),
                        "cumulative_margin_amount": money(cents=cumulative),
                        "is_complete_period": last_day <= past.as_of,
                    }
                )
    return pd.DataFrame(rows)


def kaplan_meier(
    *, durations: Iterable[int], has_churned: Iterable[bool]
) -> tuple[pd.DataFrame, float | None]:
    """Estimate survival with lifelines (metrics, section 3): the curve and its median.

    lifelines gives the risk sets, the estimate, the log(-log) interval and the median; its event
    table gives the counts for Greenwood's standard error.
    """
    fitter = KaplanMeierFitter().fit(list(durations), list(has_churned))
    table = fitter.event_table
    at_risk, churned = table["at_risk"].astype(float), table["observed"].astype(float)
    estimate = fitter.survival_function_["KM_estimate"]
    interval = fitter.confidence_interval_.to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = (churned / (at_risk * (at_risk - churned))).cumsum()
        standard_error = estimate * np.sqrt(greenwood)
    # the exact product says where the estimate is 1 or 0; the float one may miss it
    product, exact = Fraction(1), []
    for n, d in zip(table["at_risk"], table["observed"], strict=True):
        product *= Fraction(int(n) - int(d), int(n))
        exact.append(product)
    has_error = np.array([0 < value < 1 for value in exact])
    curve = pd.DataFrame(
        {
            "days_since": table.index.astype(int),
            "risk_set_customers": table["at_risk"].to_numpy(dtype=int),
            "churned_customers": table["observed"].to_numpy(dtype=int),
            "censored_customers": table["censored"].to_numpy(dtype=int),
            "survival_rate": estimate.to_numpy(),
            "standard_error": np.where(has_error, standard_error, np.nan),
            "ci_low": np.where(has_error, interval[:, 0], np.nan),
            "ci_high": np.where(has_error, interval[:, 1], np.nan),
        }
    )
    # lifelines' float may miss a curve that touches one half exactly, so the product decides
    halved = curve.loc[[value <= Fraction(1, 2) for value in exact], "days_since"]
    median = float(halved.iloc[0]) if len(halved) else None
    if Fraction(1, 2) not in exact and (median or np.inf) != fitter.median_survival_time_:
        raise ArithmeticError(f"median {median}, in lifelines {fitter.median_survival_time_}")
    return curve, median


def survival(
    *, raw: Path, window: int = ACTIVITY_WINDOW_DAYS, as_of: dt.date | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Estimate the first spell's length for all customers and each region (metrics, section 3).

    Returns the curves and one row per slice with its median. A spell that lasts is censored at
    the end of `as_of`.
    """
    first = spells(raw=raw, window=window, as_of=as_of).query("spell_number == 1")
    slices = {("all", "all"): first}
    slices |= {("region", region): rows for region, rows in first.groupby("region")}
    curves, medians = [], []
    for (name, value), rows in slices.items():
        curve, median = kaplan_meier(
            durations=rows["days_in_spell"], has_churned=~rows["is_active"].astype(bool)
        )
        curves.append(curve.assign(segment_name=name, segment_value=value))
        medians.append({"segment_name": name, "segment_value": value, "median_days": median})
    return pd.concat(curves, ignore_index=True), pd.DataFrame(medians)


def window_fit(
    *,
    raw: Path,
    windows: Iterable[int] = FIT_WINDOWS,
    as_of: dt.date | None = None,
) -> pd.DataFrame:
    """Tell how often each window would call a customer lost who then returned (section 1).

    Of the churn events at least 180 days before `as_of`: those followed by a purchase within
    180 days, the 180th included.
    """
    rows = []
    for window in windows:
        past = history(raw=raw, window=window, as_of=as_of)
        ended = spells(raw=raw, window=window, as_of=as_of).dropna(subset=["ended_on"])
        judged = ended[ended["ended_on"] <= past.as_of - RETURN_DAYS * ONE_DAY]
        bought_on = {
            customer_id: days.to_numpy()
            for customer_id, days in past.purchases.groupby("customer_id")["day"]
        }
        returned = 0
        for customer_id, churned_on in zip(judged["customer_id"], judged["ended_on"], strict=True):
            days = bought_on[customer_id]
            until = churned_on + RETURN_DAYS * ONE_DAY
            returned += bool(((days >= churned_on) & (days <= until)).any())
        rows.append(
            {
                "window_days": window,
                "spells": len(judged),
                "returned_spells": returned,
                "return_rate": returned / len(judged) if len(judged) else np.nan,
            }
        )
    return pd.DataFrame(rows)
