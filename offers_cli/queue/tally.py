"""The tally: counts what became of the jobs and says so in the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from offers_cli.log import get_log
from offers_cli.queue.ledger import Execution
from offers_cli.queue.verdicts import End, Verdict
from offers_cli.queue.work import WorkerReport

log = get_log("enrichment_job")


class Tally:
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

    def count(self, execution: Execution, verdict: Verdict, *, ours: bool) -> None:
        """Count one settled execution; one that was no longer ours is another's to count."""
        if not ours:
            log.warning("no longer ours", job_id=execution.job_id)
            return
        counter = _counter(verdict)
        if counter:
            self._counts[counter] += 1
        failure = verdict.failure
        log.info(
            counter or "given back",
            job_id=execution.job_id,
            attempt=execution.attempt,
            code=failure.code if failure else None,
            reason=failure.message if failure else None,
            again_in_s=round(verdict.delay_s, 1) or None,
        )

    def tell(self) -> None:
        if self._on_progress:
            self._on_progress(self.report())


def _counter(verdict: Verdict) -> str | None:
    match verdict.end:
        case End.FINISHED:
            return "succeeded"
        case End.FAILED | End.STOPPED:
            return "failed"
        case End.SCHEDULED:
            return "retried" if verdict.spent else "snoozed"
        case End.QUEUED:
            return None
