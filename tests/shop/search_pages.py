"""Search results, with the state of 2025, a paid card first, and the page that asks for JavaScript."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import quote, urlsplit

from offers_cli.demo.amounts import Era, state_value
from offers_cli.demo.catalogue import CatalogueOffer
from offers_cli.demo.embedded import card_state, polycard_context
from offers_cli.demo.goods import ListedCard
from offers_cli.demo.markup import Html, join, json_ld, render, state_element
from offers_cli.demo.pages import ListingPart, card_html, pager_html


@dataclass(frozen=True, slots=True, kw_only=True)
class SponsoredCard(ListedCard):
    """A card that is paid for: its link goes over the click counter and hides which product it is."""

    sponsored: bool = True

    @property
    def address(self) -> str:
        return urlsplit(self.base_url).netloc + "/mclics/clicks/external/MLB/count"

    @property
    def params(self) -> str:
        return f"?a={quote(click_token(self.offer), safe='')}"

    @property
    def fragment(self) -> str:
        return f"#polycard_client={self.client}&is_advertising=true&type=pad"


def click_token(offer: CatalogueOffer) -> str:
    """What the click counter is told: opaque to the reader, known to the shop."""
    return f"{offer.position * 7919 + 104729:x}/Zx+"


def clicked_position(token: str) -> int | None:
    """The offer's position behind a click token, or None for a token the shop never made."""
    try:
        number = int(token.partition("/")[0], 16) - 104729
    except ValueError:
        return None
    return number // 7919 if number >= 0 and number % 7919 == 0 else None


def search_html(part: ListingPart, base_url: str, term: str, *, sponsored: CatalogueOffer | None) -> str:
    """A page of search results; `sponsored` gets a paid card before the others."""
    client = "search-nordic"
    cards = [ListedCard(offer=offer, base_url=base_url, client=client) for offer in part.offers]
    if sponsored:
        cards.insert(0, SponsoredCard(offer=sponsored, base_url=base_url, client=client))
    state = {"pageState": {"siteId": "MLB", "initialState": _search_state(part, cards, base_url)}, "pageSettings": {}}
    items = "".join(
        f'<li class="ui-search-layout__item">{card_html(card, Era.Y2024, layout="list")}</li>' for card in cards
    )
    body = f'<ol class="ui-search-layout ui-search-layout--stack">{items}</ol>{pager_html(part)}'
    return render(
        "listing.html",
        "page",
        title=term,
        url=part.page_urls[part.index],
        body=Html(body if cards else _no_results(term)),
        scripts=join(state_element(state), json_ld(_search_graph(part, base_url))),
    )


def _search_state(part: ListingPart, cards: list[ListedCard], base_url: str) -> dict[str, Any]:
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


def _search_graph(part: ListingPart, base_url: str) -> dict[str, Any]:
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


def micro_landing_html(offer: CatalogueOffer | None, base_url: str) -> str:
    """The wall that asks for JavaScript: it names the product, and shows nothing else of it."""
    title, link = (escape(offer.title), base_url + offer.path) if offer else ("Mercado Livre", base_url)
    return (
        f'<!DOCTYPE html><html lang="pt-BR"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta property="og:title" content="{title}"><link rel="canonical" href="{link}"></head>'
        '<body><div class="micro-landing-container"><noscript>This page requires JavaScript to work</noscript></div>'
        "<script>function verifyChallenge(t){document.cookie='_bmc='+t;document.cookie='_bm_skipml=true;max-age=300'}"
        "</script></body></html>"
    )
