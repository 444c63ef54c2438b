"""A listing of any shop, by its JSON-LD: the products of an ``ItemList``, or several products with their addresses."""

from __future__ import annotations

from offers_cli.errors import PageChanged
from offers_cli.marketplaces import json_ld
from offers_cli.marketplaces.base import SCHEMA_ORG, ListingReading
from offers_cli.marketplaces.evidence import is_plausible
from offers_cli.marketplaces.html import Document, explain_command, join, select, without_tracking
from offers_cli.marketplaces.json_ld import Node, text_or_number
from offers_cli.marketplaces.schema_org.addresses import key_of
from offers_cli.marketplaces.schema_org.facts import facts_of
from offers_cli.marketplaces.schema_org.own_product import address_of, find_own, look_at, products_of
from offers_cli.marketplaces.schema_org.product_page import UNKNOWN_CURRENCY, shop_unknown
from offers_cli.marketplaces.walls import find_challenge
from offers_cli.money import discount_pct
from offers_cli.offer import Offer


def is_listing(document: Document, url: str) -> bool:
    """Whether a page lists products, and is not of one of them itself."""
    own = find_own(products_of(document.linked_data), look_at(document, url))
    if len(_places(_entries(document), url)) > 1:
        return own is None or not own.is_sure or _sums_up(own.node)
    return own is None and len(_places(json_ld.products(document.linked_data), url)) > 1


def _sums_up(product: Node) -> bool:
    """Whether a product stands for a whole category, as some shops write for the stars in search results."""
    ranges = [offer for offer in json_ld.nodes_of(product.get("offers")) if not json_ld.nodes_of(offer.get("offers"))]
    return any(offer.get(end) is not None for offer in ranges for end in ("lowPrice", "highPrice"))


def _places(products: list[Node], url: str) -> set[str]:
    return {key_of(address) for product in products if (address := address_of(product, url))}


def _entries(document: Document) -> list[Node]:
    """The products of every ItemList."""
    lists = [node for node in document.linked_data if "ItemList" in json_ld.types_of(node)]
    entries = [entry for node in lists for entry in json_ld.nodes_of(node.get("itemListElement"))]
    items = [entry["item"] if isinstance(entry.get("item"), dict) else entry for entry in entries]
    return [item for item in items if json_ld.types_of(item) & json_ld.PRODUCT_TYPES]


def read_listing(document: Document, url: str, *, source: str) -> ListingReading:
    """Read every product that a page lists in its linked data. Sold-out ones are not offers: they count as unreadable.

    Raises:
        PageChanged: it lists none.
        ShopUnknown: it has no schema.org data of products at all.
        PageBlocked: a captcha or browser check stands in its place.
    """
    standing = [product for product in json_ld.products(document.linked_data) if address_of(product, url)]
    cards = _entries(document) + (standing if len(_places(standing, url)) > 1 else [])
    if not cards:
        if challenge := find_challenge(document):
            raise challenge
        if not products_of(document.linked_data):
            raise shop_unknown(url)
        raise PageChanged("no products in the page's schema.org data", hint=explain_command(url))
    offers = [(n, _offer(product, url, source)) for n, product in enumerate(cards, start=1)]
    readable = tuple(offer for _, offer in offers if isinstance(offer, Offer))
    return ListingReading(
        marketplace=SCHEMA_ORG,
        url=url,
        currency=readable[0].currency if readable else UNKNOWN_CURRENCY,
        offers=readable,
        next_page=_next_page(document, url),
        strategy="json_ld",
        unreadable=tuple((n, reason) for n, reason in offers if isinstance(reason, str)),
    )


def _offer(product: Node, url: str, source: str) -> Offer | str:
    """The offer of one listed product, or why there is none."""
    quote, title, address = json_ld.quote(product), text_or_number(product.get("name")), address_of(product, url)
    if quote.is_unavailable:
        return "sold out"
    if quote.price_cents is None or not title or not address:
        return quote.note or ("no title" if not title else "no address")
    old = quote.old_price_cents
    old = old if old is not None and is_plausible(old, quote.price_cents) else None
    return Offer(
        marketplace=SCHEMA_ORG,
        external_id=key_of(address),
        title=title,
        url=without_tracking(address),
        price_cents=quote.price_cents,
        currency=quote.currency or UNKNOWN_CURRENCY,
        old_price_cents=old,
        discount_pct=discount_pct(old, quote.price_cents) if old is not None else None,
        image_url=_image_of(product.get("image"), url),
        item_id=text_or_number(product.get("sku")),
        source=source,
        facts=facts_of(product, (), titles=()),
    )


def _image_of(value: object, url: str) -> str | None:
    first = value[0] if isinstance(value, list) and value else value
    address = join(url, text_or_number(first.get("url")) if isinstance(first, dict) else text_or_number(first))
    return address if address.startswith("https://") else None


def _next_page(document: Document, url: str) -> str | None:
    """What the page's own pager offers; never the page itself."""
    links = select(document.tree, "link[rel=next], a[rel=next]")
    found = (join(url, link.attributes.get("href")) for link in links)
    return next((address for address in found if address and address != url), None)
