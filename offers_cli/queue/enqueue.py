"""Enqueueing: one RQ job per offer, at most one Redis call per thousand, unique in the same call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from offers_cli.log import get_log
from offers_cli.queue.job import EnrichmentJob
from offers_cli.queue.keys import QueueKeys
from offers_cli.redis.scripts import Clock, Scripts

if TYPE_CHECKING:
    import redis

BATCH = 1000

log = get_log("queue")


@dataclass(frozen=True, slots=True, kw_only=True)
class EnqueueReport:
    """What `enqueue` did.

    Attributes:
        refused: by offer id why its job cannot be queued; the others are.
    """

    enqueued: int
    already_queued: int
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def seen(self) -> int:
        """Jobs that were looked at."""
        return self.enqueued + self.already_queued + len(self.refused)


class EnrichmentQueue:
    """The RQ queue of enrichment jobs.

    Args:
        job_timeout_s: what RQ's own workers and tools see as a job's limit.
    """

    def __init__(
        self,
        connection: redis.Redis,
        *,
        name: str = "enrichment",
        job_timeout_s: float = 600,
        clock: Clock | None = None,
    ) -> None:
        self.keys = QueueKeys(name)
        self._timeout_s = max(1, round(job_timeout_s))
        self._scripts = Scripts(connection, clock=clock)

    def time(self) -> float:
        """Redis's time, in seconds since 1970.

        Raises:
            QueueUnavailable, QueueRefused: Redis does not answer or says no.
        """
        return self._scripts.now()

    def enqueue(
        self,
        jobs: Iterable[EnrichmentJob],
        *,
        unless_ended_since: float | None = None,
        on_progress: Callable[[EnqueueReport], None] = lambda _so_far: None,
    ) -> EnqueueReport:
        """Queue the jobs; those that already wait, run or are scheduled are counted and left alone.

        A job whose offer id RQ does not allow, or whose address an offer cannot have, is refused by itself.

        A finished or failed job of the same offer does not stand in the way and leaves its registry. Doing it twice
        changes nothing; interrupted, every job is either queued or not. Memory is that of one batch.

        Args:
            unless_ended_since: `time()` before the caller read which offers lack something. A job that ended since is
                left alone, counted as already queued: what came of it the caller has not seen.
            on_progress: is given after each batch what was done so far.

        Raises:
            QueueUnavailable, QueueRefused: Redis does not answer or says no.
        """
        own = self.keys
        keys = (own.queue, own.scheduled, own.finished, own.failed, own.canceled, own.started, own.leases)
        since = "" if unless_ended_since is None else f"{unless_ended_since:.6f}"
        refused: dict[str, str] = {}
        done = EnqueueReport(enqueued=0, already_queued=0, refused=refused)
        stream = iter(jobs)
        try:
            while batch := list(islice(stream, BATCH)):
                problems = {job.offer_id: problem for job in batch if (problem := job.problem())}
                sound = [job for job in batch if job.offer_id not in problems]
                arguments = [text for job in sound for text in job.encode()]
                queued = int(self._scripts.run("enqueue", keys, self._timeout_s, since, *arguments)) if sound else 0
                refused |= problems
                done = EnqueueReport(
                    enqueued=done.enqueued + queued,
                    already_queued=done.already_queued + len(sound) - queued,
                    refused=refused,
                )
                on_progress(done)
        finally:  # what ends it early leaves what was queued before
            if done.seen:
                figures = {"enqueued": done.enqueued, "already_queued": done.already_queued}
                log.info("enqueued", **figures, refused=len(refused) or None)
        return done
