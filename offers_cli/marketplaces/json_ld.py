"""schema.org data in JSON-LD: the products of a page and what they cost.

Source: https://schema.org/Product, https://schema.org/Offer, https://schema.org/AggregateOffer.
Products that are only mentioned (``isRelatedTo``, ``isSimilarTo``, …) are never looked into.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from offers_cli.money import (
    STYLES,
    AmbiguousAmount,
    MoneyError,
    WrittenNumber,
    cents_from_number,
    currency_code,
    parse_cents,
)

Node = dict[str, Any]

PRODUCT_TYPES = {"Product", "IndividualProduct", "ProductModel", "Vehicle", "Car", "Book"}
OLD_PRICE_TYPES = {"ListPrice", "StrikethroughPrice", "SRP", "MSRP", "RegularPrice"}
OTHER_PRICE_TYPES = {"InvoicePrice", "MinimumAdvertisedPrice"}
CHARGES = {"DeliveryChargeSpecification", "PaymentChargeSpecification"}
RANGES = ("lowPrice", "highPrice"), ("minPrice", "maxPrice")
NOT_FOR_ONE = (
    "referenceQuantity",
    "unitCode",
    "unitText",
    "billingDuration",
    "billingIncrement",
    "eligibleQuantity",
    "eligibleTransactionVolume",
    "validForMemberTier",
)
"""What a specification has whose price is one by weight, for a month, for many pieces, or for members."""

_SOLD_OUT = re.compile(
    r"(?:(?:product|produto|producto|item|articulo|artigo|variant|variante|estoque|stock) )?"
    r"(?:(?:currently|temporarily|atualmente|actualmente|temporariamente|temporalmente) )?"
    r"(?:out ?of ?stock|oos|sold ?out|discontinued|unavailable|not available|no longer available|reserved"
    r"|esgotad[oa]s?|indisponivel|indisponiveis|nao disponivel|sem estoque|fora d[eo] estoque|fora de linha"
    r"|descontinuad[oa]|agotad[oa]s?|no disponible|sin stock|sin existencias|fuera de stock"
    r"|ausverkauft|nicht verfugbar|epuise|rupture de stock|en rupture de stock|esaurito|non disponibile)"
    r"(?: (?:temporariamente|temporalmente|no momento|por el momento|at the moment))?"
)
_SECOND_HAND = re.compile(
    r"(?:used|refurbished|damaged|open ?box|pre ?owned)(?: ?condition)?|usad[oa]|seminov[oa]|recondicionad[oa]"
)
_UNMISTAKABLE = re.compile(r".*[0-9][.,][0-9]{2}|[0-9]{1,3}([.,])[0-9]{3}(?:\1[0-9]{3})+", re.DOTALL)
"""With cents, or with thousands twice."""
_LEAST_WITH_CENTS = 1000 * 100
"""Nobody pays 15,99 pesos in Chile: it was 15.990."""
_MOST_NODES = 500
_LONGEST_TEXT = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a product costs by its own offers.

    Attributes:
        raw: the prices as they stand there.
        price_cents: None when there is no price, or more than one.
        note: why there is no price.
        availability: last part of the availability address, e.g. ``InStock``; None when none is told.
    """

    raw: str = ""
    price_cents: int | None = None
    old_price_cents: int | None = None
    currency: str | None = None
    availability: str | None = None
    url: str | None = None
    note: str = ""

    @property
    def is_unavailable(self) -> bool:
        """Whether the offer says that it cannot be bought."""
        return self.availability is not None and is_sold_out(self.availability)


def parse_nodes(text: str) -> list[Node]:
    """The top-level nodes of one script, its ``@graph`` and its ``mainEntity`` included; none where it is broken."""
    try:
        data = json.loads(text, strict=False, parse_float=WrittenNumber)
    except (ValueError, RecursionError):  # a broken script tells nothing; the page may still be read otherwise
        return []
    return list(islice(_walk(data), _MOST_NODES))


def _walk(data: object) -> Iterator[Node]:
    waiting = [data]
    while waiting:
        entry = waiting.pop()
        if isinstance(entry, list):
            waiting += reversed(entry[:_MOST_NODES])
        elif isinstance(entry, dict):
            yield entry
            waiting += (entry.get("mainEntity"), entry.get("@graph"))


def types_of(node: Node) -> set[str]:
    """The last parts of a node's types: ``{"Product"}`` for ``https://schema.org/Product``."""
    kinds = node.get("@type")
    return {last_part(kind) for kind in (kinds if isinstance(kinds, list) else [kinds]) if isinstance(kind, str)}


