"""A listing of any shop: the products of its JSON-LD, each with an address of its own."""

from __future__ import annotations

from collections.abc import Iterator

from offers_cli.errors import PageChanged
from offers_cli.marketplaces import json_ld
from offers_cli.marketplaces.addresses import explain_command, join, without_tracking
from offers_cli.marketplaces.base import ListingReading
from offers_cli.marketplaces.document import Document, select
from offers_cli.marketplaces.evidence import is_plausible
from offers_cli.marketplaces.schema_org.keys import NAME, UNKNOWN_CURRENCY, external_id, text_in
from offers_cli.marketplaces.walls import refuse_challenge
from offers_cli.money import discount_pct
from offers_cli.offer import Offer


def shows_several(document: Document, url: str) -> bool:
    """Whether a page names more than one product with an address of its own."""
    return len(list(_listed(document, url))) > 1


def read_listing(document: Document, url: str, *, source: str) -> ListingReading:
    cards = list(_listed(document, url))
    if not cards:
        refuse_challenge(document)
        raise PageChanged("no products in the page's schema.org data", hint=explain_command(url))
    offers = [(n, _offer(product, url, source)) for n, product in enumerate(cards, start=1)]
    readable = tuple(offer for _, offer in offers if isinstance(offer, Offer))
    return ListingReading(
        marketplace=NAME,
        url=url,
        currency=readable[0].currency if readable else UNKNOWN_CURRENCY,
        offers=readable,
        next_page=_next_page(document, url),
        strategy="json_ld",
        unreadable=tuple((n, reason) for n, reason in offers if isinstance(reason, str)),
    )


def _listed(document: Document, url: str) -> Iterator[json_ld.Node]:
    """The products of an ItemList, or all products of the page that have an address of their own."""
    nodes = document.linked_data
    for node in nodes:
        if "ItemList" in json_ld.types_of(node):
            for entry in json_ld.nodes_of(node.get("itemListElement")):
                item = entry.get("item") if isinstance(entry.get("item"), dict) else entry
                if isinstance(item, dict) and json_ld.types_of(item) & json_ld.PRODUCT_TYPES:
                    yield item
    standing = [node for node in json_ld.products(nodes) if _address(node, url)]
    if len({_address(node, url) for node in standing}) > 1:
        yield from standing


def _address(product: json_ld.Node, url: str) -> str:
    return join(url, text_in(product.get("url")) or text_in(product.get("@id")) or json_ld.quote(product).url)


def _offer(product: json_ld.Node, url: str, source: str) -> Offer | str:
    """The offer of one listed product, or why there is none."""
    quote, title, address = json_ld.quote(product), text_in(product.get("name")), _address(product, url)
    if quote.price_cents is None or not title or not address:
        return quote.note or ("no title" if not title else "no address")
    old = quote.old_price_cents
    old = old if old is not None and is_plausible(old, quote.price_cents) else None
    return Offer(
        marketplace=NAME,
        external_id=external_id(address),
        title=title,
        url=without_tracking(address),
        price_cents=quote.price_cents,
        currency=quote.currency or UNKNOWN_CURRENCY,
        old_price_cents=old,
        discount_pct=discount_pct(old, quote.price_cents) if old is not None else None,
        image_url=_image(product.get("image"), url),
        item_id=text_in(product.get("sku")),
        source=source,
    )


def _image(value: object, url: str) -> str | None:
    first = value[0] if isinstance(value, list) and value else value
    address = join(url, text_in(first.get("url")) if isinstance(first, dict) else text_in(first))
    return address if address.startswith("https://") else None


def _next_page(document: Document, url: str) -> str | None:
    """What the page's own pager offers; never the page itself."""
    links = select(document.tree, "link[rel=next], a[rel=next]")
    found = (join(url, link.attributes.get("href")) for link in links)
    return next((address for address in found if address and address != url), None)
