"""What the demo shop sells: a catalogue made from a number of offers and a seed, and the truth about each offer.

Nothing here is a real product. The proportions (prices without cents, missing previous prices, kinds of address,
labels that are the floor of the true percentage) are those measured on real listings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random
from typing import Any, TypeVar

from offers_cli.demo.titles import AWKWARD, Goods, Product, awkward_goods, invented_goods, slug
from offers_cli.offer import Facts

T = TypeVar("T")
COUPONS: tuple[dict[str, Any], ...] = (
    {"coupon_label": "Cupom R$ 30 OFF", "coupon_cents": 3_000},
    {"coupon_label": "Cupom 10% OFF", "coupon_pct": 10},
)
FREE_SHIPPING_FROM_CENTS = 7_900
SELLERS = ("Loja Auriverde", "Tupã Eletro", "Casa Boreal", "Piatã Importados", "Serralta Oficial")


class Behaviour(StrEnum):
    """How an offer's product page answers."""

    NORMAL = "normal"
    OUT_OF_STOCK = "out_of_stock"
    GONE_404 = "gone_404"
    BROKEN = "broken"
    """A product page without its own price, among other sellers' prices."""
    SLOW = "slow"
    WALL_ONCE = "wall_once"
    """The first request meets the account verification, later ones the page."""
    FLAKY_500 = "flaky_500"
    """The first request is answered 500, later ones with the page."""


TYPICAL = (
    Behaviour.OUT_OF_STOCK,
    Behaviour.BROKEN,
    Behaviour.SLOW,
    Behaviour.WALL_ONCE,
    Behaviour.FLAKY_500,
    Behaviour.GONE_404,
    Behaviour.OUT_OF_STOCK,
)


class UrlKind(StrEnum):
    """Which of an offer's ids its listing card links to."""

    CATALOGUE = "catalogue"
    ITEM = "item"
    USER_PRODUCT = "user_product"


