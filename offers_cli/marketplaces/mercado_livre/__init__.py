"""Mercado Livre, in all its countries: which addresses are its own, and how its pages are read.

Source of what is known of its undocumented pages: saved pages of 2024 to 2026. Reading a page loads the parser;
importing this package does not.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit, urlunsplit

from offers_cli.errors import ForbiddenUrl, PageChanged, PageError, Redirected, UsageError
from offers_cli.marketplaces.base import MERCADO_LIVRE, Html, ListingReading, ProductPlace, ProductReading, Reading
from offers_cli.marketplaces.html import add_command, explain_command, split
from offers_cli.marketplaces.mercado_livre import urls
from offers_cli.marketplaces.mercado_livre.sites import BRAZIL, DOMAINS, SHORT_HOST, site_of_host

if TYPE_CHECKING:
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

    name = MERCADO_LIVRE

    def __init__(self, base_url: str = DEFAULT_BASE_URL) -> None:
        self.base_url = base_url.rstrip("/")
        self._base = urlsplit(self.base_url)
        self._is_moved = not urls.is_owned(self.base_url)
        own = (*DOMAINS, SHORT_HOST)
        self.hosts = (*own, self._base.hostname or "") if self._is_moved else own
        self.cookie_domains = (self._base.hostname or "",) if self._is_moved else DOMAINS

    def owns(self, url: str) -> bool:
        """Whether an address belongs to Mercado Livre, or to the host that stands for it."""
        return urls.is_owned(url) or urls.is_short_host(url) or self._is_at_base(url)

    def _is_at_base(self, url: str) -> bool:
        return self._is_moved and split(url).netloc == self._base.netloc

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
        """Where a page of that address is fetched: at the configured host, when there is one, else by https.

        Raises:
            ForbiddenUrl: it is an advertisement's click counter.
        """
        if urls.is_sponsored(url) and self.owns(url):
            raise ForbiddenUrl(
                "an advertisement's link counts as a click and is not fetched",
                hint="open it in a browser and give the address of the product's page",
            )
        parts = split(url)
        if not self.owns(url) or parts.scheme not in {"http", "https"}:
            return url  # the guard names what is wrong with it
        if not self._is_moved:
            return urlunsplit(parts._replace(scheme="https", netloc=parts.netloc.removesuffix(":80")))
        path = f"/sec{parts.path}" if urls.is_short_host(url) else parts.path  # one host stands for both short ones
        return urlunsplit((self._base.scheme, self._base.netloc, path, parts.query, ""))

    def locate(self, url: str, external_id: object = None, /) -> ProductPlace | None:
        """The product of an address, without tracking, else of an id; see `Marketplace.locate`."""
        asked = urls.identify(url)
        address = urls.canonical(url) if asked.external_id else ""
        if address and urls.is_sponsored(url):
            address = urls.product_url(asked, base_url=self.base_url if self._is_moved else None) or ""
        if not address:
            user_product_id = urls.user_product_id_in(external_id)
            asked = urls.Identity(item_id=urls.item_id_in(external_id), user_product_id=user_product_id)
            address = urls.product_url(asked) or ""
        if asked.external_id is None or asked.site is None:
            return None
        return ProductPlace(
            url=address,
            external_id=asked.external_id,
            currency=asked.site.currency,
            item_id=asked.item_id,
            catalogue_id=asked.catalogue_id,
        )

    def ids_in(self, text: str, /) -> tuple[str, ...]:
        """Of an address or an id in any spelling, digits alone too; see `Marketplace.ids_in`."""
        if self.owns(text):
            asked = urls.identify(text)
            known = [asked.item_id, *(() if asked.pinned else (asked.user_product_id, asked.catalogue_id))]
        else:
            site = site_of_host(self._base.hostname or "") or BRAZIL
            spelled = f"{site.id}{text.strip()}" if text.strip().isdecimal() else text
            known = [urls.item_id_in(spelled), urls.user_product_id_in(spelled)]
        return tuple(found for found in known if found)

    def address_by_ids(self, product: ProductPlace, /) -> str | None:
        """The shortest address that a product's ids make; see `Marketplace.address_by_ids`."""
        known = urls.Identity(
            item_id=product.item_id,
            catalogue_id=product.catalogue_id,
            user_product_id=urls.user_product_id_in(product.external_id),
        )
        parts = split(product.url)
        host = parts.netloc.rpartition("@")[2]
        is_elsewhere = host and parts.scheme in {"http", "https"} and not urls.is_owned(product.url)
        return urls.product_url(known, base_url=f"{parts.scheme}://{host}" if is_elsewhere else None)

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

    def looks_own(self, html: str) -> bool:
        """Whether a page bears the site's name, the classes of its design or a state of its scripts."""
        from offers_cli.marketplaces.mercado_livre.selectors import OWN_MARKS

        return OWN_MARKS.search(html) is not None

    def read(self, html: Html, url: str) -> Reading:
        """Read one page of either kind; see `Marketplace.read`."""
        return self._recognise(html, url).read()

    def featured_url(self, html: Html, url: str) -> str | None:
        """Of an affiliate's profile: what its state features, else the first card where the page bears its title."""
        from offers_cli.marketplaces.html import Document
        from offers_cli.marketplaces.mercado_livre.listing_page import FEATURED

        if not split(url).path.startswith("/social/"):
            return None
        offers = self.read_listing(html, url, source="listing").offers
        title = Document(html).shared_title
        return next((offer.url for offer in offers[:1] if offer.source == FEATURED or offer.title == title), None)

    def read_listing(self, html: Html, url: str, *, source: str) -> ListingReading:
        """Read a listing; see `Marketplace.read_listing`."""
        from offers_cli.marketplaces.mercado_livre.listing_page import ListingPage

        page = self._recognise(html, url, ListingPage)
        if not isinstance(page, ListingPage):
            raise PageChanged("a product page answered instead of a listing", hint=add_command(url))
        return page.read(source=source)

    def read_product(self, html: Html, url: str) -> ProductReading:
        """Read a product page; see `Marketplace.read_product`."""
        from offers_cli.marketplaces.mercado_livre.product_page import ProductPage

        page = self._recognise(html, url, ProductPage)
        if not isinstance(page, ProductPage):
            raise Redirected("a listing answered instead of the product page", hint=explain_command(url))
        return page.read()

    def _recognise(
        self, html: Html, url: str, wanted: type[ProductPage | ListingPage] | None = None
    ) -> ProductPage | ListingPage:
        """The page as what it surely is, else as what it may be; both by its own address where it bears marks of both.

        Args:
            wanted: which kind was asked for: looked for first, and the only one that a page may merely be.

        Raises:
            PageBlocked, ErrorPage, OfferGone, PageChanged, NotHtml, TooLarge: what the page is instead.
        """
        from offers_cli.marketplaces.html import Document
        from offers_cli.marketplaces.mercado_livre.listing_page import ListingPage
        from offers_cli.marketplaces.mercado_livre.product_page import ProductPage
        from offers_cli.marketplaces.mercado_livre.state import find_states
        from offers_cli.marketplaces.mercado_livre.walls import find_error_page, find_wall
        from offers_cli.marketplaces.walls import find_challenge

        document = Document(html)
        if wall := find_wall(document, url):
            raise wall
        states = list(find_states(document))
        product = ProductPage(document, url, states)
        listing = ListingPage(document, url, states, base_url=self.base_url if self._is_moved else None)
        pages = (listing, product) if wanted is ListingPage else (product, listing)
        own = document.address or url
        names_a_listing = self.owns(own) and urls.identify(own).external_id is None
        for page in (listing, product) if names_a_listing else pages:
            if page.is_certain():
                return page
        if error := find_error_page(document):
            raise error
        for page in pages if wanted is None else pages[:1]:
            if page.is_likely():
                return page
        if challenge := find_challenge(document):
            raise challenge
        if wanted is ListingPage:
            raise PageChanged("a listing without any card that is known", hint=explain_command(listing.url))
        what = "neither a product page nor a listing" if wanted is None else "not a product page"
        raise PageChanged(what, hint=explain_command(url))

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

    def find_account_wall(self, html: str, url: str) -> PageError | None:
        """The wall in place of one of the affiliate's own pages; a login is none, it is what strangers get."""
        from offers_cli.marketplaces.html import Document
        from offers_cli.marketplaces.mercado_livre.walls import find_account_wall
        from offers_cli.marketplaces.walls import find_challenge

        document = Document(html)
        return find_challenge(document) or find_account_wall(document, url)


def _slug(term: str) -> str:
    """``"Fone de Ouvido"`` as searches spell it: ``fone-de-ouvido``."""
    plain = unicodedata.normalize("NFKD", term).encode("ascii", "ignore").decode().lower()
    return quote(re.sub(r"[^a-z0-9]+", "-", plain).strip("-"))
