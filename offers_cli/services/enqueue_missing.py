"""Enqueue what is missing: offers that still lack something become jobs; the database is the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from offers_cli.errors import ForbiddenUrl
from offers_cli.offer import EnrichmentFailure, EnrichmentJob, url_problem
from offers_cli.report import Problem, problems_of_unqueued
from offers_cli.storage.base import Missing, Storage, StoredOffer


class Enqueue(Protocol):
    """Queues jobs, but for those that ended since a moment.

    Returns an object with `enqueued`, `already_queued` and `refused` (why, by offer id).
    """

    def __call__(self, jobs: Sequence[EnrichmentJob], /, *, unless_ended_since: float) -> Any: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EnqueueMissingReport:
    """`found = enqueued + already_queued + refused`, unless nothing was to be changed.

    Attributes:
        refused: offers whose address, stored by an older version, no offer may have. They are recorded as failed for
            good, so that they do not stand before the others each time.
    """

    found: int = 0
    enqueued: int = 0
    already_queued: int = 0
    refused: int = 0
    dry_run: bool = False
    problems: tuple[Problem, ...] = ()

    def data(self) -> dict[str, Any]:
        return {
            "found": self.found,
            "enqueued": self.enqueued,
            "already_queued": self.already_queued,
            "refused": self.refused,
            "dry_run": self.dry_run,
        }


def enqueue_missing(
    *,
    storage: Storage,
    enqueue: Enqueue,
    queue_time: Callable[[], float],
    missing: frozenset[Missing],
    limit: int,
    recheck_before: datetime | None = None,
    dry_run: bool = False,
) -> EnqueueMissingReport:
    """Queue one job for each offer that needs enrichment, oldest first, `limit` at the most.

    Args:
        queue_time: the time by the queue's clock. What a worker ends after the offers were read is not queued again.
    """
    began = None if dry_run else queue_time()
    refused: dict[str, str] = {}
    while True:
        offers = storage.offers_needing_enrichment(limit=limit, missing=missing, recheck_before=recheck_before)
        unfit = {offer.id: f"its address {problem}" for offer in offers if (problem := url_problem(offer.url))}
        news = {offer_id: reason for offer_id, reason in unfit.items() if offer_id not in refused}
        refused |= news
        if began is None or not news:
            break
        storage.save_enrichments([], list(_refusals(news, began)))  # they give their places to others
    sound = [offer for offer in offers if offer.id not in unfit]
    found = len(sound) + len(refused)
    enqueued = already_queued = 0
    if began is not None:
        done = enqueue([_job(offer) for offer in sound], unless_ended_since=began)
        enqueued, already_queued = done.enqueued, done.already_queued
        refused |= done.refused
    return EnqueueMissingReport(
        found=found,
        enqueued=enqueued,
        already_queued=already_queued,
        refused=len(refused),
        dry_run=dry_run,
        problems=problems_of_unqueued(refused),
    )


def _refusals(reasons: Mapping[str, str], began: float) -> Iterator[EnrichmentFailure]:
    observed_at = datetime.fromtimestamp(began, UTC)
    for offer_id, reason in reasons.items():
        yield EnrichmentFailure.of(ForbiddenUrl(reason), offer_id=offer_id, observed_at=observed_at)


def _job(offer: StoredOffer) -> EnrichmentJob:
    return EnrichmentJob(offer_id=offer.id, url=offer.url, current_price_cents=offer.price_cents)
