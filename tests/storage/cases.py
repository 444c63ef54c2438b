"""What the storage tests are made of: cards, pages, failures and moments."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from offers_cli.offer import Enrichment, EnrichmentFailure, Facts, Offer
from offers_cli.storage.base import Missing, NeedingOffer, OfferFilter, SavedOffer, ScrapeRun, Storage, StoredOffer
from offers_cli.storage.migrations import migrations
from offers_cli.storage.sqlite.connection import connect
from offers_cli.storage.sqlite.schema import APPLICATION_ID

EVERYTHING = frozenset(Missing)
PAGE_FIELDS = frozenset({Missing.OLD_PRICE, Missing.DISCOUNT})
LINK = frozenset({Missing.AFFILIATE_LINK})


FIRST_OFFER = """
INSERT INTO offers (id, marketplace, external_id, title, title_folded, url, currency, price_cents, old_price_cents,
  source, first_seen_at, last_seen_at, price_changed_at, strategies)
VALUES ('00000000-0000-4000-8000-000000000001', 'mercado_livre', 'MLB1', 'ΓΙΑ ΣΑΣ', 'για σας',
  'https://produto.example/MLB-1', 'BRL', 10000, 15000, 'ofertas', '2026-03-01T00:00:00.000000Z',
  '2026-03-01T00:00:00.000000Z', '2026-03-01T00:00:00.000000Z', '{"title": "state"}')"""
FIRST_PRICE = """
INSERT INTO price_history (offer_id, observed_at, price_cents, old_price_cents, source)
VALUES ('00000000-0000-4000-8000-000000000001', '2026-03-01T00:00:00.000000Z', 10000, 15000, 'listing')"""
FIRST_RUN = """
INSERT INTO scrape_runs (id, source, status, started_at, seen)
VALUES ('00000000-0000-4000-8000-000000000001', 'ofertas', 'done', '2026-03-01T00:00:00.000000Z', 48)"""
"""What stood in a database of any version of the schema."""

UNFIT_URLS = (
    "https://a.test/" + "x" * 2_100,
    "https://user:secret@a.test/p/MLB1",
    "https://@a.test/",
    "ftp://a.test/",
    "javascript:alert(1)",
    "https:///p/MLB1",
    "https://[::1/p",
    "https://a.test:99999999/",
    "https://a.test/a b",
    "https://a.test/\x1b]52;c;Zg==\a",
    "https://a.test/\u202eBLM/p",
    "https://a.test\\@b.test/",
)
"""Addresses that no offer may have."""


def at(minute: float) -> datetime:
    """A moment of the tests' own day."""
    return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=minute)


def card(number: int = 1, **shown: Any) -> Offer:
    values: dict[str, Any] = {
        "marketplace": "mercado_livre",
        "external_id": f"MLB{number}",
        "title": f"Fone {number}",
        "url": f"https://produto.example/MLB-{number}",
        "price_cents": 10_000,
        "currency": "BRL",
    }
    return Offer(**{**values, **shown})


def run(number: int = 1, **told: Any) -> ScrapeRun:
    values: dict[str, Any] = {"source": "ofertas", "status": "running", "started_at": at(0), "process": "host|1|2"}
    return ScrapeRun(id=str(UUID(int=number)), **{**values, **told})


def save(storage: Storage, *cards: Offer, minute: float = 0) -> list[SavedOffer]:
    report = storage.save_offers(cards or [card()], seen_at=at(minute))
    assert report.refused == ()
    return list(report.saved)


def page(offer_id: str, minute: float, **found: Any) -> Enrichment:
    return Enrichment(offer_id=offer_id, observed_at=at(minute), **{"price_cents": 10_000, **found})


def link(offer_id: str, minute: float, affiliate_link: str | None, **found: Any) -> Enrichment:
    return Enrichment(
        offer_id=offer_id,
        observed_at=at(minute),
        page_read=False,
        affiliate_link=affiliate_link,
        affiliate_checked=True,
        **found,
    )


def failure(offer_id: str, minute: float, code: str = "page_changed", **told: Any) -> EnrichmentFailure:
    return EnrichmentFailure(offer_id=offer_id, observed_at=at(minute), code=code, message=f"it was {code}", **told)


def stored(storage: Storage, offer_id: str) -> StoredOffer:
    offer = storage.find_offer(offer_id)
    assert offer is not None
    return offer


def needing(
    storage: Storage, missing: frozenset[Missing] = PAGE_FIELDS, *, limit: int = 100, recheck: float | None = None
) -> list[str]:
    before = None if recheck is None else at(recheck)
    offers = storage.offers_needing_enrichment(limit=limit, missing=missing, recheck_before=before)
    streamed = list(storage.find_needing(missing=missing, recheck_before=before))
    assert streamed[:limit] == [NeedingOffer(offer.id, offer.url, offer.price_cents) for offer in offers]
    assert len({offer.id for offer in streamed}) == len(streamed)
    return [offer.id for offer in offers]


ALL_FACTS = Facts(
    installments_count=12,
    installment_cents=999,
    interest_free=False,
    free_shipping=True,
    free_shipping_note="por ser sua primeira compra",
    full=True,
    badge="OFERTA RELÂMPAGO",
    badge_until="2026-03-02T03:00:00Z",
    coupon_label="Cupom R$ 30 OFF",
    coupon_cents=3000,
    coupon_pct=10,
    coupon_min_cents=25900,
    rating_hundredths=480,
    reviews=0,
    sold_at_least=10_000,
    seller="Loja",
    official_store=True,
    brand="Marca",
    category="Fones",
)
"""Each of them, as it may be stored."""


def history(storage: Storage, offer_id: str) -> list[tuple[int, int | None, str]]:
    return [(point.price_cents, point.old_price_cents, point.source) for point in storage.price_history(offer_id)]


def everything(storage: Storage) -> list[StoredOffer]:
    return list(storage.find_offers(OfferFilter(sort="first_seen")))


def make_older(path: Path, version: int, *statements: str) -> None:
    """A SQLite database as the program made it when its schema was of that version, with what the statements put in."""
    path.touch(mode=0o600)
    with closing(connect(path)) as older:
        for migration in migrations("sqlite")[:version]:
            older.executescript(migration.sql)
        for statement in statements:
            older.execute(statement)
        older.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        older.execute(f"PRAGMA user_version = {version}")


def know_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that knows one more step of the schema than the backup has."""
    known = migrations("sqlite")
    last = known[-1]
    more = type(last)(last.version + 1, "9999_more", "CREATE TABLE more (id INTEGER);")
    for module in ("sqlite.schema", "restore", "migrate", "health"):
        monkeypatch.setattr(f"offers_cli.storage.{module}.migrations", lambda _kind: (*known, more))
