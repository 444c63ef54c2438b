"""A listing page: the affiliates' hub, the offers page, a search. State and elements are read and compared.

In every capture the elements follow the state's order and agree with it. The state is trusted first, for it knows the
ids that advertisements' links hide; a card whose shown price contradicts it is left out, not guessed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urldefrag

from offers_cli.errors import PageChanged
from offers_cli.marketplaces.base import MERCADO_LIVRE, ListingReading
from offers_cli.marketplaces.html import (
    Document,
    class_of,
    explain_command,
    first,
    join,
    lineage,
    outermost,
    select,
    text_of,
)
from offers_cli.marketplaces.mercado_livre import listing_state, selectors
from offers_cli.marketplaces.mercado_livre.listing_cards import Card, merge, offer_of, read_card
from offers_cli.marketplaces.mercado_livre.sites import BRAZIL, Site
from offers_cli.marketplaces.mercado_livre.state import Json
from offers_cli.marketplaces.mercado_livre.urls import site_of
from offers_cli.offer import Offer

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

NO_RESULTS = re.compile(
    r"n[ãa]o (?:há|encontramos) (?:an[úu]ncios|resultados|produtos)|nenhum (?:resultado|an[úu]ncio)"
    r"|no hay (?:publicaciones|resultados|productos)|no encontramos (?:publicaciones|resultados|productos)",
    re.IGNORECASE,
)
EMPTY_PROFILE = re.compile(
    r".{0,80}\b(?:ainda n[ãa]o recomendou|a[úu]n no (?:ha recomendado|recomend[óo]))\b", re.IGNORECASE
)
FEATURED = "featured"
"""The source of the one product that an affiliate's link leads to, among what else its profile shows."""


