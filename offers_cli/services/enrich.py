"""Enrich: one offer's product page becomes an `Enrichment`, or an error that tells the worker what to do."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from offers_cli.drift.watch import DriftWatch
from offers_cli.errors import AlwaysBlocked, PageBlocked, PageChanged
from offers_cli.fetch.page import MOST_WALLS
from offers_cli.log import get_log
from offers_cli.marketplaces.base import Marketplace, ProductReading
from offers_cli.offer import Enrichment, EnrichmentJob
from offers_cli.services.pages import Pages

log = get_log("enrichment")


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
        price_cents=reading.price_cents,
        old_price_cents=reading.old_price_cents,
        discount_pct=reading.discount_pct,
        read_by=reading.winners.get("price_cents"),
        flags=",".join(reading.flags) or None,
    )
    return to_enrichment(reading, offer_id=job.offer_id, observed_at=observed_at)


def _read_same_product(
    marketplace: Marketplace, asked_url: str, drift: DriftWatch, text: str, url: str
) -> ProductReading:
    try:
        reading = marketplace.read_product(text, url)
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
        price_cents=reading.price_cents,
        old_price_cents=reading.old_price_cents,
        discount_pct=reading.discount_pct,
        suspect_old_price_cents=reading.suspect_old_price_cents,
        title=reading.title,
        strategies=reading.winners,
    )
