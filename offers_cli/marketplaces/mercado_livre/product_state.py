"""The embedded state of a product page, which names the parts of the page (``components``) and their values.

The keys are the same from 2024 to 2026: ``app`` is ``pdp`` (catalogue), ``vip`` (item) or ``upp`` (user product).
Older pages list their components by zone instead of by name; both are read. Other sellers (``bbw_alternatives``),
recommendations and payment options stand in components of their own and are never looked into.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from offers_cli.marketplaces.evidence import Evidence
from offers_cli.marketplaces.mercado_livre import facts
from offers_cli.marketplaces.mercado_livre.amounts import FROM, FROM_NOTE, percent_in
from offers_cli.marketplaces.mercado_livre.payment import (
    NAMED,
    NOTHING,
    Payment,
    payment_in_template,
    price_condition,
    written_out,
)
from offers_cli.marketplaces.mercado_livre.sites import Site
from offers_cli.marketplaces.mercado_livre.state import Json, dicts, dig, page_props, text_in
from offers_cli.marketplaces.mercado_livre.urls import item_id_in, user_product_id_in
from offers_cli.marketplaces.mercado_livre.walls import REGIONAL
from offers_cli.money import MoneyError, cents_from_number
from offers_cli.offer import PriceCondition

ACTIVE = {"active", "not_apply", ""}
NOT_THE_PRICE = {"subtitles", "price_tags", "discounts_tags", "action"}
"""Parts of the price's component that say nothing of the price itself: how a card pays, what an account gives back."""
MOST_TEXTS = 100
LONGEST_TEXT = 2000
MOST_INSTALMENTS = 100


def find_product_states(states: list[Json]) -> list[Json]:
    """What the page's states say of the product that it shows, each once: one, or none, or several that differ."""
    found: list[Json] = []
    for state in states:
        for place in page_props(state):
            shown = place.get("initialState", place)
            if isinstance(shown, dict) and isinstance(shown.get("components"), dict) and _is_product(shown):
                found += [shown] if shown not in found else []
    return found


def _is_product(shown: Json) -> bool:
    return shown.get("app") in {"pdp", "vip", "upp"} or bool(component(shown, "price") and component(shown, "header"))


def component(shown: Json, name: str) -> Json:
    """One component, by its name or within a zone; empty where there is none."""
    components = shown["components"]
    if isinstance(components.get(name), dict):
        return dict(components[name])
    zones = [zone for zone in components.values() if isinstance(zone, list)]
    found = (part for zone in zones for part in dicts(zone) if name in {part.get("id"), part.get("type")})
    return next(found, {})


def gather(evidence: Evidence, shown: Json, site: Site, pinned: str | None = None) -> None:
    """Add what the state says to the evidence.

    Args:
        pinned: the item that the page's address asks for, where the page lets the buyer choose between items.
    """
    evidence.add_text("title", "state", text_in(component(shown, "header").get("title")))
    _gather_ids(evidence, shown)
    _gather_availability(evidence, shown)
    price = component(shown, "price")
    if isinstance(price.get("price"), dict) and is_visible(price):
        _gather_price(evidence, price, site)
    else:
        _gather_selected_offer(evidence, component(shown, "buy_box_offers"), site, pinned)


def is_visible(component: Json) -> bool:
    """Whether the page shows a component: where it does not say, it does."""
    return bool(component) and component.get("state", "VISIBLE") == "VISIBLE"


def _gather_price(evidence: Evidence, component: Json, site: Site) -> None:
    price = component["price"]
    for text in _texts(component):
        if FROM.match(text):
            evidence.add("price_cents", "state", text, None, FROM_NOTE)
    if (value := price.get("value")) is not None:
        evidence.add_price("price_cents", "state", value, lambda: cents_from_number(value))
    if (original := price.get("original_value")) is not None:
        evidence.add_price("old_price_cents", "state", original, lambda: cents_from_number(original))
    evidence.add_text("currency", "state", text_in(price.get("currency_id")))
    _gather_label(evidence, component.get("discount_label"))
    _gather_payment(evidence, component, text_in(price.get("currency_id")) or site.currency)


def _gather_payment(evidence: Evidence, component: Json, currency: str) -> None:
    """By which payment the price holds, what a card pays instead, and in which instalments."""
    told = [(part, payment_in_template(part, currency)) for part in dicts(component.get("subtitles"))]
    part, payment = next(((part, paid) for part, paid in told if paid != NOTHING), ({}, NOTHING))
    event = dig(component, "action", "track", "melidata_event", "event_data")
    raw, labels = written_out(part, currency) or "", list(_labels(component, currency))
    is_cash = dig(event, "is_cash_price") is True
    if payment == NOTHING:
        raw, payment = "payment event", _payment_of_event(event, is_cash=is_cash)
    if payment.card_price_cents is not None:
        evidence.add("card_price_cents", "state", raw, payment.card_price_cents)
    evidence.add_facts("state", raw, facts.instalments(payment))
    if is_cash:
        evidence.add_condition("state", "is_cash_price", PriceCondition.PIX)
    if labels or not is_cash:
        evidence.add_condition("state", " · ".join(labels), price_condition(labels))


