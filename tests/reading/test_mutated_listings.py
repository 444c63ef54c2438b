"""Listings whose mark-up was changed are read rightly or less, or refused: never wrongly.

Each class of the elements and each key of the state is renamed, alone, with and without the labels for screen
readers, in pages of our own; the captures of real pages are changed likewise where they are at hand.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from reading.captures import RealPages, cut_linked_data, only_elements, only_state, real_names, without_attribute
from reading.cards import ACard, listing
from reading.mutants import classes_in, mutants, without_class, without_key

from offers_cli.errors import PageError
from offers_cli.marketplaces.base import ListingReading
from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.money import discount_pct
from offers_cli.offer import Offer

PAGES = Path(__file__).parent / "pages"
OWN = (
    "listing_price_notes_2026-10",
    "listing_price_notes_state_2026-10",
    "listing_lone_card",
    "listing_hub_credit_2026-09",
)
FULL = [name for name in real_names("listing") if "hub" not in name]
VALUES = ("price_cents", "currency", "old_price_cents", "price_condition", "card_price_cents", "discount_kind")


def read_offers(market: MercadoLivre, html: str, url: str) -> tuple[Offer, ...]:
    try:
        reading = market.read(html, url)
    except PageError:
        return ()
    assert isinstance(reading, ListingReading)
    return reading.offers


def falsehoods(offer: Offer, rights: list[Offer]) -> list[str]:
    """What a mutant's offer says that no right reading of the same card does; silence is none, nor arithmetic."""
    wrong = [name for name in VALUES if getattr(offer, name) not in {None, *(getattr(right, name) for right in rights)}]
    computed = offer.old_price_cents and discount_pct(offer.old_price_cents, offer.price_cents)
    if offer.discount_pct not in {None, computed, *(right.discount_pct for right in rights)}:
        wrong.append("discount_pct")
    known = offer.facts.known().items()
    return wrong + [name for name, value in known if value not in {getattr(right.facts, name) for right in rights}]


def assert_never_wrong(market: MercadoLivre, html: str, url: str, changed: Iterator[str]) -> None:
    rights: dict[str, list[Offer]] = defaultdict(list)
    for right in read_offers(market, html, url):
        rights[right.title].append(right)
    assert rights
    read = [offer for mutant in changed for offer in read_offers(market, mutant, url)]
    assert {(offer.title, *wrong) for offer in read if (wrong := falsehoods(offer, rights[offer.title]))} == set()
    assert len(read) > len(rights)


@pytest.mark.parametrize("name", OWN)
def test_a_listing_of_our_own_is_never_read_wrongly(name: str, market: MercadoLivre) -> None:
    html = (PAGES / name / "page.html").read_text(encoding="utf-8")
    assert_never_wrong(market, html, "https://www.mercadolivre.com.br/ofertas", mutants(html))


CARDS = (
    ACard(price=9990, old=12990, label="23% OFF no Pix", phrase="ou {price_total} em 10x {price} sem juros",
          amounts={"price_total": 10990, "price": 1099}),
    ACard(price=129905, old=199900, label="35% OFF", phrase="12x {price}", amounts={"price": 13250},
          item_id="MLB100000002", title="Televisor"),
)  # fmt: skip


@pytest.mark.parametrize("parts", ["elements", "state", "both"])
def test_cards_are_never_read_wrongly(parts: str, market: MercadoLivre) -> None:
    page = listing(
        html="".join(card.html() for card in CARDS) if parts != "state" else "",
        states=[card.state() for card in CARDS] if parts != "elements" else None,
    )
    assert_never_wrong(market, page, "https://lista.mercadolivre.com.br/fone", mutants(page))


@pytest.mark.slow
@pytest.mark.parametrize("cut", [only_elements, only_state, cut_linked_data])
@pytest.mark.parametrize("name", FULL)
def test_a_real_listing_is_never_read_wrongly(
    name: str, cut: Callable[[str], str], real_pages: RealPages, market: MercadoLivre
) -> None:
    html = real_pages.html(name)
    page = cut(html)
    names = [
        name for name in classes_in(page) if re.match("andes-money|poly-(?:price|component__(?:price|title))", name)
    ]
    changed = [without_class(name, page) for name in names[:: 1 + len(names) // 12]]
    changed += [without_key(key, page) for key in ("discount_label", "previous_price", "installments", "values")]
    changed += [page, page[: len(page) // 2], without_attribute("aria-label", page)]
    assert_never_wrong(market, html, market.page_url(html) or "", iter(changed))
