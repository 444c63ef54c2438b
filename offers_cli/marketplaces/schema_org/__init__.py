"""Any shop: what its pages say in schema.org JSON-LD, microdata and OpenGraph.

The fallback for shops without a marketplace of their own, with the same promises: several products that cost
different prices, price ranges and strategies that disagree are refused. Sources: https://schema.org/Product,
https://ogp.me and Facebook's ``product:price:amount``.
"""

from __future__ import annotations

import re

from offers_cli.errors import Redirected, UsageError
from offers_cli.marketplaces.base import SCHEMA_ORG, Html, ListingReading, ProductPlace, ProductReading, Reading
from offers_cli.marketplaces.html import explain_command, without_tracking

_OWN_MARKS = re.compile(r"""["'/]Product(?:Group)?["']|(?:product|og):price:amount|itemprop=["']?price""")


class SchemaOrg:
    """The marketplace of last resort: it owns every web address."""

    name = SCHEMA_ORG
    hosts: tuple[str, ...] = ()

    def owns(self, url: str) -> bool:
        """Whether an address is one of the web."""
        return url.startswith(("https://", "http://"))

    def listing_url(self, source: str) -> str:
        """Other shops have no listings that this program knows by name."""
        raise UsageError(f"{source!r} is no listing of this shop", hint="give the listing's URL")

    def fetch_url(self, url: str) -> str:
        """The address itself."""
        return url

    def locate(self, url: str, _external_id: object = None, /) -> ProductPlace | None:
        """The address itself, whose currency only its page tells; an id alone is no place."""
        from offers_cli.marketplaces.schema_org.addresses import key_of
        from offers_cli.marketplaces.schema_org.product_page import UNKNOWN_CURRENCY

        if not self.owns(url):
            return None
        return ProductPlace(url=without_tracking(url), external_id=key_of(url), currency=UNKNOWN_CURRENCY)

    def ids_in(self, text: str, /) -> tuple[str, ...]:
        """Of an address the id of its offer; an id of another shop has one spelling, as it stands."""
        from offers_cli.marketplaces.schema_org.addresses import key_of

        return (key_of(text),) if self.owns(text) else ()

    def address_by_ids(self, _product: ProductPlace, /) -> str | None:
        """None: no shop's ids alone lead to its pages."""
        return None

    def page_url(self, html: str) -> str | None:
        """The address a saved page tells of itself, or None."""
        from offers_cli.marketplaces.html import open_page

        document = open_page(html)
        return document.address if document else None

    def looks_own(self, html: str) -> bool:
        """Whether a page names a product in one of the ways that are read here."""
        return _OWN_MARKS.search(html) is not None

    def read(self, html: Html, url: str) -> Reading:
        """Read a product page, or a listing where the page names products, none its own; see `Marketplace.read`."""
        from offers_cli.marketplaces.html import Document
        from offers_cli.marketplaces.schema_org.listing_page import is_listing, read_listing
        from offers_cli.marketplaces.schema_org.product_page import read_product

        document = Document(html)
        if is_listing(document, url):
            return read_listing(document, url, source="listing")
        return read_product(document, url)

    def featured_url(self, _html: Html, _url: str) -> str | None:
        """None: such pages are of shops with an affiliates' programme that is known here."""
        return None

    def read_listing(self, html: Html, url: str, *, source: str) -> ListingReading:
        """Read a listing; see `Marketplace.read_listing`."""
        from offers_cli.marketplaces.html import Document
        from offers_cli.marketplaces.schema_org.listing_page import read_listing

        return read_listing(Document(html), url, source=source)

    def read_product(self, html: Html, url: str) -> ProductReading:
        """Read a product page; see `Marketplace.read_product`."""
        from offers_cli.marketplaces.html import Document
        from offers_cli.marketplaces.schema_org.product_page import read_product

        return read_product(Document(html), url)

    def check_same_product(self, asked_url: str, reading: ProductReading) -> None:
        """Raise `Redirected` when the page that answered calls itself by another address of the same shop."""
        from offers_cli.marketplaces.schema_org.addresses import host_of, key_of, place_of

        asked, shown = key_of(asked_url), reading.external_id
        if shown and shown not in {asked, place_of(asked)} and host_of(shown) == host_of(asked):
            raise Redirected(f"asked for {asked}, the page shows {shown}", hint=explain_command(asked_url))
