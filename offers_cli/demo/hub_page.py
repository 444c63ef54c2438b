"""The affiliates hub: its page with the first cards, and its cards as data."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from offers_cli.demo.amounts import Era, amount, state_value
from offers_cli.demo.catalogue import CatalogueOffer
from offers_cli.demo.embedded import card_state, polycard_context
from offers_cli.demo.goods import ListedCard
from offers_cli.demo.markup import state_element

CATEGORIES = {"MLB1574": "Casa, Móveis e Decoração", "MLB1648": "Informática", "MLB1276": "Esportes e Fitness"}


def category_of(offer: CatalogueOffer) -> str:
    return tuple(CATEGORIES)[offer.position % len(CATEGORIES)]


def is_best_seller(offer: CatalogueOffer) -> bool:
    return offer.position % 4 == 0


def hub_card(offer: CatalogueOffer, base_url: str) -> dict[str, Any]:
    """One card: title, price without a previous one, commission."""
    card = card_state(ListedCard(offer=offer, base_url=base_url, client="affiliates"))
    card["metadata"] |= {"extra_commission": str(offer.extra_commission).lower(), "type": "product"}
    current = {"value": state_value(offer.listed.price_cents), "currency": "BRL", "decimal_style": "superscript"}
    card["components"] = [
        {"type": "title", "id": "title", "title": {"text": offer.title, "long_title": False}},
        {"type": "price", "id": "price", "price": {"current_price": current}},
        {"type": "chip", "id": "affiliates_commission_chip", "chip": _commission_chip(offer)},
        {
            "type": "action_links",
            "id": "action_links",
            "action_links": [{"id": "share_action", "text": "Compartilhar"}],
        },
    ]
    return card


def _commission_chip(offer: CatalogueOffer) -> dict[str, Any]:
    """The commission in one of its three known shapes."""
    percent = f"{offer.commission_pct}%"
    if offer.extra_commission and offer.position % 2:
        values = [{"key": "extra", "type": "label", "label": {"text": "EXTRA"}}]
        return {"pill": {"text": "GANHOS {extra}", "values": values}, "label": {"text": percent}}
    text = f"GANHOS {'EXTRAS ' if offer.extra_commission else ''}{percent}"
    return {"pill": {"text": text}} if offer.position % 3 == 0 else {"label": {"text": text}}


def hub_html(offers: Sequence[CatalogueOffer], base_url: str, *, csrf_token: str, tags: Sequence[str]) -> str:
    """The hub with its first cards, in its state and in its markup."""
    recommendations = {
        "polycard_context": polycard_context(base_url, "affiliates"),
        "polycards": [hub_card(offer, base_url) for offer in offers],
        "contract_version": "1.0.0",
    }
    data = {"recommendations": recommendations, "filters": hub_filters(), "sort": {"id": "relevance"}}
    brick = {"id": "recommendations_card", "ui_type": "RECOMMENDATIONS", "data": data, "bricks": []}
    page_state = {
        "siteId": "MLB",
        "tags": tags_state(tags),
        "bricks": [
            {"id": "banner_card", "data": {}, "bricks": []},
            {"id": "main", "data": {}, "bricks": [brick]},
        ],
    }
    state = {"pageState": page_state, "pageStoreState": {}, "pageSettings": {"csrfToken": csrf_token}}
    cards = "".join(_card_html(offer, base_url) for offer in offers)
    return affiliates_html(
        f'<div class="recommendations-polycards"><div class="polycards__container">{cards}</div></div>'
        f"{state_element(state)}",
        csrf_token=csrf_token,
    )


def affiliates_html(body: str, *, csrf_token: str) -> str:
    return (
        '<!DOCTYPE html><html lang="pt-BR"><head><meta charset="utf-8">'
        f'<title>Central de afiliados e criadores</title><meta name="csrf-token" content="{csrf_token}"></head>'
        f"<body>{body}</body></html>"
    )


def hub_filters() -> list[dict[str, Any]]:
    values = [{"id": key, "name": name} for key, name in CATEGORIES.items()]
    return [{"id": "category", "values": values}, {"id": "extra_commission"}, {"id": "best_seller"}]


def tags_state(tags: Sequence[str]) -> list[dict[str, Any]]:
    return [{"tag": tag, "in_use": index == 0, "generated_date": "2026-01-01"} for index, tag in enumerate(tags)]


def _card_html(offer: CatalogueOffer, base_url: str) -> str:
    link = escape(ListedCard(offer=offer, base_url=base_url, client="affiliates").link)
    return (
        '<div class="andes-card poly-card poly-card--grid-card poly-card--large"><div class="poly-card__content">'
        f'<a href="{link}" target="_blank" class="poly-component__title">{escape(offer.title)}</a>'
        '<div class="poly-component__price"><div class="poly-price__current">'
        f"{amount(offer.listed.price_cents, Era.Y2024)}</div></div>"
        f'<div class="poly-component__chip">{_chip_html(_commission_chip(offer))}</div>'
        f'<input type="hidden" name="id" value="{offer.item_id}"></div></div>'
    )


def _chip_html(chip: dict[str, Any]) -> str:
    pill = chip.get("pill", {}).get("text", "").replace("{extra}", "EXTRA")
    label = chip.get("label", {}).get("text", "")
    return (f'<span class="poly-component__pill">{pill}</span>' if pill else "") + (
        f'<span class="poly-component__label">{label}</span>' if label else ""
    )
