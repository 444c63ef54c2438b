"""Enqueue what is missing: offers that still lack something become jobs; the database is the truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from offers_cli.enrichment import EnrichmentJob
from offers_cli.services.report import Problem
from offers_cli.storage.base import Missing, Storage


class Enqueue(Protocol):
    """Queues jobs, but for those that ended since a moment; returns an object with `enqueued` and `already_queued`."""

    def __call__(self, jobs: Sequence[EnrichmentJob], /, *, unless_ended_since: float) -> Any: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EnqueueMissingReport:
    """`found = enqueued + already_queued`, unless nothing was to be changed."""

    found: int = 0
    enqueued: int = 0
    already_queued: int = 0
    dry_run: bool = False
    problems: tuple[Problem, ...] = ()

    def data(self) -> dict[str, Any]:
        return {
            "found": self.found,
            "enqueued": self.enqueued,
            "already_queued": self.already_queued,
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
    offers = storage.offers_needing_enrichment(limit=limit, missing=missing, recheck_before=recheck_before)
    if began is None:
        return EnqueueMissingReport(found=len(offers), dry_run=dry_run)
    done = enqueue(
        [EnrichmentJob(offer_id=offer.id, url=offer.url, current_price_cents=offer.price_cents) for offer in offers],
        unless_ended_since=began,
    )
    return EnqueueMissingReport(found=len(offers), enqueued=done.enqueued, already_queued=done.already_queued)
