"""Results: a group is written in one transaction, and each job gets its outcome from what became of its write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Protocol

from offers_cli.errors import Bug, QueueRefused, QueueUnavailable, StorageRefused, StorageUnavailable, WorkError
from offers_cli.log import get_log
from offers_cli.offer import Enrichment, EnrichmentFailure
from offers_cli.queue.leases import Execution
from offers_cli.queue.retry_policy import FINISHED, GIVEN_BACK, JobOutcome, JobStatus, RetryPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedJob:
    """One job that this worker holds.

    Attributes:
        attempt: from 1; snoozed and given-back attempts do not count.
        claimed_at: Redis's time at the claim (UTC): the fence of this attempt's writes.
    """

    job_id: str
    offer_id: str
    url: str
    current_price_cents: int | None
    attempt: int
    claimed_at: datetime


Enrich = Callable[[ClaimedJob], Enrichment]
"""Does the work of one job, in a thread; raises a `WorkError` whose `outcome` says what becomes of the job."""


class SaveReport(Protocol):
    """The parts of `storage.base.EnrichmentReport` that decide about a job."""

    @property
    def stale(self) -> frozenset[str]:
        """Offers to ask again about."""
        ...

    @property
    def unknown(self) -> frozenset[str]:
        """Offers that the database does not hold."""
        ...

    @property
    def refused(self) -> Mapping[str, str]:
        """Offers whose result cannot be stored, and why."""
        ...


Save = Callable[[Sequence[Enrichment], Sequence[EnrichmentFailure]], SaveReport]
"""Writes a group of results in one transaction; when it returns, they are durable.

Raises `StorageUnavailable` (the jobs are put off, the worker pauses) or `StorageRefused` (the worker gives everything
back and ends with it).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerReport:
    """What a worker did.

    Attributes:
        retried: attempts that failed and will be tried again.
        snoozed: jobs put off without spending an attempt.
        interrupted: it was told to stop by SIGINT (Ctrl-C).
    """

    succeeded: int = 0
    failed: int = 0
    retried: int = 0
    snoozed: int = 0
    duration_s: float = 0.0
    interrupted: bool = False

    @property
    def ended(self) -> int:
        """Attempts that came to an end."""
        return self.succeeded + self.failed + self.retried + self.snoozed

    @property
    def jobs_per_s(self) -> float:
        """Attempts that came to an end, per second."""
        return round(self.ended / self.duration_s, 2) if self.duration_s else 0.0


log = get_log("worker")

NO_SUCH_OFFER = "the database holds no such offer (any more)"
"""Why a job fails whose offer was deleted, or never saved: nothing was written, so nothing is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one attempt came to."""

    execution: Execution
    job: ClaimedJob
    found: Enrichment | WorkError


@dataclass(slots=True, kw_only=True)
class WrittenBatch:
    """The outcomes on a group, and the trouble with the storage or with Redis, if any."""

    outcomes: list[tuple[Result, JobOutcome]] = field(default_factory=list)
    trouble: WorkError | None = None


