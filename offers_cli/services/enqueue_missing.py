"""Enqueue what is missing: offers that still lack something become jobs; the database is the truth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from offers_cli.enrichment import EnrichmentJob
from offers_cli.services.report import Problem
from offers_cli.services.scrape import Enqueue
from offers_cli.storage.base import Missing, Storage


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
    missing: frozenset[Missing],
    limit: int,
    recheck_before: datetime | None = None,
    dry_run: bool = False,
) -> EnqueueMissingReport:
    """Queue one job for each offer that needs enrichment, oldest first, `limit` at the most."""
    offers = storage.offers_needing_enrichment(limit=limit, missing=missing, recheck_before=recheck_before)
    if dry_run:
        return EnqueueMissingReport(found=len(offers), dry_run=dry_run)
    done = enqueue(
        [EnrichmentJob(offer_id=offer.id, url=offer.url, current_price_cents=offer.price_cents) for offer in offers]
    )
    return EnqueueMissingReport(found=len(offers), enqueued=done.enqueued, already_queued=done.already_queued)
