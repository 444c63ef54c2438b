"""The heartbeat: keeps a worker's registration and leases alive, listens for RQ's commands, and keeps its heap small.

glibc gives up to eight heaps (arenas) a core to the threads of a process. Each grows to what its thread once needed,
and further as small blocks cut the room that a large one has left: two heaps had 300 MB after 20,000 pages, of which 18
were in use. So all threads share one, and a block as large as a page is mapped on its own and goes back to the system
as a whole. The end of the heap keeps room for the next page's tree until a heartbeat trims it (docs/benchmarks.md).
Source: mallopt(3), malloc_trim(3). Other C libraries have neither, and nothing is done.
"""

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

HEARTBEAT_S = 5.0
LISTEN_S = 0.5
JOIN_S = 2.0
COMMAND_LIMIT = 10_000
M_ARENA_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD = -8, -3, -1
ARENAS = 1
MAPPED_BYTES = 256 * 1024
"""Blocks of that size and more are mapped: a page is, and its text; the pieces it comes in and its tree are not."""
ROOM_BYTES = 8 * 2**20
"""So much may be free at the end of the heap between two heartbeats: a tree takes 4 MB, and new memory costs time."""

log = get_log("worker")
_c_library = ctypes.CDLL(None)


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
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._connection = connection
        self._leases = leases
        self._registration = registration
        self._held = held
        self._obey = obey
        self._fail = fail
        self._heartbeat_s = heartbeat_s
        self._over = threading.Event()

    def close(self) -> None:
        """End the thread; nothing is renewed afterwards."""
        self._over.set()
        with suppress(QueueUnavailable, QueueRefused), translate():
            self._connection.publish(command_channel(self._leases.worker), "{}")  # wakes it
        self.join(timeout=JOIN_S)

    def renew(self) -> None:
        """Renew registration and leases now; raises `QueueUnavailable` or `QueueRefused`."""
        if not self._leases.heartbeat(self._held()).registered:
            self._registration.register()

    def run(self) -> None:
        """Renew and listen until `close`; not called by anybody but the thread itself."""
        try:
            while not self._over.is_set():
                try:
                    self._renew_and_listen()
                except (QueueUnavailable, QueueRefused) as error:
                    if not error.temporary:
                        raise
                    self._over.wait(LISTEN_S)  # the worker's own thread logs it and waits as well
        except OffersError as error:
            self._fail(error)
        except Exception as exc:
            log.error("unexpected error beside the jobs", exc_info=True)  # noqa: G201 (not a Logger)
            self._fail(Bug(f"the worker's heartbeat ended: {type(exc).__name__}: {exc}"))

    def _renew_and_listen(self) -> None:
        """On one subscription, until the end or until Redis fails."""
        listen: Any = self._connection.pubsub  # untyped in redis-py
        with translate(), listen() as commands:
            commands.subscribe(command_channel(self._leases.worker))
            next_at = time.monotonic()
            while not self._over.is_set():
                if time.monotonic() >= next_at:
                    self.renew()
                    trim_heap()
                    next_at = time.monotonic() + self._heartbeat_s
                message = commands.get_message(ignore_subscribe_messages=True, timeout=min(LISTEN_S, self._heartbeat_s))
                if message and message["type"] == "message":
                    self.hear(message["data"])

    def hear(self, text: bytes) -> None:
        """Obey one command, as it came from Redis."""
        command = as_json(text, limit=COMMAND_LIMIT)
        if isinstance(command, dict):
            self._obey(command)
        else:
            log.warning("unreadable command ignored")


def limit_heap() -> None:
    """Let all threads that start from now on share one heap, in which no block is as large as a page."""
    if hasattr(_c_library, "mallopt"):
        _c_library.mallopt(M_ARENA_MAX, ARENAS)
        _c_library.mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES)
        _c_library.mallopt(M_TRIM_THRESHOLD, ROOM_BYTES)


def trim_heap() -> None:
    """Give the pages of memory that are free back to the system."""
    if hasattr(_c_library, "malloc_trim"):
        _c_library.malloc_trim(0)
