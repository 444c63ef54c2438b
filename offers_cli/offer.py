"""The offer: what a listing card says of it, which address it may have, and what its product page adds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, Self
from urllib.parse import urlsplit

from offers_cli.errors import OfferGone, Outcome, WorkError
from offers_cli.report import Sparse

MAX_URL_CHARS = 2_048
NO_SUCH_OFFER = "the database holds no such offer (any more)"

_PLAIN_URL = re.compile(r"https?://[a-z0-9-]+(?:\.[a-z0-9-]+)*(?:/[!-\[\]-~]*)?", re.ASCII)
"""An address as shops write it, with which nothing can be wrong: it is known as such in a tenth of the time."""


def url_problem(url: str) -> str | None:
    """Why an offer cannot have this address, as what is said of it ("is longer than …"); None when it can.

    One rule for what is stored, queued and taken from the queue, so that nothing is stored that cannot be queued.
    Whether the address may also be fetched is the guard's to say.
    """
    if len(url) > MAX_URL_CHARS:
        return f"is longer than {MAX_URL_CHARS} characters"
    return None if _PLAIN_URL.fullmatch(url) else _problem_of_its_parts(url)


def _problem_of_its_parts(url: str) -> str | None:
    if not url.startswith(("https://", "http://")):
        return "is no http(s) address"
    if not url.isprintable() or " " in url or "\\" in url:
        return "holds blanks, back-slashes, control or invisible characters"
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - a property that raises on a bad port
    except ValueError:
        return "is no valid address"
    if "@" in parts.netloc:
        return "carries a user name"
    return None if parts.hostname else "names no host"


class PriceCondition(StrEnum):
    """By which payment a price holds."""

    ANY = "any"
    PIX = "pix"
    """Only by Pix, or with the balance of the shop's own account."""
    CREDIT_LINE = "credit_line"
    """Only with the shop's own credit."""


class DiscountKind(StrEnum):
    """What the struck price beside a price is."""

    PRICE_CUT = "price_cut"
    PAYMENT = "payment"
    """What a card pays for the same offer: the discount is the payment's alone."""


FactValue = int | str | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts(Sparse):
    """What a card or a page says of an offer beside its prices; None where it does not say.

    They are kept in one JSON object whose keys are these fields, unknown ones absent. Amounts in hundredths of the
    offer's currency; texts as the shop writes them, single-spaced.

    Attributes:
        installment_cents: one instalment of `installments_count`; `interest_free` is False where the page says how
            many and not that they bear no interest.
        free_shipping_note: for whom or when alone shipping is free ("por ser sua primeira compra").
        full: kept and sent by the shop's own warehouse.
        rating_hundredths: stars, 480 for 4.8.
        sold_at_least: 10000 for "+10mil vendidos".
        badge_until: when what the badge says ends; ISO 8601 in UTC.
        coupon_min_cents: the least purchase for the coupon.
        category: the narrowest one that the page names.
    """

    installments_count: int | None = None
    installment_cents: int | None = None
    interest_free: bool | None = None
    free_shipping: bool | None = None
    free_shipping_note: str | None = None
    full: bool | None = None
    badge: str | None = None
    badge_until: str | None = None
    coupon_label: str | None = None
    coupon_cents: int | None = None
    coupon_pct: int | None = None
    coupon_min_cents: int | None = None
    rating_hundredths: int | None = None
    reviews: int | None = None
    sold_at_least: int | None = None
    seller: str | None = None
    official_store: bool | None = None
    brand: str | None = None
    category: str | None = None

    @classmethod
    def of(cls, known: Mapping[str, Any]) -> Self:
        """The facts among named values; other names are ignored."""
        return cls(**known_facts(known))

    def known(self) -> dict[str, FactValue]:
        """Those that are known, by name."""
        return {name: value for name in FACTS if (value := getattr(self, name)) is not None}

    def filled_by(self, other: Facts) -> Facts:
        """These, and what only the other one knows; of facts that belong together, all are told by one of them.

        Two coupons do not make one: the other's amount fills a gap only where its label is the same.
        """
        mine, others = self.known(), other.known()
        if not (mine and others):
            return self if mine else other
        for first, *rest in TOGETHER:
            if first in mine and others.get(first) != mine[first]:
                others = {name: value for name, value in others.items() if name not in rest}
        return Facts.of(others | mine)

    def updated_by(self, newer: Facts) -> Facts:
        """What is known after a later card or page: of what may end any day (`FLEETING`) only what it still says.

        Cards that show neither shipping nor instalments, as the affiliates' hub has them, end no free shipping.
        """
        if newer == self:
            return self
        told = newer.known()
        ended = FLEETING if told.keys() & (SHIPPING | INSTALMENTS) else FLEETING - SHIPPING
        lasting = {name: value for name, value in self.known().items() if name not in ended}
        return Facts.of(lasting | told)


FACTS = tuple(known.name for known in fields(Facts))


def known_facts(known: Mapping[str, Any]) -> dict[str, Any]:
    """The facts among named values, in their order; other names are ignored."""
    return {name: value for name in FACTS if (value := known.get(name)) is not None}


