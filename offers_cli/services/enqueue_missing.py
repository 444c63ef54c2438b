"""Enqueue what is missing: offers that still lack something become jobs; the database is the truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from offers_cli.affiliate.links import Links
from offers_cli.affiliate.session import IMPORT_HINT
from offers_cli.errors import ConfigError, ForbiddenUrl
from offers_cli.offer import EnrichmentFailure, url_problem
from offers_cli.queue.enqueue import EnrichmentQueue
from offers_cli.queue.job import EnrichmentJob
from offers_cli.report import WHEN_DONE, Report, problems_of_unqueued
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
    on_progress: Callable[[int], None] | None = None,
) -> EnqueueMissingReport:
    """Queue one job for each offer that needs enrichment, oldest first, `limit` at the most.

    Args:
        on_progress: is given the number of offers queued so far.

    Raises:
        StorageUnavailable, StorageRefused: see `Storage`.
        QueueUnavailable, QueueRefused: Redis does not answer or says no.
    """
    # By the queue's clock: what a worker ends after the offers were read is not queued again.
    began = None if dry_run else queue.time()
    refused: dict[str, str] = {}
    while True:
        offers = storage.offers_needing_enrichment(limit=limit, missing=missing, recheck_before=recheck_before)
        unfit = {offer.id: f"its address {problem}" for offer in offers if (problem := url_problem(offer.url))}
        news = {offer_id: reason for offer_id, reason in unfit.items() if offer_id not in refused}
        refused |= news
        if began is None or not news:
            break
        observed_at = datetime.fromtimestamp(began, UTC)
        failures = [
            EnrichmentFailure.of(ForbiddenUrl(reason), offer_id=offer_id, observed_at=observed_at)
            for offer_id, reason in news.items()
        ]
        storage.save_enrichments([], failures)  # they give their places to others
    sound = [offer for offer in offers if offer.id not in unfit]
    found = len(sound) + len(refused)
    enqueued = already_queued = 0
    if began is not None:
        jobs = [EnrichmentJob(offer_id=each.id, url=each.url, current_price_cents=each.price_cents) for each in sound]
        done = queue.enqueue(jobs, unless_ended_since=began, on_progress=on_progress)
        enqueued, already_queued = done.enqueued, done.already_queued
        refused |= done.refused
    return EnqueueMissingReport(
        found=found,
        enqueued=enqueued,
        already_queued=already_queued,
        refused=len(refused),
        would_enqueue=len(sound) if dry_run else 0,
        dry_run=dry_run,
        problems=problems_of_unqueued(refused),
    )
