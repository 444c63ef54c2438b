"""Listing pages: the offers page in its three layouts, and the search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from offers_cli.demo.amounts import Era, state_value
from offers_cli.demo.catalogue import CatalogueOffer
from offers_cli.demo.polycards import Card, card_html, card_state, polycard_context
from offers_cli.demo.scripts import json_ld, nordic_context, nordic_flags, preloaded_state, script_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One page of a listing.

    Attributes:
        page_urls: the addresses of all pages, in order.
        index: which of them this is, from 0.
    """

    offers: Sequence[CatalogueOffer]
    page_urls: Sequence[str]
    index: int
    total: int

    @property
    def next_url(self) -> str | None:
        return self.page_urls[self.index + 1] if self.index + 1 < len(self.page_urls) else None


def ofertas_html(part: Slice, base_url: str) -> str:
    """A page of ``/ofertas``; the layouts take turns: state of 2026, no state, state of 2025."""
    cards = [Card(offer=offer, base_url=base_url, client="offers") for offer in part.offers]
    layout = part.index % 3
    era = Era.Y2024 if layout == 2 else Era.Y2026
    script = ""
    if layout == 0:
        script = nordic_context(_ofertas_context(part, cards, base_url))
    elif layout == 2:
        script = preloaded_state({"siteId": "MLB", "data": _ofertas_data(part, cards, base_url)})
    shown = "".join(card_html(card, era) for card in cards)
    body = f'<div class="items-list"><div class="items-with-smart-groups">{shown}</div></div>{_pager(part)}'
    return _document("Ofertas | Mercado Livre", f"{base_url}/ofertas", body, script)


def search_html(part: Slice, base_url: str, term: str, *, sponsored: CatalogueOffer | None) -> str:
    """A page of search results, with the state of 2025; `sponsored` gets a paid card before the others."""
    cards = [Card(offer=offer, base_url=base_url, client="search-nordic") for offer in part.offers]
    if sponsored:
        cards.insert(0, Card(offer=sponsored, base_url=base_url, client="search-nordic", sponsored=True))
    state = {"pageState": {"siteId": "MLB", "initialState": _search_state(part, cards, base_url)}, "pageSettings": {}}
    script = (
        '<script data-head-react="true" type="application/json" id="__PRELOADED_STATE__">'
        f"{script_json(state)}</script>{json_ld(_search_graph(part, base_url))}"
    )
    shown = "".join(
        f'<li class="ui-search-layout__item">{card_html(card, Era.Y2024, layout="list")}</li>' for card in cards
    )
    body = f'<ol class="ui-search-layout ui-search-layout--stack">{shown}</ol>{_pager(part)}'
    return _document(
        f"{term} | Mercado Livre", part.page_urls[part.index], body if cards else _no_results(term), script
    )


def _ofertas_context(part: Slice, cards: list[Card], base_url: str) -> dict[str, Any]:
    props = {"data": _ofertas_data(part, cards, base_url), "siteId": "MLB", "apiBasePath": "/ofertas/api"}
    return {"flags": nordic_flags(bot=False), "framework": "nordic", "appProps": {"pageProps": props}}


def _ofertas_data(part: Slice, cards: list[Card], base_url: str) -> dict[str, Any]:
    size = len(part.offers)
    return {
        "siteId": "MLB",
        "paging": {"limit": size, "offset": part.index * size, "total": part.total, "primaryResults": part.total},
        "items": [
            {"position": place, "type": "ORGANIC_ITEM", "card": card_state(card)} for place, card in enumerate(cards, 1)
        ],
        "polycardContext": polycard_context(base_url, "offers"),
    }


def _search_state(part: Slice, cards: list[Card], base_url: str) -> dict[str, Any]:
    results: list[dict[str, Any]] = [
        {"id": "POLYCARD", "state": "VISIBLE", "polycard": card_state(card)} for card in cards
    ]
    results.insert(min(2, len(results)), {"id": "FILTER_INTERVENTION", "state": "VISIBLE"})
    next_page = {"value": "Seguinte", "url": part.next_url or "", "show": part.next_url is not None}
    return {
        "results": results,
        "pagination": {
            "page_count": len(part.page_urls),
            "selected_page": part.index + 1,
            "next_page": next_page,
            "results_limit": part.total,
        },
        "polycard_context": polycard_context(base_url, "search-nordic"),
        "currency": "BRL",
    }


def _search_graph(part: Slice, base_url: str) -> dict[str, Any]:
    products = [
        {
            "@type": "Product",
            "name": offer.title,
            "offers": {
                "@type": "Offer",
                "availability": "https://schema.org/InStock",
                "price": state_value(offer.listed.price_cents),
                "priceCurrency": "BRL",
                "url": base_url + offer.path,
            },
        }
        for offer in part.offers
    ]
    return {"@context": "https://schema.org", "@graph": products}


def _no_results(term: str) -> str:
    return (
        '<div class="ui-search-rescue ui-search-rescue--zrp"><h3 class="ui-search-rescue__title">'
        f"Não há anúncios que correspondam à sua busca</h3><p>{escape(term)}</p></div>"
    )


def _pager(part: Slice) -> str:
    """The pager; before the first page there is a disabled link that leads nowhere, as on the site."""
    if len(part.page_urls) < 2:
        return ""
    back_class = "" if part.index else " andes-pagination__button--disabled"
    back_url = part.page_urls[part.index - 1] if part.index else part.page_urls[0].replace("page=1", "page=0")
    numbers = "".join(_page_number(part, index) for index in range(len(part.page_urls)))
    following = _pager_button("next", part.next_url, "Seguinte") if part.next_url else ""
    return (
        '<ul class="andes-pagination andes-pagination--large">'
        f"{_pager_button('back' + back_class, back_url, 'Anterior')}{numbers}{following}</ul>"
    )


def _pager_button(classes: str, url: str, title: str) -> str:
    return (
        f'<li class="andes-pagination__button andes-pagination__button--{classes}">'
        f'<a href="{escape(url)}" class="andes-pagination__link" title="{title}">{title}</a></li>'
    )


def _page_number(part: Slice, index: int) -> str:
    current = " andes-pagination__button--current" if index == part.index else ""
    return (
        f'<li class="andes-pagination__button{current}">'
        f'<a href="{escape(part.page_urls[index])}" class="andes-pagination__link">{index + 1}</a></li>'
    )


def _document(title: str, canonical: str, body: str, script: str) -> str:
    return (
        f'<!DOCTYPE html><html lang="pt-BR"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<link rel="canonical" href="{escape(canonical)}"></head><body>{body}{script}</body></html>'
    )
