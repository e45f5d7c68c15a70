"""The command line, killed before it calls a function: `KILL_BEFORE=module:name lifecycle ...`."""

import os
import signal
from importlib import import_module

from python_helpers.cli import main as cli


def killed(*_: object, **__: object) -> None:
    """Die as a process does that the machine kills."""
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    if before := os.environ.get("KILL_BEFORE"):
        module, name = before.split(":")
        assert hasattr(import_module(module), name)
        setattr(import_module(module), name, killed)
    cli.main(prog_name="lifecycle")
