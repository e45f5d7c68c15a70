"""Writes a digest as text, as HTML for an e-mail, or as JSON for the webhook of a chat."""

import json
from datetime import date
from decimal import Decimal
from html import escape
from typing import Any

from python_helpers.digest.digest import Digest
from python_helpers.digest.facts import Facts

FORMATS = ("text", "html", "json")
STYLE = "font-family: sans-serif; max-width: 44em; line-height: 1.4"
PAGE = """\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title></head>
<body style="{style}">
<h1 style="font-size: 1.3em">{title}</h1>
{body}
</body>
</html>
"""


def written(digest: Digest, /, *, as_format: str) -> str:
    """Write a digest in one of the formats; ends with a line break."""
    return {"text": as_text, "html": as_html, "json": as_json}[as_format](digest)


def title(digest: Digest, /) -> str:
    """Name the digest by its month."""
    month = digest.build.month
    return f"Customer lifecycle, {month:%B %Y}" if month else "Customer lifecycle"


def as_text(digest: Digest, /) -> str:
    """Write a digest for a terminal: one line if it is quiet."""
    lines = [] if digest.is_quiet else [title(digest)]
    for section in digest.sections:
        lines += ["", section.title, *(f"- {line}" for line in section.lines)]
    lines += [] if digest.is_quiet else [""]
    return "\n".join([*lines, *digest.notes]) + "\n"


def as_html(digest: Digest, /) -> str:
    """Write a digest as a page that refers to nothing outside of it."""
    parts = []
    for section in digest.sections:
        items = "\n".join(f"<li>{escape(line)}</li>" for line in section.lines)
        heading = f'<h2 style="font-size: 1.1em">{escape(section.title)}</h2>'
        parts.append(f"{heading}\n<ul>\n{items}\n</ul>")
    parts += [f"<p>{escape(note)}</p>" for note in digest.notes]
    return PAGE.format(title=escape(title(digest)), style=STYLE, body="\n".join(parts))


def as_json(digest: Digest, /) -> str:
    """Write a digest as what webhooks of chats take: its text, and beside it the facts."""
    return json.dumps(as_payload(digest), default=plain, indent=2) + "\n"


def as_payload(digest: Digest, /) -> dict[str, Any]:
    """Return what is posted to a chat."""
    return {
        # chats read <...> as a link or as a call to everybody, and take the text of HTML for it
        "text": escape(as_text(digest), quote=False),
        "is_quiet": digest.is_quiet,
        "month_start_date": digest.build.month,
        "build": build_facts(digest.build) | {"is_live": digest.is_live},
        "compared_with": digest.before and build_facts(digest.before),
        "sections": [
            {
                "name": section.name,
                "title": section.title,
                "lines": section.lines,
                "facts": section.facts,
            }
            for section in digest.sections
        ],
    }


def build_facts(facts: Facts, /) -> dict[str, Any]:
    """Describe a build."""
    return {"build_id": facts.build_id} | {
        name: facts.manifest.get(name) for name in ("as_of_date", "built_at", "reporting_currency")
    }


def plain(value: object, /) -> object:
    """Write a date as text and an amount as a number."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} is not known to JSON")
