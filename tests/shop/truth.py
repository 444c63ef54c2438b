"""What is true of an offer of the shop, and what reading it must come to."""

from __future__ import annotations

from offers_cli.demo.catalogue import Behaviour, CatalogueOffer
from offers_cli.errors import OfferGone, PageBlocked, PageChanged, SiteUnavailable

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


def is_available(offer: CatalogueOffer) -> bool:
    return offer.behaviour not in {Behaviour.OUT_OF_STOCK, Behaviour.GONE_404}
