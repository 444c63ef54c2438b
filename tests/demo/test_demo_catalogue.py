"""The catalogue is deterministic and its arithmetic is the shop's."""

from __future__ import annotations

import subprocess
import sys

import pytest
from shop.inventory import at_price

from offers_cli.demo.catalogue import TYPICAL, Behaviour, Catalogue, PageShape, PriceTag, UrlKind
from offers_cli.demo.titles import AWKWARD, PRODUCTS


def test_same_arguments_give_same_offers_in_another_process() -> None:
    code = "from offers_cli.demo.catalogue import Catalogue; print(repr(Catalogue(60, seed=7).offers))"
    elsewhere = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert elsewhere.strip() == repr(Catalogue(60, seed=7).offers)


def test_another_seed_gives_other_offers() -> None:
    assert Catalogue(40, seed=1).offers != Catalogue(40, seed=2).offers


def test_forty_offers_hold_every_behaviour_shape_address_and_awkward_title() -> None:
    offers = Catalogue(40).offers
    assert sorted(o.behaviour for o in offers if o.behaviour is not Behaviour.NORMAL) == sorted(TYPICAL)
    assert {(o.shape, o.url_kind) for o in offers} == {(s, k) for s in PageShape for k in UrlKind}
    assert set(AWKWARD) <= {o.title for o in offers}


@pytest.mark.parametrize("count", [0, 1, 3, 4, 500])
def test_any_number_of_offers_with_unique_ids(count: int) -> None:
    offers = Catalogue(count, seed=3).offers
    ids = [i for o in offers for i in (o.item_id, o.catalogue_id, o.user_product_id) if i]
    assert len(offers) == count
    assert len(ids) == len(set(ids))
    assert len({o.path for o in offers}) == count


def test_prices_hold_what_real_shops_show() -> None:
    """Whole prices, odd cents, thousands, missing and small discounts, Pix prices: all are there."""
    pages = [o.page for o in Catalogue(500, seed=5)]
    assert all(p.old_price_cents is None or p.old_price_cents > p.price_cents for p in pages)
    assert all(p.card_price_cents is None or p.card_price_cents > p.price_cents for p in pages)
    assert all(p.discount_pct is None or p.discount_pct >= 1 for p in pages)
    for trait in (
        lambda p: p.price_cents % 100 == 0,
        lambda p: p.price_cents % 100 == 5,
        lambda p: p.price_cents > 100_000,
        lambda p: p.old_price_cents is None,
        lambda p: p.discount_pct is not None and p.label_pct is None,
        lambda p: p.card_price_cents is not None,
    ):
        assert 15 <= sum(map(trait, pages)) <= 450


def test_prices_are_believable() -> None:
    """Nobody sells a television for R$ 10, nor asks less of a card than of Pix, nor R$ 30 off a cable of R$ 20."""
    ranges = {product.name: (product.least, product.most) for product in PRODUCTS}
    offers = Catalogue(500, seed=5).offers
    for offer in offers:
        page = offer.page
        name = next((name for name in ranges if offer.title.startswith(name + " ")), "")
        least, most = ranges.get(name, (9, 3_000))
        assert least * 100 <= page.price_cents < (most + 1) * 100, offer.title
        assert page.old_price_cents is None or page.old_price_cents >= (page.card_price_cents or page.price_cents + 1)
        assert page.price_cents // offer.installments >= 450, "no instalment of some cents"
        assert (offer.facts.coupon_cents or 0) * 4 <= page.price_cents
        assert not offer.facts.free_shipping or page.price_cents >= 7_900
        assert str(offer.facts.brand) in offer.title or offer.title in AWKWARD


def test_a_listing_often_hides_the_previous_price_and_never_invents_one() -> None:
    offers = Catalogue(500, seed=5).offers
    hidden = [o for o in offers if o.page.old_price_cents and not o.listed.old_price_cents]
    assert 150 < len(hidden) < 300
    assert all(o.listed.old_price_cents in {None, o.page.old_price_cents} for o in offers)
    assert all(o.listed.price_cents == o.page.price_cents for o in offers)


@pytest.mark.parametrize(
    ("price", "old", "pct", "label"),
    [(10490, 16690, 37, 37), (610268, 619900, 1, None), (15132, 17802, 14, 14), (72090, 100070, 27, 27)],
)
def test_the_discount_is_the_floor_and_small_ones_bear_no_label(
    price: int, old: int, pct: int, label: int | None
) -> None:
    """Figures of real pages."""
    prices = PriceTag(price_cents=price, old_price_cents=old)
    assert (prices.discount_pct, prices.label_pct) == (pct, label)


def test_a_changed_price_drops_what_no_longer_makes_sense() -> None:
    prices = PriceTag(price_cents=1000, old_price_cents=2000, card_price_cents=1100)
    assert at_price(prices, 900) == PriceTag(price_cents=900, old_price_cents=2000, card_price_cents=1100)
    assert at_price(prices, 1100) == PriceTag(price_cents=1100, old_price_cents=2000)
    assert at_price(prices, 2000) == PriceTag(price_cents=2000)


def test_the_shop_imports_nothing_heavy() -> None:
    code = (
        "import sys, offers_cli.demo.shop\n"
        "print({'httpx', 'redis', 'rq', 'supabase', 'selectolax', 'typer', 'rich'} & set(sys.modules))"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
        == "set()"
    )
