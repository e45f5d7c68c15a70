"""The folder in which an erasure writes a new warehouse, and what a killed one leaves there."""

from __future__ import annotations

import shutil
from pathlib import Path


def half_made(*, warehouse: Path) -> Path:
    """Name the folder beside a warehouse in which the new file is written."""
    file = warehouse.resolve()
    return file.with_name(f"{file.name}.erasing")


def remove_half_made(*, warehouse: Path) -> None:
    """Remove what a killed erasure left. The caller holds the lock of the warehouse."""
    shutil.rmtree(half_made(warehouse=warehouse), ignore_errors=True)
