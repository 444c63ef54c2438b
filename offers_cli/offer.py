"""The offer: what a listing card tells."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One seller's offer of one product, as a listing shows it.

    Prices are integer hundredths of `currency`; percentages are integers, as the shop displays them.

    Attributes:
        marketplace: name of the marketplace that owns it, e.g. ``mercado_livre``.
        external_id: the marketplace's own id of the offer; unique together with `marketplace`.
            Mercado Livre: the item id (``MLB4241772593``, never with a dash) when the card tells it,
            else the user-product id (``MLBU…``), else the catalogue id.
        url: where its product page is, absolute, without tracking parts.
        source: which listing it came from: ``hub``, ``ofertas``, ``search`` or ``listing``.
    """

    marketplace: str
    external_id: str
    title: str
    url: str
    price_cents: int
    currency: str
    old_price_cents: int | None = None
    discount_pct: int | None = None
    commission_pct: int | None = None
    image_url: str | None = None
    item_id: str | None = None
    catalogue_id: str | None = None
    affiliate_link: str | None = None
    affiliation_id: str | None = None
    source: str = "listing"