TOGETHER = (
    ("installments_count", "installment_cents", "interest_free"),
    ("free_shipping", "free_shipping_note"),
    ("badge", "badge_until"),
    ("coupon_label", "coupon_cents", "coupon_pct", "coupon_min_cents"),
)
"""Facts that mean something beside the first of them alone."""
INSTALMENTS = frozenset({"installments_count", "installment_cents", "interest_free"})
SHIPPING = frozenset({"free_shipping", "free_shipping_note", "full"})
FLEETING = frozenset(FACTS[: FACTS.index("rating_hundredths")])
"""Instalments, shipping, badges and coupons: true of the moment, and worse than missing once they ended."""


def in_words(name: str) -> str:
    """A value's name as a person reads it, without its unit, which the value shows: ``old price``."""
    return name.removesuffix("_cents").removesuffix("_hundredths").removesuffix("_pct").replace("_", " ")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownValues:
    """What cards and product pages alike say of a price, and of the offer beside it; None where they do not say.

    Attributes:
        price_condition: by which payment the price holds; None where that cannot be known.
        card_price_cents: what a card pays in full, where that is more than the price.
        discount_kind: what the old price is; None without one.
    """

    price_condition: PriceCondition | None = None
    card_price_cents: int | None = None
    discount_kind: DiscountKind | None = None
    facts: Facts = field(default_factory=Facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class CardValues(ShownValues):
    """What a listing's card says beside its prices; None where it does not say. Percentages as the shop displays them.

    A card is read into these fields and its offer keeps them: a new one is written here, and where cards are read.
    """

    commission_pct: int | None = None
    image_url: str | None = None

    def card_values(self) -> dict[str, Any]:
        """These fields by name, without those of a subclass."""
        return {known.name: getattr(self, known.name) for known in fields(CardValues)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer(CardValues):
    """One seller's offer of one product, as a listing shows it.

    Prices are integer hundredths of `currency`; percentages are integers, as the shop displays them.

    Attributes:
        marketplace: name of the marketplace that owns it, e.g. ``mercado_livre``.
        external_id: the marketplace's own id of the offer; unique together with `marketplace`.
            Mercado Livre: the item id (``MLB4241772593``, never with a dash) when the card tells it,
            else the user-product id (``MLBU…``), else the catalogue id.
        url: where its product page is, absolute, without tracking parts.
        source: which listing it came from: ``hub``, ``ofertas``, ``search`` or ``listing``; ``featured`` for the one
            product that an affiliate's profile was opened for.
    """

    marketplace: str
    external_id: str
    title: str
    url: str
    price_cents: int
    currency: str
    old_price_cents: int | None = None
    discount_pct: int | None = None
    item_id: str | None = None
    catalogue_id: str | None = None
    affiliate_link: str | None = None
    affiliation_id: str | None = None
    source: str = "listing"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageValues(ShownValues):
    """What a product page says that an offer keeps; None where it does not say. Prices in hundredths.

    A page is read into these fields and its enrichment carries them to the storage: a new one is written here, and
    where pages are read.

    Attributes:
        suspect_old_price_cents: a previous price too far from the price to be believed; kept, never a fact.
    """

    title: str | None = None
    price_cents: int | None = None
    old_price_cents: int | None = None
    suspect_old_price_cents: int | None = None
    discount_pct: int | None = None

    def page_values(self) -> dict[str, Any]:
        """These fields by name, without those of a subclass."""
        return {known.name: getattr(self, known.name) for known in fields(PageValues)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrichment(PageValues):
    """What one product page told about one offer.

    Price, old price and discount come from one page and are saved together.

    Attributes:
        observed_at: when the attempt was claimed (UTC, the queue server's clock); the fence: a page observed
            earlier than what is stored never overwrites it.
        strategies: which strategy found each field, e.g. ``{"price_cents": "state"}``.
        page_read: False when only the affiliate part is known (the page was not read in this attempt).
        affiliate_checked: True when the affiliate programme answered, with a link or without.
    """

    offer_id: str
    observed_at: datetime
    page_read: bool = True
    affiliate_link: str | None = None
    affiliation_id: str | None = None
    affiliate_checked: bool = False
    strategies: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrichmentFailure:
    """What is recorded on an offer whose attempt ended in failure.

    Attributes:
        code: one of the failure codes, see `offers_cli.errors.WORK_ERRORS`.
        gone: the offer no longer exists; its status becomes ``gone``.
        final: asking again is useless until the price changes; counts as looked for.
    """

    offer_id: str
    observed_at: datetime
    code: str
    message: str
    gone: bool = False
    final: bool = False

    @classmethod
    def of(cls, error: WorkError, *, offer_id: str, observed_at: datetime) -> Self:
        """What is recorded when the job of that offer ends with that error."""
        return cls(
            offer_id=offer_id,
            observed_at=observed_at,
            code=error.code,
            message=error.message,
            gone=error.code == OfferGone.code,
            final=error.outcome is Outcome.FINAL,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrichmentReport:
    """What became of a group of enrichments and failures that was saved, by offer id.

    Attributes:
        applied: written.
        superseded: a newer page was already stored; nothing to do.
        stale: a listing saw another price after this page was claimed; ask again.
        unknown: no such offer (deleted).
        refused: offers whose result cannot be stored (not a price, unstorable text), and why; the others are written.
    """

    applied: frozenset[str] = frozenset()
    superseded: frozenset[str] = frozenset()
    stale: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def unwritten(self) -> Mapping[str, str]:
        """What could not be written, unknown offers and refused results alike, and why."""
        return {**dict.fromkeys(self.unknown, NO_SUCH_OFFER), **self.refused}
