"""A job's two parts: whatever becomes of one, the other is kept, and only what is still lacking is asked again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from drift_fakes import DriftMemory
from fetch.free_pace import FreePace

from offers_cli.affiliate.link_builder import Link
from offers_cli.affiliate.links import LinkBatcher, Links
from offers_cli.demo.catalogue import Catalogue
from offers_cli.demo.pages import product_html
from offers_cli.drift.watch import DriftWatch
from offers_cli.errors import (
    LinkRefused,
    OfferGone,
    OffersError,
    PageBlocked,
    SessionExpired,
    SiteUnavailable,
    WorkError,
)
from offers_cli.fetch.response import Page
from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.offer import Offer
from offers_cli.queue.job import EnrichmentJob
from offers_cli.services.enrich import Enricher
from offers_cli.services.pages import Pages
from offers_cli.storage.base import Missing, StoredOffer
from offers_cli.storage.rules import needs
from offers_cli.storage.sqlite.storage import SqliteStorage

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
BASE = "http://127.0.0.1:8000"
SHOWN = next(offer for offer in Catalogue(40, 1, ()) if offer.page.old_price_cents)
LINK = Link(url="https://meli.la/abc", affiliation_id="AAAAAA-1111")


class KeepNothing:
    def keep(self, _page: Page, *, offer_id: str | None, code: str | None) -> None:  # noqa: ARG002 (the keeper's form)
        return None


@dataclass
class Site:
    """A shop with one page and a programme, either of which may fail."""

    page_error: WorkError | None = None
    link_error: WorkError | None = None
    pages: int = 0
    calls: int = 0
    storage: SqliteStorage = field(init=False)

    def get(self, url: str) -> Page:
        self.pages += 1
        if self.page_error:
            raise self.page_error
        html = product_html(SHOWN, BASE)
        return Page(url=url, final_url=url, status=200, body=html.encode(), encoding="utf-8", fetched_at=NOW)

    def close(self) -> None:
        """Nothing is open."""

    def ask(self, urls: Sequence[str]) -> Mapping[str, Link | OffersError]:
        self.calls += 1
        return dict.fromkeys(urls, self.link_error or LINK)

    def work(self, *, later_s: float = 1.0, with_links: bool = True, is_sold: bool = True) -> WorkError | None:
        """Run the offer's job once, as a worker does; returns what it ended with."""
        market = MercadoLivre(BASE)
        link_url = market.link_url if is_sold else lambda _url: None
        login: Any = SimpleNamespace(find=object, get=object)
        maker = LinkBatcher(self.ask, quiet_s=0)
        enricher = Enricher(
            pages=Pages(
                fetcher=self,
                marketplace_for=lambda _url: market,
                snapshots=KeepNothing(),  # type: ignore[arg-type]
                pace=FreePace(),
                sleep=lambda _s: None,
            ),
            drift=DriftWatch(DriftMemory()),
            storage=self.storage,
            links=Links(label="ours" if with_links else None, login=login, batches=maker, link_url=link_url),
            page_slots=nullcontext(),
        )
        offer = self.offer()
        job = EnrichmentJob(offer_id=offer.id, url=offer.url, current_price_cents=offer.price_cents)
        at = NOW + timedelta(seconds=later_s)
        try:
            self.storage.save_enrichments([enricher(job, observed_at=at)])
        except WorkError as error:
            return error
        return None

    def offer(self) -> StoredOffer:
        found = self.storage.find_offer(SHOWN.external_id)
        assert found is not None
        return found


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    storage = SqliteStorage(tmp_path / "offers.db")

    def make(*, complete: bool = False, **errors: WorkError) -> Site:
        card = Offer(
            marketplace="mercado_livre",
            external_id=SHOWN.external_id,
            title=SHOWN.title,
            url=f"{BASE}{SHOWN.path}",
            price_cents=SHOWN.page.price_cents,
            currency="BRL",
            old_price_cents=SHOWN.page.old_price_cents if complete else None,
            discount_pct=SHOWN.page.discount_pct if complete else None,
        )
        storage.save_offers([card], seen_at=NOW)
        site = Site(**errors)  # type: ignore[arg-type]  # as each test says
        site.storage = storage
        return site

    yield make
    storage.close()


