"""The cards in a listing's embedded state.

appProps.pageProps.data.items[].card          offers page (2026); .data.items in its state of 2025
…initialState.results[] with id POLYCARD      searches; other ids are banners and questions
pageState.bricks[]… id recommendations_card   affiliates' hub: a tree of bricks
recommendations.polycards[]                   that brick's data alone; polycard_client_model.polycards its next pages
…data.components[]                            affiliates' profiles (/social/…): what is shared, then tabs and carousels
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from offers_cli.marketplaces.evidence import Evidence
from offers_cli.marketplaces.html import join
from offers_cli.marketplaces.mercado_livre.amounts import percent_in
from offers_cli.marketplaces.mercado_livre.listing_cards import Card, problem_around_price
from offers_cli.marketplaces.mercado_livre.listing_facts import component_of, facts_in_state
from offers_cli.marketplaces.mercado_livre.payment import (
    naming_a_condition,
    payment_in_template,
    price_condition,
    written_out,
)
from offers_cli.marketplaces.mercado_livre.sites import BRAZIL
from offers_cli.marketplaces.mercado_livre.state import Json, dicts, dig, page_props, text_in
from offers_cli.marketplaces.mercado_livre.urls import Identity, identify, item_id_in, user_product_id_in
from offers_cli.money import MoneyError, cents_from_number

PICTURE_TEMPLATE = "https://http2.mlstatic.com/D_{square}_NP{2x}_{id}-{size}{sanitized_title}.webp"
MOST_BRICKS = 2000
MOST_CARDS = 500
MOST_TEXTS = 300
LONGEST_TEXT = 1000


@dataclass(frozen=True, slots=True)
class ListingState:
    """A listing's cards as the state holds them, how they are drawn, and where the next page is.

    Attributes:
        is_featured: whether the first card is the one product that an affiliate's link leads to.
        is_whole: False where the page may show more cards than the state is known to hold.
        is_hub: whether they are the affiliates' hub's.
    """

    polycards: list[Json]
    context: Json
    next_address: str | None = None
    is_featured: bool = False
    is_whole: bool = True
    is_hub: bool = False


def find_listing_state(states: list[Json]) -> ListingState | None:
    """The listing in the page's state, or None where there is none."""
    for state in states:
        for place in page_props(state):
            found = _offers_page(place) or _search(place) or _hub(place) or _profile(place)
            if found is not None:
                return replace(found, polycards=found.polycards[:MOST_CARDS])
    return None


def _offers_page(place: Json) -> ListingState | None:
    data = place.get("data")
    items = dig(data, "items")
    if not isinstance(items, list):
        return None
    cards = [item["card"] for item in dicts(items) if _is_card(item.get("card"))]
    return ListingState(cards, dig(data, "polycardContext") or {}) if cards or not items else None


def _search(place: Json) -> ListingState | None:
    shown = place.get("initialState")
    results = dig(shown, "results")
    if not isinstance(results, list):
        return None
    cards = [result["polycard"] for result in dicts(results) if _is_card(result.get("polycard"))]
    following = dig(shown, "pagination", "next_page")
    address = dig(following, "url") if dig(following, "show") is not False else None
    context = dig(shown, "polycard_context") or {}
    return ListingState(cards, context, address if isinstance(address, str) else None) if cards or not results else None


def _hub(place: Json) -> ListingState | None:
    bricks = _bricks(place.get("bricks")) if isinstance(place.get("bricks"), list) else iter(())
    holders = [dig(brick, "data", "recommendations") for brick in bricks if brick.get("id") == "recommendations_card"]
    for holder in (*holders, place.get("recommendations"), place.get("polycard_client_model")):
        cards = dig(holder, "polycards")
        if isinstance(cards, list):
            found = [card for card in cards if _is_card(card)]
            return ListingState(found, dig(holder, "polycard_context") or {}, is_hub=True)
    return None


