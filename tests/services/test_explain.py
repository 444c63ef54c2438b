"""What `explain` reads: an address, a saved file, an offer's kept page, or the offer's own page."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from services.kept_pages import PAGES, keep, page_of
from storage.cases import at, card, save

from offers_cli.errors import NotFound, OfferGone
from offers_cli.fetch.response import Page
from offers_cli.fetch.snapshots import Snapshots
from offers_cli.marketplaces.base import Marketplace
from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.marketplaces.schema_org import SchemaOrg
from offers_cli.services.explain import ExplainReport, explain
from offers_cli.services.pages import Pages, first_owner
from offers_cli.storage.base import Storage
from offers_cli.times import iso_utc

PRODUCT = "product_pix_price"
SHOPS: tuple[Marketplace, ...] = MercadoLivre(), SchemaOrg()
Explain = Callable[..., ExplainReport]


class Fetcher:
    """Gives one page, or fails; remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.error: Exception | None = None

    def get(self, url: str, **_: Any) -> Page:
        self.asked.append(url)
        if self.error:
            raise self.error
        return page_of(PRODUCT)

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def fetcher() -> Fetcher:
    return Fetcher()


@pytest.fixture
def explained(fetcher: Fetcher, database: Storage, snapshots: Snapshots) -> Explain:
    no_wall_here: Any = None

    def run(target: str, *, url: str | None = None) -> ExplainReport:
        pages = Pages(
            fetcher=fetcher,
            marketplace_for=partial(first_owner, SHOPS),
            snapshots=snapshots,
            pace=no_wall_here,
            sleep=lambda _s: None,
        )
        return explain(target, url=url, pages=pages, storage=database, marketplaces=SHOPS, snapshots=snapshots)

    return run


def test_an_address_is_fetched_and_its_values_and_witnesses_shown(explained: Explain, fetcher: Fetcher) -> None:
    url = page_of(PRODUCT).url
    data = explained(url).data()
    assert fetcher.asked == [url]
    assert (data["kind"], data["marketplace"], data["currency"]) == ("product", "mercado_livre", "BRL")
    assert data["values"]["price_cents"] == 318_531
    assert data["winners"]["price_cents"] in [each["strategy"] for each in data["candidates"]["price_cents"]]
    assert (data["offers"], data["next_page"]) == (None, None)


def test_a_page_that_is_gone_is_a_problem_with_its_address(explained: Explain, fetcher: Fetcher) -> None:
    fetcher.error = OfferGone("paused")
    report = explained("https://produto.mercadolivre.com.br/MLB-1-x-_JM")
    assert [problem.code for problem in report.problems] == ["offer_gone"]
    assert report.problems[0].hint.startswith("open the address in your browser")
    assert (report.data()["kind"], report.data()["url"]) == (None, "https://produto.mercadolivre.com.br/MLB-1-x-_JM")


def test_a_saved_listing_shows_its_cards(explained: Explain, fetcher: Fetcher) -> None:
    data = explained(str(PAGES / "listing_search_2023" / "page.html"), url="https://lista.mercadolivre.com.br/x").data()
    assert data["kind"] == "listing"
    assert data["offers"]
    assert {card["price_cents"] > 0 for card in data["offers"]} == {True}
    assert data["values"] is None
    assert fetcher.asked == []


def test_a_page_that_cannot_be_read_says_why_and_what_was_seen(explained: Explain) -> None:
    saved = PAGES / "product_prices_contradict" / "page.html"
    report = explained(str(saved), url=page_of("product_prices_contradict").url)
    assert [problem.code for problem in report.problems] == ["page_changed"]
    assert len(report.data()["candidates"]["price_cents"]) > 1


def test_a_saved_page_without_an_address_is_read_as_what_it_looks_like(explained: Explain, tmp_path: Path) -> None:
    """A page of another shop is not taken for one of Mercado Livre, whose prices would be in reais."""
    product = '{"@type": "Product", "name": "Anvil", "offers": {"price": 119.99, "priceCurrency": "USD"}}'
    page = tmp_path / "page.html"
    page.write_text(f'<script type="application/ld+json">{product}</script><h1>Anvil</h1><p>from our catalogue</p>')
    data = explained(str(page)).data()
    assert (data["marketplace"], data["currency"], data["values"]["price_cents"]) == ("schema_org", "USD", 11999)
    page.write_text(page.read_text() + '<img src="https://http2.mlstatic.com/a.webp">')
    assert explained(str(page)).data()["marketplace"] == "mercado_livre"
    page.write_text("<html><body><h1>Hello</h1></body></html>")
    assert [problem.code for problem in explained(str(page)).problems] == ["page_changed"]


def test_an_offer_stands_for_its_kept_page_else_for_its_own(
    explained: Explain, fetcher: Fetcher, database: Storage, snapshots: Snapshots
) -> None:
    kept, other = save(database, card(1), card(2))
    keep(snapshots, PRODUCT, kept.offer_id)
    data = explained(kept.offer_id).data()
    assert (data["values"]["price_cents"], data["kept_at"]) == (318_531, iso_utc(at(1))), "and how old it is"
    assert fetcher.asked == []
    fetched = explained(other.offer_id)
    assert (fetched.data()["kind"], fetched.kept_at) == ("product", None)
    assert fetcher.asked == [other.url]


@pytest.mark.parametrize("target", ["nothing", "nothing.html"])
def test_what_is_nothing_is_not_found(explained: Explain, target: str, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nothing"):
        explained(target)
