"""The Python API as its users' type checkers see it. Nobody runs this; mypy reads it with the rest."""

from __future__ import annotations

from typing import assert_type

from offers_cli import DatabaseService, __version__, enqueue_enrichment_job, get_config, get_session, init_db
from offers_cli.config import Config
from offers_cli.storage.base import Storage, StoredOffer


async def use() -> None:
    config = assert_type(get_config(), Config)
    init_db(config.database)
    assert_type(__version__, str)
    async for client in get_session():
        assert_type(client, Storage)
        database = DatabaseService(client)
        wanting = await database.offers.get_offers_needing_enrichment(limit=10)
        for offer in wanting:
            assert_type(offer, StoredOffer)
            job_id = enqueue_enrichment_job(offer.id, offer.url, offer.price_cents, config=config.enrichment)
            assert_type(job_id, str)
            assert_type(await database.offers.update_offer_enrichment(offer.id, price_cents=100), StoredOffer)
