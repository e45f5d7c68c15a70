"""Stops a run that takes too long, or that a signal stops, without leaving half a build.

It ends the process where it is, which is safe at any moment, because a build goes live in one step.
Stopping dbt instead would wait for its running query. Before the process ends, the run is recorded
and the alert is sent.
"""

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from python_helpers.core.log import Log, say
from python_helpers.publishing.builds import remove_leftovers
from python_helpers.publishing.runs import Run

STOPPED = 7
SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


@dataclass(kw_only=True)
class Watch:
    """Knows which run is in progress, and stops it."""

    log: Log
    tell: Callable[[dict[str, object]], None] = lambda record: None
    """Called with the record of a run that was stopped."""
    tidy: Callable[[], None] = lambda: None
    """Removes what a stopped run leaves beside its warehouse."""
    left: str = "Nothing was published."
    """What a stopped run leaves behind, for the message."""
    run: Run | None = None
    is_over: bool = False
    deciding: threading.RLock = field(default_factory=threading.RLock)

    @contextmanager
    def watching(self, *, run: Run) -> Iterator[None]:
        """Watch a run while it is in progress."""
        with self.deciding:  # while a stop is in progress no other run begins
            self.run = run
        try:
            yield
        finally:
            with self.deciding:
                self.run = None

    @contextmanager
    def limited(self, *, minutes: float | None) -> Iterator[None]:
        """Stop the process after this many minutes, or on a signal."""
        reason = f"Stopped after {minutes or 0:g} minutes (--timeout)."
        timer = threading.Timer((minutes or 0) * 60, self.stop, args=(reason,))
        timer.daemon = True
        usual = (signal.SIG_DFL, signal.default_int_handler)
        before: dict[int, Any] = {}
        receiver, sender = socket.socketpair()
        sender.setblocking(False)
        woken_before = None
        with suppress(ValueError):  # outside the main thread nothing handles signals
            woken_before = signal.set_wakeup_fd(sender.fileno())
            for number in map(int, SIGNALS):
                # an ignored signal stays ignored: nohup relies on that
                if signal.getsignal(number) in usual:
                    before[number] = signal.signal(number, lambda *_: None)
        threading.Thread(target=self.answer, args=(receiver, before), daemon=True).start()
        try:
            if minutes:
                timer.start()
            yield
        finally:
            self.finish()
            timer.cancel()
            for number, handler in before.items():
                signal.signal(number, handler)
            if woken_before is not None:
                signal.set_wakeup_fd(woken_before)
            sender.close()  # which ends the thread

    def finish(self) -> None:
        """Stop nothing from now on: the exit code is decided and little work is left."""
        with self.deciding:
            self.is_over = True

    def answer(self, receiver: socket.socket, numbers: Container[int]) -> None:
        """Stop because of a signal, in a thread of its own.

        The main thread may be in the middle of going live, or be about to wait for a long time, and
        then sees no signal.
        """
        with receiver:
            while received := receiver.recv(1):
                if received[0] in numbers:
                    self.stop(f"Stopped by {signal.Signals(received[0]).name}.")

    def stop(self, reason: str, /) -> None:
        """End the process, unless its build is live or its work is over."""
        with self.deciding:
            run = self.run
            if self.is_over:
                return
            if not run:
                return self.end(reason, record={"outcome": "failed", "phase": "waiting"})
        with run.deciding:
            if not run.is_recorded:
                record: dict[str, Any] = {"outcome": "failed", "phase": run.phase_now}
                with suppress(OSError):
                    record = run.record(outcome="failed", error=reason, exit_code=STOPPED)
                with suppress(OSError):
                    remove_leftovers(publish_dir=run.publish_dir)
                run.lock.clear()
                self.end(reason, record=record)

    def end(self, reason: str, /, *, record: dict[str, Any]) -> None:
        """Say why, then end the process."""
        phase = record.get("phase")
        self.log.write(event="stopped", run_id=record.get("id"), phase=phase, message=reason)
        with suppress(OSError, SystemExit):  # rich exits where nobody reads
            self.log.console.show_cursor()
            say(self.log.console, f"Error: {reason} It was in phase {phase}. {self.left}")
        with suppress(Exception):
            self.tell(record | {"error": reason, "exit_code": STOPPED})
        if self.run:  # last, because its queries still run
            self.tidy()
        with suppress(OSError, ValueError):
            sys.stdout.flush()
        os._exit(STOPPED)
