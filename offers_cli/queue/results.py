"""Results: a group is written in one transaction, and each job gets its outcome from what became of its write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from offers_cli.errors import (
    Bug,
    OfferGone,
    QueueRefused,
    QueueUnavailable,
    StorageRefused,
    StorageUnavailable,
    WorkError,
)
from offers_cli.log import get_log
from offers_cli.offer import Enrichment, EnrichmentFailure, EnrichmentReport
from offers_cli.queue.job import ClaimedJob
from offers_cli.queue.retry_policy import FINISHED, GIVEN_BACK, JobOutcome, JobStatus, RetryPolicy
from offers_cli.report import INTERNAL, Report

log = get_log("worker")
job_log = get_log("enrichment_job")

COUNTERS = ("succeeded", "failed", "retried", "snoozed", "gone")

Save = Callable[[Sequence[Enrichment], Sequence[EnrichmentFailure]], EnrichmentReport]
"""Writes a group of results in one transaction; when it returns, they are durable.

Raises `StorageUnavailable` (the jobs are put off, the worker pauses) or `StorageRefused` (the worker gives everything
back and ends with it).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResult:
    """What one attempt came to."""

    job: ClaimedJob
    found: Enrichment | WorkError


@dataclass(slots=True, kw_only=True)
class WrittenBatch:
    """The outcomes of a group of jobs, and the error of the storage or of Redis among them, if any."""

    outcomes: list[tuple[ClaimedJob, JobOutcome]] = field(default_factory=list)
    error: WorkError | None = None


class ResultWriter:
    """Writes results and decides what becomes of the jobs.

    A job counts as finished, or failed, only after `save` has returned.
    """

    def __init__(self, save: Save, *, policy: RetryPolicy, random: Random) -> None:
        self._save = save
        self._policy = policy
        self._random = random

    def write(self, results: Sequence[JobResult]) -> WrittenBatch:
        """Write what is to be written of the group, in one transaction; one bad result does not hurt the others."""
        batch = WrittenBatch()
        to_save: list[tuple[JobResult, JobOutcome]] = []
        for result in results:
            match result.found:
                case Enrichment():
                    outcome = FINISHED
                case StorageRefused() | QueueRefused(temporary=False) as error:
                    batch.error = error
                    outcome = GIVEN_BACK
                case WorkError() as error:
                    if isinstance(error, StorageUnavailable | QueueUnavailable | QueueRefused):
                        batch.error = batch.error or error
                    outcome = self._decide(result.job, error)
            if outcome.status in (JobStatus.FINISHED, JobStatus.FAILED):
                to_save.append((result, outcome))
            else:
                batch.outcomes.append((result.job, outcome))
        if to_save:
            self._write(to_save, batch)
        return batch

    def _write(self, group: Sequence[tuple[JobResult, JobOutcome]], batch: WrittenBatch) -> None:
        results = [result for result, _ in group]
        try:
            report = self._save(
                [result.found for result in results if isinstance(result.found, Enrichment)],
                [
                    EnrichmentFailure.of(result.found, offer_id=result.job.offer_id, observed_at=result.job.claimed_at)
                    for result in results
                    if isinstance(result.found, WorkError)
                ],
            )
        except StorageUnavailable as error:
            batch.error = batch.error or error
            batch.outcomes += [(result.job, self._decide(result.job, error)) for result in results]
        except StorageRefused as error:
            batch.error = error
            batch.outcomes += [(result.job, GIVEN_BACK) for result in results]
        except Exception as exc:  # a bug in the storage must not take the whole group down
            if len(group) > 1:  # find the result that cannot be written: its neighbours are saved
                for one in group:
                    self._write([one], batch)
                return
            job = results[0].job
            log.error("saving failed", exc_info=True, offer_id=job.offer_id)  # noqa: G201 (not a Logger)
            bug = Bug(f"saving failed: {type(exc).__name__}: {exc}")
            batch.outcomes.append((job, self._decide(job, bug)))
        else:
            batch.outcomes += [(result.job, self._confirm(result.job, outcome, report)) for result, outcome in group]

    def _confirm(self, job: ClaimedJob, outcome: JobOutcome, report: EnrichmentReport) -> JobOutcome:
        if reason := report.unwritten.get(job.offer_id):
            return self._decide(job, StorageRefused(reason))
        if job.offer_id in report.stale and outcome is FINISHED:
            return GIVEN_BACK
        return outcome

    def _decide(self, job: ClaimedJob, error: WorkError) -> JobOutcome:
        return self._policy.decide(error, attempt=job.attempt, random=self._random)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerReport(Report):
    """What a worker did.

    Attributes:
        failed: jobs that failed for good, but for those whose offer is gone.
        gone: jobs that found that their offer can no longer be bought, which is an answer.
        retried: attempts that failed and will be tried again.
        snoozed: jobs put off without spending an attempt.
        interrupted: it was stopped by SIGINT (Ctrl-C).
    """

    succeeded: int = 0
    failed: int = 0
    gone: int = 0
    retried: int = 0
    snoozed: int = 0
    duration_s: float = 0.0
    interrupted: bool = field(default=False, metadata=INTERNAL)

    @classmethod
    def keys(cls) -> tuple[str, ...]:
        """As `Report.keys`."""
        return "succeeded", "failed", "gone", "retried", "snoozed", "duration_s", "jobs_per_s"

    def data(self) -> dict[str, Any]:
        """The figures by key."""
        return {name: getattr(self, name) for name in self.keys()}

    @property
    def ended(self) -> int:
        """Attempts that came to an end."""
        return self.decided + self.retried + self.snoozed

    @property
    def decided(self) -> int:
        """Jobs that are done, or failed for good."""
        return self.succeeded + self.failed + self.gone

    @property
    def jobs_per_s(self) -> float:
        """Jobs that were decided, per second; one that was put off is not done."""
        return round(self.decided / self.duration_s, 2) if self.duration_s else 0.0


class JobCounters:
    """Counts what became of one worker's jobs, and logs it."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    @property
    def ended(self) -> int:
        """Attempts that came to an end; a job given back has none."""
        return self._counts.total()

    @property
    def decided(self) -> int:
        """Jobs that are done or failed for good."""
        return self._counts["succeeded"] + self._counts["failed"] + self._counts["gone"]

    def report(self, *, duration_s: float = 0.0, interrupted: bool = False) -> WorkerReport:
        """The counts so far."""
        counts: dict[str, Any] = dict(self._counts)
        return WorkerReport(**counts, duration_s=round(duration_s, 3), interrupted=interrupted)

    def count(self, job: ClaimedJob, outcome: JobOutcome, *, ours: bool) -> None:
        """Count one settled job; one that was no longer ours is another's to count."""
        if not ours:
            job_log.warning("claim lost", job_id=job.job_id)
            return
        counter: str | None = None
        match outcome.status:
            case JobStatus.FINISHED:
                counter = "succeeded"
            case JobStatus.FAILED | JobStatus.STOPPED:
                is_gone = outcome.failure is not None and outcome.failure.code == OfferGone.code
                counter = "gone" if is_gone else "failed"
            case JobStatus.SCHEDULED:
                counter = "retried" if outcome.spent else "snoozed"
        if counter:
            self._counts[counter] += 1
        failure = outcome.failure
        job_log.info(
            counter or "given back",
            job_id=job.job_id,
            offer_id=job.offer_id or None,
            url=job.url or None,
            attempt=job.attempt,
            code=failure.code if failure else None,
            reason=failure.message if failure else None,
            again_in_s=round(outcome.delay_s, 1) or None,
        )
