"""What a marketplace promises: pages in, values out. No I/O, no clock, no configuration in a page class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from offers_cli.offer import FACTS, Offer, PageValues

MERCADO_LIVRE, SCHEMA_ORG = "mercado_livre", "schema_org"
"""What the marketplaces are called in offers, readings and the log."""

Value = int | str | bool | None
Html = str | bytes
"""The text of a page, or that in UTF-8."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One value that one strategy found for one field.

    Attributes:
        strategy: e.g. ``state``, ``dom``, ``json_ld``.
        raw: the text or number as it stands on the page.
        value: cents, percent, text or None when the raw text was refused.
        note: why it was refused or flagged; empty when fine.
    """

    strategy: str
    raw: str
    value: Value
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductReading(PageValues):
    """What a product page says. Prices in hundredths of `currency`.

    `candidates` maps each field name (``title, price_cents, old_price_cents, discount_pct, item_id, …``) to every
    candidate, in the order the strategies are trusted; the first accepted one won and is the attribute's value.
    `flags` are doubts worth an operator's eye (``discount_disagrees``, ``old_price_suspect``).
    """

    marketplace: str
    url: str
    currency: str
    external_id: str | None
    item_id: str | None = None
    catalogue_id: str | None = None
    user_product_id: str | None = None
    available: bool = True
    candidates: Mapping[str, tuple[Candidate, ...]] = field(default_factory=dict)
    flags: tuple[str, ...] = ()

    def value(self, name: str) -> Value:
        """What is believed of a field or a fact; None where nothing is."""
        believed: Value = getattr(self.facts if name in FACTS else self, name, None)
        return believed

    @property
    def winners(self) -> dict[str, str]:
        """Which strategy gave each field and each fact its value."""
        return {
            name: found[0].strategy
            for name, all_found in self.candidates.items()
            if (found := [c for c in all_found if c.value is not None and c.value == self.value(name)])
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingReading:
    """What a listing page says.

    Attributes:
        offers: one for each card, in page order; the same offer may stand in two cards.
        next_page: absolute URL of the page that the page's own pager offers, or None at the end.
        strategy: what the cards were read from: ``state``, ``dom``, …
        unreadable: cards that had no usable price, title or id: (position, reason).
    """

    marketplace: str
    url: str
    currency: str
    offers: tuple[Offer, ...]
    next_page: str | None
    strategy: str
    unreadable: tuple[tuple[int, str], ...] = ()


Reading = ProductReading | ListingReading


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductPlace:
    """Where a product is, by which ids the marketplace knows it, and what its prices are in."""

    url: str
    external_id: str
    currency: str
    item_id: str | None = None
    catalogue_id: str | None = None


class Marketplace(Protocol):
    """One marketplace (or the fallback for any shop)."""

    name: str
    hosts: tuple[str, ...]
    """Its own hosts, by dot-suffix: ``mercadolivre.com.br`` covers ``www.`` and ``produto.``"""

    def owns(self, url: str) -> bool:
        """Whether this marketplace reads pages of that address."""
        ...

    def listing_url(self, source: str) -> str:
        """Address of the listing ``ofertas``, ``hub`` or ``search:TERM``; raises `UsageError` for others."""
        ...

    def fetch_url(self, url: str) -> str:
        """Where a page of that address is fetched: another host when the marketplace's address is configured.

        Raises:
            ForbiddenUrl: asking for it would count as the click of a buyer.
        """
        ...

    def locate(self, url: str, external_id: object = None, /) -> ProductPlace | None:
        """The product of an address, without tracking, else of an id; None where neither names one."""
        ...

    def ids_in(self, text: str, /) -> tuple[str, ...]:
        """The ids that a typed id or an address names offers by, spelled as offers bear them, the most telling first.

        Of an address that asks for one seller's offer that offer's id alone; none where the text names no product.
        """
        ...

    def address_by_ids(self, product: ProductPlace, /) -> str | None:
        """The shortest address that a product's ids make, at the host of its `url` where that is none of the shop's.

        None where ids alone make no address.
        """
        ...

    def page_url(self, html: str) -> str | None:
        """The address a saved page tells of itself, or None."""
        ...

    def looks_own(self, html: str) -> bool:
        """Whether a page that tells no address bears the marks of this marketplace's."""
        ...

    def read(self, html: Html, url: str) -> Reading:
        """Read one page of either kind.

        Raises:
            PageBlocked, ErrorPage, PageChanged, NotHtml: what the page is instead.
            OfferGone: an unavailable product; its `reading` attribute holds what was read.
        """
        ...

    def featured_url(self, html: Html, url: str) -> str | None:
        """The address of the one product that a page without an own one presents, as where affiliate links lead."""
        ...

    def read_listing(self, html: Html, url: str, *, source: str) -> ListingReading:
        """Read a listing; a page without cards raises `PageChanged` unless it says it has no results."""
        ...

    def read_product(self, html: Html, url: str) -> ProductReading:
        """Read a product page (same errors as `read`)."""
        ...

    def check_same_product(self, asked_url: str, reading: ProductReading) -> None:
        """Raise `Redirected` when the page's own ids say it shows another product than the one asked for."""
        ...