class ResultWriter:
    """Writes results and judges the jobs.

    A job counts as finished, or failed, only after `save` has returned.
    """

    def __init__(self, save: Save, *, policy: RetryPolicy, random: Random) -> None:
        self._save = save
        self._policy = policy
        self._random = random

    def record(self, results: Sequence[Result]) -> WrittenBatch:
        """Write what is to be written of the group, in one transaction; one bad result does not hurt the others."""
        recorded = WrittenBatch()
        to_save: list[tuple[Result, JobOutcome]] = []
        for result in results:
            outcome = self._first_outcome(result, recorded)
            (to_save if outcome.status in (JobStatus.FINISHED, JobStatus.FAILED) else recorded.outcomes).append(
                (result, outcome)
            )
        if to_save:
            self._write(to_save, recorded)
        return recorded

    def _first_outcome(self, result: Result, recorded: WrittenBatch) -> JobOutcome:
        match result.found:
            case Enrichment():
                return FINISHED
            case StorageRefused() | QueueRefused(temporary=False) as error:
                recorded.trouble = error
                return GIVEN_BACK
            case StorageUnavailable() | QueueUnavailable() | QueueRefused() as error:
                recorded.trouble = recorded.trouble or error
        return self._outcome_of(result, result.found)

    def _outcome_of(self, result: Result, error: WorkError) -> JobOutcome:
        return self._policy.decide(error, attempt=result.job.attempt, random=self._random)

    def _write(self, group: Sequence[tuple[Result, JobOutcome]], recorded: WrittenBatch) -> None:
        try:
            report = _save(self._save, [result for result, _ in group])
        except StorageUnavailable as error:
            recorded.trouble = recorded.trouble or error
            recorded.outcomes += [(result, self._outcome_of(result, error)) for result, _ in group]
        except StorageRefused as error:
            recorded.trouble = error
            recorded.outcomes += [(result, GIVEN_BACK) for result, _ in group]
        except Exception as exc:  # a bug in the storage must not take the whole group down
            if len(group) == 1:
                log.error("saving failed", exc_info=True, offer_id=group[0][0].job.offer_id)  # noqa: G201 (not a Logger)
            self._write_apart(group, recorded, exc)
        else:
            recorded.outcomes += [(result, self._confirm(result, outcome, report)) for result, outcome in group]

    def _write_apart(self, group: Sequence[tuple[Result, JobOutcome]], recorded: WrittenBatch, exc: Exception) -> None:
        """Find the result that cannot be written: alone it fails, and its neighbours are saved."""
        if len(group) > 1:
            for one in group:
                self._write([one], recorded)
            return
        result, _ = group[0]
        bug = Bug(f"saving failed: {type(exc).__name__}: {exc}")
        recorded.outcomes.append((result, self._outcome_of(result, bug)))

    def _confirm(self, result: Result, outcome: JobOutcome, report: SaveReport) -> JobOutcome:
        offer_id = result.job.offer_id
        reason = NO_SUCH_OFFER if offer_id in report.unknown else report.refused.get(offer_id)
        if reason:
            return self._outcome_of(result, StorageRefused(reason))
        if offer_id in report.stale and outcome is FINISHED:
            return GIVEN_BACK
        return outcome


def _save(save: Save, results: Sequence[Result]) -> SaveReport:
    return save(
        [result.found for result in results if isinstance(result.found, Enrichment)],
        [
            EnrichmentFailure.of(result.found, offer_id=result.job.offer_id, observed_at=result.job.claimed_at)
            for result in results
            if isinstance(result.found, WorkError)
        ],
    )


log = get_log("enrichment_job")


class JobCounters:
    """The counts of one worker.

    Args:
        on_progress: is given them after each group.
    """

    def __init__(self, on_progress: Callable[[WorkerReport], None] | None = None) -> None:
        self._counts: Counter[str] = Counter()
        self._on_progress = on_progress

    @property
    def ended(self) -> int:
        """Attempts that came to an end; a job given back has none."""
        return self._counts.total()

    @property
    def decided(self) -> int:
        """Jobs that are done or failed for good."""
        return self._counts["succeeded"] + self._counts["failed"]

    def report(self, *, duration_s: float = 0.0, interrupted: bool = False) -> WorkerReport:
        return WorkerReport(**self._counts, duration_s=round(duration_s, 3), interrupted=interrupted)

    def count(self, execution: Execution, outcome: JobOutcome, *, ours: bool) -> None:
        """Count one settled execution; one that was no longer ours is another's to count."""
        if not ours:
            log.warning("no longer ours", job_id=execution.job_id)
            return
        counter = _counter(outcome)
        if counter:
            self._counts[counter] += 1
        failure = outcome.failure
        log.info(
            counter or "given back",
            job_id=execution.job_id,
            attempt=execution.attempt,
            code=failure.code if failure else None,
            reason=failure.message if failure else None,
            again_in_s=round(outcome.delay_s, 1) or None,
        )

    def tell(self) -> None:
        if self._on_progress:
            self._on_progress(self.report())


def _counter(outcome: JobOutcome) -> str | None:
    match outcome.status:
        case JobStatus.FINISHED:
            return "succeeded"
        case JobStatus.FAILED | JobStatus.STOPPED:
            return "failed"
        case JobStatus.SCHEDULED:
            return "retried" if outcome.spent else "snoozed"
        case JobStatus.QUEUED:
            return None
