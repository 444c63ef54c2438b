"""Addresses of Mercado Livre: which product an address asks for, and the same address without tracking.

Shapes (``…`` stands for the country's host):
    produto.…/MLB-123-slug-_JM      an item: one seller's listing
    …/slug/p/MLB123                 a catalogue product, sold by its current winner
    …/slug/p/MLB123?pdp_filters=item_id%3AMLB456    the same, pinned to one item
    …/slug/up/MLBU123               a user product
    click1.…/mclics/…#wid=MLB456    a sponsored link: the address hides the product
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlunsplit

from offers_cli.marketplaces.html import split
from offers_cli.marketplaces.mercado_livre.sites import (
    BRAZIL,
    DOMAINS,
    SHORT_HOST,
    SITES,
    Site,
    find_site,
    is_below,
    site_of_host,
)

_PREFIX = f"(?:{'|'.join(site.id for site in SITES)})"
ITEM = re.compile(rf"({_PREFIX})-?([0-9]{{1,14}})", re.IGNORECASE)
USER_PRODUCT = re.compile(rf"({_PREFIX}U)-?([0-9]{{1,14}})", re.IGNORECASE)
PATH_CHARACTERS = "/%:@!$&'()*+,;=~-._"
"""What a path may hold as it is (RFC 3986); everything else is percent-encoded."""
CATALOGUE_PATH = re.compile(rf"^(.*?/p/)({_PREFIX}-?[0-9]{{1,14}})(?=/|$)", re.IGNORECASE)
USER_PRODUCT_PATH = re.compile(rf"^(.*?/up/)({_PREFIX}U-?[0-9]{{1,14}})(?=/|$)", re.IGNORECASE)
ITEM_PATH = re.compile(rf"^/(?:noindex/services/)?({_PREFIX}-?[0-9]{{1,14}})(?![0-9])", re.IGNORECASE)
PINNED = re.compile(rf"\bitem_id:({_PREFIX}-?[0-9]{{1,14}})(?![0-9])", re.IGNORECASE)
VARIATION = {"searchVariation", "variation"}
SEARCH_HOSTS = "lista.", "listado."
SPONSORED_PATH = re.compile(r"/(?:mclics|brand_ads)/clicks?(?:/|$)")
LOGIN_PATH = re.compile(r"(?:^|/)(?:lgz|login)(?:/|$)", re.IGNORECASE | re.ASCII)
WALL_PATH = re.compile(r"(?:^|/)(?:account-verification|captcha|lgz|login)(?:/|$)", re.IGNORECASE | re.ASCII)
"""Where redirects lead instead of to a page: ``/gz/account-verification``, ``/jms/mlb/lgz/msl/login``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The ids that an address or a page tells, each without a dash and in capitals; None where it does not tell.

    Attributes:
        pinned: the item id is one that the site itself honours (an item's own address, ``pdp_filters=item_id``),
            not only a remark in the fragment.
    """

    item_id: str | None = None
    catalogue_id: str | None = None
    user_product_id: str | None = None
    pinned: bool = False

    @property
    def external_id(self) -> str | None:
        """The item id when it is known, else the user-product id, else the catalogue id."""
        return self.item_id or self.user_product_id or self.catalogue_id

    @property
    def site(self) -> Site | None:
        """The country that the id is of."""
        return find_site(self.external_id)


def item_id_in(text: object) -> str | None:
    """``"mlb-123456"`` is ``"MLB123456"``; anything else is None."""
    found = ITEM.fullmatch(text.strip()) if isinstance(text, str) else None
    return f"{found[1]}{found[2]}".upper() if found else None


def user_product_id_in(text: object) -> str | None:
    """``"MLBU123"`` in capitals without a dash; anything else is None."""
    found = USER_PRODUCT.fullmatch(text.strip()) if isinstance(text, str) else None
    return f"{found[1]}{found[2]}".upper() if found else None


def identify(url: str) -> Identity:
    """Which product an address asks for, by every hint it holds."""
    parts = split(url)
    catalogue, user_product = CATALOGUE_PATH.match(parts.path), USER_PRODUCT_PATH.match(parts.path)
    is_other = catalogue or user_product or (parts.hostname or "").startswith(SEARCH_HOSTS)
    own = None if is_other else ITEM_PATH.match(parts.path)
    hints = dict(_hints(parts))
    pinned = item_id_in(own[1]) if own else hints.get("pinned")
    return Identity(
        item_id=pinned or hints.get("wid") or hints.get("item_id"),
        catalogue_id=item_id_in(catalogue[2]) if catalogue else _hidden_catalogue_id(parts, hints),
        user_product_id=user_product_id_in(user_product[2]) if user_product else None,
        pinned=pinned is not None,
    )


def _hints(parts: SplitResult) -> Iterator[tuple[str, str]]:
    """Ids in the fragment, then in the query: of two by one name the query's, which the site sees, counts."""
    for text in (parts.fragment, parts.query):
        for name, value in parse_qsl(text):
            if name == "pdp_filters" and (pin := PINNED.search(value)):
                yield "pinned", item_id_in(pin[1]) or ""
            elif name in {"wid", "item_id", "itemId", "searchVariation"} and (found := item_id_in(value)):
                yield {"itemId": "item_id"}.get(name, name), found


def variation_in(url: str) -> str | None:
    """The number of the variant (a colour, a size) that an item's address asks for."""
    parts = split(url)
    asked = (value for text in (parts.query, parts.fragment) for name, value in parse_qsl(text) if name in VARIATION)
    return next((value for value in asked if value.isdecimal() and value.isascii()), None)


def _hidden_catalogue_id(parts: SplitResult, hints: dict[str, str]) -> str | None:
    """A sponsored link names the catalogue product as its "variation"."""
    return hints.get("searchVariation") if SPONSORED_PATH.search(parts.path) else None


def is_sponsored(url: str) -> bool:
    """Whether an address is an advertisement's click counter, never to be stored or fetched."""
    parts = split(url)
    return (parts.hostname or "").startswith("click") or bool(SPONSORED_PATH.search(parts.path))


def is_login(path: str) -> bool:
    """Whether that is the path of a login."""
    return LOGIN_PATH.search(path) is not None


def is_wall(path: str) -> bool:
    """Whether that is the path of a wall: account verification, captcha, login. Other shops name theirs alike."""
    return WALL_PATH.search(path) is not None


def is_owned(url: str) -> bool:
    """Whether an address belongs to Mercado Livre in any country."""
    host = split(url).hostname or ""
    return any(is_below(host, domain) for domain in DOMAINS)


def is_short_host(url: str) -> bool:
    """Whether an address is at the host of short affiliate links, which redirect to a product or a profile."""
    return split(url).hostname == SHORT_HOST


def canonical(url: str) -> str:
    """The same address without tracking, in ASCII: no fragment, no query but a pin that the address holds."""
    parts = split(url)
    identity = identify(url)
    product = CATALOGUE_PATH.match(parts.path) or USER_PRODUCT_PATH.match(parts.path)
    query = _pin(identity.item_id) if product and identity.pinned and identity.item_id else ""
    path = quote(product[0] if product else parts.path, safe=PATH_CHARACTERS)
    return urlunsplit((parts.scheme, parts.netloc, path, query, ""))


def _pin(item_id: str) -> str:
    return urlencode({"pdp_filters": f"item_id:{item_id}"})


def product_url(identity: Identity, *, base_url: str | None = None) -> str | None:
    """The shortest address of a product that is known by its ids only; None without ids.

    Args:
        base_url: the marketplace's address where it is not the country's own.
    """
    site = identity.site or BRAZIL
    www = base_url or f"https://www.{site.domain}"
    pin = f"?{_pin(identity.item_id)}" if identity.item_id else ""
    if identity.catalogue_id:
        return f"{www}/p/{identity.catalogue_id}{pin}"
    if identity.user_product_id:
        return f"{www}/up/{identity.user_product_id}{pin}"
    if identity.item_id:
        items = base_url or f"https://{site.item_host}.{site.domain}"
        return f"{items}/{identity.item_id[:3]}-{identity.item_id[3:]}"
    return None


def site_of(url: str) -> Site | None:
    """The country of an address, by its host or by the ids it holds."""
    return site_of_host(split(url).hostname or "") or identify(url).site
