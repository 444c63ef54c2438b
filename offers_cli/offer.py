"""The offer: what a listing card tells, and which address it may have."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

MAX_URL_CHARS = 2_048


def url_problem(url: str) -> str | None:
    """Why an offer cannot have this address, as what is said of it ("is longer than …"); None when it can.

    One rule for what is stored, queued and taken from the queue, so that nothing is stored that cannot be queued.
    Whether the address may also be fetched is the guard's to say.
    """
    if len(url) > MAX_URL_CHARS:
        return f"is longer than {MAX_URL_CHARS} characters"
    if not url.startswith(("https://", "http://")):
        return "is no http(s) address"
    if not url.isprintable() or " " in url or "\\" in url:
        return "holds blanks, back-slashes, control or invisible characters"
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - a property that raises on a bad port
    except ValueError:
        return "is no valid address"
    if "@" in parts.netloc:
        return "carries a user name"
    return None if parts.hostname else "names no host"


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
