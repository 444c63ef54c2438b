"""The offers on sale, whose prices may change while others read, found by words and places too."""

from __future__ import annotations

import threading
from dataclasses import replace

from offers_cli.demo.catalogue import Catalogue, CatalogueOffer, PriceTag
from offers_cli.demo.inventory import Inventory
from offers_cli.demo.titles import slug


class ChangingInventory(Inventory):
    """The offers of a catalogue, with what was changed since."""

    def __init__(self, catalogue: Catalogue) -> None:
        super().__init__(catalogue)
        self._lock = threading.Lock()

    def at(self, position: int | None) -> CatalogueOffer | None:
        return self._offers[position] if position is not None and 0 <= position < len(self._offers) else None

    def search(self, term: str) -> tuple[CatalogueOffer, ...]:
        """The offers whose titles hold every word of the term."""
        words = slug(term).split("-")
        return tuple(offer for offer in self._offers if all(word in slug(offer.title) for word in words))

    def change_price(self, external_id: str, price_cents: int, *, listed: bool) -> CatalogueOffer:
        """Change one offer's price on its page and, when `listed`, in the listings; raises `KeyError` for no offer."""
        with self._lock:
            offer = self._offers[self._positions[external_id]]
            changed = replace(
                offer,
                page=at_price(offer.page, price_cents),
                listed=at_price(offer.listed, price_cents) if listed else offer.listed,
            )
            self._offers[offer.position] = changed
            return changed


def at_price(prices: PriceTag, price_cents: int) -> PriceTag:
    """The prices after a change: what no longer makes sense beside the new price is gone."""
    old, card = prices.old_price_cents, prices.card_price_cents
    return PriceTag(
        price_cents=price_cents,
        old_price_cents=old if old is not None and old > price_cents else None,
        card_price_cents=card if card is not None and card > price_cents else None,
    )
