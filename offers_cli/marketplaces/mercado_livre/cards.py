"""A listing's card, read from the state or from the elements, and the offer it becomes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from offers_cli.marketplaces.addresses import split
from offers_cli.marketplaces.evidence import agree, is_plausible, most_exact
from offers_cli.marketplaces.mercado_livre.urls import (
    Identity,
    canonical,
    identify,
    is_owned,
    is_sponsored,
    product_url,
)
from offers_cli.money import discount_pct
from offers_cli.offer import Offer

NAME = "mercado_livre"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What one card tells; None where it does not tell.

    Attributes:
        address: its link, made absolute.
        problem: why its price cannot be used; empty when it can.
        has_label: whether a discount label is shown, with a percentage or without ("no Pix").
    """

    title: str | None
    address: str
    identity: Identity
    currency: str
    price_cents: int | None = None
    old_price_cents: int | None = None
    label_pct: int | None = None
    has_label: bool = False
    commission_pct: int | None = None
    image_url: str | None = None
    problem: str = ""

    @property
    def unreadable(self) -> str:
        """Why no offer can be made of it; empty when one can."""
        if self.problem or not self.price_cents:
            return self.problem or "no price"
        if not self.title:
            return "no title"
        return "" if self.identity.external_id else "no id"


def merge(card: Card, seen: Card) -> Card:
    """One card as the state and as the elements have it: contradicting prices make it unreadable, gaps are filled."""
    if card.unreadable or seen.price_cents is None:
        return card
    if not agree(card.price_cents or 0, seen.price_cents):
        return replace(card, problem=f"state says {card.price_cents} cents, the page shows {seen.price_cents}")
    return replace(
        card,
        price_cents=most_exact([card.price_cents or 0, seen.price_cents]),
        old_price_cents=card.old_price_cents or seen.old_price_cents,
        label_pct=card.label_pct if card.has_label else seen.label_pct,
        has_label=card.has_label or seen.has_label,
        commission_pct=card.commission_pct or seen.commission_pct,
        image_url=card.image_url or seen.image_url,
    )


def offer_of(card: Card, *, source: str, base_url: str | None) -> Offer:
    """The offer of a readable card.

    Args:
        base_url: the marketplace's address where it is not the country's own.
    """
    price = card.price_cents or 0
    old = card.old_price_cents if card.old_price_cents and is_plausible(card.old_price_cents, price) else None
    is_doubtful = card.old_price_cents is not None and old is None
    computed = discount_pct(old, price) if old is not None and not card.has_label else None
    return Offer(
        marketplace=NAME,
        external_id=card.identity.external_id or "",
        title=card.title or "",
        url=_stored_url(card, base_url),
        price_cents=price,
        currency=card.currency,
        old_price_cents=old,
        discount_pct=None if is_doubtful else card.label_pct or computed,
        commission_pct=card.commission_pct,
        image_url=card.image_url,
        item_id=card.identity.item_id,
        catalogue_id=card.identity.catalogue_id,
        source=source,
    )


def _stored_url(card: Card, base_url: str | None) -> str:
    """The product page without tracking.

    An advertisement's counter, and a link of a saved page whose host is not known, give way to the product's address.
    """
    is_own = is_owned(card.address) or (base_url is not None and split(card.address).netloc == split(base_url).netloc)
    if not is_own or is_sponsored(card.address) or not identify(card.address).external_id:
        return product_url(card.identity, base_url=base_url) or ""
    return canonical(card.address)
