"""The heartbeat: keeps a worker's registration and leases alive and listens for RQ's commands."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from offers_cli.errors import Bug, OffersError, QueueRefused, QueueUnavailable
from offers_cli.log import get_log
from offers_cli.queue.keys import command_channel
from offers_cli.queue.leases import JobLeases
from offers_cli.queue.registration import WorkerRegistration
from offers_cli.redis.errors import translate
from offers_cli.redis.values import as_json

if TYPE_CHECKING:
    import redis

BEAT_S = 5.0
LISTEN_S = 0.5
JOIN_S = 2.0
COMMAND_LIMIT = 10_000

log = get_log("worker")


class HeartbeatThread(threading.Thread):
    """A thread beside the worker's own.

    Args:
        held: the executions that the worker holds now, by RQ's names.
        obey: is given each command of `rq.command` (``{"command": "stop-job", "job_id": …}``), in this thread.
        fail: is given what ended this thread before its time, in this thread: without it the leases run out.
    """

    def __init__(
        self,
        connection: redis.Redis,
        *,
        leases: JobLeases,
        registration: WorkerRegistration,
        held: Callable[[], Sequence[str]],
        obey: Callable[[dict[str, Any]], None],
        fail: Callable[[OffersError], None],
        beat_s: float = BEAT_S,
    ) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._connection = connection
        self._leases = leases
        self._registration = registration
        self._held = held
        self._obey = obey
        self._fail = fail
        self._beat_s = beat_s
        self._over = threading.Event()

    def close(self) -> None:
        """End the thread; nothing is renewed afterwards."""
        self._over.set()
        with suppress(QueueUnavailable, QueueRefused), translate():
            self._connection.publish(command_channel(self._leases.worker), "{}")  # wakes it
        self.join(timeout=JOIN_S)

    def run(self) -> None:
        try:
            while not self._over.is_set():
                self._attend_until_trouble()
        except OffersError as error:
            self._fail(error)
        except Exception as exc:
            log.error("unexpected error beside the jobs", exc_info=True)  # noqa: G201 (not a Logger)
            self._fail(Bug(f"the worker's heartbeat ended: {type(exc).__name__}: {exc}"))

    def _attend_until_trouble(self) -> None:
        try:
            self._attend()
        except (QueueUnavailable, QueueRefused) as error:
            if not error.temporary:
                raise
            self._over.wait(LISTEN_S)  # the worker's own thread says so and waits as well

    def _attend(self) -> None:
        """HeartbeatReply and listen on one subscription, until the end or until Redis fails."""
        listen: Any = self._connection.pubsub  # untyped in redis-py
        with translate(), listen() as commands:
            commands.subscribe(command_channel(self._leases.worker))
            next_beat = time.monotonic()
            while not self._over.is_set():
                if time.monotonic() >= next_beat:
                    self.beat()
                    trim_heap()
                    next_beat = time.monotonic() + self._beat_s
                message = commands.get_message(ignore_subscribe_messages=True, timeout=min(LISTEN_S, self._beat_s))
                if message and message["type"] == "message":
                    self._hear(message["data"])

    def beat(self) -> None:
        """Renew registration and leases now."""
        beat = self._leases.heartbeat(self._held())
        if not beat.registered:
            self._registration.register()

    def _hear(self, text: bytes) -> None:
        command = as_json(text, limit=COMMAND_LIMIT)
        if isinstance(command, dict):
            self._obey(command)
        else:
            log.warning("unreadable command ignored")


M_ARENA_MAX = -8
ARENAS = 2

_c_library = ctypes.CDLL(None)


def limit_arenas() -> None:
    """Let all threads that start from now on share two heaps."""
    if hasattr(_c_library, "mallopt"):
        _c_library.mallopt(M_ARENA_MAX, ARENAS)


def trim_heap() -> None:
    """Give the pages of memory that are free back to the system."""
    if hasattr(_c_library, "malloc_trim"):
        _c_library.malloc_trim(0)
