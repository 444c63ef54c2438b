"""What a service manager does: `offers worker` under supervision of its own, started again whenever it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from acceptance.program import PROGRAM, Program
from processes import fork_server_of, workers_of
from waiting import NEVER_S

POLL_S = 0.01


def kill(pid: int) -> None:
    """`kill -9`; one that is gone already is no worse for it."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


class Service:
    """One unit of a service manager; use it in a ``with`` statement.

    Attributes:
        codes: how each process ended so far, in order.
        log: where all of them wrote their log lines.
    """

    def __init__(self, program: Program, *arguments: str, name: str = "worker") -> None:
        self._program = program
        self._command = [str(PROGRAM), "worker", *arguments]
        self.log = program.home.parent / f"{name}.log"
        self.codes: list[int] = []
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self._command,
                env=self._program.environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pid in (self.process.pid, *self.children()):
            kill(pid)
        self.process.wait()

    def tend(self) -> None:
        """Start it again if it has ended."""
        code = self.process.poll()
        if code is not None:
            self.codes.append(code)
            self.process = self._start()

    def children(self) -> list[int]:
        """The worker processes under the supervisor, in order of their start."""
        return workers_of(self.process.pid)

    def fork_server(self) -> int | None:
        """The process that the workers are forked from, if it lives."""
        return fork_server_of(self.process.pid)

    def send(self, number: int) -> None:
        """Signal the supervisor, if it lives."""
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    def end(self, number: int = signal.SIGTERM, *, times: int = 1, pause_s: float = 0.2) -> int:
        """Signal it so often and wait for its end; returns its exit code."""
        for _ in range(times):
            self.send(number)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(pause_s)
        return self.process.wait(NEVER_S)


def wait_until(
    condition: Callable[[], Any],
    what: str,
    timeout_s: float = NEVER_S,
    *,
    tending: Sequence[Service] = (),
    tell: Callable[[], object] = str,
) -> float:
    """Wait for a condition, `tending` services meanwhile; returns the seconds it took.

    Args:
        tell: what to say besides when it takes too long.
    """
    began = time.monotonic()
    while not condition():
        assert time.monotonic() < began + timeout_s, f"not within {timeout_s:g} s: {what} {tell()}"
        for service in tending:
            service.tend()
        time.sleep(POLL_S)
    return time.monotonic() - began
