"""What is gathered while pages are read, and what is logged when they change."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import fields

from drift_fakes import DriftMemory
from storage.cases import card

from offers_cli.drift.detect import DriftWarning, FieldCounts
from offers_cli.drift.watch import CARD_FIELDS, COMPARED_EVERY, DriftWatch
from offers_cli.errors import QueueUnavailable
from offers_cli.log import configure_logging
from offers_cli.marketplaces.base import Candidate, ListingReading, ProductReading
from offers_cli.offer import CardValues, Facts, PriceCondition
from offers_cli.services.doctor.site import look_at_pages

LOST = DriftWarning(source="shop product", field="price_cents", message="price_cents found on 10% of the last pages")


def test_a_change_is_logged_once_and_soon() -> None:
    stream = io.StringIO()
    configure_logging(verbosity=0, json_lines=False, stream=lambda: stream)
    store = DriftMemory(LOST)
    watch = DriftWatch(store)
    for _ in range(3 * COMPARED_EVERY):
        watch.saw_changed("shop", "product")
        watch.flush()
    assert sum(count for _, count in store.recorded) == 3 * COMPARED_EVERY
    assert stream.getvalue().count("the pages have changed") == 1
    assert "price_cents" in stream.getvalue()


def test_a_redis_that_is_gone_fails_nothing() -> None:
    """And what could not be written is not kept for later."""

    class GoneStore(DriftMemory):
        def record(self, source: str, pages: Sequence[FieldCounts]) -> None:
            super().record(source, pages)
            raise QueueUnavailable("gone")

    store = GoneStore()
    watch = DriftWatch(store)
    watch.saw_changed("shop", "product")
    watch.flush()
    watch.flush()
    assert len(store.recorded) == 1


def test_pages_gathered_between_flushes_are_written_together() -> None:
    store = DriftMemory()
    watch = DriftWatch(store)
    for _ in range(4):
        watch.saw_changed("shop", "product")
    watch.flush()
    watch.flush()
    assert store.recorded == [("shop product", 4)]


def test_the_doctor_tells_of_changed_pages() -> None:
    finding = look_at_pages(DriftMemory(LOST))
    assert (finding.name, finding.state) == ("pages", "warning")
    assert "10%" in finding.evidence
    assert finding.advice == "offers failed --reason page_changed"
    assert look_at_pages(DriftMemory()).state == "ok"


def test_every_value_and_fact_is_watched_on_cards_and_on_pages() -> None:
    """A new field needs no line here, so that it cannot be forgotten."""
    store = Recording()
    watch = DriftWatch(store)
    facts = Facts(free_shipping=True, interest_free=False)
    told = {"price_condition": PriceCondition.PIX, "card_price_cents": 11_000, "facts": facts}
    watch.saw_listing(
        ListingReading(
            marketplace="shop",
            url="https://shop.test/",
            currency="BRL",
            offers=(card(1, commission_pct=12, **told), card(2)),
            next_page=None,
            strategy="state",
            unreadable=((3, "no price"),),
        ),
        "ofertas",
    )
    candidates = {
        "price_cents": (Candidate("state", "100", 10_000),),
        "interest_free": (Candidate("dom", "", value=False),),
        "free_shipping": (Candidate("state", "", value=None), Candidate("dom", "", value=True)),
    }
    reading = ProductReading(
        marketplace="shop",
        url="https://shop.test/p",
        currency="BRL",
        external_id="1",
        price_cents=10_000,
        candidates=candidates,
        facts=facts,
    )
    watch.saw_product(reading)
    watch.flush()
    listing, product = store.seen["shop ofertas"], store.seen["shop product"]
    assert (listing.things, product.things) == (3, 1)
    named = ("price_cents", "price_condition", "card_price_cents", "commission_pct", "free_shipping", "interest_free")
    assert {name: listing.wins[name]["state"] for name in named} == dict(zip(named, (2, 1, 1, 1, 1, 1), strict=True))
    assert dict(product.wins) == {"price_cents": {"state": 1}, "interest_free": {"dom": 1}, "free_shipping": {"dom": 1}}
    assert {each.name for each in fields(CardValues)} <= {*CARD_FIELDS, "facts"}


class Recording(DriftMemory):
    """Keeps the counts of each source."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, FieldCounts] = {}

    def record(self, source: str, pages: Sequence[FieldCounts]) -> None:
        self.seen[source] = FieldCounts.total(pages)


def test_a_busy_worker_writes_once_a_second() -> None:
    """And what it gathered last with the next write, whenever that is."""
    store, seconds = DriftMemory(), iter([0.0, 0.9, 1.0, 1.0, 1.5, 1.9, 2.0, 2.0])
    watch = DriftWatch(store, clock=lambda: next(seconds))
    for _ in range(5):
        watch.saw_changed("shop", "product")
        watch.flush_now_and_then()
    assert store.recorded == [("shop product", 2), ("shop product", 3)]
