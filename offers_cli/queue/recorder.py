"""Recording: a group of results is written in one transaction, and each job gets its verdict from what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from offers_cli.errors import Bug, QueueRefused, QueueUnavailable, StorageRefused, StorageUnavailable, WorkError
from offers_cli.log import get_log
from offers_cli.offer import Enrichment, EnrichmentFailure
from offers_cli.queue.ledger import Execution
from offers_cli.queue.verdicts import FINISHED, GIVEN_BACK, End, RetryPolicy, Verdict
from offers_cli.queue.work import ClaimedJob, Save, SaveReport

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
class Recorded:
    """The verdicts on a group, and the trouble with the storage or with Redis, if any."""

    verdicts: list[tuple[Result, Verdict]] = field(default_factory=list)
    trouble: WorkError | None = None


class Recorder:
    """Writes results and judges the jobs.

    A job counts as finished, or failed, only after `save` has returned.
    """

    def __init__(self, save: Save, *, policy: RetryPolicy, random: Random) -> None:
        self._save = save
        self._policy = policy
        self._random = random

    def record(self, results: Sequence[Result]) -> Recorded:
        """Write what is to be written of the group, in one transaction; one bad result does not hurt the others."""
        recorded = Recorded()
        to_save: list[tuple[Result, Verdict]] = []
        for result in results:
            verdict = self._judge(result, recorded)
            (to_save if verdict.end in (End.FINISHED, End.FAILED) else recorded.verdicts).append((result, verdict))
        if to_save:
            self._write(to_save, recorded)
        return recorded

    def _judge(self, result: Result, recorded: Recorded) -> Verdict:
        match result.found:
            case Enrichment():
                return FINISHED
            case StorageRefused() | QueueRefused(temporary=False) as error:
                recorded.trouble = error
                return GIVEN_BACK
            case StorageUnavailable() | QueueUnavailable() | QueueRefused() as error:
                recorded.trouble = recorded.trouble or error
        return self._verdict_on(result, result.found)

    def _verdict_on(self, result: Result, error: WorkError) -> Verdict:
        return self._policy.judge(error, attempt=result.job.attempt, random=self._random)

    def _write(self, group: Sequence[tuple[Result, Verdict]], recorded: Recorded) -> None:
        try:
            report = _save(self._save, [result for result, _ in group])
        except StorageUnavailable as error:
            recorded.trouble = recorded.trouble or error
            recorded.verdicts += [(result, self._verdict_on(result, error)) for result, _ in group]
        except StorageRefused as error:
            recorded.trouble = error
            recorded.verdicts += [(result, GIVEN_BACK) for result, _ in group]
        except Exception as exc:  # a bug in the storage must not take the whole group down
            if len(group) == 1:
                log.error("saving failed", exc_info=True, offer_id=group[0][0].job.offer_id)  # noqa: G201 (not a Logger)
            self._write_apart(group, recorded, exc)
        else:
            recorded.verdicts += [(result, self._confirm(result, verdict, report)) for result, verdict in group]

    def _write_apart(self, group: Sequence[tuple[Result, Verdict]], recorded: Recorded, exc: Exception) -> None:
        """Find the result that cannot be written: alone it fails, and its neighbours are saved."""
        if len(group) > 1:
            for one in group:
                self._write([one], recorded)
            return
        result, _ = group[0]
        bug = Bug(f"saving failed: {type(exc).__name__}: {exc}")
        recorded.verdicts.append((result, self._verdict_on(result, bug)))

    def _confirm(self, result: Result, verdict: Verdict, report: SaveReport) -> Verdict:
        offer_id = result.job.offer_id
        reason = NO_SUCH_OFFER if offer_id in report.unknown else report.refused.get(offer_id)
        if reason:
            return self._verdict_on(result, StorageRefused(reason))
        if offer_id in report.stale and verdict is FINISHED:
            return GIVEN_BACK
        return verdict


def _save(save: Save, results: Sequence[Result]) -> SaveReport:
    return save(
        [result.found for result in results if isinstance(result.found, Enrichment)],
        [
            EnrichmentFailure.of(result.found, offer_id=result.job.offer_id, observed_at=result.job.claimed_at)
            for result in results
            if isinstance(result.found, WorkError)
        ],
    )
