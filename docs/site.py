"""Hooks of MkDocs: which pages the site has, and what the generated ones say.

A page keeps its place in the project, so links between documents work. The dictionary of metrics
takes the place of models/metrics.md. dbt's own page is the one that `lifecycle docs` writes.
"""

import json
import os
import pkgutil
import posixpath
import re
import sys
import tomllib
from pathlib import Path

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

PROJECT = Path(__file__).resolve().parents[1]
TARGET = PROJECT / os.environ.get("DBT_TARGET_PATH", "target")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
NAMED_BLOCK = re.compile(r"^```(\w+) \S+$", re.MULTILINE)
LINEAGE = "The [lineage of every table]({}) is on dbt's own page.\n"
PICTURE = re.compile(r"^```mermaid\n.*?^```\n", re.MULTILINE | re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Take the documents of the whole project, the files they link to, and the generated pages."""
    for file in list(files):
        if file.src_dir == config.docs_dir:
            files.remove(file)
    texts = documents()
    for path, text in texts.items():
        files.append(File.generated(config, path, content=text))
    for path in linked(texts=texts) - texts.keys():
        files.append(File.generated(config, path, abs_src_path=str(PROJECT / path)))
    files.append(File.generated(config, "docs.html", abs_src_path=str(TARGET / "docs.html")))
    return files


def documents() -> dict[str, str]:
    """Return the text of every page by its path in the project."""
    paths = [*PROJECT.glob("*.md"), *PROJECT.glob("docs/*.md"), PROJECT / "benchmarks/README.md"]
    # the name after the language of a block is for the tests
    texts = {
        path.relative_to(PROJECT).as_posix(): NAMED_BLOCK.sub(r"```\1", path.read_text("utf-8"))
        for path in paths
    }
    # Mermaid would be loaded from elsewhere
    texts = {
        path: PICTURE.sub(LINEAGE.format(posixpath.relpath("docs.html", Path(path).parent)), text)
        for path, text in texts.items()
    }
    manifest = json.loads((TARGET / "manifest.json").read_text(encoding="utf-8"))
    definitions = (PROJECT / "models" / "metrics.md").read_text(encoding="utf-8")
    texts["models/metrics.md"] = dictionary(definitions=definitions, manifest=manifest)
    texts["docs/commands.md"] = commands()
    return texts


def linked(*, texts: dict[str, str]) -> set[str]:
    """Return the files of the project, other than pages, that the pages link to."""
    targets = {
        posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        for path, text in texts.items()
        for target in LINK.findall(text)
    }
    return {target for target in targets if (PROJECT / target).is_file()}


def dictionary(*, definitions: str, manifest: dict) -> str:
    """Return a page with each term: its definition, and the marts and columns that carry it."""
    carriers: dict[str, dict[str, list[str]]] = {}
    for model in sorted(manifest["nodes"].values(), key=lambda node: node["name"]):
        if model["resource_type"] == "model" and model["fqn"][1] == "marts":
            for block in model.get("doc_blocks", []):
                carriers.setdefault(block, {}).setdefault("The table", []).append(model["name"])
            for name, column in model["columns"].items():
                for block in column["doc_blocks"]:
                    which = f"The column `{name}`"
                    carriers.setdefault(block, {}).setdefault(which, []).append(model["name"])

    def entry(term: re.Match) -> str:
        block = f"doc.{manifest['metadata']['project_name']}.{term['name']}"
        uses = [
            f"- {which}: " + ", ".join(f"`{table}`" for table in tables)
            for which, tables in carriers.get(block, {}).items()
        ]
        return "\n".join([f"### {term['name']}", "", term["text"].strip(), "", *uses, ""])

    sections = re.sub(r"^# ", "## ", definitions, flags=re.MULTILINE)
    block = r"{% docs (?P<name>\w+) %}(?P<text>.*?){% enddocs %}\n"
    return "# Dictionary of metrics\n\n" + re.sub(block, entry, sections, flags=re.DOTALL)


def commands() -> str:
    """Return a page with what each command says of itself."""
    sys.path.insert(0, str(PROJECT))
    scripts = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    group = pkgutil.resolve_name(scripts["scripts"]["lifecycle"])
    pages = ["# Commands"]
    for name, command in [("lifecycle", group), *sorted(group.commands.items())]:
        title = name if command is group else f"lifecycle {name}"
        context = click.Context(command, info_name=title, terminal_width=100, max_content_width=100)
        pages.append(f"## {title}\n\n```text\n{command.get_help(context).rstrip()}\n```")
    return "\n\n".join(pages) + "\n"
