"""The offers on sale, found by the address of their pages."""

from __future__ import annotations

import re
from dataclasses import replace

from offers_cli.demo.catalogue import Behaviour, Catalogue, CatalogueOffer

_PRODUCT_PATH = re.compile(r"/(?:[^/]+/)?(?:u?p/(?P<product>MLBU?\d+)|MLB-?(?P<item>\d+)(?:-[^/]*)?)/?", re.ASCII)


class Inventory:
    """The offers of a catalogue, in its order."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._offers = list(catalogue)
        self._positions = {
            offer_id: offer.position
            for offer in catalogue
            for offer_id in (offer.item_id, offer.catalogue_id, offer.user_product_id)
            if offer_id
        }

    @property
    def offers(self) -> tuple[CatalogueOffer, ...]:
        return tuple(self._offers)

    def find(self, path: str) -> CatalogueOffer | None:
        """The offer that a product page's path names by any of its ids."""
        match = _PRODUCT_PATH.fullmatch(path)
        position = self._positions.get(match["product"] or f"MLB{match['item']}") if match else None
        return None if position is None else self._offers[position]

    def mend(self) -> None:
        """Let the pages that were broken show their price again."""
        for offer in self.offers:
            if offer.behaviour is Behaviour.BROKEN:
                self._offers[offer.position] = replace(offer, behaviour=Behaviour.NORMAL)


def is_product_path(path: str) -> bool:
    return _PRODUCT_PATH.fullmatch(path) is not None
