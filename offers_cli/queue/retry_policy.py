"""What becomes of a job after an attempt. Pure: no Redis, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random

from offers_cli.errors import Bug, Outcome, QueueRefused, QueueUnavailable, StorageUnavailable, WorkError
from offers_cli.queue.job import JobFailure

SNOOZE_LEAST_S = 1.0
SNOOZE_MOST_S = 900.0
"""Whatever a site asks for, within 1 s to 15 min."""


class JobStatus(StrEnum):
    """Where a job stands after an attempt; RQ's names of a job's status."""

    FINISHED = "finished"
    FAILED = "failed"
    STOPPED = "stopped"
    """By an operator's command; stands among the failed."""
    SCHEDULED = "scheduled"
    QUEUED = "queued"
    """Given back: somebody else, or we later, begin again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOutcome:
    """The end of one attempt.

    Attributes:
        spent: whether the attempt counts; a snoozed or given-back one does not.
        delay_s: for `SCHEDULED`, until it is due.
        failure: why; None for `FINISHED` and `QUEUED`.
    """

    status: JobStatus
    spent: bool = True
    delay_s: float = 0.0
    failure: JobFailure | None = None


FINISHED = JobOutcome(status=JobStatus.FINISHED)
GIVEN_BACK = JobOutcome(status=JobStatus.QUEUED, spent=False)


def refused(reason: str, *, attempt: int) -> JobOutcome:
    """On a job that is not one of ours."""
    return JobOutcome(
        status=JobStatus.FAILED, failure=JobFailure(code=Bug.code, message=f"refused: {reason}", attempts=attempt)
    )


def stopped(*, attempt: int) -> JobOutcome:
    """On a job that an operator's command stopped."""
    message = "stopped by an operator's command"
    return JobOutcome(status=JobStatus.STOPPED, failure=JobFailure(code=Bug.code, message=message, attempts=attempt))


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and when a job is tried again.

    Attributes:
        attempts: how many there are in all, for errors whose outcome is retry.
        waits_s: before the second attempt, the third, …; the last one repeats.
        snooze_s: how long a snoozed job rests when its error does not say; `service_snooze_s` when it is the storage
            or Redis that did not answer: the worker itself waits for both, so its jobs are due when it goes on.
        jitter: the largest part of a wait that is added at random, so that jobs do not come back all at once.
    """

    attempts: int = 3
    waits_s: tuple[float, ...] = (10.0, 60.0)
    snooze_s: float = 30.0
    service_snooze_s: float = 1.0
    jitter: float = 0.25

    def decide(self, error: WorkError, *, attempt: int, random: Random) -> JobOutcome:
        """What becomes of a job whose attempt number `attempt` (from 1) ended with `error`."""
        failure = JobFailure(code=error.code, message=error.message, attempts=attempt)
        if error.outcome is Outcome.SNOOZE:
            own_service = isinstance(error, StorageUnavailable | QueueUnavailable | QueueRefused)
            usual_s = self.service_snooze_s if own_service else self.snooze_s
            asked_s = usual_s if error.retry_after_s is None else error.retry_after_s
            delay_s = min(max(asked_s, SNOOZE_LEAST_S), SNOOZE_MOST_S)
            return JobOutcome(
                status=JobStatus.SCHEDULED, spent=False, delay_s=self._jittered(delay_s, random), failure=failure
            )
        if error.outcome is Outcome.RETRY and attempt < self.attempts:
            delay_s = self.waits_s[min(attempt, len(self.waits_s)) - 1]
            return JobOutcome(status=JobStatus.SCHEDULED, delay_s=self._jittered(delay_s, random), failure=failure)
        return JobOutcome(status=JobStatus.FAILED, failure=failure)

    def _jittered(self, delay_s: float, random: Random) -> float:
        return delay_s * (1 + random.uniform(0, self.jitter))
