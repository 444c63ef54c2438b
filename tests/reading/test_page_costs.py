"""Whatever a site sends, reading it takes little memory and little time, or is refused at once."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from reading.captures import RealPages, real_names
from reading.hostile import PAGES

from offers_cli.errors import OfferGone, PageBlocked, PageChanged, ShopUnknown, SiteUnavailable, TooLarge
from offers_cli.marketplaces.html import Document, join, lineage, text_of
from offers_cli.marketplaces.json_ld import quote
from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.marketplaces.mercado_livre.state import text_in
from offers_cli.marketplaces.mercado_livre.urls import identify
from offers_cli.marketplaces.schema_org import SchemaOrg
from offers_cli.marketplaces.tree import MOST_STEPS, Tree

DECLARED = {"ListingReading", "ProductReading", "offer_gone", "page_changed", "shop_unknown", "too_large", "redirected"}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells the peak in /proc")
@pytest.mark.parametrize("name", PAGES)
def test_no_page_takes_more_memory_or_time_than_it_is_worth(name: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "reading.hostile", name],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(Path(__file__).parents[1])},
    )
    became = dict(line.rsplit("\t", maxsplit=1) for line in run.stdout.splitlines())
    assert len(became) == 4
    assert {case: end for case, end in became.items() if end not in DECLARED} == {}


@pytest.mark.parametrize("name", real_names("product", "listing", "wall"))
def test_a_page_of_four_times_a_real_ones_work_would_still_be_read(
    name: str, real_pages: RealPages, monkeypatch: pytest.MonkeyPatch
) -> None:
    grown: list[Tree] = []

    grow = Document._grow

    def remember(document: Document) -> Tree:
        grown.append(grow(document))
        return grown[-1]

    monkeypatch.setattr(Document, "_grow", remember)
    for market in (MercadoLivre(), SchemaOrg()):
        grown.clear()
        with suppress(OfferGone, PageBlocked, PageChanged, SiteUnavailable, ShopUnknown):
            market.read(real_pages.html(name), "")
        assert all(tree.steps * 4 <= MOST_STEPS for tree in grown)


def test_what_is_asked_of_elements_again_and_again_is_given_up() -> None:
    tree = Document("<p>" * 10 + "<div>" * 100 + "<b>x").tree
    node = tree.css_first("b")
    assert node is not None
    ways = (len(list(lineage(node))) for _ in range(MOST_STEPS))
    with pytest.raises(TooLarge, match="entangled"):
        sum(ways)


def test_a_text_that_is_taken_from_ever_wider_places_is_given_up() -> None:
    places = Document("<div>" * 200 + "x" * 200_000).tree.css("div")
    with pytest.raises(TooLarge, match="entangled"):
        [text_of(place) for place in places]


def test_a_card_of_thousands_of_boxes_within_each_other_is_refused_and_no_bug() -> None:
    card = (
        '<div class="poly-card"><a class="poly-component__title" href="/MLB-1">x</a><div class="poly-component__price">'
    )
    with pytest.raises(PageChanged, match="none of 1 cards"):
        MercadoLivre().read_listing(card + "<div>R$ 1" * 3000, "", source="listing")


@pytest.mark.parametrize(("count", "price_cents"), [(250, 100), (251, None)])
def test_a_product_of_more_offers_than_any_has_has_no_price(count: int, price_cents: int | None) -> None:
    found = quote({"offers": [{"offers": [{"price": "1.00"}] * count}] * 2})
    assert found.price_cents == price_cents
    assert found.note == ("" if price_cents else "more offers than one product has")


def test_an_address_longer_than_any_browser_takes_is_none() -> None:
    longest = "https://www.mercadolivre.com.br/p/MLB1?" + "a" * 5000
    assert identify(longest).catalogue_id == "MLB1"
    assert join("", longest) == longest
    assert identify(longest + "a" * 1000).catalogue_id is None
    assert join("", longest + "a" * 1000) == ""


def test_a_giant_text_of_the_state_is_cut_before_it_is_looked_through() -> None:
    assert len(text_in("x" * 1_000_000) or "") == 2000