def _profile(place: Json) -> ListingState | None:
    """An affiliate's profile: the product or list that a link shares stands before the tabs of the profile itself."""
    parts = dicts(dig(place, "data", "components"))
    shared = [dig(part, "recommendation_data", "recommendation_info") for part in parts]
    holders = [holder for holder in shared if isinstance(dig(holder, "polycards"), list)]
    is_featured = bool(holders) and len(holders[0]["polycards"]) == 1 and not holders[0].get("seeMoreLink")
    for tab in (tab for part in parts for tab in dicts(part.get("tabs"))):
        holders.extend(_holders(tab))
    if not holders:
        return None
    cards = [card for holder in holders for card in holder["polycards"] if _is_card(card)]
    if not cards and any(holder["polycards"] for holder in holders):
        return None
    contexts = (dig(holder, name) for holder in holders for name in ("polycard_context", "polycardContext"))
    context = next((context for context in contexts if isinstance(context, dict)), {})
    return ListingState(cards, context, is_featured=is_featured and bool(cards), is_whole=False)


def _holders(tree: Json) -> Iterator[Json]:
    """The objects below one that hold cards, in their order."""
    waiting: list[object] = [tree]
    for _ in range(MOST_BRICKS):
        if not waiting:
            return
        place = waiting.pop(0)
        if isinstance(place, dict):
            if isinstance(place.get("polycards"), list):
                yield place
            else:
                waiting[:0] = place.values()
        elif isinstance(place, list):
            waiting[:0] = place


def _bricks(tree: object) -> Iterator[Json]:
    waiting = dicts(tree)
    for _ in range(MOST_BRICKS):
        if not waiting:
            return
        brick = waiting.pop(0)
        yield brick
        waiting.extend(dicts(brick.get("bricks")))


def _is_card(card: object) -> bool:
    return (
        isinstance(card, dict) and isinstance(card.get("metadata"), dict) and isinstance(card.get("components"), list)
    )


def read_card(polycard: Json, context: Json, base: str, *, is_hub: bool = False) -> Card:
    """One card of the state, of the affiliates' hub's or of any other's; one with a commission is the hub's anyway."""
    identity, address = _identity(polycard, context, base)
    component = component_of(polycard, "price")
    price: Json = component["price"] if isinstance(component.get("price"), dict) else {}
    currency = text_in(dig(price, "current_price", "currency")) or (identity.site or BRAZIL).currency
    evidence = Evidence()
    conditions = _gather_price(evidence, price, _price_labels(polycard, component), currency)
    price_cents = next(iter(evidence.cents("price_cents")), None)
    paid = payment_in_template(price.get("installments"), currency).beside(price_cents)
    commission = _commission(polycard)
    # The hub may cut off all that stands beside a price: then silence is no answer.
    is_silent = (is_hub or commission is not None) and price.keys() <= {"current_price"}
    return Card(
        title=text_in(dig(component_of(polycard, "title"), "title", "text")),
        address=address,
        identity=identity,
        currency=currency,
        price_cents=price_cents,
        old_price_cents=next(iter(evidence.cents("old_price_cents")), None),
        label_pct=next(iter(evidence.cents("discount_pct")), None),
        has_label="discount_pct" in evidence.found,
        commission_pct=commission,
        image_url=_image(polycard, context),
        price_condition=None if is_silent else price_condition(conditions, paid),
        card_price_cents=paid.card_price_cents,
        facts=facts_in_state(polycard, currency, paid),
        problem=_problem(evidence, polycard, price, conditions),
    )


def _price_labels(polycard: Json, component: Json) -> list[Json]:
    """The labels of a price, wherever a layout keeps them, and what their tokens stand for."""
    places = (component.get("price"), component, polycard, component_of(polycard, "price_labels"))
    labels = [label for place in places for label in dicts(dig(place, "price_labels"))]
    return labels + [value for label in labels for value in dicts(label.get("values"))]


