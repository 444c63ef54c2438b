"""The queue for who looks after it: a registry's page, one job, and requeue, cancel, delete, empty.

Only jobs of this queue, whoever else uses that Redis. What cannot be read is shown as broken, and can be deleted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from offers_cli.queue.job import (
    DATA_LIMIT,
    InvalidJob,
    decode_job,
    parse_stamp,
    parse_time,
    read_arguments,
    read_exc_string,
    read_meta,
)
from offers_cli.queue.keys import QueueKeys
from offers_cli.redis.scripts import Clock, Scripts, query

if TYPE_CHECKING:
    import redis

PAGE_SIZE = 50
BATCH = 1000
TEXT_LIMIT = 65_536
"""Bytes of one value of the one job that is shown; of a row, `DATA_LIMIT`."""
TIMES = ("created_at", "enqueued_at", "started_at", "ended_at")
TEXTS = ("status", "origin", "description", "worker_name", "timeout")
FIELDS = (*TIMES, *TEXTS, "data", "meta", "attempts")


class Registry(StrEnum):
    """Where jobs of a queue stand; the values are RQ's names of a job's status."""

    QUEUED = "queued"
    STARTED = "started"
    SCHEDULED = "scheduled"
    DEFERRED = "deferred"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELED = "canceled"


WAITING = (Registry.SCHEDULED, Registry.DEFERRED)
ENDED = (Registry.FINISHED, Registry.FAILED, Registry.CANCELED)
EXPIRING = (Registry.FINISHED, Registry.FAILED)
"""Scored by when they expire; the expired are no longer counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredJob:
    """One job as it stands in Redis; what is missing or cannot be read is None or empty.

    Attributes:
        id: as it stands in Redis: RQ allows letters, digits, `-` and `_`, others may write anything.
        broken: why our workers could not run it; empty when they could.
        origin: the queue that it says it belongs to.
        code: why its last attempt failed, one of our codes.
        error: the text of its last failure, with the traceback that RQ's own workers write.
        due_at: when a scheduled job is queued.
    """

    id: bytes
    broken: str
    status: str
    origin: str
    offer_id: str | None
    url: str | None
    description: str
    code: str
    message: str
    error: str
    attempts: str
    timeout: str
    worker_name: str
    created_at: datetime | None
    enqueued_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPage:
    """Some jobs of a registry: page `number` of `pages`, both from 1; `total` is None for a key of another type."""

    jobs: tuple[StoredJob, ...]
    number: int
    pages: int
    total: int | None