class PageShape(StrEnum):
    """The generations of product pages."""

    STATE_2024 = "state_2024"
    STATE_2026 = "state_2026"
    BOT_2026 = "bot_2026"
    """What plain HTTP clients may get: no embedded state, only DOM and JSON-LD."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTag:
    """One offer's prices in cents.

    Attributes:
        card_price_cents: what it costs by card where `price_cents` is the Pix price, else None.
    """

    price_cents: int
    old_price_cents: int | None = None
    card_price_cents: int | None = None

    @property
    def discount_pct(self) -> int | None:
        """The floor of the true percentage, as the shop counts."""
        if self.old_price_cents is None:
            return None
        return (self.old_price_cents - self.price_cents) * 100 // self.old_price_cents

    @property
    def label_pct(self) -> int | None:
        """The percentage that is shown: small discounts have a struck price but no label."""
        pct = self.discount_pct
        return pct if pct is not None and pct >= 5 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueOffer:
    """One offer and the truth about it.

    Attributes:
        page: what its product page shows.
        listed: what its listing cards show; often without the previous price.
        installments: number of installments in which the card price is offered.
        facts: what its card and its page say beside the prices; its coupon's amount is never one.
        link_refusal_code: why the affiliate programme refuses a link, or None: it makes one.
    """

    position: int
    title: str
    item_id: str
    catalogue_id: str | None
    user_product_id: str | None
    url_kind: UrlKind
    shape: PageShape
    behaviour: Behaviour
    page: PriceTag
    listed: PriceTag
    installments: int
    facts: Facts
    commission_pct: int
    extra_commission: bool
    link_refusal_code: int | None

    @property
    def external_id(self) -> str:
        return self.item_id

    @property
    def path(self) -> str:
        """Where its product page is, without host."""
        name = slug(self.title)
        if self.url_kind is UrlKind.ITEM:
            return f"/MLB-{self.item_id.removeprefix('MLB')}-{name}-_JM"
        if self.url_kind is UrlKind.USER_PRODUCT:
            return f"/{name}/up/{self.user_product_id}"
        return f"/{name}/p/{self.catalogue_id}"

    @property
    def page_id(self) -> str:
        """The id that its product page calls its own."""
        by_kind = {UrlKind.CATALOGUE: self.catalogue_id, UrlKind.USER_PRODUCT: self.user_product_id}
        return by_kind.get(self.url_kind) or self.item_id


class Catalogue:
    """A deterministic catalogue: the same arguments give the same offers, on every machine.

    Args:
        offers: how many.
        seed: which of the many possible catalogues.
        behaviours: the offers that misbehave, one for each entry, at random places; at most a quarter of the offers.
    """

    def __init__(self, offers: int = 40, seed: int = 1, behaviours: Sequence[Behaviour] = TYPICAL) -> None:
        if offers < 0:
            raise ValueError(f"a catalogue of {offers} offers")
        rng = seeded_random(seed)
        awkward = _spread(rng, offers, tuple(AWKWARD)[: offers // 4])
        special = _spread(rng, offers, behaviours[: offers // 4])
        self.offers = tuple(
            _invent(
                seeded_random(seed, position),
                position,
                title=awkward.get(position),
                behaviour=special.get(position, Behaviour.NORMAL),
            )
            for position in range(offers)
        )

    def __iter__(self) -> Iterator[CatalogueOffer]:
        return iter(self.offers)

    def __len__(self) -> int:
        return len(self.offers)


def seeded_random(*names: object) -> Random:
    """Random numbers that depend on the names alone: the same in every process, on every machine."""
    return Random(":".join(map(str, ("offers-demo", *names))))  # noqa: S311  invented goods, no secrets


def _spread(rng: Random, offers: int, things: Sequence[T]) -> dict[int, T]:
    """The things at random positions, one each."""
    return dict(zip(rng.sample(range(offers), len(things)), things, strict=True))


def _invent(rng: Random, position: int, *, title: str | None, behaviour: Behaviour) -> CatalogueOffer:
    kind = (*[UrlKind.CATALOGUE] * 7, UrlKind.ITEM, UrlKind.ITEM, UrlKind.USER_PRODUCT)[position % 10]
    pricing = _invent_pricing(rng)
    shows_old_price = rng.random() < 0.4
    commission_pct = rng.choice((5, 9, 12, 13, 14, 16, 20, 24, 32, 34, 41, 52))
    installments = rng.choice((5, 10, 12, 18))
    coupon = rng.choice(COUPONS) if rng.random() < 0.15 else {}
    goods = invented_goods(rng) if title is None else awkward_goods(title)
    page = pricing.of(goods.product)
    if coupon.get("coupon_cents", 0) * 4 > page.price_cents:
        coupon = COUPONS[1]
    return CatalogueOffer(
        position=position,
        title=goods.title,
        item_id=f"MLB{7_000_000_011 + position * 37}",
        catalogue_id=f"MLB{40_000_007 + position * 13}" if kind is UrlKind.CATALOGUE else None,
        user_product_id=None if kind is UrlKind.ITEM else f"MLBU{3_000_000_005 + position * 29}",
        url_kind=kind,
        shape=tuple(PageShape)[position % 3],
        behaviour=behaviour,
        page=page,
        listed=page if shows_old_price else replace(page, old_price_cents=None),
        installments=max(2, min(installments, page.price_cents // 1_000)),
        commission_pct=commission_pct,
        extra_commission=commission_pct >= 24,
        link_refusal_code=rng.choice((111, 115, 1004, 1006, 1008)) if rng.random() < 0.08 else None,
        facts=replace(_invent_facts(rng, goods, page.price_cents), **coupon),
    )


def _invent_facts(rng: Random, goods: Goods, price_cents: int) -> Facts:
    """Two in three are sent free, half of those from the shop's own warehouse; one in three is an official store's."""
    is_free = rng.random() < 0.65 and price_cents >= FREE_SHIPPING_FROM_CENTS
    return Facts(
        free_shipping=is_free or None,
        full=True if is_free and rng.random() < 0.5 else None,
        badge=rng.choice(("OFERTA DO DIA", "MAIS VENDIDO", None, None)),
        rating_hundredths=rng.randrange(390, 501, 10),
        reviews=round(10 ** rng.uniform(0.5, 4.2)),
        sold_at_least=rng.choice((100, 500, 1000, 10_000)),
        seller=rng.choice(SELLERS),
        official_store=True if rng.random() < 0.35 else None,
        brand=goods.brand,
        category=goods.product.category,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pricing:
    """How an offer is priced, whatever is sold.

    Attributes:
        share: where in its product's range the price is, from 0 to 1.
        card_pct: what a card pays of the price, where the price is one by Pix.
        discount_pct: of the previous price; None without one.
        is_card_struck: whether what a card pays is shown as if it were a previous price.
    """

    share: float
    cents: int
    card_pct: int | None
    discount_pct: float | None
    is_card_struck: bool

    def of(self, product: Product) -> PriceTag:
        """The prices of such a product; cheap ones are more frequent than dear ones."""
        price_cents = round(product.least * (product.most / product.least) ** self.share) * 100 + self.cents
        card_cents = None
        if self.card_pct:  # less than a real apart, prices of which one leaves its cents out could be the same
            card_cents = max(price_cents * self.card_pct // 100, price_cents + 100)
        old_cents = card_cents if self.is_card_struck else None
        if self.discount_pct is not None:
            old_cents = round((card_cents or price_cents) / (1 - self.discount_pct / 100))
            if old_cents > 20_000 and self.discount_pct >= 5:
                old_cents -= old_cents % 100
        return PriceTag(price_cents=price_cents, old_price_cents=old_cents, card_price_cents=card_cents)


def _invent_pricing(rng: Random) -> _Pricing:
    """Three in ten without a previous price, three in ten with a Pix price."""
    share, cents = rng.random(), _invent_cents(rng)
    pix, reduced, slightly = rng.random() < 0.3, rng.random() < 0.7, rng.random() < 0.15
    return _Pricing(
        share=share,
        cents=cents,
        card_pct=rng.randrange(105, 113) if pix else None,
        is_card_struck=not reduced and rng.random() < 0.5,
        discount_pct=(rng.uniform(1.1, 4.8) if slightly else rng.uniform(5.2, 70)) if reduced else None,
    )


def _invent_cents(rng: Random) -> int:
    """Half the prices have no cents; when they have, mostly the shop's favourite ones."""
    return 0 if rng.random() < 0.5 else rng.choice((90, 99, 5, 70, rng.randrange(1, 100)))
