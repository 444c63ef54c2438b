"""Which process is meant by a pid, so that a dead worker of this machine is known at once.

A pid alone is not enough: it is used again, and containers share host names and number their processes alike.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from offers_cli.redis.values import as_number

PROC = Path("/proc")
MAX_PID = 2**31 - 1


@dataclass(frozen=True, slots=True)
class ProcessId:
    """One process of one machine since its boot.

    Attributes:
        machine: host name, boot and pid namespace (the latter two on Linux alone).
        started: when it started, in the kernel's ticks; empty where that cannot be told.
    """

    machine: str
    pid: int
    started: str

    @classmethod
    def own(cls) -> Self:
        return cls(machine=_machine(), pid=os.getpid(), started=_started(os.getpid()) or "")

    @classmethod
    def parse(cls, text: str) -> Self | None:
        machine, _, rest = text.partition("|")
        pid, _, started = rest.partition("|")
        number = as_number(pid)
        if not number or number > MAX_PID:
            return None
        return cls(machine=machine, pid=number, started=started)

    def __str__(self) -> str:
        return f"{self.machine}|{self.pid}|{self.started}"

    def is_dead(self) -> bool:
        """Whether it surely runs no more; False for processes of other machines, of which nothing is known."""
        if self.machine != _machine():
            return False
        if PROC.joinpath("self/stat").exists():
            return _started(self.pid) != self.started
        return not _exists(self.pid)


def _machine() -> str:
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        namespace = str((PROC / "self/ns/pid").readlink())
    except OSError:
        boot = namespace = ""
    return f"{socket.gethostname()}/{boot}/{namespace}"


def _started(pid: int) -> str | None:
    """Field 22 of ``/proc/<pid>/stat``; None when there is no such process, or only its zombie. See proc(5)."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