def _payment_of_event(event: Any, *, is_cash: bool) -> Payment:
    """The same by what the page reports of its payment methods.

    Their total without interest is what a card pays; where the instalments were rounded, the struck price beside it is.
    """
    count, is_free = dig(event, "installments_amount"), dig(event, "is_free_installments")
    if not isinstance(count, int) or not isinstance(is_free, bool) or not 1 < count < MOST_INSTALMENTS:
        return NOTHING
    try:
        each = cents_from_number(dig(event, "installments_value_each"))
        total = cents_from_number(dig(event, "installments_value_total"))
        struck = cents_from_number(dig(event, "original_price") or 0)
    except MoneyError:
        return NOTHING
    card = struck if abs(struck - total) <= count else total
    return Payment(
        card_price_cents=card if is_cash and is_free else None,
        installments_count=count,
        installment_cents=each or None,
        interest_free=is_free,
    )


def _labels(component: Json, currency: str) -> Iterator[str]:
    """The texts beside a price that may name its condition: those of its label, and any other that names one."""
    label = component.get("discount_label")
    own = [written_out(part, currency) for part in (label, {"text": dig(label, "value")})]
    yield from filter(None, own)
    for text in _texts(component):
        if text not in own and any(words.search(text) for words in NAMED.values()):
            yield text


def _texts(component: Json) -> Iterator[str]:
    """Every text of a price's component that may speak of the price itself."""
    waiting: list[Any] = [value for name, value in component.items() if name not in NOT_THE_PRICE]
    for _ in range(MOST_TEXTS):
        if not waiting:
            return
        part = waiting.pop(0)
        if isinstance(part, str):
            yield part[:LONGEST_TEXT]
        elif isinstance(part, dict | list):
            waiting += part.values() if isinstance(part, dict) else part


def _gather_label(evidence: Evidence, label: Any) -> None:
    value = dig(label, "value")
    text = text_in(dig(label, "text")) or text_in(value)
    if isinstance(value, int) and not isinstance(value, bool):
        fits = 0 < value < 100
        evidence.add("discount_pct", "state", value, value if fits else None, "" if fits else "no percentage")
    elif text:
        percent = percent_in(text)
        evidence.add("discount_pct", "state", text, percent, "" if percent else "no single percentage")


def _gather_selected_offer(evidence: Evidence, offers: Json, site: Site, pinned: str | None) -> None:
    """Pages that let the buyer choose between sellers hold the price in the one asked for, else in the chosen one."""
    items = dicts(offers.get("items"))
    asked = [item for item in items if pinned and item_id_in(item.get("item_id")) == pinned]
    chosen = asked or [item for item in items if item.get("selected") is True]
    if offers.get("state") != "VISIBLE" or len(chosen) != 1:
        return
    if item_id := item_id_in(chosen[0].get("item_id")):
        evidence.add("item_id", "state", chosen[0]["item_id"], item_id)
    parts = chosen[0].get("components")
    for part in dicts(list(parts.values()) if isinstance(parts, dict) else parts):
        if "price" in {part.get("id"), part.get("type")} and isinstance(part.get("price"), dict):
            _gather_price(evidence, part, site)
            return


def _gather_ids(evidence: Evidence, shown: Json) -> None:
    event = event_of(shown)
    own = shown.get("id")
    app = shown.get("app")
    items = (
        event.get("item_id"),
        dig(component(shown, "main_actions"), "form", "item_id"),
        own if app == "vip" else None,
    )
    catalogue = (event.get("catalog_product_id"), own if app == "pdp" else None)
    user_product = (event.get("user_product_id"), own if app == "upp" else None)
    for name, read, found in (
        ("item_id", item_id_in, items),
        ("catalogue_id", item_id_in, catalogue),
        ("user_product_id", user_product_id_in, user_product),
    ):
        value = next((value for value in map(read, found) if value), None)
        if value:
            evidence.add(name, "state", value, value)


def variation_of(shown: Json) -> str | None:
    """The number of the variant that the page shows, where it names one."""
    told = (event_of(shown).get("variation_id"), dig(component(shown, "main_actions"), "form", "variation_id"))
    return next((number for value in told if (number := str(value)).isdecimal() and number.isascii()), None)


def event_of(shown: Json) -> Json:
    """What the page reports of itself to its own statistics."""
    for place in (component(shown, "track"), shown.get("track")):
        event = dig(place, "melidata_event", "event_data")
        if isinstance(event, dict):
            return event
    return {}


def _gather_availability(evidence: Evidence, shown: Json) -> None:
    no_stock = component(shown, "no_stock_status")
    said = text_in(dig(no_stock, "body", "text")) or ""
    if no_stock.get("state") == "VISIBLE" and not REGIONAL.search(said):
        evidence.add("available", "state", said or "no_stock_status", value=False)
    if shown.get("no_active_item") is True:
        evidence.add("available", "state", "no_active_item", value=False)
    status = event_of(shown).get("item_status")
    if isinstance(status, str) and status not in ACTIVE:
        evidence.add("available", "state", f"item_status {status}", value=False)
