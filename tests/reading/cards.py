"""One listing card, written as the site's elements and as its embedded state write it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from offers_cli.marketplaces.base import ListingReading
from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.offer import Offer

LISTING = "https://lista.mercadolivre.com.br/fone"


def amount(cents: int, *, tag: str = "span", classes: str = "", spoken: bool = True, symbol: str = "R$") -> str:
    whole, rest = divmod(cents, 100)
    label = f' aria-label="{whole} reais{f" com {rest:02} centavos" if rest else ""}"' if spoken else ""
    mark = f'<span aria-hidden="true">,</span><span class="andes-money-amount__cents">{rest:02}</span>' if rest else ""
    figures = f"{whole:,}".replace(",", ".")
    return (
        f'<{tag} class="andes-money-amount {classes}" role="img"{label}>'
        f'<span class="andes-money-amount__currency-symbol">{symbol}</span>'
        f'<span class="andes-money-amount__fraction">{figures}</span>{mark}</{tag}>'
    )


@dataclass
class ACard:
    """A card and what stands around its price; prices in cents."""

    price: int = 10000
    old: int | None = None
    label: str | None = None
    note: str | None = None
    """What stands beside the price without being its discount: ``no Pix``."""
    phrase: str | None = None
    """``ou {price_total} em {count}x {price} sem juros``, its amounts in `amounts`."""
    amounts: dict[str, int] = field(default_factory=dict)
    item_id: str = "MLB100000001"
    title: str = "Fone"
    components: list[dict[str, Any]] = field(default_factory=list)
    """More of the state."""
    elements: str = ""
    """More of the card's elements."""

    def html(self) -> str:
        old = amount(self.old, tag="s", classes="andes-money-amount--previous") if self.old else ""
        label = f'<span class="poly-price__disc_label andes-money-amount__discount">{self.label}</span>'
        note = f'<span class="poly-price__unit-description">{self.note}</span>'
        phrase = self.phrase or ""
        for name, cents in self.amounts.items():
            phrase = phrase.replace(f"{{{name}}}", amount(cents, classes="poly-phrase-price"))
        return (
            f'<div class="poly-card"><h3 class="poly-component__title-wrapper"><a class="poly-component__title" '
            f'href="https://produto.mercadolivre.com.br/MLB-{self.item_id[3:]}-x-_JM">{self.title}</a></h3>'
            f'<div class="poly-component__price">{old}<div class="poly-price__current">{amount(self.price)}'
            f"{label if self.label else ''}</div>{note if self.note else ''}"
            f'<span class="poly-price__installments">{phrase}</span></div>{self.elements}</div>'
        )

    def state(self) -> dict[str, Any]:
        price: dict[str, Any] = {"current_price": {"value": self.price / 100, "currency": "BRL"}}
        if self.old:
            price["previous_price"] = {"value": self.old / 100, "currency": "BRL"}
        if self.label:
            price["discount_label"] = {"text": self.label}
        if self.note:
            price["unit_description"] = {"text": self.note}
        if self.phrase:
            values = [
                {"key": name, "type": "price", "price": {"value": cents / 100, "currency": "BRL"}}
                for name, cents in self.amounts.items()
            ]
            price["installments"] = {"text": self.phrase, "values": values}
        title = {"type": "title", "title": {"text": self.title}}
        url = f"produto.mercadolivre.com.br/MLB-{self.item_id[3:]}-x-_JM"
        return {
            "metadata": {"id": self.item_id, "url": url},
            "components": [title, {"type": "price", "price": price}, *self.components],
        }


def listing(*, html: str = "", states: list[dict[str, Any]] | None = None) -> str:
    """A search with those cards among its elements and in its state."""
    script = ""
    if states is not None:
        results = [{"id": "POLYCARD", "polycard": state} for state in states]
        data = json.dumps({"pageState": {"initialState": {"results": results}}})
        script = f'<script type="application/json" id="__PRELOADED_STATE__">{data}</script>'
    return f'<html><body><ol class="ui-search-layout">{html}</ol>{script}</body></html>'


def read(market: MercadoLivre, page: str, url: str = LISTING) -> ListingReading:
    reading = market.read(page, url)
    assert isinstance(reading, ListingReading)
    return reading


def read_each_way(market: MercadoLivre, card: ACard) -> list[Offer]:
    """The offer of a card read from the elements alone, from the state alone, and from both."""
    pages = (
        listing(html=card.html()),
        listing(states=[card.state()]),
        listing(html=card.html(), states=[card.state()]),
    )
    return [offer for page in pages for offer in read(market, page).offers]
