"""A worker as RQ's tools see it: its registration, its state, its end, and whether its process still lives.

Source: `rq/worker/base.py` of RQ 3.0.
"""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from offers_cli.queue.keys import WAITS_FOR, WORKER_TTL_S, WORKERS, QueueKeys, worker_executions_key, worker_key
from offers_cli.redis.errors import translate
from offers_cli.redis.scripts import Scripts, query
from offers_cli.redis.values import as_number, as_text
from offers_cli.times import iso_utc, utc_now

if TYPE_CHECKING:
    import redis

PROCESS_FIELD = "offers_process"
EXPIRED_AT_ONCE = 1000
PROC = Path("/proc")
MAX_PID = 2**31 - 1


class WorkerRegistration:
    """The registration of one worker. Every method raises `QueueUnavailable` or `QueueRefused`."""

    def __init__(self, connection: redis.Redis, *, worker: str, keys: QueueKeys) -> None:
        self._connection = connection
        self._worker = worker
        self._keys = keys
        self._born_at = utc_now()

    def register(self) -> None:
        """Show that this worker lives; again after Redis came back empty."""
        from importlib.metadata import version

        facts: dict[str, str | int] = {
            "birth": iso_utc(self._born_at, timespec="microseconds"),
            "last_heartbeat": iso_utc(utc_now(), timespec="microseconds"),
            "queues": self._keys.name,
            "pid": os.getpid(),
            "hostname": socket.gethostname(),
            "ip_address": self._address(),
            "version": version("rq"),
            "python_version": sys.version,
            "state": "started",
            PROCESS_FIELD: str(ProcessId.own()),
        }
        fields = [text for fact in facts.items() for text in fact]
        keys = (worker_key(self._worker), WORKERS, self._keys.workers)
        Scripts(self._connection).run("register", keys, WORKER_TTL_S, *fields)

    def _address(self) -> str:
        """As Redis sees us; managed services may not show it, and redis-py cannot read a socket's path with blanks."""
        import redis

        with translate():
            try:
                return str(self._connection.client_info()["addr"])
            except (redis.ResponseError, KeyError, ValueError):
                return "unknown"

    def show_waiting(self, reason: str | None) -> None:
        """Show which service this worker waits for and why; None when it works again."""
        key = worker_key(self._worker)
        with translate():
            if reason is None:
                self._connection.hdel(key, WAITS_FOR)
            elif self._connection.exists(key):
                self._connection.hset(key, WAITS_FOR, reason)

    def deregister(self) -> None:
        """Say that this worker has ended; RQ shows it as dead for a minute."""
        unregister(self._connection, self._worker, self._keys)


def unregister(connection: redis.Redis, worker: str, keys: QueueKeys) -> None:
    """Take a worker off the lists, as RQ does at its death."""
    names = (worker_key(worker), WORKERS, keys.workers, worker_executions_key(worker))
    Scripts(connection).run("unregister", names, WORKER_TTL_S)


def find_dead_workers(connection: redis.Redis, keys: QueueKeys) -> list[str]:
    """Registered workers of this machine whose process is gone; what has expired, or is no worker, is removed."""
    [registered] = query(connection, ("SMEMBERS", keys.workers))
    with translate(), connection.pipeline(transaction=False) as pipe:
        for key in registered:
            pipe.hmget(key, "birth", PROCESS_FIELD)
        answers = pipe.execute(raise_on_error=False)
    # What RQ could not have registered, or has expired, answers nothing; a key of a wrong type answers with an error.
    living = {
        key: ProcessId.parse(as_text(answer[1]))
        for key, answer in zip(registered, answers, strict=True)
        if key.isascii() and isinstance(answer, list) and answer[0] is not None
    }
    if expired := [key for key in registered if key not in living][:EXPIRED_AT_ONCE]:
        query(connection, ("SREM", keys.workers, *expired), ("SREM", WORKERS, *expired))
    dead = sorted(key for key, process in living.items() if process and process.is_dead())
    return [key.decode().removeprefix(worker_key("")) for key in dead]


@dataclass(frozen=True, slots=True)
class ProcessId:
    """One process of one machine since its boot, so that a dead worker of this machine is known at once.

    A pid alone is not enough: it is used again, and containers share host names and number their processes alike.

    Attributes:
        machine: host name, boot and pid namespace (the latter two on Linux alone).
        started: when it started, in the kernel's ticks; empty where that is not known.
    """

    machine: str
    pid: int
    started: str

    @classmethod
    def own(cls) -> Self:
        """The process that asks."""
        return cls(machine=_machine(), pid=os.getpid(), started=_started(os.getpid()) or "")

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """What `str` made of one; None for whatever is none."""
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
