"""A catalogue day by day, through a storage's own code: what listings and pages show of so many offers a day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TypeVar
from uuid import UUID

from offers_cli.offer import DiscountKind, Enrichment, EnrichmentFailure, Facts, Offer, PriceCondition
from offers_cli.storage.base import Missing, NeedingOffer, ScrapeRun, Storage

FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
NEW = 0.03
"""The share of the offers of a day that were never seen before; as many are on no listing any more."""
REPRICED = 0.10
"""The share whose price changes once on a day."""
FLASH = 0.05
"""The share in a flash sale: down, further down, and back within the day."""
FLASH_PRICES = {10: 0.8, 14: 0.7, 18: 1.0}
"""At each hour of a flash sale, its price as a share of the usual one."""
STRUCK = 0.5
"""The share of the cards that show a former price; the pages of the others are read whenever their price changes."""
ENDED = 0.3
"""The share of the offers on no listing any more whose page is gone too, as it is found a week later."""
RUNS_A_DAY = 48
PAGE = 50
GROUP = 16
"""Results that a worker writes together."""
FACTS = Facts(
    installments_count=10,
    installment_cents=1_299,
    interest_free=True,
    free_shipping=True,
    full=False,
    badge="MAIS VENDIDO",
    rating_hundredths=470,
    reviews=1_234,
    sold_at_least=10_000,
    seller="Loja oficial",
    brand="Marca",
    category="Fones de ouvido",
)
T = TypeVar("T")


@dataclass(slots=True)
class Listed:
    """An offer that listings show."""

    number: int
    usual_cents: int
    price_cents: int
    is_struck: bool
    condition: PriceCondition


class Year:
    """So many offers a day, for as many days as are lived.

    What a listing shows unchanged is saved once a day: seeing it again changes nothing but when it was seen.
    """

    def __init__(self, storage: Storage, *, offers: int, seed: int = 1) -> None:
        self._storage = storage
        self._rnd = Random(seed)
        self._listed: list[Listed] = []
        self._ids: dict[int, str] = {}
        self._ended: dict[int, list[str]] = {}
        self._offers = offers
        self._seen = 0

    def live(self, day: int) -> datetime:
        """Live that day, the first one is 0; returns when it ended."""
        began = FIRST_DAY + timedelta(days=day)
        self._turn_over(day)
        for offer in self._some(REPRICED):
            offer.price_cents = round(offer.usual_cents * self._rnd.uniform(0.6, 1.1))
        self._scrape(self._listed, began + timedelta(hours=6))
        in_flash = self._some(FLASH)
        for hour, share in FLASH_PRICES.items():
            for offer in in_flash:
                offer.price_cents = round(offer.usual_cents * share)
            self._scrape(in_flash, began + timedelta(hours=hour))
        self._storage.save_enrichments([], list(self._gone(day, began + timedelta(hours=20))))
        for run in range(RUNS_A_DAY):
            self._keep_run(began + timedelta(minutes=30 * run))
        return began + timedelta(days=1)

    def _some(self, share: float) -> list[Listed]:
        return self._rnd.sample(self._listed, round(share * self._offers))

    def _turn_over(self, day: int) -> None:
        """Some are no longer listed, and as many are new."""
        self._rnd.shuffle(self._listed)
        count = round(NEW * self._offers) if self._listed else self._offers
        left = self._listed[self._offers - count :]
        self._ended[day + 7] = [self._ids.pop(offer.number) for offer in left if self._rnd.random() < ENDED]
        self._listed[self._offers - count :] = [self._new() for _ in range(count)]

    def _new(self) -> Listed:
        self._seen += 1
        cents = self._rnd.randrange(2_000, 300_000)
        condition = self._rnd.choice((PriceCondition.ANY, PriceCondition.PIX))
        return Listed(self._seen, cents, cents, self._rnd.random() < STRUCK, condition)

    def _scrape(self, listed: Sequence[Listed], at: datetime) -> None:
        """A listing shows these; the pages of those that lack something are read."""
        for page in _groups(listed, PAGE):
            saved = self._storage.save_offers(list(map(_card, page)), seen_at=at).saved
            self._ids |= {offer.number: each.offer_id for offer, each in zip(page, saved, strict=True)}
        read_at = at + timedelta(minutes=30)
        needing = self._storage.find_needing(missing=frozenset({Missing.OLD_PRICE, Missing.DISCOUNT}))
        for group in _groups(list(needing), GROUP):
            self._storage.save_enrichments([_page(each, read_at) for each in group])

    def _gone(self, day: int, at: datetime) -> Iterator[EnrichmentFailure]:
        for offer_id in self._ended.pop(day, ()):
            yield EnrichmentFailure(offer_id=offer_id, observed_at=at, code="offer_gone", message="gone", gone=True)

    def _keep_run(self, at: datetime) -> None:
        run = ScrapeRun(
            id=str(UUID(int=self._rnd.getrandbits(128))),
            source="ofertas",
            status="done",
            started_at=at,
            finished_at=at + timedelta(minutes=1),
            alive_at=at + timedelta(minutes=1),
            pages=20,
            seen=960,
            process="a-machine|4242|1234567",
            schedule_entry="scrape-ofertas",
        )
        self._storage.save_run(run)


def _page(offer: NeedingOffer, at: datetime) -> Enrichment:
    """One page in ten shows another price than the listing, one in two a former price; the same for the same offer."""
    rnd = Random(f"{offer.url} {at}")
    old_cents = round(offer.price_cents * 1.3) if rnd.random() < 0.5 else None
    return Enrichment(
        offer_id=offer.id,
        observed_at=at,
        price_cents=round(offer.price_cents * 0.97) if rnd.random() < 0.1 else offer.price_cents,
        old_price_cents=old_cents,
        discount_pct=old_cents and 25,
        discount_kind=DiscountKind.PRICE_CUT if old_cents else None,
        facts=FACTS,
        affiliate_link=f"https://meli.la/{offer.id[:7]}",
        affiliate_checked=True,
        strategies={"price_cents": "state", "old_price_cents": "state", "discount_pct": "state", "facts": "state"},
    )


def _groups(all_of_them: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (all_of_them[first : first + size] for first in range(0, len(all_of_them), size))


def _card(offer: Listed) -> Offer:
    cents, name = offer.price_cents, f"Fone De Ouvido Bluetooth Sem Fio Cancelamento De Ruído {offer.number}"
    old_cents = max(offer.usual_cents, cents + 1) if offer.is_struck else None
    return Offer(
        marketplace="mercado_livre",
        external_id=f"MLB{1_000_000_000 + offer.number}",
        catalogue_id=f"MLB{20_000_000 + offer.number}",
        title=name,
        url=f"https://www.mercadolivre.com.br/{name.lower().replace(' ', '-')}/p/MLB{20_000_000 + offer.number}",
        image_url=f"https://http2.mlstatic.com/D_Q_NP_2X_{offer.number:012}-MLA{offer.number:011}_122025-E.webp",
        price_cents=cents,
        currency="BRL",
        old_price_cents=old_cents,
        discount_pct=old_cents and 100 * (old_cents - cents) // old_cents,
        price_condition=offer.condition,
        discount_kind=DiscountKind.PRICE_CUT if old_cents else None,
        commission_pct=12,
        source="ofertas",
        facts=FACTS,
    )
