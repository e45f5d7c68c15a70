"""Reads the dashboard for Superset: the files of docs/superset, and what a chart of them asks."""

import yaml
from lifecycle import PROJECT

FOLDER = PROJECT / "docs" / "superset"


def files(kind: str, /) -> list[dict]:
    """Return what the files of a kind hold: `databases`, `datasets`, `charts` or `dashboards`."""
    return [yaml.safe_load(path.read_text()) for path in sorted((FOLDER / kind).rglob("*.yaml"))]


def as_list(value: object, /) -> list:
    """Make a list of what a chart may give alone."""
    return value if isinstance(value, list) else [value] if value else []


def queries(chart: dict, /) -> list[dict]:
    """Return the queries of a chart as Superset's API takes them; a mixed chart has two."""
    form = chart["params"]
    return [
        {
            "columns": [form["x_axis"], *as_list(form.get(f"groupby{suffix}"))],
            "metrics": metrics,
            "filters": [
                {"col": each["subject"], "op": each["operator"], "val": each["comparator"]}
                for each in form[f"adhoc_filters{suffix}"]
            ],
            "row_limit": form["row_limit"],
        }
        for suffix in ("", "_b")
        if (metrics := as_list(form.get(f"metrics{suffix}") or form.get(f"metric{suffix}")))
    ]
