"""The whole Python API: queue a job, choose the database, and what the commands do with it, as `async` names.

Choose the database once, then open sessions::

    init_db(config.database)
    async with get_session() as client:
        db = DatabaseService(client)
        offers = await db.offers.get_offers_needing_enrichment(limit=100, missing_old_price=True)

Each call of a session runs in a thread; the storage itself is synchronous.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime

from offers_cli.config import DatabaseConfig, EnrichmentConfig, get_config
from offers_cli.errors import NotFound, StorageRefused, UsageError
from offers_cli.offer import Enrichment
from offers_cli.queue.job import EnrichmentJob
from offers_cli.storage.base import Missing, Storage, StoredOffer
from offers_cli.storage.open import open_storage
from offers_cli.storage.patience import Patience
from offers_cli.storage.validation import whole_enrichment
from offers_cli.times import utc_now


def enqueue_enrichment_job(
    offer_id: str, url: str, current_price_cents: int | None, *, config: EnrichmentConfig
) -> str:
    """Queue the enrichment of one offer; does nothing when its job already waits or runs.

    Args:
        offer_id: the `id` column of the offer.
        url: its product page, absolute.
        current_price_cents: the price as stored, in hundredths of the currency, or None.
        config: `get_config().enrichment`.

    Returns:
        The RQ job id, ``enrich-<offer_id>``.

    Raises:
        QueueUnavailable: Redis does not answer.
        QueueRefused: Redis answers no.
        UsageError: an id or address that cannot be queued.
    """
    from offers_cli.queue.enqueue import EnrichmentQueue
    from offers_cli.redis.open import open_connection

    job = EnrichmentJob(offer_id=offer_id, url=url, current_price_cents=current_price_cents)
    redis_url = config.redis_url.reveal() if config.redis_url else None
    with closing(open_connection(redis_url, config.home)) as connection:
        queue = EnrichmentQueue(connection, name=config.queue_name, job_timeout_s=config.job_timeout_s)
        reason = queue.enqueue([job]).refused.get(offer_id)
    if reason:
        raise UsageError(f"offer {offer_id} cannot be queued: {reason}", hint="correct its id or its address")
    return f"enrich-{offer_id}"


_chosen_database: DatabaseConfig | None = None
"""What `init_db` chose; None takes the database of the settings."""


def init_db(config: DatabaseConfig) -> None:
    """Choose the database for `get_session`, create it if need be and check its schema.

    Raises:
        StorageUnavailable, StorageRefused: it does not answer, or answers no; see `Storage`.
    """
    global _chosen_database  # noqa: PLW0603  (a process has one database, as it has one environment)
    open_storage(config).close()
    _chosen_database = config


def get_session() -> DatabaseSession:
    """One open storage, of the database given to `init_db` or else of the settings; closed at the end.

    ``async with get_session() as client`` and ``async for client in get_session()`` do the same.
    """
    return DatabaseSession()


class DatabaseSession:
    """See `get_session`."""

    def __init__(self) -> None:
        self._opened: list[Storage] = []

    async def __aenter__(self) -> Storage:
        config = _chosen_database or get_config().database
        storage = await asyncio.to_thread(open_storage, config, patience=Patience(seconds=config.patience_s))
        self._opened.append(storage)
        return storage

    async def __aexit__(self, *_: object) -> None:
        self._opened.pop().close()

    async def __aiter__(self) -> AsyncIterator[Storage]:
        async with self as storage:
            yield storage


class DatabaseService:
    """The database, one attribute for each kind of thing in it."""

    def __init__(self, client: Storage) -> None:
        self.offers = OfferTable(client)


class OfferTable:
    """The offers; each call runs in a thread and is one transaction."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def get_offers_needing_enrichment(
        self,
        *,
        limit: int = 100,
        missing_old_price: bool = False,
        missing_discount: bool = False,
        missing_affiliate_link: bool = False,
    ) -> list[StoredOffer]:
        """Offers that need one of the fields asked for (any field when none is), never tried first, oldest first.

        Raises:
            ValueError: `limit` is not a whole number of at least 0.
        """
        asked = {
            Missing.OLD_PRICE: missing_old_price,
            Missing.DISCOUNT: missing_discount,
            Missing.AFFILIATE_LINK: missing_affiliate_link,
        }
        missing = frozenset(field for field, is_asked in asked.items() if is_asked) or frozenset(Missing)
        return await asyncio.to_thread(self._storage.offers_needing_enrichment, limit=limit, missing=missing)

    async def update_offer_enrichment(
        self,
        offer_id: str,
        *,
        price_cents: int | None = None,
        old_price_cents: int | None = None,
        discount_pct: int | None = None,
        affiliate_link: str | None = None,
        affiliation_id: str | None = None,
        observed_at: datetime | None = None,
    ) -> StoredOffer:
        """Record what a product page or the affiliate programme said of one offer, and return the offer.

        Only an affiliate link given means that the page was not read; nothing given means that it was read and shows
        no previous price. What is not given erases nothing. `observed_at` (default: now) is the fence: older news
        than what is stored is not written.

        Raises:
            NotFound: there is no such offer.
            StorageRefused: a value cannot be stored (not a whole number of cents, an old price that is not above the
            price, a percentage beyond 100, a time without zone …); nothing is written then.
        """
        link_told = affiliate_link is not None or affiliation_id is not None
        page_told = (price_cents, old_price_cents, discount_pct) != (None, None, None)
        enrichment = Enrichment(
            offer_id=offer_id,
            observed_at=observed_at or utc_now(),
            price_cents=price_cents,
            old_price_cents=old_price_cents,
            discount_pct=discount_pct,
            page_read=page_told or not link_told,
            affiliate_link=affiliate_link,
            affiliation_id=affiliation_id,
            affiliate_checked=link_told,
        )
        return await asyncio.to_thread(self._save, enrichment)

    def _save(self, enrichment: Enrichment) -> StoredOffer:
        offer = self._find(enrichment.offer_id)
        try:
            enrichment = whole_enrichment(enrichment, price_cents=offer.price_cents)
        except ValueError as exc:
            raise StorageRefused(f"offer {offer.id}: {exc}", hint="correct the value") from exc
        # A page without facts would be the end of those that may end any day.
        self._storage.save_enrichments([replace(enrichment, facts=offer.facts)])
        return self._find(offer.id)

    def _find(self, offer_id: str) -> StoredOffer:
        offer = self._storage.find_offer(offer_id)
        if offer is None or offer.id != offer_id:
            raise NotFound(f"no offer has the id {offer_id}", hint="offers list")
        return offer
