"""The threads that run jobs, without Redis."""

from __future__ import annotations

from datetime import UTC, datetime

from offers_cli.errors import PageChanged
from offers_cli.offer import Enrichment
from offers_cli.queue.job import ClaimedJob
from offers_cli.queue.job_threads import JobThreads

JOB = ClaimedJob(
    job_id="enrich-o1",
    execution_id="e1",
    offer_id="o1",
    url="https://shop.example/1",
    current_price_cents=None,
    attempt=1,
    claimed_at=datetime(2026, 11, 23, 12, tzinfo=UTC),
)


def test_an_error_does_not_keep_the_page_that_caused_it() -> None:
    """Its frames, and those of what caused it, hold the page and its tree until the job is settled."""

    def enrich(_: ClaimedJob) -> Enrichment:
        try:
            int("within the page")
        except ValueError as exc:
            raise PageChanged("no price") from exc
        raise AssertionError

    threads = JobThreads(enrich, job_timeout_s=1)
    try:
        found = threads._find(JOB)
    finally:
        threads.close()
    assert isinstance(found, PageChanged)
    assert (found.__traceback__, found.__cause__, found.__context__) == (None, None, None)