def test_both_parts_are_one_result(make_site: Callable[..., Site]) -> None:
    site = make_site()
    assert site.work() is None
    offer = site.offer()
    assert (offer.old_price_cents, offer.affiliate_link, offer.affiliation_id) == (
        SHOWN.page.old_price_cents,
        LINK.url,
        LINK.affiliation_id,
    )
    assert (needs(offer), offer.enrich_attempts) == (frozenset(), 1)


def test_without_links_the_page_is_all(make_site: Callable[..., Site]) -> None:
    site = make_site()
    assert site.work(with_links=False) is None
    assert needs(site.offer()) == {Missing.AFFILIATE_LINK}
    assert site.calls == 0


def test_an_offer_whose_listing_told_everything_needs_no_page(make_site: Callable[..., Site]) -> None:
    site = make_site(complete=True)
    assert site.work() is None
    assert (site.pages, site.calls, site.offer().affiliate_link) == (0, 1, LINK.url)


def test_what_the_programme_does_not_sell_is_answered_once_and_read_once(make_site: Callable[..., Site]) -> None:
    """Another shop's offer needs no link for ever: each scrape would queue it again, and each job fetch its page."""
    site = make_site()
    assert site.work(is_sold=False) is None
    assert (site.pages, site.calls, needs(site.offer())) == (1, 0, frozenset())


def test_nothing_is_fetched_for_an_answered_offer_that_the_programme_does_not_sell(
    make_site: Callable[..., Site],
) -> None:
    site = make_site(complete=True)
    assert site.work(is_sold=False) is None
    assert (site.pages, site.calls, needs(site.offer())) == (0, 0, frozenset())


@pytest.mark.parametrize("error", [SessionExpired("over"), SiteUnavailable("away"), PageBlocked("wall")])
def test_a_failed_call_keeps_the_page_and_the_next_run_asks_for_the_link_alone(
    error: WorkError, make_site: Callable[..., Site]
) -> None:
    site = make_site(link_error=error)
    assert site.work() is error
    assert needs(site.offer()) == {Missing.AFFILIATE_LINK}
    site.link_error = None
    assert site.work(later_s=60) is None
    assert (site.pages, needs(site.offer())) == (1, frozenset())


def test_a_refusal_ends_the_job_and_keeps_the_page(make_site: Callable[..., Site]) -> None:
    site = make_site(link_error=LinkRefused("no"))
    assert isinstance(site.work(), LinkRefused)
    assert site.offer().old_price_cents == SHOWN.page.old_price_cents


@pytest.mark.parametrize("error", [SiteUnavailable("away"), PageBlocked("wall")])
def test_a_failed_page_keeps_the_link_and_the_next_run_reads_the_page_alone(
    error: WorkError, make_site: Callable[..., Site]
) -> None:
    site = make_site(page_error=error)
    assert site.work() is error
    assert site.offer().affiliate_link == LINK.url
    site.page_error = None
    assert site.work(later_s=60) is None
    assert (site.calls, needs(site.offer())) == (1, frozenset())


def test_both_may_fail_and_a_refusal_is_not_asked_again(make_site: Callable[..., Site]) -> None:
    site = make_site(page_error=SiteUnavailable("away"), link_error=LinkRefused("no"))
    assert isinstance(site.work(), SiteUnavailable), "the page's failure speaks for the job"
    assert needs(site.offer()) == {Missing.OLD_PRICE, Missing.DISCOUNT}
    site.page_error = None
    assert site.work(later_s=60) is None
    assert site.calls == 1


def test_a_product_that_is_gone_gets_no_link(make_site: Callable[..., Site]) -> None:
    site = make_site(page_error=OfferGone("404"))
    assert isinstance(site.work(), OfferGone)
    assert site.calls == 0
