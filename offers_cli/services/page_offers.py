"""Page offers: what a product page says becomes an offer of its own, or news of the offer that is stored."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from offers_cli.errors import PageChanged, QueueRefused, QueueUnavailable, StorageRefused
from offers_cli.marketplaces.base import Marketplace, ProductPlace, ProductReading
from offers_cli.marketplaces.html import explain_command
from offers_cli.offer import Offer, ShownValues
from offers_cli.queue.enqueue import EnrichmentQueue
from offers_cli.queue.job import EnrichmentJob
from offers_cli.report import Problem, problems_of_unqueued
from offers_cli.services.enrich import to_enrichment
from offers_cli.storage.base import Missing, SavedOffer, Storage, StoredOffer
from offers_cli.storage.rules import needs


class OfferRefused(StorageRefused):
    """What one page says cannot be stored; that of others can."""


Written = Literal["applied", "superseded"]


def offer_of_page(reading: ProductReading, marketplace: Marketplace, *, url: str, source: str) -> Offer:
    """The offer that a product page shows.

    Args:
        url: the address that was asked for.

    Raises:
        PageChanged: it does not say which product it shows, or lacks its title or price.
    """
    place = marketplace.locate(url) or marketplace.locate(reading.url)
    external_id = reading.external_id or (place.external_id if place else None)
    if external_id is None or reading.title is None or reading.price_cents is None:
        lacks = "id" if external_id is None else "title" if reading.title is None else "price"
        raise PageChanged(f"the page does not tell the {lacks} of its product", hint=explain_command(url))
    known = ProductPlace(
        url=place.url if place else reading.url,
        external_id=external_id,
        currency=reading.currency,
        item_id=reading.item_id,
        catalogue_id=reading.catalogue_id,
    )
    # Without its item a catalogue product's address shows whoever sells it at that moment.
    is_pinned = place is None or (known.item_id is not None and known.catalogue_id is not None)
    return Offer(
        marketplace=reading.marketplace,
        external_id=external_id,
        title=reading.title,
        url=(marketplace.address_by_ids(known) if is_pinned else None) or known.url,
        price_cents=reading.price_cents,
        currency=reading.currency,
        old_price_cents=reading.old_price_cents,
        discount_pct=reading.discount_pct,
        item_id=reading.item_id,
        catalogue_id=reading.catalogue_id,
        source=source,
        **{name: getattr(reading, name) for name in ShownValues.__dataclass_fields__},
    )


def find_shown(reading: ProductReading, *, storage: Storage) -> StoredOffer | None:
    """The stored offer that a page shows: the one of its id, else one that is known by its product alone."""
    ids = [each for each in (reading.external_id, reading.user_product_id, reading.catalogue_id) if each]
    found = {
        offer.external_id: offer
        for offer in storage.offers_called(ids=ids)
        if offer.marketplace == reading.marketplace and offer.external_id in ids
    }
    return next((found[each] for each in ids if each in found), None)


@dataclass(slots=True, kw_only=True)
class PageOffers:
    """Saves what product pages show, and queues what the offers still lack.

    Attributes:
        queue: where jobs go; None when nothing is to be queued.
        wanted: the fields whose absence makes an offer worth a job.
    """

    storage: Storage
    queue: EnrichmentQueue | None
    wanted: frozenset[Missing]
    enqueued: int = 0
    already_queued: int = 0
    problems: list[Problem] = field(default_factory=list)

    def save_new(self, offer: Offer, reading: ProductReading, *, observed_at: datetime) -> StoredOffer:
        """Save an offer that is not stored yet, with all that its page says.

        Raises:
            OfferRefused: the offer cannot be stored, with the reason.
            StorageUnavailable, StorageRefused: see `Storage`.
        """
        done = self.storage.save_offers([offer], seen_at=observed_at)
        for refused in done.refused:
            raise OfferRefused(f"offer {refused.external_id} was refused: {refused.reason}", hint="nothing to do")
        offer_id = done.saved[0].offer_id
        self.storage.save_enrichments([to_enrichment(reading, offer_id=offer_id, observed_at=observed_at)])
        stored = self.storage.find_offer(offer_id)
        if stored is None:
            raise OfferRefused(f"offer {offer.external_id} was deleted while it was saved", hint="run it again")
        return stored

    def enrich(self, offer_id: str, reading: ProductReading, *, observed_at: datetime) -> Written:
        """Write what a page says of a stored offer; ``superseded`` where something newer is stored.

        Raises:
            OfferRefused: what it says cannot be stored, with the reason.
            StorageUnavailable, StorageRefused: see `Storage`.
        """
        enrichment = to_enrichment(reading, offer_id=offer_id, observed_at=observed_at)
        done = self.storage.save_enrichments([enrichment])
        if reason := done.unwritten.get(offer_id):
            raise OfferRefused(f"offer {offer_id}: {reason}", hint=f"offers show {shlex.quote(offer_id)}")
        return "applied" if offer_id in done.applied else "superseded"

    def enqueue(self, offers: Sequence[StoredOffer]) -> None:
        """Queue what the offers still lack; a queue that does not answer costs nothing that is saved."""
        self._enqueue(
            EnrichmentJob(offer_id=offer.id, url=offer.url, current_price_cents=offer.price_cents)
            for offer in offers
            if needs(offer) & self.wanted
        )

    def enqueue_saved(self, saved: Sequence[SavedOffer]) -> None:
        """The same, of a listing's offers, which may stand there twice."""
        jobs = {
            offer.offer_id: EnrichmentJob(offer_id=offer.offer_id, url=offer.url, current_price_cents=offer.price_cents)
            for offer in saved
            if offer.needs & self.wanted
        }
        self._enqueue(jobs.values())

    def _enqueue(self, wanted: Iterable[EnrichmentJob]) -> None:
        jobs = list(wanted)
        if self.queue is None or not jobs:
            return
        try:
            done = self.queue.enqueue(jobs)
        except (QueueUnavailable, QueueRefused) as error:
            self.queue = None  # those that follow are not made to wait for it as well
            hint = f"{error.hint}; then offers enqueue-missing: the offers are saved"
            self.problems.append(Problem(code=error.code, message=error.message, hint=hint, exit_code=error.exit_code))
            return
        self.enqueued += done.enqueued
        self.already_queued += done.already_queued
        self.problems += problems_of_unqueued(done.refused)
