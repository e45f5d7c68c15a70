"""Words what a build says, in sections. Each knows what would make it news."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from python_helpers.digest.facts import Facts, Row

WHO = {"any": "all customers", "orders": "buyers", "subscription": "subscribers"}
NAMES = {"churn_rate": "Churn", "nps": "NPS", "csat": "CSAT"}
COMPARED = {"previous_period": "the month before", "year_before": "a year before"}
MOST_WARNINGS = 5
MOST_TRIGGERS = 5


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the digest."""

    name: str
    title: str
    lines: tuple[str, ...]
    facts: list[Any]
    """The numbers in the lines, for programs."""
    news: object
    """What is news unless the build before says the same; None if nothing can be."""


def sections_of(facts: Facts, /, *, before: Facts | None) -> Iterator[Section]:
    """Word a build in the order in which it is read."""
    has_both = {"orders", "subscription"} <= {row["relationship"] for row in facts.changes}
    shown = [row for row in facts.changes if has_both or row["relationship"] == "any"]
    cohorts = [row for row in shown if row["compared_with"] == "cohorts_before"]
    rates = [row for row in shown if row not in cohorts]
    yield Section(
        name="rates",
        title="Churn and retention",
        lines=tuple(rate_lines(rates, facts=facts)) or ("No month is complete yet.",),
        facts=rates,
        news=(facts.month, said_of(rates)),
    )
    if facts.movements:
        yield Section(
            name="mrr",
            title="Monthly recurring revenue",
            lines=tuple(movement_lines(facts)),
            facts=[{"movements": facts.movements, "accounts": facts.accounts}],
            news=(facts.month, facts.movements),
        )
    if cohorts:
        yield Section(
            name="cohorts",
            title="Cohorts",
            lines=tuple(cohort_lines(cohorts)),
            facts=cohorts,
            news=(facts.month, said_of(cohorts)),
        )
    if facts.triggers:
        yield Section(
            name="to_do",
            title="Whom to contact",
            lines=tuple(trigger_lines(facts)),
            facts=facts.triggers,
            # how many they are changes every day
            news=(facts.month, sorted(row["trigger_name"] for row in facts.triggers)),
        )
    if facts.restated:
        yield Section(
            name="restated",
            title="Restated",
            lines=tuple(restated_line(row) for row in facts.restated),
            facts=facts.restated,
            news=facts.build_id,
        )
    if warnings := new_warnings(facts, before=before):
        yield Section(
            name="warnings",
            title="New warnings",
            lines=(*warnings[:MOST_WARNINGS], *more_than(warnings, most=MOST_WARNINGS)),
            facts=warnings,
            news=facts.build_id,
        )


def said_of(rows: list[Row], /) -> list[tuple[Any, ...]]:
    """Say which values have changed beyond chance, and in which direction."""
    keys = ("metric", "relationship", "compared_with", "period_start_date")
    return [
        (*(row[key] for key in keys), row["metric_change"] > 0) for row in rows if row["is_changed"]
    ]


def rate_lines(rows: list[Row], /, *, facts: Facts) -> Iterator[str]:
    """Yield a line for each change of a rate, then one for each rate without any."""
    by_rate: dict[str, list[Row]] = {}
    for row in rows:
        name = NAMES[row["metric"]]
        if row["metric"] == "churn_rate":
            name += f" of {WHO[row['relationship']]}"
        by_rate.setdefault(name, []).append(row)
        if row["is_changed"]:
            yield f"{name} {moved(row)}.{said_of_driver(row, facts=facts)}"
    for name, compared in by_rate.items():
        if not any(row["is_changed"] for row in compared):
            now = compared[0]
            is_churn = now["metric"] == "churn_rate"
            kept = f" (retention {1 - now['metric_value']:.1%})" if is_churn else ""
            others = ", ".join(
                f"{valued(row, '_before')} {COMPARED[row['compared_with']]}" for row in compared
            )
            month = f"{now['period_start_date']:%Y-%m}"
            yield f"{name}: {valued(now)} in {month}{kept}, {others}. No change beyond chance."


def moved(row: Row, /) -> str:
    """Say from which value to which a rate went, and how certain that is."""
    verb, low, high = ("rose", row["change_ci_low"], row["change_ci_high"])
    if row["metric_change"] < 0:
        verb, low, high = "fell", -high, -low
    before, now = row["compared_period_start_date"], row["period_start_date"]
    scale = 1 if row["metric"] == "nps" else 100
    return (
        f"{verb} from {valued(row, '_before')} in {before:%Y-%m} to {valued(row)} in {now:%Y-%m}, "
        f"by {low * scale:.1f} to {high * scale:.1f} points"
    )


