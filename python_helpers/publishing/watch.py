"""Ends a run that takes too long, or that is told to end, without leaving half a build.

It ends the process where it is. That is safe at any moment, since a build goes live in one step;
dbt, on the other hand, would wait for its running query. Before that it writes down what became of
the run and tells whoever asked to be told.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from rich.console import Console

from python_helpers.core.log import Log
from python_helpers.core.progress import say
from python_helpers.publishing.builds import remove_leftovers
from python_helpers.publishing.runs import Run

STOPPED = 7
SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


@dataclass(kw_only=True)
class Watch:
    """What is going on, for who has to end it."""

    console: Console
    log: Log
    tell: Callable[[dict[str, object]], None]
    """Called with the record of a run that was stopped."""
    left: str = "Nothing was published."
    """What a run that is stopped leaves, for who reads the message."""
    run: Run | None = None
    is_over: bool = False
    deciding: threading.RLock = field(default_factory=threading.RLock)

    @contextmanager
    def watching(self, *, run: Run) -> Iterator[None]:
        """Watch a run while it goes on."""
        with self.deciding:  # a stop that is going on lets no other run begin
            self.run = run
        try:
            yield
        finally:
            with self.deciding:
                self.run = None

    @contextmanager
    def limited(self, *, minutes: float | None) -> Iterator[None]:
        """End the process after so many minutes, or when a signal asks for it."""
        timer = None
        if minutes:
            reason = f"Stopped after {minutes:g} minutes (--timeout)."
            timer = threading.Timer(minutes * 60, self.stop, args=(reason,))
            timer.daemon = True
            timer.start()
        before = self.handled_signals()
        try:
            yield
        finally:
            self.finish()
            if timer:
                timer.cancel()
            for number, handler in before.items():
                signal.signal(number, handler)

    def finish(self) -> None:
        """From now on nothing is stopped: the exit code is decided, and what is left is brief."""
        with self.deciding:
            self.is_over = True

    def handled_signals(self) -> dict[int, object]:
        """Answer signals that would end the process; returns what answered them before."""
        if threading.current_thread() is not threading.main_thread():
            return {}

        def answer(number: int, _frame: object) -> None:
            reason = f"Stopped by {signal.Signals(number).name}."
            # not here: this thread may be in the middle of going live
            threading.Thread(target=self.stop, args=(reason,), daemon=True).start()

        usual = (signal.SIG_DFL, signal.default_int_handler)
        # what is ignored stays so: nohup asks for that
        answered = [number for number in SIGNALS if signal.getsignal(number) in usual]
        return {number: signal.signal(number, answer) for number in answered}

    def stop(self, reason: str, /) -> None:
        """End the process, unless its build is live or its work is over."""
        with self.deciding:
            run = self.run
            if self.is_over:
                return
            if not run:
                self.end(reason, record={"outcome": "failed", "phase": "waiting"})
        with run.deciding:
            if not run.is_recorded:
                record = {"outcome": "failed", "phase": run.phase_now}
                with suppress(OSError):
                    record = run.record(outcome="failed", error=reason, exit_code=STOPPED)
                with suppress(OSError):
                    remove_leftovers(publish_dir=run.publish_dir)
                run.lock.clear()
                self.end(reason, record=record)

    def end(self, reason: str, /, *, record: dict[str, object]) -> None:
        """Say so, then end the process."""
        phase = record.get("phase")
        self.log.write(event="stopped", run_id=record.get("id"), phase=phase, message=reason)
        self.console.show_cursor()
        say(self.console, f"Error: {reason} It was in phase {phase}. {self.left}")
        with suppress(Exception):
            self.tell(record | {"error": reason, "exit_code": STOPPED})
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(STOPPED)
