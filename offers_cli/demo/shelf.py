"""The offers on sale now: the catalogue and what was changed since."""

from __future__ import annotations

import re
import threading
from dataclasses import replace

from offers_cli.demo.catalogue import Catalogue, CatalogueOffer
from offers_cli.demo.titles import slug

_PRODUCT_PATH = re.compile(r"/(?:[^/]+/)?(?:u?p/(?P<product>MLBU?\d+)|MLB-?(?P<item>\d+)(?:-[^/]*)?)/?", re.ASCII)


class Shelf:
    """Finds offers by address, place and words; prices may change while others read."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._lock = threading.Lock()
        self._offers = list(catalogue)
        self._positions = {
            offer_id: offer.position
            for offer in catalogue
            for offer_id in (offer.item_id, offer.catalogue_id, offer.user_product_id)
            if offer_id
        }
        self.version = 0

    @property
    def offers(self) -> tuple[CatalogueOffer, ...]:
        return tuple(self._offers)

    def at(self, position: int | None) -> CatalogueOffer | None:
        return self._offers[position] if position is not None and 0 <= position < len(self._offers) else None

    def find(self, path: str) -> CatalogueOffer | None:
        """The offer that a product page's path names by any of its ids."""
        match = _PRODUCT_PATH.fullmatch(path)
        return self.at(self._positions.get(match["product"] or f"MLB{match['item']}")) if match else None

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
                page=offer.page.at(price_cents),
                listed=offer.listed.at(price_cents) if listed else offer.listed,
            )
            self._offers[offer.position] = changed
            self.version += 1
            return changed


def is_product_path(path: str) -> bool:
    return _PRODUCT_PATH.fullmatch(path) is not None
