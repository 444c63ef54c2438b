"""Which of the products that a page names is its own, and whether it has one at all or is a listing.

The own one is the page's main entity, or bears the page's address or its heading. What stands beside it (other
colours, recommendations) has addresses and names of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from offers_cli.marketplaces.html import Document, join, select, text_of
from offers_cli.marketplaces.json_ld import PRODUCT_TYPES, Node, nodes_of, plain, text_or_number, texts_of, types_of
from offers_cli.marketplaces.schema_org.addresses import is_asked_by, key_of, place_of, variants_named

GROUP = "ProductGroup"


@dataclass(frozen=True, slots=True)
class PageIdentity:
    """What a page says of itself.

    Attributes:
        asked: the key of the address that was asked for.
        keys: that one, and the one of the address that the page tells of itself.
        heading: its only large heading; empty where there is none, or many.
        main: its main entities.
    """

    url: str
    asked: str
    keys: frozenset[str]
    heading: str
    main: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class OwnProduct:
    """The product that a page is of.

    Attributes:
        node: with all that is offered of it, or of the variant that was asked for.
        is_sure: the page itself says that it is; else it is only the single one there.
        is_variant: the address that was asked for names it among others.
    """

    node: Node
    is_sure: bool
    is_variant: bool


def look_at(document: Document, url: str) -> PageIdentity:
    """What a page says of itself; `url` is the address that was asked for."""
    headings = {text_of(heading) for heading in select(document.tree, "h1")} - {""}
    asked = key_of(url)
    return PageIdentity(
        url=url,
        asked=asked,
        keys=frozenset({asked, key_of(document.address or "")} - {""}),
        heading=headings.pop() if len(headings) == 1 else "",
        main=tuple(entity for node in document.linked_data for entity in nodes_of(node.get("mainEntity"))),
    )


def products_of(nodes: list[Node]) -> list[Node]:
    """The products and groups of variants among the nodes."""
    return [node for node in nodes if types_of(node) & {*PRODUCT_TYPES, GROUP}]


def find_own(products: list[Node], page: PageIdentity) -> OwnProduct | None:
    """The page's own product; None where nothing tells which of several it is. Several nodes may be of the same one."""
    entities = [product for product in products if any(product is entity for entity in page.main)]
    addressed = [product for product in products if page.keys & set(keys_of(product, page))]
    placed = [product for product in products if _places(page.keys) & _places(keys_of(product, page))]
    titled = [product for product in products if page.heading and name_of(product) == plain(page.heading)]
    for found in (entities, addressed, placed, titled):
        if found and (len(found) < len(products) or _are_one(found, page)):
            return _merge(found, page, is_sure=True)
    return _merge(products, page, is_sure=False) if products and _are_one(products, page) else None


def _are_one(products: list[Node], page: PageIdentity) -> bool:
    """Whether nothing but a variant tells the products apart; one without offers takes none from another's name."""
    addresses = _places(next(keys_of(product, page), "") for product in products) - {""}
    is_one_name = len({name_of(product) for product in products}) == 1
    return len(addresses) <= 1 and (is_one_name or all(_is_offered(product) for product in products))


def _is_offered(product: Node) -> bool:
    return any(nodes_of(node.get("offers")) for node in (product, *nodes_of(product.get("hasVariant"))))


def _places(keys: Iterable[str]) -> set[str]:
    return {place_of(key) for key in keys}


def name_of(product: Node) -> str:
    """The name in plain words, to compare it."""
    return plain(text_or_number(product.get("name")) or "")


def address_of(product: Node, url: str) -> str:
    """The absolute address of a product, as it names it itself or its offers do; empty where none does."""
    return next((absolute for address in _addresses(product) if (absolute := join(url, address))), "")


def keys_of(product: Node, page: PageIdentity) -> Iterator[str]:
    """The keys of a product's addresses, and of its variants'."""
    for node in (product, *nodes_of(product.get("hasVariant"))):
        yield from (key_of(absolute) for address in _addresses(node) if (absolute := join(page.url, address)))


def _addresses(node: Node) -> list[str]:
    """Of a product or of an offer, as they are written."""
    offered = (address for offer in _offers(node) for address in texts_of(offer.get("url")))
    page = node.get("mainEntityOfPage")
    paged = (*texts_of(page), *(text for told in nodes_of(page) for text in texts_of(told.get("url"))))
    return [*texts_of(node.get("url")), *offered, *paged, *texts_of(node.get("@id"))]


def _offers(node: Node) -> list[Node]:
    """The single offers of a product, also those that an aggregate lists."""
    return [part for offer in nodes_of(node.get("offers")) for part in (nodes_of(offer.get("offers")) or [offer])]


def _merge(found: list[Node], page: PageIdentity, *, is_sure: bool) -> OwnProduct:
    """One product of the nodes that are of it; only what the page's address asks for, where it names a variant."""
    variants = [variant for product in found for variant in (nodes_of(product.get("hasVariant")) or [product])]
    asked = [variant for variant in variants if _is_asked(variant, page)]
    is_variant = 0 < len(asked) < len(variants)
    chosen = asked if is_variant else variants
    offers = [offer for variant in chosen for offer in nodes_of(variant.get("offers"))]
    single = [offer for variant in chosen for offer in _offers(variant)]
    offered = [offer for offer in single if _is_asked(offer, page)]
    if 0 < len(offered) < len(single):
        offers, is_variant = offered, True
    offers = offers or [offer for product in found for offer in nodes_of(product.get("offers"))]
    return OwnProduct({**found[0], **(chosen[0] if is_variant else {}), "offers": offers}, is_sure, is_variant)


def _is_asked(node: Node, page: PageIdentity) -> bool:
    """Whether the page's address asks for this variant, by its address or by its id."""
    keys = [key_of(absolute) for address in _addresses(node) if (absolute := join(page.url, address))]
    told = (text_or_number(node.get(name)) for name in ("sku", "productID", "@id", "color", "size"))
    ids = {text.casefold() for text in told if text}
    return any(is_asked_by(key, page.asked) for key in keys) or bool(ids & variants_named(page.asked))
