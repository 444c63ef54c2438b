"""A worker as RQ's tools see it: its registration, its state, its end. Source: `rq/worker/base.py` of RQ 3.0."""

from __future__ import annotations

import os
import socket
import sys
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from offers_cli.queue.keys import WAITS_FOR, WORKERS, QueueKeys, worker_executions_key, worker_key
from offers_cli.queue.ledger import WORKER_TTL_S
from offers_cli.queue.processes import ProcessId
from offers_cli.queue.scripts import Scripts
from offers_cli.redis.errors import translate
from offers_cli.redis.scripts import ask
from offers_cli.redis.values import as_text
from offers_cli.times import iso_utc, utc_now

if TYPE_CHECKING:
    import redis

PROCESS_FIELD = "offers_process"
EXPIRED_AT_ONCE = 1000


class Presence:
    """The registration of one worker. Every method raises `QueueUnavailable` or `QueueRefused`."""

    def __init__(self, connection: redis.Redis, *, worker: str, keys: QueueKeys) -> None:
        self._connection = connection
        self._worker = worker
        self._keys = keys
        self._born_at = utc_now()

    def register(self) -> None:
        """Say that this worker lives; again after Redis came back empty."""
        with translate():
            facts = self._describe()
        fields = [text for fact in facts.items() for text in fact]
        keys = (worker_key(self._worker), WORKERS, self._keys.workers)
        Scripts(self._connection).run("register", keys, WORKER_TTL_S, *fields)

    def _describe(self) -> dict[str, str | int]:
        return {
            "birth": _rq_time(self._born_at),
            "last_heartbeat": _rq_time(utc_now()),
            "queues": self._keys.name,
            "pid": os.getpid(),
            "hostname": socket.gethostname(),
            "ip_address": self._address(),
            "version": version("rq"),
            "python_version": sys.version,
            "state": "started",
            PROCESS_FIELD: str(ProcessId.own()),
        }

    def _address(self) -> str:
        """As Redis sees us; managed services may not show it, and redis-py cannot read a socket's path with blanks."""
        import redis

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
    [registered] = ask(connection, ("SMEMBERS", keys.workers))
    with translate(), connection.pipeline(transaction=False) as pipe:
        for key in registered:
            pipe.hmget(key, "birth", PROCESS_FIELD)
        answers = pipe.execute(raise_on_error=False)
    processes = {
        key: _process(answer) for key, answer in zip(registered, answers, strict=True) if _is_worker(key, answer)
    }
    if expired := [key for key in registered if key not in processes][:EXPIRED_AT_ONCE]:
        ask(connection, ("SREM", keys.workers, *expired), ("SREM", WORKERS, *expired))
    dead = sorted(key for key, process in processes.items() if process and process.is_dead())
    return [key.decode().removeprefix(worker_key("")) for key in dead]


def _is_worker(key: bytes, answer: Any) -> bool:
    """Whether RQ could have registered it, and it has not expired: one of a wrong type answers with an error."""
    return key.isascii() and isinstance(answer, list) and answer[0] is not None


def _process(answer: list[Any]) -> ProcessId | None:
    return ProcessId.parse(as_text(answer[1]))


def _rq_time(time: datetime) -> str:
    """A time as RQ writes it."""
    return iso_utc(time, timespec="microseconds")
