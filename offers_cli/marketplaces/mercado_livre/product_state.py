"""The embedded state of a product page, which names the parts of the page (``components``) and their values.

The keys are the same from 2024 to 2026: ``app`` is ``pdp`` (catalogue), ``vip`` (item) or ``upp`` (user product).
Older pages list their components by zone instead of by name; both are read. Other sellers (``bbw_alternatives``),
recommendations and payment options stand in components of their own and are never looked into.
"""

from __future__ import annotations

from typing import Any

from offers_cli.marketplaces.evidence import Evidence
from offers_cli.marketplaces.mercado_livre.amounts import percent_in
from offers_cli.marketplaces.mercado_livre.state import Json, dicts, dig, page_props, text_in
from offers_cli.marketplaces.mercado_livre.urls import item_id_in, user_product_id_in
from offers_cli.marketplaces.mercado_livre.walls import REGIONAL
from offers_cli.money import cents_from_number

ACTIVE = {"active", "not_apply", ""}


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


def gather(evidence: Evidence, shown: Json) -> None:
    """Add what the state says to the evidence."""
    evidence.add_text("title", "state", text_in(component(shown, "header").get("title")))
    _gather_ids(evidence, shown)
    _gather_availability(evidence, shown)
    price = component(shown, "price")
    if isinstance(price.get("price"), dict) and price.get("state", "VISIBLE") == "VISIBLE":
        _gather_price(evidence, price)
    else:
        _gather_selected_offer(evidence, component(shown, "buy_box_offers"))


def _gather_price(evidence: Evidence, component: Json) -> None:
    price = component["price"]
    if (value := price.get("value")) is not None:
        evidence.add_price("price_cents", "state", value, lambda: cents_from_number(value))
    if (original := price.get("original_value")) is not None:
        evidence.add_price("old_price_cents", "state", original, lambda: cents_from_number(original))
    evidence.add_text("currency", "state", text_in(price.get("currency_id")))
    _gather_label(evidence, component.get("discount_label"))


def _gather_label(evidence: Evidence, label: Any) -> None:
    value = dig(label, "value")
    text = text_in(dig(label, "text")) or text_in(value)
    if isinstance(value, int) and not isinstance(value, bool):
        fits = 0 < value < 100
        evidence.add("discount_pct", "state", value, value if fits else None, "" if fits else "no percentage")
    elif text:
        percent = percent_in(text)
        evidence.add("discount_pct", "state", text, percent, "" if percent else "no single percentage")


def _gather_selected_offer(evidence: Evidence, offers: Json) -> None:
    """Pages that let the buyer choose between sellers hold the price in the chosen option."""
    chosen = [item for item in dicts(offers.get("items")) if item.get("selected") is True]
    if offers.get("state") != "VISIBLE" or len(chosen) != 1:
        return
    if item_id := item_id_in(chosen[0].get("item_id")):
        evidence.add("item_id", "state", chosen[0]["item_id"], item_id)
    parts = chosen[0].get("components")
    for part in dicts(list(parts.values()) if isinstance(parts, dict) else parts):
        if "price" in {part.get("id"), part.get("type")} and isinstance(part.get("price"), dict):
            _gather_price(evidence, part)
            return


def _gather_ids(evidence: Evidence, shown: Json) -> None:
    event = _event(shown)
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


def _event(shown: Json) -> Json:
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
    status = _event(shown).get("item_status")
    if isinstance(status, str) and status not in ACTIVE:
        evidence.add("available", "state", f"item_status {status}", value=False)
