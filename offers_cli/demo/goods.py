"""An offer as its listing card and its product page present it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

from offers_cli.demo.amounts import fraction
from offers_cli.demo.catalogue import Behaviour, CatalogueOffer, PageShape, PriceTag, UrlKind, seeded_random

PIX_TEXTS = ("no Pix", "no Pix ou Saldo no Mercado\u202fPago")


def pix_text(offer: CatalogueOffer) -> str:
    """What stands after the discount where the price is a Pix price; one variant holds a narrow no-break space."""
    return PIX_TEXTS[offer.position % 2] if offer.page.card_price_cents else ""


def discount_text(offer: CatalogueOffer, prices: PriceTag) -> str:
    """The label beside the price: ``43% OFF no Pix``, ``43% OFF``, ``no Pix`` or nothing."""
    off = f"{prices.label_pct}% OFF" if prices.label_pct else ""
    return f"{off} {pix_text(offer)}".strip()


def sold_text(offer: CatalogueOffer) -> str:
    """How many were sold: ``+500 vendidos``, ``+10mil vendidos``."""
    thousands, rest = divmod(offer.facts.sold_at_least or 0, 1000)
    return f"+{f'{thousands}mil' if thousands >= 10 and not rest else offer.facts.sold_at_least} vendidos"


def stars(offer: CatalogueOffer) -> str:
    """The rating with a point, as state and elements write it."""
    return f"{(offer.facts.rating_hundredths or 0) / 100:.1f}"


def reviews_text(offer: CatalogueOffer) -> str:
    """What a screen reader says of the reviews."""
    return f"Avaliação {stars(offer).replace('.', ',')} de 5. ({fraction(100 * (offer.facts.reviews or 0))} avaliações)"


def shipping_text(offer: CatalogueOffer) -> str:
    return "Frete grátis" if offer.facts.free_shipping else "Chegará amanhã"


def installment_cents(offer: CatalogueOffer, prices: PriceTag) -> int:
    return (prices.card_price_cents or prices.price_cents) // offer.installments


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedCard:
    """One offer's place in one listing.

    Attributes:
        client: which listing, as its links call it: ``offers``, ``search-nordic``, ``affiliates``.
        sponsored: whether it is paid for.
    """

    offer: CatalogueOffer
    base_url: str
    client: str
    sponsored: bool = False

    @property
    def address(self) -> str:
        """The link without query and fragment, and without scheme, as embedded state holds it."""
        return urlsplit(self.base_url).netloc + self.offer.path

    @property
    def params(self) -> str:
        pin = "deal%3AMLB779362-1" if self.client == "offers" else f"item_id%3A{self.offer.item_id}"
        return f"?pdp_filters={pin}" if self.offer.url_kind is UrlKind.CATALOGUE else ""

    @property
    def fragment(self) -> str:
        return f"#polycard_client={self.client}&position={self.offer.position + 1}&wid={self.offer.item_id}"

    @property
    def link(self) -> str:
        return f"{urlsplit(self.base_url).scheme}://{self.address}{self.params}{self.fragment}"

    @property
    def picture_id(self) -> str:
        return f"{100_000 + self.offer.position}-MLA{self.offer.item_id.removeprefix('MLB')}_012026"

    @property
    def picture_url(self) -> str:
        return f"{self.base_url}/D_Q_NP_2X_{self.picture_id}-AB.webp"


@dataclass(frozen=True, slots=True)
class Decoy:
    """Another seller's offer or a recommended product: prices that are not the page's own."""

    item_id: str
    title: str
    prices: PriceTag


@dataclass(frozen=True)
class ProductOnPage:
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
    def shown(self) -> PriceTag | None:
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
        rng = seeded_random(purpose, self.offer.item_id)
        return tuple(
            Decoy(
                f"MLB{8_000_000_000 + rng.randrange(10**9)}",
                title,
                PriceTag(price_cents=now, old_price_cents=now * 2),
            )
            for now in (rng.randrange(1_500, 900_000) for _ in range(count))
        )
