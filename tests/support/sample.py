"""One published build of the sample, for all tests that only read it, in whatever process."""

import fcntl
import os
from pathlib import Path

import pytest
from lifecycle import PROJECT, refresh_delivery

BUILD = "sample"
SAMPLE_SETTINGS = ("--as-of", "2025-12-31", "--reporting-currency", "EUR")


def published_sample(factory: pytest.TempPathFactory, /) -> Path:
    """Refresh from the sample, once for all workers; returns the folder with `published`."""
    own = factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / BUILD
    with folder.with_name("sample.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "published" / "current").exists():
            folder.mkdir(exist_ok=True)
            result = refresh_delivery(
                folder,
                *SAMPLE_SETTINGS,
                delivery=PROJECT / "seeds" / "sample",
                report=True,
            )
            assert result.exit_code == 0, result.output
    return folder