def last_part(address: str) -> str:
    """``"InStock"`` of ``https://schema.org/InStock``, and of ``InStock`` itself."""
    return re.split(r"[/#]", address.strip().removesuffix("/"))[-1]


def is_sold_out(words: str) -> bool:
    """Whether a state means that nothing can be bought: ``OutOfStock``, ``out-of-stock``, ``Produto esgotado``."""
    return _SOLD_OUT.fullmatch(plain(last_part(words))) is not None


def products(nodes: list[Node]) -> list[Node]:
    """The products among the nodes; the variants of a product group are products."""
    found = [node for node in nodes if types_of(node) & PRODUCT_TYPES]
    groups = [node for node in nodes if "ProductGroup" in types_of(node)]
    return found + [variant for group in groups for variant in nodes_of(group.get("hasVariant"))]


def text_or_number(value: object) -> str | None:
    """A text, or a number as text, with single spaces; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return " ".join(str(value).split()) or None


def plain(text: str) -> str:
    """Lower-case words without accents and marks, a blank between them."""
    letters = unicodedata.normalize("NFKD", text[:_LONGEST_TEXT]).encode("ascii", "ignore").decode().casefold()
    return " ".join(re.findall(r"[a-z0-9]+", letters))


def nodes_of(value: object) -> list[Node]:
    """The objects of a list, or the only one."""
    entries = value[:_MOST_NODES] if isinstance(value, list) else [value]
    return [entry for entry in entries if isinstance(entry, dict)]


def quote(product: Node, shown: Collection[int] = ()) -> Quote:
    """What a product costs, refusing several prices, ranges and either end of one.

    Sold-out offers do not count beside others, nor second-hand ones beside new ones; where only second-hand ones are
    left of both, there is no price.

    Args:
        shown: amounts that the page shows, in hundredths: they settle what ``1.290`` means.
    """
    told = (part for offer in nodes_of(product.get("offers")) for part in _single_offers(offer))
    offers = list(islice(told, _MOST_NODES + 1))
    if len(offers) > _MOST_NODES:
        return Quote(note="more offers than one product has")
    on_sale, note = _choose(offers)
    amounts = [amount for offer in on_sale for amount in _amounts(offer)]
    currencies = {code for offer in on_sale for code in _currencies(offer)}
    currency = _first_text(on_sale, _currencies)
    if len(currencies) > 1:
        note = "different currencies"
    if any(_is_half_a_range(part) for offer in on_sale for part in (offer, *_specifications(offer))):
        note = "one end of a range is no price"
    try:
        price_cents = None if note else _one_price(product, amounts, currency, shown)
    except MoneyError as exc:
        price_cents, note = None, str(exc)
    return Quote(
        raw=", ".join(str(amount) for amount in amounts)[:200],
        price_cents=price_cents,
        old_price_cents=_old_price(on_sale, currency, shown),
        currency=currency,
        availability=_first_text(on_sale, _availabilities),
        url=_first_text(on_sale, _addresses),
        note=note,
    )


def _choose(offers: list[Node]) -> tuple[list[Node], str]:
    """The offers that a buyer of the product would take, and why they give no price all the same."""
    buyable = [offer for offer in offers if not any(map(is_sold_out, _availabilities(offer)))]
    new = [offer for offer in buyable if not _is_second_hand(offer)]
    left_over = bool(buyable) and not new and not all(map(_is_second_hand, offers))
    return new or buyable or offers, "only second-hand offers are left" if left_over else ""


def _is_second_hand(offer: Node) -> bool:
    return any(_SECOND_HAND.fullmatch(plain(last_part(text))) for text in texts_of(offer.get("itemCondition")))


def _single_offers(offer: Node) -> list[Node]:
    """An aggregate's own offers, where it lists them, else the offer itself."""
    return nodes_of(offer.get("offers")) or [offer]


def _amounts(offer: Node) -> list[object]:
    """Every price an offer names: its own, its range's ends, its specifications'."""
    sale = [part for part in _specifications(offer) if "SalePrice" in _price_types(part)]
    own = [*_told(offer, "price"), *_ends(offer), *(price for part in sale for price in _told(part, "price"))]
    return own or [price for part in _specifications(offer) for price in (*_told(part, "price"), *_ends(part))]