class ListingPage:
    """What one listing page says of its offers."""

    def __init__(self, document: Document, url: str, states: list[Json], *, base_url: str | None) -> None:
        self.document = document
        self.url = url or document.address or ""
        self.base_url = base_url
        self.state = listing_state.find_listing_state(states)

    @property
    def _site(self) -> Site | None:
        return site_of(self.url) or site_of(self.document.address or "")

    @cached_property
    def _found(self) -> tuple[selectors.Layout | None, list[LexborNode]]:
        """The first layout that the page has any cards of, and these, none of them within another."""
        tree = self.document.tree
        for layout in selectors.LAYOUTS:
            if nodes := outermost(select(tree, layout.card)):
                return layout, nodes
        for layout in selectors.LAYOUTS:
            if lone := self._lone_card(layout):
                return layout, [lone]
        return None, []

    def _lone_card(self, layout: selectors.Layout) -> LexborNode | None:
        """The one card of a page that was saved without what encloses it."""
        titles = outermost(select(self.document.tree, layout.title))
        if len(titles) != 1 or first(self.document.tree, "h1") is not None:
            return None
        return next((place for place in lineage(titles[0]) if first(place, layout.box)), None)

    @property
    def _layout(self) -> selectors.Layout | None:
        return self._found[0]

    @property
    def _nodes(self) -> list[LexborNode]:
        return self._found[1]

    @cached_property
    def _main_nodes(self) -> list[LexborNode]:
        return [node for node in self._nodes if _stands_in(node, selectors.MAIN_CARDS)]

    @cached_property
    def _cards_shown(self) -> list[Card]:
        """The cards among the elements; the last one of a page that was cut off may lack anything."""
        layout = self._layout
        if layout is None:
            return []
        cards = [
            read_card(node, layout, self.url, self._site, is_hub=_stands_in(node, selectors.HUB_CARDS))
            for node in self._main_nodes or self._nodes
        ]
        if cards and self.document.is_cut_off:
            cards[-1] = replace(cards[-1], price_cents=None, problem="the page is cut off")
        return cards

    def is_certain(self) -> bool:
        """Whether state or the place of its cards say that this is a listing."""
        return self.state is not None or bool(self._main_nodes)

    def is_likely(self) -> bool:
        """Whether it shows any cards at all."""
        return bool(self._cards_shown) or self._says_nothing_found()

    def read(self, *, source: str = "listing") -> ListingReading:
        """Read every card.

        Raises:
            PageChanged: none of its cards can be read.
        """
        cards = list(self._cards())
        unreadable = tuple((n, card.unreadable) for n, card in enumerate(cards, start=1) if card.unreadable)
        if cards and len(unreadable) == len(cards):
            reason = unreadable[0][1]
            raise PageChanged(f"none of {len(cards)} cards can be read: {reason}", hint=explain_command(self.url))
        readable = [card for card in cards if not card.unreadable]
        is_featured = self.state is not None and self.state.is_featured and not cards[0].unreadable
        sources = [FEATURED if is_featured and n == 0 else source for n in range(len(readable))]
        offers = [
            offer_of(card, source=name, base_url=self.base_url) for card, name in zip(readable, sources, strict=True)
        ]
        return ListingReading(
            marketplace=MERCADO_LIVRE,
            url=self.url,
            currency=readable[0].currency if readable else (self._site or BRAZIL).currency,
            offers=share_item_ids(offers),
            next_page=self._next_page(),
            strategy="dom" if self.state is None else "state",
            unreadable=unreadable,
        )

    def _cards(self) -> Iterator[Card]:
        """The state's cards, each compared with the element that shows it; then what only the elements show."""
        if self.state is None:
            yield from self._cards_shown
            return
        shown: dict[str, list[Card]] = defaultdict(list)
        for card in self._cards_shown:
            shown[card.identity.external_id or ""].append(card)
        told: list[Card] = []
        for polycard in self.state.polycards:
            card = listing_state.read_card(polycard, self.state.context, self.url, is_hub=self.state.is_hub)
            same = shown.get(card.identity.external_id or "", [])
            told.append(card)
            yield merge(card, same.pop(0) if len(same) > 1 else same[0]) if same else card
        if self._main_nodes or not self.state.is_whole:
            yield from self._shown_only(told)

    def _shown_only(self, told: list[Card]) -> Iterator[Card]:
        """The cards among the elements that the state does not hold; one that hides its id is known by its title."""
        ids = {card.identity.external_id for card in told}
        titles = {card.title for card in told}
        for card in self._cards_shown:
            known = card.identity.external_id in ids if card.identity.external_id else card.title in titles
            if not known:
                yield card

    def _next_page(self) -> str | None:
        """What the page's own pager offers; never the page itself."""
        following = (urldefrag(join(self.url, address)).url for address in self._next_addresses())
        return next((url for url in following if url and url != urldefrag(self.url).url), None)

    def _next_addresses(self) -> Iterator[str]:
        for selector in selectors.NEXT_PAGE:
            for node in select(self.document.tree, selector):
                if not _is_disabled(node):
                    yield (node.attributes.get("href") or "").strip()
        if self.state is not None and self.state.next_address:
            yield self.state.next_address

    def _says_nothing_found(self) -> bool:
        tree = self.document.tree
        headings, texts = select(tree, selectors.NOTHING_FOUND), select(tree, selectors.SHORT_TEXTS)
        return any(NO_RESULTS.search(text_of(node)) for node in headings) or any(
            EMPTY_PROFILE.match(text_of(node)) for node in texts
        )


def share_item_ids(offers: list[Offer]) -> tuple[Offer, ...]:
    """Give a card whose link hides its item the one that another card names for the same product at the same price.

    So one offer has one id in all its cards, whether their links carry tracking parts or not.
    """
    items: dict[tuple[str | None, int], set[str]] = defaultdict(set)
    for offer in offers:
        if offer.item_id and offer.catalogue_id:
            items[offer.catalogue_id, offer.price_cents].add(offer.item_id)
    shared = []
    for offer in offers:
        known = items.get((offer.catalogue_id, offer.price_cents), set())
        item_id = next(iter(known)) if len(known) == 1 and not offer.item_id else None
        shared.append(replace(offer, item_id=item_id, external_id=item_id) if item_id else offer)
    return tuple(shared)


def _stands_in(node: LexborNode, classes: re.Pattern[str]) -> bool:
    return any(classes.search(class_of(place)) for place in lineage(node))


def _is_disabled(node: LexborNode) -> bool:
    classes = f"{class_of(node)} " + (class_of(node.parent) if node.parent is not None else "")
    return selectors.DISABLED_CLASS in classes or node.attributes.get(selectors.DISABLED_STATE) == "disabled"
