"""Which package may import which (pyproject.toml), and that a trespass is noticed."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
LINT = "from importlinter.cli import lint_imports_command as lint; lint(['--no-cache'])"


def linted(folder: Path, /) -> subprocess.CompletedProcess[str]:
    """Check the packages of a folder against the contracts in its pyproject.toml."""
    return subprocess.run(
        [sys.executable, "-c", LINT], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Copy the packages and their contracts."""
    shutil.copytree(
        PROJECT / "python_helpers",
        tmp_path / "python_helpers",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copyfile(PROJECT / "pyproject.toml", tmp_path / "pyproject.toml")
    return tmp_path


def test_every_package_imports_only_the_packages_below_it():
    result = linted(PROJECT)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("core/sql.py", "delivery.files"),
        ("delivery/files.py", "warehouse.build"),
        ("publishing/publish.py", "audit.run"),
        ("export/run.py", "operate.refresh"),
        ("audit/run.py", "export.run"),
        ("operate/refresh.py", "cli.main"),
        ("value/tables.py", "core.sql"),
        ("warehouse/build.py", "value.tables"),
    ],
)
def test_a_trespass_is_noticed(copy, module, imported):
    file = copy / "python_helpers" / module
    file.write_text(f"{file.read_text()}\n\nimport python_helpers.{imported}\n")
    result = linted(copy)
    assert result.returncode == 1
    trespasser = f"python_helpers.{module.removesuffix('.py').replace('/', '.')}"
    assert f"{trespasser} -> python_helpers.{imported}" in result.stdout


def test_a_package_without_a_place_is_noticed(copy):
    (copy / "python_helpers" / "attic").mkdir()
    (copy / "python_helpers" / "attic" / "__init__.py").write_text('"""Odds and ends."""\n')
    result = linted(copy)
    assert result.returncode == 1
    assert "attic" in result.stdout