def _gather_price(evidence: Evidence, price: Json, labels: list[Json], currency: str) -> list[str]:
    """Gather price, old price and discount; gives the texts that may name a condition of the price."""
    current, previous = dig(price, "current_price", "value"), dig(price, "previous_price", "value")
    if previous is None:
        struck = (label for label in labels if label.get("key") == "previous_price" or dig(label, "price", "previous"))
        previous = next((dig(label, "price", "value") for label in struck), None)
    if current is not None:
        evidence.add_price("price_cents", "state", current, lambda: _cents(current))
    if previous is not None:
        evidence.add_price("old_price_cents", "state", previous, lambda: _cents(previous))
    pills = [text_in(dig(label, "pill", "text")) or text_in(dig(label, "label", "text")) for label in labels]
    discounts = [written_out(price.get(name), currency) for name in ("discount_label", "discount_polylabel")]
    discounts += [text for text in pills if text and "%" in text]
    number = dig(price, "discount", "value")  # sites in Spanish
    if isinstance(number, int) and 0 < number < 100:
        evidence.add("discount_pct", "state", number, number)
    for text in filter(None, discounts):
        evidence.add("discount_pct", "state", text, percent_in(text))
    others = naming_a_condition(_texts({name: value for name, value in price.items() if name != "installments"}))
    return [text for text in (*discounts, written_out(price.get("unit_description"), currency), *others) if text]


def _texts(tree: object) -> Iterator[str]:
    """Every text in a part of the state that is no larger than such parts are."""
    waiting = [tree]
    for _ in range(MOST_TEXTS):
        if not waiting:
            return
        place = waiting.pop()
        if isinstance(place, str):
            yield place[:LONGEST_TEXT]
        elif isinstance(place, dict | list):
            waiting.extend(place.values() if isinstance(place, dict) else place)


def _cents(value: object) -> int:
    if isinstance(value, str):
        raise MoneyError(f"{value[:20]!r} is a text, not a number")
    return cents_from_number(value)


def _problem(evidence: Evidence, polycard: Json, price: Json, conditions: list[str]) -> str:
    """Why the price is not that of the offer; empty when it is."""
    refused = [candidate.note for candidate in evidence.found.get("price_cents", ()) if candidate.value is None]
    around = _texts({name: value for name, value in price.items() if name != "installments"})
    components = (part for part in dicts(polycard["components"]) if part.get("type") != "title")
    texts = (text_in(dig(part, str(part.get("type")), "text")) for part in components)
    return problem_around_price(around, conditions, texts) or "".join(refused[:1])


def _identity(polycard: Json, context: Json, base: str) -> tuple[Identity, str]:
    metadata = polycard["metadata"]
    pieces = [metadata.get(name) for name in ("url", "url_params", "url_fragments")]
    address = "".join(piece for piece in pieces if isinstance(piece, str))
    if address and "://" not in address.partition("?")[0] and not address.startswith("/"):
        address = f"{text_in(context.get('url_prefix')) or 'https://'}{address}"
    address = join(base, address)
    told = identify(address)
    identity = Identity(
        item_id=item_id_in(metadata.get("id")) or told.item_id,
        catalogue_id=item_id_in(metadata.get("product_id")) or told.catalogue_id,
        user_product_id=user_product_id_in(metadata.get("user_product_id")) or told.user_product_id,
    )
    return identity, address


def _commission(polycard: Json) -> int | None:
    """The affiliate's percentage, in the chip's label or in its pill."""
    chips = [part for part in dicts(polycard["components"]) if "commission" in str(part.get("id"))]
    texts = [written_out(dig(chip, "chip", place), "BRL") for chip in chips for place in ("label", "pill")]
    return next((percent for text in texts if text and (percent := percent_in(text))), None)


def _image(polycard: Json, context: Json) -> str | None:
    pictures = polycard.get("pictures")
    picture = text_in(dig(pictures, "pictures", 0, "id"))
    if picture is None or not picture.replace("-", "").replace("_", "").isalnum():
        return None
    address = text_in(context.get("picture_template")) or PICTURE_TEMPLATE
    for name, value in (
        ("{square}", text_in(dig(pictures, "square")) or text_in(context.get("picture_square_default")) or "Q"),
        ("{2x}", "_2X"),
        ("{id}", picture),
        ("{size}", text_in(context.get("picture_size_default")) or "AB"),
        ("{sanitized_title}", ""),
    ):
        address = address.replace(name, value)
    return address if address.startswith("https://") else None


def id_of(polycard: Json) -> str | None:
    """The item id of a card of the state."""
    return item_id_in(polycard["metadata"].get("id"))
