"""The profile that an affiliate's link leads to: the linked product first, then what others looked at."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from offers_cli.demo.amounts import Era
from offers_cli.demo.catalogue import CatalogueOffer
from offers_cli.demo.goods import ListedCard
from offers_cli.demo.pages import card_html


def profile_html(offer: CatalogueOffer, others: Sequence[CatalogueOffer], base_url: str) -> str:
    """The page of one shared product."""
    cards = [
        card_html(ListedCard(offer=each, base_url=base_url, client="affiliate-profile"), Era.Y2026)
        for each in (offer, *(each for each in others if each is not offer))
    ]
    return (
        f'<!DOCTYPE html><html lang="pt-BR"><head><title>Perfil</title><meta property="og:title"'
        f' content="{escape(offer.title)}"></head><body><section>{cards[0]}</section>'
        f"<h2>Quem viu este produto também comprou</h2><section>{''.join(cards[1:])}</section></body></html>"
    )
