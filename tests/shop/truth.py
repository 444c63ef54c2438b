"""What is true of an offer of the shop, and what reading it must come to."""

from __future__ import annotations

from dataclasses import replace

from offers_cli.demo.catalogue import Behaviour, CatalogueOffer, PriceTag
from offers_cli.demo.goods import installment_cents
from offers_cli.errors import OfferGone, PageBlocked, PageChanged, SiteUnavailable
from offers_cli.offer import DiscountKind, Facts, PriceCondition

LASTING_CODES = {
    Behaviour.OUT_OF_STOCK: OfferGone.code,
    Behaviour.GONE_404: OfferGone.code,
    Behaviour.BROKEN: PageChanged.code,
}
PASSING_CODES = {Behaviour.WALL_ONCE: PageBlocked.code, Behaviour.FLAKY_500: SiteUnavailable.code}


def failure_code(offer: CatalogueOffer) -> str | None:
    """The code that enrichment must end in, however often it is tried; None when the page can be read."""
    return LASTING_CODES.get(offer.behaviour)


def first_failure_code(offer: CatalogueOffer) -> str | None:
    """The code that the first request must give."""
    return PASSING_CODES.get(offer.behaviour, failure_code(offer))


def listed_discount_pct(offer: CatalogueOffer) -> int | None:
    """What its listing cards show: none where the label says only "no Pix"."""
    return offer.listed.label_pct if offer.listed.card_price_cents else offer.listed.discount_pct


def condition(prices: PriceTag) -> PriceCondition:
    return PriceCondition.PIX if prices.card_price_cents else PriceCondition.ANY


def discount_kind(prices: PriceTag) -> DiscountKind | None:
    """The payment's where the struck price is what a card pays."""
    if prices.old_price_cents is None:
        return None
    return DiscountKind.PAYMENT if prices.old_price_cents == prices.card_price_cents else DiscountKind.PRICE_CUT


def listed_facts(offer: CatalogueOffer) -> Facts:
    """What its cards on the offers page say: neither how many were sold nor of which brand and category it is."""
    return replace(_facts(offer, offer.listed), sold_at_least=None, brand=None, category=None)


def page_facts(offer: CatalogueOffer) -> Facts:
    """What its page says."""
    return _facts(offer, offer.page)


def _facts(offer: CatalogueOffer, prices: PriceTag) -> Facts:
    each = installment_cents(offer, prices)
    return replace(offer.facts, installments_count=offer.installments, installment_cents=each, interest_free=True)


def is_available(offer: CatalogueOffer) -> bool:
    return offer.behaviour not in {Behaviour.OUT_OF_STOCK, Behaviour.GONE_404}
