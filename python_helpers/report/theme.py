"""The looks of the report, in one place: colours in light and dark, and how Vega draws."""

from typing import Any

COLOURS = {
    # name: in light, in dark
    "page": ("#ffffff", "#12161d"),
    "surface": ("#f5f7fa", "#1a2029"),
    "text": ("#1b2430", "#e4e9f0"),
    "muted": ("#5a6675", "#9aa7b8"),
    "line": ("#dde3ea", "#2d3744"),
    "blue": ("#2f6fc4", "#5b9bea"),
    "teal": ("#1f8a7d", "#3fb5a6"),
    "gold": ("#c08a1e", "#dcae4a"),
    "orange": ("#d2662a", "#ee8f56"),
    "purple": ("#7a55b8", "#a98ae0"),
    "rose": ("#b8456b", "#e07f9f"),
    "grey": ("#8792a1", "#8792a1"),
}
SERIES = ("blue", "orange", "teal", "purple", "gold", "rose", "grey")
FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'


def colour(name: str, /) -> str:
    """Return a colour as CSS and SVG name it; the reader's choice of light or dark fills it in."""
    assert name in COLOURS, name
    return f"var(--{name})"


def series(*names: str) -> list[str]:
    """Return the colours of these names, for the values of a scale in their order."""
    return [colour(name) for name in names]


def variables() -> str:
    """Write the colours as CSS: light, dark where the reader prefers it, and light on paper."""
    light, dark = (
        ";".join(f"--{name}:{values[shade]}" for name, values in COLOURS.items())
        for shade in (0, 1)
    )
    return (
        f":root{{color-scheme:light dark;--font:{FONT};{light}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"
    )


def config() -> dict[str, Any]:
    """Return how Vega-Lite draws every chart."""
    text = {"labelColor": colour("muted"), "titleColor": colour("muted")}
    return {
        "background": "transparent",
        "font": FONT,
        "aria": False,  # the page says what a chart shows, in a sentence and in a table
        "view": {"stroke": None},
        "title": {
            "anchor": "start",
            "color": colour("text"),
            "subtitleColor": colour("muted"),
            "fontSize": 15,
            "subtitleFontSize": 12,
            "offset": 14,
        },
        "mark": {"tooltip": True, "color": colour("blue")},
        "text": {"color": colour("text"), "fontSize": 11},
        "rule": {"color": colour("muted")},
        "line": {"strokeWidth": 2},
        "area": {"line": False},
        "axis": text
        | {
            "domainColor": colour("line"),
            "gridColor": colour("line"),
            "tickColor": colour("line"),
            "labelFontSize": 11,
            "titleFontSize": 11,
            "titleFontWeight": "normal",
            "titlePadding": 8,
            "labelOverlap": True,
        },
        "axisX": {"grid": False},
        "axisY": {"domain": False, "ticks": False, "tickCount": 5},
        "legend": text
        | {"orient": "top", "title": None, "labelFontSize": 12, "symbolType": "square"}
        | {"columns": {"expr": "containerSize()[0] < 400 ? 2 : 0"}},  # as on a telephone
        "range": {"category": series(*SERIES)},
    }
