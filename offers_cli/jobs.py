"""What RQ's own workers run; its dotted path, `offers_cli.jobs.enrich_offer_job`, is written in every queued job."""

from __future__ import annotations

from offers_cli.config import get_config
from offers_cli.errors import Outcome, StorageRefused, WorkError
from offers_cli.offer import EnrichmentFailure
from offers_cli.queue.job import EnrichmentJob
from offers_cli.runtime import open_runtime
from offers_cli.times import utc_now


def enrich_offer_job(offer_id: str, url: str, current_price_cents: int | None) -> None:
    """Enrich one offer, from its page to the database, as RQ's own workers call it.

    `offers worker` does the same for many jobs at once with one client and one storage connection, and heeds what an
    error asks for; under RQ's own workers every error fails the job, with its code in the job's `meta`.

    Raises:
        WorkError: what went wrong; RQ records it on the failed job.
    """
    job = EnrichmentJob(offer_id=offer_id, url=url, current_price_cents=current_price_cents)
    claimed_at = utc_now()
    with open_runtime(get_config()) as runtime:
        try:
            runtime.pages_at_once = 1
            found = runtime.enricher(job, observed_at=claimed_at)
        except WorkError as error:
            _note_on_rq_job(error)
            if error.outcome in (Outcome.FINAL, Outcome.FAIL):
                failure = EnrichmentFailure.of(error, offer_id=offer_id, observed_at=claimed_at)
                runtime.storage.save_enrichments([], [failure])
            raise
        saved = runtime.storage.save_enrichments([found])
        runtime.drift.flush()
        if reason := saved.unwritten.get(offer_id):
            refusal = StorageRefused(reason)
            _note_on_rq_job(refusal)
            raise refusal


def run_scheduled_job(name: str) -> str:
    """Run one command on a clock to its end, as RQ's own workers call it; returns its result in one line.

    `offers worker` does the same beside its jobs, and gives the command time when it is stopped.

    Raises:
        NotFound: there is no such entry any more.
        Bug: the command failed; its message says with what.
    """
    from offers_cli.queue.scheduled_command import run_to_its_end

    with open_runtime(get_config()) as runtime:
        return run_to_its_end(runtime.schedule, name)


def _note_on_rq_job(error: WorkError) -> None:
    from rq import get_current_job

    if current := get_current_job():
        current.meta.update(code=error.code, message=error.message)
        current.save_meta()  # type: ignore[no-untyped-call]  # RQ annotates only a part of itself
