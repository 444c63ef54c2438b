"""The job, as a user of RQ, taskiq, SAQ, dramatiq or Celery would write it: the same page, fields and update for all.

One httpx client and one open database for each process, one update for each job, one writer at a time in a process:
SQLite lets those that wait for it poll, and the unlucky one of dozens is told after five seconds that it is locked.
The reader and the storage are the project's own, so that only the queues and what each asks of its jobs differ.
"""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from threading import Lock

import httpx

from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.offer import Enrichment
from offers_cli.storage.sqlite.storage import SqliteStorage, open_sqlite

writing = Lock()


@cache
def client() -> httpx.Client:
    return httpx.Client(timeout=30)


@cache
def async_client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=30)


@cache
def market() -> MercadoLivre:
    return MercadoLivre(base_url=os.environ["ML_BASE_URL"])


@cache
def storage() -> SqliteStorage:
    return open_sqlite(Path(os.environ["OFFERS_DB"]))


def enrich(offer_id: str, url: str) -> None:
    response = client().get(url)
    response.raise_for_status()
    read_and_save(offer_id, url, response.content)


async def enrich_async(offer_id: str, url: str) -> None:
    """The event loop only waits for pages; reading and writing would hold up everybody else on it."""
    response = await async_client().get(url)
    response.raise_for_status()
    await asyncio.to_thread(read_and_save, offer_id, url, response.content)


def read_and_save(offer_id: str, url: str, page: bytes) -> None:
    reading = market().read_product(page, url)
    found = Enrichment(
        offer_id=offer_id,
        observed_at=datetime.now(UTC),
        price_cents=reading.price_cents,
        old_price_cents=reading.old_price_cents,
        discount_pct=reading.discount_pct,
        title=reading.title,
        strategies=reading.winners,
    )
    with writing:
        storage().save_enrichments([found])
