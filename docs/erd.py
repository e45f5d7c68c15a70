"""Draws the picture in docs/erd.md: the keys of the marts, from contracts and relationships tests.

.venv/bin/dbt parse && .venv/bin/python docs/erd.py target/manifest.json
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_name("erd.md")
Manifest = Mapping[str, Any]


def page(*, text: str, manifest: Manifest) -> str:
    """Return the text of the page with its picture drawn anew, from dbt's manifest.json."""
    before, _, rest = text.partition("```mermaid\n")
    _, _, after = rest.partition("```\n")
    return f"{before}```mermaid\n{picture(manifest=manifest)}```\n{after}"


def picture(*, manifest: Manifest) -> str:
    """Return the picture in Mermaid's words."""
    links = sorted(relationships(manifest=manifest))
    nodes = {node["name"]: node for node in manifest["nodes"].values()}
    foreign: dict[str, list[str]] = {}
    lines = ["erDiagram"]
    for parent, child, column in links:
        foreign.setdefault(parent, [])
        foreign.setdefault(child, []).append(column)
        lines.append(f"    {parent} {shape(child=nodes[child], column=column)} {child} : {column}")
    for name in sorted(foreign):
        lines += [f"    {name} {{", *keys(node=nodes[name], foreign=foreign[name]), "    }"]
    return "\n".join([*lines, ""])


def relationships(*, manifest: Manifest) -> Iterator[tuple[str, str, str]]:
    """Yield the parent, the child and the child's column of each relationships test of a mart."""
    for test in manifest["nodes"].values():
        if test.get("test_metadata", {}).get("name") == "relationships":
            child = test["attached_node"]
            (parent,) = set(test["depends_on"]["nodes"]) - {child}
            names = [manifest["nodes"][each]["name"] for each in (parent, child)]
            yield names[0], names[1], test["column_name"]


def shape(*, child: Mapping[str, Any], column: str) -> str:
    """Return Mermaid's line: one parent, or none where the column may be NULL, to its children."""
    constraints = [each["type"] for each in child["columns"][column]["constraints"]]
    # a view has no constraints
    is_known = "not_null" in constraints or child["config"]["materialized"] == "view"
    is_whole_key = child["config"]["meta"]["grain"] == [column]
    return f"{'||' if is_known else '|o'}--{'o|' if is_whole_key else 'o{'}"


def keys(*, node: Mapping[str, Any], foreign: list[str]) -> Iterator[str]:
    """Yield the lines of the key columns of a mart, in the order of its contract."""
    grain = node["config"]["meta"]["grain"]
    for name, column in node["columns"].items():
        kinds = [kind for kind, names in (("PK", grain), ("FK", foreign)) if name in names]
        if kinds:
            yield f"        {column['data_type']} {name} {', '.join(kinds)}"


if __name__ == "__main__":
    parsed = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    PAGE.write_text(page(text=PAGE.read_text("utf-8"), manifest=parsed), "utf-8")