def _told(node: Node, name: str) -> list[object]:
    value = node.get(name)
    return [entry for entry in (value if isinstance(value, list) else [value]) if entry not in (None, "")]


def _ends(node: Node) -> list[object]:
    """What a range begins and ends with."""
    return [end for names in RANGES for name in names for end in _told(node, name)]


def _is_half_a_range(node: Node) -> bool:
    halves = any(len(_told(node, low)) != len(_told(node, high)) for low, high in RANGES)
    return halves and not _told(node, "price")


def _specifications(offer: Node) -> list[Node]:
    """What an offer specifies of the price of one piece for everybody, previous prices apart."""
    return [
        part
        for part in nodes_of(offer.get("priceSpecification"))
        if not _price_types(part) & (OLD_PRICE_TYPES | OTHER_PRICE_TYPES) and _is_for_one(part)
    ]


def _is_for_one(part: Node) -> bool:
    return not types_of(part) & CHARGES and all(part.get(name) is None for name in NOT_FOR_ONE)


def _price_types(part: Node) -> set[str]:
    return {last_part(text) for text in texts_of(part.get("priceType"))}


def _one_price(product: Node, amounts: list[object], currency: str | None, shown: Collection[int]) -> int:
    cents = _all_cents(amounts, currency, shown)
    for aggregate in nodes_of(product.get("offers")):
        if listed := nodes_of(aggregate.get("offers")):
            among = _all_cents((price for offer in listed for price in _amounts(offer)), currency, shown)
            cents |= _all_cents(_ends(aggregate), currency, shown) - among
    if len(cents) != 1:
        raise MoneyError("several prices" if cents else "no price")
    price = cents.pop()
    if not price:
        raise MoneyError("zero is no price")
    return price


def _all_cents(amounts: Iterable[object], currency: str | None, shown: Collection[int]) -> set[int]:
    return {read_price(amount, currency, shown) for amount in amounts}


def read_price(amount: object, currency: str | None, shown: Collection[int] = ()) -> int:
    """A price of a schema.org field: a number, or a text with unmistakable marks (``1.299,90``, ``1.299.000``).

    Args:
        shown: amounts that the page shows, in hundredths; where one of them alone is what ``1.299`` may mean, it is.

    Raises:
        MoneyError: anything else; cents of a currency that has none are a mangled ``15.990``.
    """
    text = amount.strip() if isinstance(amount, str) else amount
    try:
        cents = cents_from_number(text, currency=currency)
    except AmbiguousAmount as exc:
        settled = set(exc.readings) & set(shown)
        if len(settled) != 1:
            raise
        return settled.pop()
    except MoneyError:
        if isinstance(text, str) and _UNMISTAKABLE.fullmatch(text):
            return parse_cents(text, currency=currency or "BRL")
        raise
    if currency in STYLES and not STYLES[currency].shows_cents and cents % 100 and cents < _LEAST_WITH_CENTS:
        raise MoneyError(f"{str(amount)!r} has cents, and {currency} has none")
    return cents


def _old_price(offers: list[Node], currency: str | None, shown: Collection[int]) -> int | None:
    """The one previous price that the offers specify."""
    found = [
        price
        for offer in offers
        for part in nodes_of(offer.get("priceSpecification"))
        if _price_types(part) & OLD_PRICE_TYPES and _is_for_one(part)
        for price in _told(part, "price")
    ]
    try:
        cents = _all_cents(found, currency, shown)
    except MoneyError:
        return None
    return cents.pop() if len(cents) == 1 else None


def _availabilities(offer: Node) -> list[str]:
    return [last_part(text) for text in texts_of(offer.get("availability"))]


def _currencies(offer: Node) -> list[str]:
    told = [offer.get("priceCurrency"), *(part.get("priceCurrency") for part in _specifications(offer))]
    return [code for value in told for text in texts_of(value) if (code := currency_code(text))]


def _addresses(offer: Node) -> list[str]:
    return texts_of(offer.get("url"))


def texts_of(value: object) -> list[str]:
    """The texts of a value: itself, those of a list, or the ``@id`` of an object."""
    entries = value[:_MOST_NODES] if isinstance(value, list) else [value]
    told = (entry.get("@id") if isinstance(entry, dict) else entry for entry in entries)
    return [text for text in told if isinstance(text, str) and text]


def _first_text(offers: list[Node], told_by: Callable[[Node], list[str]]) -> str | None:
    return next((text for offer in offers for text in told_by(offer)), None)