def valued(row: Row, side: str = "", /) -> str:
    """Write a metric with the counts behind it."""
    value, whole = row[f"metric_value{side}"], row[f"denominator{side}"]
    if row["metric"] == "nps":
        return f"{value:+.0f} ({whole:,} answers)"
    return f"{value:.1%} ({row[f'numerator{side}']:,} of {whole:,})"


def said_of_driver(row: Row, /, *, facts: Facts) -> str:
    """Say which slice stands out in a change, if one does."""
    if row["metric"] == "csat":  # nothing explains it
        return ""
    keys = ("metric", "relationship", "compared_with")
    for driver in facts.drivers:
        if all(driver[key] == row[key] for key in keys):
            form, scale = ("{:+.0f}", 1) if row["metric"] == "nps" else ("{:.1%}", 100)
            before, now = (form.format(driver[f"slice_value{side}"]) for side in ("_before", ""))
            segment = driver["segment_name"].replace("_", " ").capitalize()
            return (
                f" {segment} {printable(driver['segment_value'])} stands out, from {before} to "
                f"{now}: {driver['own_effect'] * scale:+.1f} points of the change."
            )
    return " No segment stands out."


def movement_lines(facts: Facts, /) -> Iterator[str]:
    """Yield what moved recurring revenue in the month."""
    moves = {name: amount for name, amount in (facts.movements or {}).items() if amount}
    currency = facts.manifest.get("reporting_currency")
    opening, closing = (moves.pop(name, 0) for name in ("opening", "closing"))
    month = facts.month or date.min
    yield f"{month:%Y-%m}: from {opening:,.2f} to {closing:,.2f} {currency}."
    if moves:
        said = (f"{name.replace('_', ' ')} {amount:+,.2f}" for name, amount in moves.items())
        yield f"{', '.join(said)}.".capitalize()
    for row in facts.accounts:
        account = printable(row["customer_id"])
        yield f"Account {account}: {row['mrr_change']:+,.2f} ({row['movements']})."


def cohort_lines(rows: list[Row], /) -> Iterator[str]:
    """Yield a line for each cohort that keeps more or fewer of its customers than those before."""
    changed = [row for row in rows if row["is_changed"]]
    for row in changed:
        low, high = sorted(abs(row[f"change_ci_{end}"]) * 100 for end in ("low", "high"))
        kept = "more" if row["metric_change"] > 0 else "fewer"
        months = row["metric"].rpartition("_")[2]
        since = f"{months} month{'' if months == '1' else 's'}"
        yield (
            f"Of {WHO[row['relationship']]} won in {row['period_start_date']:%Y-%m}, {kept} are "
            f"active after {since} than of those won since "
            f"{row['compared_period_start_date']:%Y-%m}: {valued(row)} against "
            f"{valued(row, '_before')}, {low:.1f} to {high:.1f} points {kept}."
        )
    if not changed:
        yield "The newest cohorts stay as those before them did. No difference beyond chance."


def trigger_lines(facts: Facts, /) -> Iterator[str]:
    """Yield a line of how many customers to contact, and one of the reasons that are worth most."""
    currency = facts.manifest.get("reporting_currency")
    customers = sum(row["customers"] for row in facts.triggers)
    value = sum(row["expected_value"] for row in facts.triggers)
    yield f"{customers:,} customers, expected to bring {value:,.0f} {currency}."
    for row in facts.triggers[:MOST_TRIGGERS]:
        reason = row["trigger_name"].replace("_", " ").capitalize()
        yield f"{reason}: {row['customers']:,}, worth {row['expected_value']:,.0f} {currency}."


def restated_line(row: Row, /) -> str:
    """Say how many closed months of a measure differ, and which most."""
    months = f"{row['months']:,} closed months, most"
    if row["months"] == 1:
        months = "one closed month,"
    return (
        f"{row['measure']} of {row['mart']}: {months} {row['most_in']:%Y-%m}, "
        f"{row['published_value']:,.2f} before, {row['current_value']:,.2f} now."
    )


def new_warnings(facts: Facts, /, *, before: Facts | None) -> list[str]:
    """List the warnings that the build before did not give, whatever the numbers in them."""
    if before is None or before.warnings is None:
        return []
    known = {without_numbers(each) for each in before.warnings}
    return [printable(each) for each in facts.warnings or () if without_numbers(each) not in known]


def more_than(lines: list[str], /, *, most: int) -> Iterator[str]:
    """Say how many lines are left out."""
    if len(lines) > most:
        yield f"And {len(lines) - most:,} more."


def without_numbers(text: str, /) -> str:
    """Leave out numbers: a warning of 13 rows is known if there was one of 12."""
    return re.sub(r"\d+([.,]\d+)*", "0", text)


def printable(text: str, /) -> str:
    """Leave out characters that would move the cursor or end the line."""
    return "".join(each if each.isprintable() else " " for each in str(text))