class QueueAdmin:
    """The jobs of one queue.

    Every method raises `QueueUnavailable` or `QueueRefused` when Redis does not answer or says no.
    """

    def __init__(self, connection: redis.Redis, *, name: str = "enrichment", clock: Clock | None = None) -> None:
        self.name = name
        self._connection = connection
        self._scripts = Scripts(connection, clock=clock)
        keys = QueueKeys(name)
        self._queue, self._failed = keys.queue, keys.failed
        self._own = (keys.queue, keys.read, keys.started, keys.leases)
        self._keys = {
            Registry.QUEUED: keys.queue,
            Registry.STARTED: keys.started,
            Registry.SCHEDULED: keys.scheduled,
            Registry.DEFERRED: keys.deferred,
            Registry.FINISHED: keys.finished,
            Registry.FAILED: keys.failed,
            Registry.CANCELED: keys.canceled,
        }

    def counts(self) -> dict[Registry, int | None]:
        """How many jobs stand where, the expired not counted; None where a key is of another type."""
        expire = [int(registry in EXPIRING) for registry in self._keys]
        found = self._scripts.run("count", tuple(self._keys.values()), *expire)
        return dict(zip(self._keys, found, strict=True))

    def page(self, registry: Registry, number: int = 1) -> JobPage:
        """One page of a registry, at the same cost for each; the last one where there are not so many.

        What ended comes newest first, what waits or runs in the order in which it is taken.
        """
        total = self.counts()[registry]
        pages = max(1, -(-(total or 0) // PAGE_SIZE))
        number = min(number, pages)
        jobs = self._look(self._entries(registry, (number - 1) * PAGE_SIZE), limit=DATA_LIMIT) if total else ()
        return JobPage(jobs=jobs, number=number, pages=pages, total=total)

    def find(self, job_id: bytes) -> StoredJob | None:
        """A job of this queue, or what is left of it where it stands in one of its registries; else None."""
        (job,) = self._look([(job_id, None)], limit=TEXT_LIMIT)
        if job.origin:
            return job if job.origin == self.name else None
        return job if self._scripts.run("find_entries", tuple(self._keys.values()), job_id) else None

    def requeue(self, job_id: bytes) -> bool:
        """Put a failed job back in the queue, as a new one; False if it is not there or cannot run."""
        _, requeued, _, _ = self._scripts.run("requeue", (self._failed, self._queue), 0, "", "", "", 1, job_id)
        return bool(requeued)

    def cancel(self, job_id: bytes) -> bool:
        """Cancel a job that waits or runs; False if it does neither."""
        keys = (*self._own, self._keys[Registry.CANCELED], *(self._keys[registry] for registry in WAITING))
        return bool(self._scripts.run("cancel", keys, job_id))

    def delete(self, job_id: bytes) -> bool:
        """Delete a job, or what is left of it; False if there is nothing."""
        keys = (*self._own, *(self._keys[registry] for registry in (*WAITING, *ENDED)))
        return bool(self._scripts.run("delete", keys, job_id))

    def empty(self, registry: Registry) -> int:
        """Delete the jobs of the queue or of a registry; returns how many there were. What comes meanwhile stays."""
        keys = (self._keys[registry], *self._own)
        (there,) = self._scripts.run("count", (self._keys[registry],), 0)
        left = 1 if there is None else int(there)  # a key of another type makes way
        taken = 0
        while left > 0 and (found := int(self._scripts.run("empty", keys, registry, min(BATCH, left)))):
            taken += found
            left -= found
        return taken

    def _entries(self, registry: Registry, first: int) -> list[tuple[bytes, float | None]]:
        """The ids of one page, each with when it is due."""
        key, last = self._keys[registry], first + PAGE_SIZE - 1
        if registry is Registry.QUEUED:
            [ids] = query(self._connection, ("LRANGE", key, first, last))
            return [(job_id, None) for job_id in ids]
        order = ("REV",) if registry in ENDED else ()
        [found] = query(self._connection, ("ZRANGE", key, first, last, *order, "WITHSCORES"))
        entries = zip(found[::2], found[1::2], strict=True)
        if registry is Registry.STARTED:
            return [(entry.partition(b":")[0], None) for entry, _ in entries]
        return [(job_id, float(score) if registry is Registry.SCHEDULED else None) for job_id, score in entries]

    def _look(self, entries: list[tuple[bytes, float | None]], *, limit: int) -> tuple[StoredJob, ...]:
        ids = [job_id for job_id, _ in entries]
        answers = self._scripts.run("look", (), limit, json.dumps(FIELDS), *ids)
        return tuple(self._job(*entry, *answer) for entry, answer in zip(entries, answers, strict=True))

    def _job(self, job_id: bytes, due: float | None, kind: bytes, *values: bytes | None) -> StoredJob:
        *fields, result = values
        found = dict(zip(FIELDS, fields, strict=True))
        offer_id, url = read_arguments(found["data"])
        failure = read_meta(found["meta"])
        texts: dict[str, Any] = {name: _text(found[name]) for name in TEXTS}
        times: dict[str, Any] = {name: parse_time(found[name]) for name in TIMES}
        return StoredJob(
            id=job_id,
            broken=self._why_broken(job_id, kind.decode(), texts, found["data"]),
            offer_id=offer_id,
            url=url,
            code=failure.code,
            message=failure.message,
            error=read_exc_string(result),
            attempts=str(failure.attempts or _text(found["attempts"])),
            due_at=parse_stamp(due),
            **texts,
            **times,
        )

    def _why_broken(self, job_id: bytes, kind: str, texts: Mapping[str, str], data: bytes | None) -> str:
        if kind == "none":
            return "nothing is left of it but this entry"
        if kind != "hash":
            return f"its key holds a {kind}"
        if texts["origin"] != self.name:
            return f"it belongs to the queue {texts['origin']}" if texts["origin"] else "it does not say its queue"
        try:
            decode_job(job_id.decode(errors="replace"), data or b"", "")
        except InvalidJob as refusal:
            return str(refusal)
        return "" if texts["status"] else "it has no status"


def _text(value: bytes | None) -> str:
    return (value or b"").decode(errors="replace")
