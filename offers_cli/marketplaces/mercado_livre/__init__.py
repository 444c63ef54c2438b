"""Mercado Livre, in all its countries: which addresses are its own, and how its pages are read.

Source of what is known of its undocumented pages: saved pages of 2024 to 2026. Reading a page loads the parser;
importing this package does not.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit, urlunsplit

from offers_cli.errors import PageChanged, PageError, Redirected, UsageError
from offers_cli.marketplaces.base import ListingReading, ProductReading, Reading
from offers_cli.marketplaces.html import explain_command, split
from offers_cli.marketplaces.mercado_livre import urls
from offers_cli.marketplaces.mercado_livre.sites import BRAZIL, DOMAINS, SHORT_HOST, site_of_host

if TYPE_CHECKING:
    from offers_cli.marketplaces.html import Document
    from offers_cli.marketplaces.mercado_livre.listing_page import ListingPage
    from offers_cli.marketplaces.mercado_livre.product_page import ProductPage

DEFAULT_BASE_URL = "https://www.mercadolivre.com.br"
LISTINGS = {"ofertas": "/ofertas", "hub": "/afiliados/hub"}


class MercadoLivre:
    """The marketplace.

    Args:
        base_url: its address; with another host than its own (tests, the demo) everything is fetched from there, and
            that host counts as Mercado Livre's.
    """

    name = "mercado_livre"

    def __init__(self, base_url: str = DEFAULT_BASE_URL) -> None:
        self.base_url = base_url.rstrip("/")
        self._base = urlsplit(self.base_url)
        self._is_moved = not urls.is_owned(self.base_url)
        own = (*DOMAINS, SHORT_HOST)
        self.hosts = (*own, self._base.hostname or "") if self._is_moved else own
        self.cookie_domains = (self._base.hostname or "",) if self._is_moved else DOMAINS

    def owns(self, url: str) -> bool:
        """Whether an address belongs to Mercado Livre, or to the host that stands for it."""
        return urls.is_owned(url) or (self._is_moved and split(url).netloc == self._base.netloc)

    def listing_url(self, source: str) -> str:
        """Address of the listing ``ofertas``, ``hub`` or ``search:TERM``.

        Raises:
            UsageError: any other source, or a search for nothing.
        """
        if source in LISTINGS:
            return f"{self.base_url}{LISTINGS[source]}"
        kind, _, term = source.partition(":")
        slug = _slug(term)
        if kind != "search" or not slug:
            raise UsageError(f"{source!r} is no listing", hint="ofertas, hub, search:TERM, a URL or a saved page")
        return f"{self._search_base()}/{slug}"

    def _search_base(self) -> str:
        if self._is_moved:
            return self.base_url
        site = site_of_host(self._base.hostname or "") or BRAZIL
        return f"https://{site.search_host}.{site.domain}"

    def fetch_url(self, url: str) -> str:
        """Where a page of that address is fetched: at the configured host, when there is one."""
        if not (self._is_moved and urls.is_owned(url)):
            return url
        parts = split(url)
        return urlunsplit((self._base.scheme, self._base.netloc, parts.path, parts.query, ""))

    def link_url(self, url: str) -> str | None:
        """A product's address as affiliate links are asked for: without tracking; None for what is no product's."""
        if not self.owns(url) or urls.is_sponsored(url) or not urls.identify(url).external_id:
            return None
        return urls.canonical(self.fetch_url(url))

    @property
    def cookie_domain(self) -> str:
        """Whose cookies they are that come without a domain."""
        host = self._base.hostname or ""
        site = None if self._is_moved else site_of_host(host)
        return site.domain if site else host

    def page_url(self, html: str) -> str | None:
        """The address a saved page tells of itself, or None."""
        from offers_cli.marketplaces.html import open_page
        from offers_cli.marketplaces.mercado_livre.state import find_location

        document = open_page(html)
        return (document.address or find_location(document)) if document else None

    def read(self, html: str, url: str) -> Reading:
        """Read one page of either kind; see `Marketplace.read`."""
        document, product, listing = self._open(html, url)
        if product.is_certain():
            return product.read()
        if listing.is_certain():
            return listing.read(source="listing")
        self._refuse_error_page(document)
        if product.is_likely():
            return product.read()
        if listing.is_likely():
            return listing.read(source="listing")
        self._refuse_challenge(document)
        raise PageChanged("neither a product page nor a listing", hint=explain_command(url))

    def read_listing(self, html: str, url: str, *, source: str) -> ListingReading:
        """Read a listing; see `Marketplace.read_listing`."""
        document, product, listing = self._open(html, url)
        if not listing.is_certain():
            if product.is_certain():
                raise PageChanged("a product page answered instead of a listing", hint=explain_command(url))
            self._refuse_error_page(document)
        if not listing.is_likely():
            self._refuse_challenge(document)
        return listing.read(source=source)

    def read_product(self, html: str, url: str) -> ProductReading:
        """Read a product page; see `Marketplace.read_product`."""
        document, product, listing = self._open(html, url)
        if product.is_certain():
            return product.read()
        if listing.is_certain():
            raise Redirected("a listing answered instead of the product page", hint=explain_command(url))
        self._refuse_error_page(document)
        if product.is_likely():
            return product.read()
        self._refuse_challenge(document)
        raise PageChanged("not a product page", hint=explain_command(url))

    def check_same_product(self, asked_url: str, reading: ProductReading) -> None:
        """Raise `Redirected` when the most specific id that both the address and the page tell differs."""
        asked = urls.identify(asked_url)
        for wanted, shown in (
            (asked.item_id if asked.pinned else None, reading.item_id),
            (asked.user_product_id, reading.user_product_id),
            (asked.catalogue_id, reading.catalogue_id),
        ):
            if wanted and shown:
                if wanted != shown:
                    raise Redirected(f"asked for {wanted}, the page shows {shown}", hint=explain_command(asked_url))
                return

    def _open(self, html: str, url: str) -> tuple[Document, ProductPage, ListingPage]:
        from offers_cli.marketplaces.html import Document
        from offers_cli.marketplaces.mercado_livre.listing_page import ListingPage
        from offers_cli.marketplaces.mercado_livre.product_page import ProductPage
        from offers_cli.marketplaces.mercado_livre.state import find_states
        from offers_cli.marketplaces.mercado_livre.walls import find_wall

        document = Document(html)
        if wall := find_wall(document, url):
            raise wall
        states = list(find_states(document))
        base_url = self.base_url if self._is_moved else None
        return document, ProductPage(document, url, states), ListingPage(document, url, states, base_url=base_url)

    def find_account_wall(self, html: str, url: str) -> PageError | None:
        """The wall in place of one of the affiliate's own pages; a login is none, it is what strangers get."""
        from offers_cli.marketplaces.html import Document
        from offers_cli.marketplaces.mercado_livre.walls import find_account_wall

        document = Document(html)
        try:
            self._refuse_challenge(document)
        except PageError as wall:
            return wall
        return find_account_wall(document, url)

    def _refuse_error_page(self, document: Document) -> None:
        """Raise what a page says that it is, when it is surely neither a product's nor a listing."""
        from offers_cli.marketplaces.mercado_livre.walls import find_error_page

        if error := find_error_page(document):
            raise error

    def _refuse_challenge(self, document: Document) -> None:
        """Raise when a page without any product is another company's wall."""
        from offers_cli.marketplaces.walls import refuse_challenge

        refuse_challenge(document)


def _slug(term: str) -> str:
    """``"Fone de Ouvido"`` as searches spell it: ``fone-de-ouvido``."""
    plain = unicodedata.normalize("NFKD", term).encode("ascii", "ignore").decode().lower()
    return quote(re.sub(r"[^a-z0-9]+", "-", plain).strip("-"))
