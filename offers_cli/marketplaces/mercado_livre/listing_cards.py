"""A listing's card: what it says, as its elements show it in each layout seen since 2019, and the offer it becomes.

A card may show a second offer ("outra opção de compra") in a price box of its own: only the card's first price box
counts, and within it instalments and labels are no price.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from offers_cli.marketplaces.base import MERCADO_LIVRE
from offers_cli.marketplaces.evidence import (
    ROUNDING_CENTS,
    agree,
    all_agree,
    discount_kind,
    is_plausible,
    most_exact,
)
from offers_cli.marketplaces.html import (
    class_of,
    first,
    is_marked_below,
    join,
    lineage,
    outermost,
    pieces_in,
    select,
    split,
    text_of,
    texts_of,
)
from offers_cli.marketplaces.mercado_livre import selectors
from offers_cli.marketplaces.mercado_livre.amounts import (
    FROM,
    FROM_NOTE,
    PER_UNIT,
    currency_of,
    is_surely_whole,
    percent_in,
    read_amount,
)
from offers_cli.marketplaces.mercado_livre.facts import instalments
from offers_cli.marketplaces.mercado_livre.listing_facts import facts_in_card, own
from offers_cli.marketplaces.mercado_livre.payment import (
    MARK,
    NOTHING,
    naming_a_condition,
    payment_in_node,
    price_condition,
    texts_in,
)
from offers_cli.marketplaces.mercado_livre.sites import BRAZIL, Site
from offers_cli.marketplaces.mercado_livre.urls import (
    Identity,
    canonical,
    identify,
    is_owned,
    is_sponsored,
    item_id_in,
    product_url,
)
from offers_cli.money import MoneyError, discount_pct
from offers_cli.offer import CardValues, Offer, PriceCondition

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode


EARNINGS = re.compile(r"gan(?:hos|ancias?)", re.IGNORECASE)
FROM_ALONE = re.compile(r"(?:pre[çc]os? |valor )?(?:a partir de|desde|from)\W*", re.IGNORECASE)
BEFORE_AN_INSTALMENT = re.compile(
    r"\b(?:[0-9]{1,2} ?x|(?:meses|cuotas|parcelas|mensualidades)[\w ]{0,30})(?: de)?$|\b(?:ou|o|em|en)$", re.IGNORECASE
)
SOLD_OUT = re.compile(
    r"(?:(?:produto|item|art[íi]culo) )?"
    r"(?:esgotad[oa]|indispon[íi]vel|sem estoque|agotad[oa]|sin stock|no disponible)\W*",
    re.IGNORECASE,
)
SOLD_OUT_NOTE = "sold out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card(CardValues):
    """What one card says; None where it does not say. Prices in hundredths of `currency`.

    Attributes:
        address: its link, made absolute.
        problem: why its price cannot be used; empty when it can.
        is_whole: whether the price is said aloud without cents, so that it has none.
        has_label: whether a discount label is shown, with a percentage or without ("no Pix").
    """

    title: str | None
    address: str
    identity: Identity
    currency: str
    price_cents: int | None = None
    is_whole: bool = False
    old_price_cents: int | None = None
    label_pct: int | None = None
    has_label: bool = False
    problem: str = ""

    @property
    def unreadable(self) -> str:
        """Why no offer can be made of it; empty when one can."""
        if self.problem or not self.price_cents:
            return self.problem or "no price"
        if not self.title:
            return "no title"
        return "" if self.identity.external_id else "no id"


def read_card(
    card: LexborNode, layout: selectors.Layout, base: str, site: Site | None, *, is_hub: bool = False
) -> Card:
    """One card; `site` is the country of the page where its address tells it.

    Args:
        is_hub: whether it stands where only the affiliates' hub has its cards; one with a commission does anyway.
    """
    address = join(base, _address(card, layout))
    identity = _identity(card, address)
    country = identity.site or site or BRAZIL
    described = Card(
        title=text_of(first(card, layout.title)) or None,
        address=address,
        identity=identity,
        currency=country.currency,
        commission_pct=_commission(card),
        image_url=_image(card),
        facts=facts_in_card(card, country),
        problem="no price",
    )
    box = next(own(card, layout.box), None)
    if box is None:
        return described
    is_hub = is_hub or described.commission_pct is not None
    return _with_price(described, card, box, layout, country, is_hub=is_hub)


def _with_price(
    described: Card, card: LexborNode, box: LexborNode, layout: selectors.Layout, site: Site, *, is_hub: bool
) -> Card:
    """The card with what its price box says."""
    amounts = _current_amounts(box, layout)
    price, problem = _price(amounts, box, site)
    currency = currency_of(amounts[0], site) if amounts else site.currency
    old = _old_price(card, box, site)
    labels = [text for node in outermost(_around_price(card, box, selectors.DISCOUNT)) if (text := text_of(node))]
    words = list(_words(box))
    conditions = [*labels, *map(text_of, select(box, selectors.CARD_CONDITIONS)), *naming_a_condition(words)]
    places = (list(own(place, selectors.CARD_INSTALMENTS)) for place in (box, card))
    phrases = outermost(next((found for nodes in places if (found := [node for node in nodes if text_of(node)])), []))
    paid = (payment_in_node(phrases[0], site, currency) if len(phrases) == 1 else NOTHING).beside(price)
    # The hub may cut off all that stands beside a price: then silence is no answer.
    is_silent = is_hub and not (conditions or phrases or old)
    return replace(
        described,
        currency=currency,
        price_cents=price,
        is_whole=price is not None and any(is_surely_whole(node, site) for node in amounts),
        old_price_cents=old,
        label_pct=percent_in(labels[0]) if labels else None,
        has_label=bool(labels),
        price_condition=None if is_silent else price_condition(conditions, paid),
        card_price_cents=paid.card_price_cents,
        facts=instalments(paid).filled_by(described.facts),
        problem=problem_around_price([" ".join(words), *_beside(box)], conditions, texts_of(card)) or problem,
    )


def problem_around_price(around: Iterable[str], conditions: Iterable[str], texts: Iterable[str | None]) -> str:
    """Why a price is not what the offer costs, by the words of its card; empty when nothing says so.

    Args:
        around: what stands around the price itself.
        conditions: the labels beside it.
        texts: all that the card says.
    """
    if any(FROM.search(text) for text in around):
        return FROM_NOTE
    if any(PER_UNIT.match(text) for text in conditions):
        return "a price per unit"
    return SOLD_OUT_NOTE if any(SOLD_OUT.fullmatch(text) for text in texts if text) else ""


def _beside(box: LexborNode) -> Iterator[str]:
    """The texts right before and behind a price box that can only belong to its price: "a partir de"."""
    for step in ("prev", "next"):
        beside = getattr(box, step)
        while beside is not None and not text_of(beside):
            beside = getattr(beside, step)
        if beside is not None and FROM_ALONE.fullmatch(text_of(beside)):
            yield text_of(beside)


def _words(place: LexborNode) -> Iterator[str]:
    """The texts of a price box that belong to its price."""
    return pieces_in(place, lambda part: "" if selectors.BESIDE_THE_PRICE.search(class_of(part)) else None)


def _commission(card: LexborNode) -> int | None:
    chips = map(text_of, select(card, selectors.COMMISSION))
    return next((percent_in(text) for text in chips if EARNINGS.search(text)), None)


def _address(card: LexborNode, layout: selectors.Layout) -> str | None:
    links = [card] if card.tag == "a" else select(card, layout.link)
    found = (link.attributes.get("href") for link in links if not is_marked_below(link, card, selectors.SECOND_OFFER))
    return next(filter(None, found), None)


def _identity(card: LexborNode, address: str) -> Identity:
    told = identify(address)
    fields = select(card, selectors.CARD_ID_FIELDS)
    hidden = (item_id_in(node.attributes.get("value")) for node in fields)
    item_id = told.item_id or next(filter(None, hidden), None)
    return Identity(item_id=item_id, catalogue_id=told.catalogue_id, user_product_id=told.user_product_id)


def _current_amounts(box: LexborNode, layout: selectors.Layout) -> list[LexborNode]:
    """The amounts of a box that may be its price."""
    old = {node.mem_id for node in select(box, selectors.OLD_PRICE)}
    nodes = [
        node
        for node in select(first(box, layout.current) or box, layout.amount)
        if not any(above.mem_id in old for above in lineage(node))
        and not is_marked_below(node, box, selectors.BESIDE_THE_PRICE)
    ]
    return outermost(nodes)


def _price(amounts: list[LexborNode], box: LexborNode, site: Site) -> tuple[int | None, str]:
    """The price of a box and why there is none."""
    try:
        prices = {read_amount(node, site) for node in amounts}
    except MoneyError as exc:
        return None, str(exc)
    if len(prices) != 1:
        return None, "several prices" if prices else "no price"
    if any(BEFORE_AN_INSTALMENT.search(words) for words in _words_before(amounts, box)):
        return None, "an instalment stands where the price should"
    return prices.pop(), ""


def _words_before(amounts: list[LexborNode], box: LexborNode) -> Iterator[str]:
    """The text of a box before each of its amounts, from the one before on."""
    texts = "".join(texts_in(box, dict.fromkeys([node.mem_id for node in amounts], MARK))).split(MARK)
    return (" ".join(text.split()) for text in texts[:-1])


def _around_price(card: LexborNode, box: LexborNode, selector: str) -> list[LexborNode]:
    """Nodes of the box, or of the labels that some layouts put before it."""
    inside = [node for node in select(box, selector) if not is_marked_below(node, box, selectors.SECOND_OFFER)]
    loose = [node for place in select(card, selectors.LOOSE_LABELS) for node in select(place, selector)]
    return inside or [node for node in loose if not is_marked_below(node, card, selectors.SECOND_OFFER)]


def _old_price(card: LexborNode, box: LexborNode, site: Site) -> int | None:
    """The previous price; None without one, or with several that differ."""
    shown = _around_price(card, box, selectors.OLD_PRICE)
    nodes = outermost([node for node in shown if not is_marked_below(node, box, selectors.INSTALMENTS)])
    try:
        amounts = {read_amount(node, site) for node in nodes}
    except MoneyError:
        return None
    return amounts.pop() if len(amounts) == 1 else None


def _image(card: LexborNode) -> str | None:
    addresses = (image.attributes.get(name) or "" for image in select(card, "img") for name in ("src", "data-src"))
    return next((address for address in addresses if address.startswith("https://")), None)


def merge(card: Card, seen: Card) -> Card:
    """One card as the state and as the elements have it: contradicting prices make it unreadable, gaps are filled.

    What only the elements say against a price ("a partir de", "esgotado") counts.
    """
    if card.unreadable or seen.problem in {FROM_NOTE, SOLD_OUT_NOTE}:
        return card if card.unreadable else replace(card, problem=seen.problem)
    if seen.price_cents is not None and not _is_the_same(
        card.price_cents or 0, seen.price_cents, is_whole=seen.is_whole
    ):
        return replace(card, problem=f"state says {card.price_cents} cents, the page shows {seen.price_cents}")
    filled = {name: getattr(seen, name) for name, value in card.card_values().items() if value is None}
    return replace(
        card,
        **filled
        | {
            "price_condition": _condition(card, seen),
            "card_price_cents": _one_of(card.card_price_cents, seen.card_price_cents),
            "facts": card.facts.filled_by(seen.facts),
        },
        price_cents=most_exact([cents for cents in (card.price_cents, seen.price_cents) if cents]),
        old_price_cents=card.old_price_cents or seen.old_price_cents,
        label_pct=card.label_pct if card.has_label else seen.label_pct,
        has_label=card.has_label or seen.has_label,
    )


def _is_the_same(told: int, shown: int, *, is_whole: bool) -> bool:
    """Whether two readings of a price agree; cents that only the state has are believed of figures alone."""
    return abs(told - shown) <= ROUNDING_CENTS if is_whole else agree(told, shown)


def _condition(card: Card, seen: Card) -> PriceCondition | None:
    """A condition that one of them names, unless the other names another; "any" only where neither names one."""
    told = {card.price_condition, seen.price_condition}
    named = told - {PriceCondition.ANY, None}
    if named or seen.price_cents is None:
        return named.pop() if len(named) == 1 else None if named else card.price_condition
    return PriceCondition.ANY if told == {PriceCondition.ANY} else None


def _one_of(told: int | None, shown: int | None) -> int | None:
    """The amount that is known, or that both know alike."""
    known = [cents for cents in (told, shown) if cents is not None]
    return most_exact(known) if known and all_agree(known) else None


def offer_of(card: Card, *, source: str, base_url: str | None) -> Offer:
    """The offer of a readable card.

    Args:
        base_url: the marketplace's address where it is not the country's own.
    """
    price = card.price_cents or 0
    old = card.old_price_cents
    old = old if old and is_plausible(old, price, card.label_pct) else None
    is_doubtful = card.old_price_cents is not None and old is None
    computed = discount_pct(old, price) if old is not None and not card.has_label else None
    card_price = card.card_price_cents if (card.card_price_cents or 0) > price else None
    kind = discount_kind(old_price_cents=old, card_price_cents=card_price, price_condition=card.price_condition)
    return Offer(
        marketplace=MERCADO_LIVRE,
        external_id=card.identity.external_id or "",
        title=card.title or "",
        url=_stored_url(card, base_url),
        price_cents=price,
        currency=card.currency,
        old_price_cents=old,
        discount_pct=None if is_doubtful else card.label_pct or computed,
        item_id=card.identity.item_id,
        catalogue_id=card.identity.catalogue_id,
        source=source,
        **card.card_values() | {"card_price_cents": card_price, "discount_kind": kind},
    )


def _stored_url(card: Card, base_url: str | None) -> str:
    """The product page without tracking.

    An advertisement's counter, and a link of a saved page whose host is not known, give way to the product's address.
    """
    is_own = is_owned(card.address) or (base_url is not None and split(card.address).netloc == split(base_url).netloc)
    if not is_own or is_sponsored(card.address) or not identify(card.address).external_id:
        return product_url(card.identity, base_url=base_url) or ""
    return canonical(card.address)
