"""Enrich: the work of one job, its product page and its affiliate link; neither spoils the other.

What one part brought is saved even when the other fails; the job then ends as the failed part says, and the next run
asks only for what the stored offer still needs.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from offers_cli.affiliate.links import Links
from offers_cli.drift.watch import DriftWatch
from offers_cli.errors import AlwaysBlocked, OfferGone, Outcome, PageBlocked, PageChanged, WorkError
from offers_cli.fetch.pace import MOST_WALLS
from offers_cli.log import get_log
from offers_cli.marketplaces.base import Html, Marketplace, ProductReading
from offers_cli.offer import Enrichment, EnrichmentFailure
from offers_cli.queue.job import ClaimedJob, EnrichmentJob
from offers_cli.services.pages import Pages
from offers_cli.storage.base import Missing, Storage
from offers_cli.storage.rules import needs

log = get_log("enrichment")

LINK_ALONE = frozenset({Missing.AFFILIATE_LINK})


def enrich(job: EnrichmentJob, *, observed_at: datetime, pages: Pages, drift: DriftWatch) -> Enrichment:
    """Fetch and read the product page of one offer.

    Raises:
        WorkError: what went wrong; its `outcome` says what becomes of the job.
    """
    marketplace = pages.marketplace_for(job.url)
    reader = partial(_read_same_product, marketplace, job.url, drift)
    try:
        reading = pages.read(pages.fetch(job.url), reader, offer_id=job.offer_id)
    except PageBlocked as error:
        if error.walls < MOST_WALLS:
            raise
        raise AlwaysBlocked(
            f"this page alone was refused {error.walls} times while its host served others: {error.message}",
            hint="open it in a browser (does it ask for a login, or an age?), offers requeue-failed asks it again",
        ) from error
    log.info(
        "read",
        offer_id=job.offer_id,
        url=job.url,
        title=reading.title and reading.title[:60],
        currency=reading.currency,
        price_cents=reading.price_cents,
        price_condition=reading.price_condition,
        card_price_cents=reading.card_price_cents,
        old_price_cents=reading.old_price_cents,
        discount_pct=reading.discount_pct,
        read_by=reading.winners.get("price_cents"),
        flags=",".join(reading.flags) or None,
    )
    return to_enrichment(reading, offer_id=job.offer_id, observed_at=observed_at)


def _read_same_product(
    marketplace: Marketplace, asked_url: str, drift: DriftWatch, html: Html, url: str
) -> ProductReading:
    try:
        reading = marketplace.read_product(html, url)
    except PageChanged:
        drift.saw_changed(marketplace.name, "product")
        raise
    drift.saw_product(reading)
    marketplace.check_same_product(asked_url, reading)
    return reading


def to_enrichment(reading: ProductReading, *, offer_id: str, observed_at: datetime) -> Enrichment:
    """What one reading of a product page adds to an offer."""
    return Enrichment(
        offer_id=offer_id,
        observed_at=observed_at,
        **reading.page_values(),
        strategies=reading.winners,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Enricher:
    """Does the whole work of a job.

    Attributes:
        links: the affiliate's links, where a label and a session allow any.
        page_slots: held while a page is read; those who wait for their link do not stand in the way of pages.
    """

    pages: Pages
    drift: DriftWatch
    storage: Storage
    links: Links
    page_slots: AbstractContextManager[object]

    def do_claimed(self, job: ClaimedJob) -> Enrichment:
        """The work of a job that a worker holds; raises as a call."""
        return self(job, observed_at=job.claimed_at)

    def __call__(self, job: EnrichmentJob, *, observed_at: datetime) -> Enrichment:
        """Read the page, get the link, or both.

        Raises:
            WorkError: the part that failed, the page's before the link's; the other one is saved.
        """
        if not self.links.are_wanted:
            return self._read(job, observed_at)
        with self.links.batches.present():
            return self._do_both(job, observed_at)

    def _read(self, job: EnrichmentJob, observed_at: datetime) -> Enrichment:
        with self.page_slots:
            return enrich(job, observed_at=observed_at, pages=self.pages, drift=self.drift)

    def _do_both(self, job: EnrichmentJob, observed_at: datetime) -> Enrichment:
        offer = self.storage.find_offer(job.offer_id)
        lacks = needs(offer) if offer else frozenset()
        parts: list[Enrichment | WorkError] = []
        if lacks != LINK_ALONE:
            parts.append(_attempt(lambda: self._read(job, observed_at)))
        if Missing.AFFILIATE_LINK in lacks and not any(isinstance(part, OfferGone) for part in parts):
            parts.append(_attempt(lambda: self._link(job, observed_at)))
        found = [part for part in parts if isinstance(part, Enrichment)]
        failed = [part for part in parts if isinstance(part, WorkError)]
        if failed:
            # what this attempt brought besides the failure it ends with: the other part, or a final no
            failures = [
                EnrichmentFailure.of(error, offer_id=job.offer_id, observed_at=observed_at)
                for error in failed[1:]
                if error.outcome is Outcome.FINAL
            ]
            if found or failures:
                self.storage.save_enrichments(found, failures)
            raise failed[0]
        return found[0] if len(found) == 1 else _merged(*found)

    def _link(self, job: EnrichmentJob, observed_at: datetime) -> Enrichment:
        """The link, or the answer that there is none: what the programme does not sell would be queued for ever."""
        link = self.links.get(job.url)
        log.info("linked", offer_id=job.offer_id, url=job.url, affiliation_id=link.affiliation_id if link else None)
        return Enrichment(
            offer_id=job.offer_id,
            observed_at=observed_at,
            page_read=False,
            affiliate_link=link.url if link else None,
            affiliation_id=link.affiliation_id if link else None,
            affiliate_checked=True,
        )


def _attempt(work: Callable[[], Enrichment]) -> Enrichment | WorkError:
    try:
        return work()
    except WorkError as error:
        return error


def _merged(page: Enrichment, link: Enrichment) -> Enrichment:
    return replace(
        page,
        affiliate_link=link.affiliate_link,
        affiliation_id=link.affiliation_id,
        affiliate_checked=link.affiliate_checked,
    )
