"""docs/anatomy.md names every folder of the project, and no other."""

import re
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
ANATOMY = (PROJECT / "docs" / "anatomy.md").read_text(encoding="utf-8")
LISTED = set(re.findall(r"^\| `([\w/]+)` \|", ANATOMY, re.MULTILINE))
# folders in folders, as the page names them
NESTED = ("models/marts", "models/intermediate", "macros", "python_helpers", "tests", "seeds")


def folders() -> set[str]:
    """Return the folders of the project as the page should name them."""
    found = {f"models/{path.name}" for path in subfolders("models")}
    found |= {"models/staging/base", "analyses", "benchmarks", "docs"}
    for parent in NESTED:
        prefix = {"python_helpers": ""}.get(parent, parent.removeprefix("models/") + "/")
        found |= {prefix + path.name for path in subfolders(parent)}
    return found


def subfolders(name: str, /) -> list[Path]:
    """Return the folders of a folder that hold files of the project."""
    return [
        path
        for path in (PROJECT / name).iterdir()
        if path.is_dir() and path.name != "__pycache__" and any(path.rglob("*.*"))
    ]


def test_every_folder_is_described_and_none_that_is_gone():
    assert folders() == LISTED


def test_the_packages_stand_in_the_order_that_import_linter_checks():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    layers, *_ = project["tool"]["importlinter"]["contracts"]
    checked = [name for layer in layers["layers"] for name in layer.split(" | ")]
    table = ANATOMY[ANATOMY.index("| package |") :].split("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == checked
