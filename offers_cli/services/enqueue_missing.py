"""Enqueue what is missing: offers that still lack something become jobs; the database is the truth."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

from offers_cli.affiliate.links import Links
from offers_cli.affiliate.session import IMPORT_HINT
from offers_cli.errors import ConfigError, ForbiddenUrl, Interrupted, OffersError
from offers_cli.offer import EnrichmentFailure
from offers_cli.queue.enqueue import EnqueueReport, EnrichmentQueue
from offers_cli.queue.job import EnrichmentJob
from offers_cli.report import WHEN_DONE, Problem, Report, problems_of_unqueued
from offers_cli.storage.base import Missing, Storage

BY_HAND = "offers links pending, and paste its answer back by offers links import"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnqueueMissingReport(Report):
    """`found = enqueued + already_queued + refused`, unless nothing was to be changed.

    Attributes:
        would_enqueue: offers that lack something, of a dry run; a run queues those of them that do not wait already.
        refused: offers whose address, stored by an older version, no offer may have. They are recorded as failed for
            good, so that they do not stand before the others each time.
    """

    found: int = 0
    enqueued: int = 0
    already_queued: int = 0
    refused: int = 0
    would_enqueue: int = field(default=0, metadata=WHEN_DONE)
    dry_run: bool = field(default=False, metadata=WHEN_DONE)


def check_links_can_be_made(links: Links) -> None:
    """Refuse to queue jobs for links that nobody can make: each would fetch its page, and find nothing.

    Raises:
        ConfigError: there is no label, or no session.
    """
    if links.label is None:
        raise ConfigError("no affiliate links can be made: there is no label", hint="set ML_AFFILIATE_TAG")
    if not links.are_wanted:
        raise ConfigError("no affiliate links can be made: there is no session", hint=f"{IMPORT_HINT}; or {BY_HAND}")


def enqueue_missing(
    *,
    storage: Storage,
    queue: EnrichmentQueue,
    missing: frozenset[Missing],
    limit: int,
    recheck_before: datetime | None = None,
    dry_run: bool = False,
    on_progress: Callable[[int], None] = lambda _queued: None,
) -> EnqueueMissingReport:
    """Queue one job for each offer that needs enrichment, oldest first, `limit` at the most.

    They are queued while they are read, a thousand at a time: neither time to the first job nor memory depend on the
    limit. What ends it on the way stands in the report, beside what was queued before.

    Args:
        on_progress: is given the number of offers queued so far.

    Raises:
        StorageUnavailable, StorageRefused: see `Storage`; nothing was queued.
        QueueUnavailable, QueueRefused: Redis does not answer or says no; nothing was queued.
    """
    # By the queue's clock: what a worker ends after the offers were read is not queued again.
    began = None if dry_run else queue.time()
    refused: dict[str, str] = {}
    done = EnqueueReport(enqueued=0, already_queued=0)
    would_enqueue = 0
    stopped_by: tuple[Problem, ...] = ()

    def note(so_far: EnqueueReport) -> None:
        nonlocal done
        done = so_far
        on_progress(done.seen)

    with closing(_jobs(storage, missing, recheck_before, refused)) as jobs:
        wanted = islice(jobs, limit)
        try:
            if began is None:
                would_enqueue = sum(1 for _ in wanted)
            else:
                done = queue.enqueue(wanted, unless_ended_since=began, on_progress=note)
                _record(refused, storage, observed_at=datetime.fromtimestamp(began, UTC))
        except (KeyboardInterrupt, OffersError) as error:
            if not done.seen:
                raise
            if isinstance(error, KeyboardInterrupt):
                error = Interrupted(
                    f"interrupted; {done.enqueued} offers were queued", hint="run the same command again"
                )
            stopped_by = (Problem.of(error),)
    return EnqueueMissingReport(
        found=would_enqueue + done.seen + len(refused),
        enqueued=done.enqueued,
        already_queued=done.already_queued,
        refused=len(refused),
        would_enqueue=would_enqueue,
        dry_run=dry_run,
        problems=problems_of_unqueued(refused) + stopped_by,
    )


def _jobs(
    storage: Storage, missing: frozenset[Missing], recheck_before: datetime | None, refused: dict[str, str]
) -> Generator[EnrichmentJob]:
    """The jobs of the offers that need enrichment; those that cannot be queued are put among the refused instead."""
    for offer in storage.find_needing(missing=missing, recheck_before=recheck_before):
        job = EnrichmentJob(offer_id=offer.id, url=offer.url, current_price_cents=offer.price_cents)
        if problem := job.problem():
            refused[offer.id] = problem
        else:
            yield job


def _record(refused: Mapping[str, str], storage: Storage, *, observed_at: datetime) -> None:
    """Record the refused as failed for good: they do not stand before the others the next time."""
    failures = [
        EnrichmentFailure.of(ForbiddenUrl(reason), offer_id=offer_id, observed_at=observed_at)
        for offer_id, reason in refused.items()
    ]
    if failures:
        storage.save_enrichments([], failures)
