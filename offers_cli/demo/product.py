"""One product page's material: the offer, what it shows today, and the decoys around it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from offers_cli.demo.catalogue import Behaviour, CatalogueOffer, PageShape, Prices, UrlKind
from offers_cli.demo.dice import dice


@dataclass(frozen=True, slots=True)
class Decoy:
    """Another seller's offer or a recommended product: prices that are not the page's own."""

    item_id: str
    title: str
    prices: Prices


@dataclass(frozen=True)
class Product:
    """An offer as its page presents it.

    Attributes:
        base_url: the shop's address, without a slash at the end.
    """

    offer: CatalogueOffer
    base_url: str

    @property
    def url(self) -> str:
        return self.base_url + self.offer.path

    @property
    def is_item_page(self) -> bool:
        return self.offer.url_kind is UrlKind.ITEM

    @property
    def in_stock(self) -> bool:
        return self.offer.behaviour is not Behaviour.OUT_OF_STOCK

    @property
    def shown(self) -> Prices | None:
        """Its own prices, or None where the page has none: out of stock, or broken."""
        return None if self.offer.behaviour in {Behaviour.OUT_OF_STOCK, Behaviour.BROKEN} else self.offer.page

    @property
    def is_2024(self) -> bool:
        return self.offer.shape is PageShape.STATE_2024

    @property
    def unavailable_text(self) -> str:
        if self.is_item_page:
            return "Anúncio pausado"
        return "Este produto está indisponível. Por favor, escolha outra variação."

    @cached_property
    def other_sellers(self) -> tuple[Decoy, ...]:
        """Two more sellers of the same product; item pages have none."""
        return () if self.is_item_page else self._decoys("sellers", 2, self.offer.title)

    @cached_property
    def recommended(self) -> tuple[Decoy, ...]:
        return self._decoys("recommended", 4, "Quem viu este produto também viu")

    def _decoys(self, purpose: str, count: int, title: str) -> tuple[Decoy, ...]:
        rng = dice(purpose, self.offer.item_id)
        return tuple(
            Decoy(f"MLB{8_000_000_000 + rng.randrange(10**9)}", title, Prices(price_cents=now, old_price_cents=now * 2))
            for now in (rng.randrange(1_500, 900_000) for _ in range(count))
        )
