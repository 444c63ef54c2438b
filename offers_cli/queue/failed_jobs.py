"""Failed jobs back to the queue, by reason, age and offer; and snoozed jobs whose reason is gone, due at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from offers_cli.log import get_log
from offers_cli.queue.job import read_meta
from offers_cli.queue.keys import QueueKeys, job_id_of, job_key
from offers_cli.queue.scripts import Scripts
from offers_cli.redis.errors import translate
from offers_cli.redis.scripts import ask

if TYPE_CHECKING:
    import redis

BATCH = 1000

log = get_log("queue")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequeueReport:
    """`found` jobs matched; `skipped` of them had expired (or wait and run already) and left the registry."""

    found: int
    requeued: int
    skipped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which failed jobs go back; empty sets mean all. `failed_before` is in seconds since 1970."""

    reasons: frozenset[str] = frozenset()
    offer_ids: frozenset[str] = frozenset()
    failed_before: float | None = None
    limit: int | None = None
    dry_run: bool = False


def requeue(
    scripts: Scripts, keys: QueueKeys, wanted: Wanted, *, on_progress: Callable[[int], None] | None = None
) -> RequeueReport:
    """Put the wanted jobs back, one Redis call per thousand."""
    work = _Requeue(scripts, keys, wanted)
    for _ in work.named() if wanted.offer_ids else work.oldest_first():
        if on_progress:
            on_progress(work.found)
        if work.found == wanted.limit:
            break
    report = RequeueReport(found=work.found, requeued=work.requeued, skipped=work.skipped)
    if work.found and not wanted.dry_run:
        log.info("requeued", found=report.found, requeued=report.requeued, skipped=report.skipped)
    return report


class _Requeue:
    """One requeueing and its counts so far."""

    def __init__(self, scripts: Scripts, keys: QueueKeys, wanted: Wanted) -> None:
        self._scripts = scripts
        self._keys = keys
        self._wanted = wanted
        self.found = self.requeued = self.skipped = 0

    def named(self) -> Iterator[None]:
        """Go through the jobs of the wanted offers, a batch at a time."""
        ids = iter(sorted(map(job_id_of, self._wanted.offer_ids)))
        while batch := list(islice(ids, BATCH)):
            self._take(batch)
            yield

    def oldest_first(self) -> Iterator[None]:
        """Go through the registry, a batch at a time; what fails again meanwhile stands behind its first length."""
        connection = self._scripts.connection
        [to_see] = ask(connection, ("ZCARD", self._keys.failed))
        left_behind = 0
        while to_see > 0:
            last = left_behind + min(BATCH, to_see) - 1
            [ids] = ask(connection, ("ZRANGE", self._keys.failed, left_behind, last))
            if not ids:
                return
            left_behind += self._take(ids)
            to_see -= len(ids)
            yield

    def _take(self, ids: Sequence[str | bytes]) -> int:
        """Requeue those of the ids that are wanted; returns how many remain in the registry."""
        wanted = self._wanted
        found, requeued, skipped, remaining = self._scripts.run(
            "requeue",
            (self._keys.failed, self._keys.queue),
            int(wanted.dry_run),
            "" if wanted.failed_before is None else f"{wanted.failed_before:.6f}",
            f",{','.join(wanted.reasons)}," if wanted.reasons else "",
            BATCH if wanted.limit is None else wanted.limit - self.found,
            *ids,
        )
        self.found += found
        self.requeued += requeued
        self.skipped += skipped
        return int(remaining)


def run_scheduled_now(connection: redis.Redis, *, queue_name: str, code: str) -> int:
    """Make the scheduled jobs that were put off with that failure code due now; returns how many.

    A job that leaves the registry meanwhile is left alone. Raises `QueueUnavailable` or `QueueRefused`.
    """
    scheduled = QueueKeys(queue_name).scheduled
    [ids] = ask(connection, ("ZRANGE", scheduled, 0, -1))
    with translate():
        hastened = sum(_make_due(connection, scheduled, ids[at : at + BATCH], code) for at in range(0, len(ids), BATCH))
    if hastened:
        log.info("due again", code=code, jobs=hastened)
    return hastened


def _make_due(connection: redis.Redis, scheduled: str, ids: list[bytes], code: str) -> int:
    with connection.pipeline(transaction=False) as pipe:
        for job_id in ids:
            pipe.hget(job_key(job_id.decode(errors="replace")), "meta")
        metas = pipe.execute(raise_on_error=False)
        ours = [job_id for job_id, meta in zip(ids, metas, strict=True) if read_meta(meta).code == code]
        if ours:
            pipe.zadd(scheduled, dict.fromkeys(ours, 0), xx=True)
            pipe.execute()
    return len(ours)
