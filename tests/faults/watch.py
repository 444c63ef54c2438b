"""A look at the queue every few milliseconds: no job may wait and run, or run twice, at the same instant.

Nor may a job that runs be called anything else, but cancelled: some old attempt decided about it. RQ's own `delete` may
leave an id in the list of the queue, of a job that is no more or begun anew; it is dropped when its turn comes.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from servers import RedisServer

from offers_cli.errors import QueueUnavailable
from offers_cli.queue.keys import QueueKeys
from offers_cli.redis.errors import translate

EVERY_S = 0.02
LOOK = """
local running, statuses = {}, {}
for _, composite in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
  running[#running + 1] = string.match(composite, '^[^:]*')
  statuses[#statuses + 1] = redis.call('HGET', 'rq:job:' .. running[#running], 'status') or ''
end
local waiting, listed = redis.call('ZRANGE', KEYS[2], 0, -1), {}
for _, id in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  if not listed[id] and redis.call('HGET', 'rq:job:' .. id, 'status') == 'queued' then waiting[#waiting + 1] = id end
  listed[id] = true
end
return { waiting, running, statuses }
"""
KEYS = QueueKeys("enrichment")


class Watch(threading.Thread):
    """Attributes:
    looks: how often it saw the whole queue, in one instant of Redis.
    doubled: the jobs that it saw in two places at once.
    miscalled: the status of jobs that it saw running.
    """

    def __init__(self, server: RedisServer) -> None:
        super().__init__(name="watch", daemon=True)
        self._server = server
        self._over = threading.Event()
        self.looks = 0
        self.doubled: set[str] = set()
        self.miscalled: set[tuple[str, str]] = set()

    def run(self) -> None:
        while not self._over.wait(EVERY_S):
            try:
                self._look()
            except QueueUnavailable:
                continue  # killed, for the moment

    def _look(self) -> None:
        with translate(), self._server.connect() as connection:
            look: Any = connection.eval(LOOK, 3, KEYS.queue, KEYS.scheduled, KEYS.started)
        waiting, running, statuses = ([text.decode() for text in answer] for answer in look)
        where = Counter([*waiting, *running])
        self.doubled |= {job_id for job_id, times in where.items() if times > 1}
        named = zip(running, statuses, strict=True)
        self.miscalled |= {(job_id, status) for job_id, status in named if status not in {"started", "canceled", ""}}
        self.looks += 1

    def close(self) -> None:
        self._over.set()
        self.join()


@contextmanager
def watching(server: RedisServer) -> Iterator[Watch]:
    watch = Watch(server)
    watch.start()
    try:
        yield watch
    finally:
        watch.close()
