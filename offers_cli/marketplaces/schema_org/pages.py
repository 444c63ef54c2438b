"""Pages of any shop: a product's JSON-LD, microdata and OpenGraph, weighed against each other; a listing's JSON-LD.

What tells one product from another is its address.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from offers_cli.errors import OfferGone, PageChanged
from offers_cli.marketplaces import json_ld
from offers_cli.marketplaces.base import SCHEMA_ORG, ListingReading, ProductReading
from offers_cli.marketplaces.evidence import (
    NO_PRICES,
    Evidence,
    ReconciledPrices,
    build_reading,
    is_plausible,
    reconcile,
)
from offers_cli.marketplaces.html import Document, explain_command, join, select, split, text_of, without_tracking
from offers_cli.marketplaces.walls import find_challenge
from offers_cli.money import currency_code, discount_pct
from offers_cli.offer import Offer

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

UNKNOWN_CURRENCY = "XXX"
"""ISO 4217 for "no currency": a price whose page does not tell its currency is not guessed to be in reais."""

META_PRICE = "product:sale_price:amount", "product:price:amount", "og:price:amount"
META_OLD_PRICE = "product:original_price:amount", "og:price:standard_amount"
META_CURRENCY = "product:sale_price:currency", "product:price:currency", "og:price:currency"


def read_product(document: Document, url: str) -> ProductReading:
    """Read the product that a page is of. Prices in hundredths of the currency that the page names, ``XXX`` of none.

    Raises:
        OfferGone: the page says that it is out of stock.
        PageChanged: no single price, or prices or currencies that disagree; its `reading` holds every candidate.
        PageBlocked: a captcha or browser check stands in its place.
    """
    evidence = Evidence()
    _gather_json_ld(evidence, document)
    _gather_microdata(evidence, document)
    _gather_open_graph(evidence, document)
    try:
        return _weigh(evidence, document, url)
    except PageChanged as error:
        error.reading = _reading(evidence, document, url)
        raise


def _weigh(evidence: Evidence, document: Document, url: str) -> ProductReading:
    currencies = evidence.values("currency")
    if len(set(currencies)) > 1:
        raise PageChanged(f"the page names different currencies: {currencies}", hint=explain_command(url))
    currency = evidence.first_text("currency") or UNKNOWN_CURRENCY
    if False in evidence.values("available"):
        reading = _reading(evidence, document, url, available=False)
        raise OfferGone("the product is out of stock", hint="it returns when a listing shows it again", reading=reading)
    prices = reconcile(evidence, currency=currency)
    if prices is None:
        if challenge := find_challenge(document):
            raise challenge
        refused = [candidate.note for candidate in evidence.found.get("price_cents", ()) if candidate.note]
        why = "; ".join(refused) or "none"
        raise PageChanged(f"no single price in schema.org data: {why}", hint=explain_command(url))
    return _reading(evidence, document, url, prices)


def _reading(
    evidence: Evidence, document: Document, url: str, prices: ReconciledPrices = NO_PRICES, *, available: bool = True
) -> ProductReading:
    return build_reading(
        evidence,
        prices,
        marketplace=SCHEMA_ORG,
        url=url,
        currency=evidence.first_text("currency") or UNKNOWN_CURRENCY,
        external_id=key_of(document.address or url) or None,
        available=available,
    )


def _gather_json_ld(evidence: Evidence, document: Document) -> None:
    """The product of the page; several that cost different prices are no price."""
    products = json_ld.products(document.linked_data)
    if not products:
        return
    quotes = [json_ld.quote(product) for product in products]
    product, quote = products[0], quotes[0]
    prices = {other.price_cents for other in quotes}
    note = quote.note if len(prices) == 1 else "several products with different prices"
    evidence.add("price_cents", "json_ld", quote.raw, quote.price_cents if len(prices) == 1 else None, note)
    if quote.old_price_cents is not None and len(prices) == 1:
        evidence.add("old_price_cents", "json_ld", quote.old_price_cents, quote.old_price_cents)
    evidence.add_text("title", "json_ld", text_or_number(product.get("name")))
    evidence.add_text("currency", "json_ld", quote.currency)
    evidence.add_text(
        "item_id", "json_ld", text_or_number(product.get("sku")) or text_or_number(product.get("productID"))
    )
    if quote.availability:
        everywhere = all(other.is_unavailable for other in quotes)
        evidence.add("available", "json_ld", quote.availability, value=not everywhere)


def _gather_microdata(evidence: Evidence, document: Document) -> None:
    """The one top-level Product in the markup; related products within lists are other scopes."""
    scopes = select(document.tree, '[itemtype*="schema.org/Product"]')
    scope = scopes[0] if len(scopes) == 1 else None
    place = scope or (document.tree.root if not scopes else None)
    if place is None:
        evidence.add("price_cents", "microdata", f"{len(scopes)} products", None, "several products")
        return
    values = {_content(node) for node in select(place, '[itemprop="price"]')}
    currency = currency_code(_first(place, "priceCurrency") or "")
    _gather_one(evidence, "price_cents", "microdata", values - {""}, currency)
    evidence.add_text("currency", "microdata", currency)
    if scope is not None:
        evidence.add_text("title", "microdata", _first(scope, "name"))
        evidence.add_text("item_id", "microdata", _first(scope, "sku"))
    if availability := _first(place, "availability"):
        state = json_ld.last_part(availability)
        evidence.add("available", "microdata", state, value=not json_ld.is_sold_out(state))


def _gather_one(evidence: Evidence, name: str, strategy: str, values: set[str], currency: str | None) -> None:
    if len(values) > 1:
        evidence.add(name, strategy, ", ".join(sorted(values)), None, "several prices")
    for value in values if len(values) == 1 else ():
        evidence.add_price(name, strategy, value, partial(json_ld.read_price, value, currency))


def _first(place: LexborNode, name: str) -> str | None:
    return next((text for node in select(place, f'[itemprop="{name}"]') if (text := _content(node))), None)


def _content(node: LexborNode) -> str:
    told = node.attributes.get("content") or node.attributes.get("href")
    return (told if told is not None else text_of(node)).strip()


def _gather_open_graph(evidence: Evidence, document: Document) -> None:
    metas: dict[str, str] = {}
    for node in select(document.tree, "meta[property], meta[name]"):
        name = node.attributes.get("property") or node.attributes.get("name") or ""
        metas.setdefault(name, (node.attributes.get("content") or "").strip())
    currency = currency_code(_first_of(metas, META_CURRENCY) or "")
    for field, names in (("price_cents", META_PRICE), ("old_price_cents", META_OLD_PRICE)):
        if value := _first_of(metas, names):
            _gather_one(evidence, field, "open_graph", {value}, currency)
    evidence.add_text("currency", "open_graph", currency)
    if "price_cents" in evidence.found:
        evidence.add_text("title", "open_graph", metas.get("og:title"))
    if state := metas.get("product:availability") or metas.get("og:availability"):
        evidence.add("available", "open_graph", state, value=not json_ld.is_sold_out(state))


def _first_of(metas: dict[str, str], names: tuple[str, ...]) -> str | None:
    return next((metas[name] for name in names if metas.get(name)), None)


def shows_several(document: Document, url: str) -> bool:
    """Whether a page names more than one product with an address of its own."""
    return len(list(_listed(document, url))) > 1


def read_listing(document: Document, url: str, *, source: str) -> ListingReading:
    """Read every product that a page lists in its linked data.

    Raises:
        PageChanged: it lists none.
        PageBlocked: a captcha or browser check stands in its place.
    """
    cards = list(_listed(document, url))
    if not cards:
        if challenge := find_challenge(document):
            raise challenge
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


def _listed(document: Document, url: str) -> Iterator[json_ld.Node]:
    """The products of an ItemList, or all products of the page that have an address of their own."""
    nodes = document.linked_data
    for node in nodes:
        if "ItemList" in json_ld.types_of(node):
            for entry in json_ld.nodes_of(node.get("itemListElement")):
                item = entry.get("item") if isinstance(entry.get("item"), dict) else entry
                if isinstance(item, dict) and json_ld.types_of(item) & json_ld.PRODUCT_TYPES:
                    yield item
    standing = [node for node in json_ld.products(nodes) if _address_of(node, url)]
    if len({_address_of(node, url) for node in standing}) > 1:
        yield from standing


def _address_of(product: json_ld.Node, url: str) -> str:
    return join(
        url, text_or_number(product.get("url")) or text_or_number(product.get("@id")) or json_ld.quote(product).url
    )


def _offer(product: json_ld.Node, url: str, source: str) -> Offer | str:
    """The offer of one listed product, or why there is none."""
    quote, title, address = json_ld.quote(product), text_or_number(product.get("name")), _address_of(product, url)
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


def key_of(url: str) -> str:
    """A product's key: its address without scheme, ``www.``, fragment and tracking parameters."""
    parts = split(without_tracking(url))
    host = (parts.hostname or "").removeprefix("www.")
    port = f":{parts.port}" if parts.port else ""
    query = urlencode(sorted(parse_qsl(parts.query)))
    return f"{host}{port}{parts.path.rstrip('/')}{'?' if query else ''}{query}"


def host_of(key: str) -> str:
    """The host of a product's key, without ``www.``."""
    return key.partition("/")[0]


def text_or_number(value: object) -> str | None:
    """A text, or a number as text, with single spaces; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return " ".join(str(value).split()) or None
