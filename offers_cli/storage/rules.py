"""What a card or a page does to a stored offer: the rules of the data, as pure functions.

SQLite uses them directly; for Supabase the same rules stand in `migrations/supabase` as SQL functions, because a
batch must be one request there. The conformance suite runs both against each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, Self

from offers_cli.errors import LinkRefused
from offers_cli.offer import (
    DiscountKind,
    Enrichment,
    EnrichmentFailure,
    EnrichmentReport,
    Offer,
    PriceCondition,
)
from offers_cli.storage.base import (
    Missing,
    OfferKey,
    PricePoint,
    RefusedOffer,
    SavedOffer,
    SaveReport,
    StoredOffer,
    key_of,
)

EnrichmentResult = Enrichment | EnrichmentFailure
"""What one attempt ended with."""


class WriteResult(StrEnum):
    """What became of one result; see `EnrichmentReport`."""

    APPLIED = "applied"
    SUPERSEDED = "superseded"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class ShownPrices:
    """What one card or page shows together about the price; None where it does not show it."""

    price_cents: int
    old_price_cents: int | None = None
    discount_pct: int | None = None
    price_condition: PriceCondition | None = None
    card_price_cents: int | None = None
    discount_kind: DiscountKind | None = None

    @classmethod
    def of(cls, told: Offer | StoredOffer) -> Self:
        """What stands in a card or a row."""
        return cls(**{name: getattr(told, name) for name in _PRICED})

    @classmethod
    def last_of_listing(cls, stored: StoredOffer) -> Self | None:
        """What a listing last showed of that offer; None before."""
        price_cents, word = stored.listing_price_cents, stored.listing_word
        return None if price_cents is None else cls(price_cents, **word)  # type: ignore[arg-type]

    def as_word(self) -> dict[str, Any]:
        """The columns that hold these as what a listing last showed."""
        shown = ((name, getattr(self, name)) for name in _PRICED if name != "price_cents")
        word = {name: value for name, value in shown if value is not None}
        return {"listing_price_cents": self.price_cents, "listing_word": word}

    def filled_by(self, other: ShownPrices | None) -> ShownPrices:
        """These, and what the other one shows alone beside the same price."""
        if other is None or other == self or other.price_cents != self.price_cents:
            return self
        return replace(self, **{name: getattr(other, name) for name in _PRICED if getattr(self, name) is None})


_PRICED = tuple(each.name for each in fields(ShownPrices))
_CARD = tuple(each.name for each in fields(Offer))
_DESCRIPTION = tuple(name for name in _CARD if name not in {"marketplace", "external_id", "title", "facts", *_PRICED})


def new_offer(card: Offer, *, offer_id: str, seen_at: datetime) -> StoredOffer:
    """The row of an offer that was never seen before."""
    return StoredOffer(
        **{name: getattr(card, name) for name in _CARD},
        **ShownPrices.of(card).as_word(),
        id=offer_id,
        status="active",
        first_seen_at=seen_at,
        last_seen_at=seen_at,
        price_changed_at=seen_at,
    )


def with_card(stored: StoredOffer, card: Offer, *, seen_at: datetime) -> StoredOffer:
    """The row after a listing showed `card`; an older sight than the stored one changes nothing.

    A card that lacks something erases nothing. Its prices count where they are news, which is what listings did not
    show when they last showed the offer, and unless a product page was read later than it was seen.
    """
    if seen_at < stored.last_seen_at:
        return stored
    shown, last = ShownPrices.of(card), ShownPrices.last_of_listing(stored)
    word = shown.filled_by(last)
    is_older_than_page = _is_later(stored.enriched_at, seen_at)
    described = replace(
        stored,
        **{name: value for name in _DESCRIPTION if (value := getattr(card, name)) is not None},
        **word.as_word(),
        # The product page's own title, once read, is not replaced by a card's.
        title=stored.title if "title" in stored.strategies else card.title,
        facts=stored.facts if is_older_than_page else stored.facts.updated_by(card.facts),
        status=stored.status if _is_later(stored.enrich_attempted_at, seen_at) else "active",
        last_seen_at=seen_at,
    )
    if is_older_than_page or word == last:
        return described
    return _with_prices(described, shown, observed_at=seen_at)


def trusting(saved: StoredOffer, card: Offer, *, seen_at: datetime) -> StoredOffer:
    """The saved row where a card without a struck price is an answer: its page counts as looked at."""
    if card.old_price_cents is not None or seen_at < saved.last_seen_at or not _page_is_due(saved):
        return saved
    return replace(saved, enriched_at=seen_at, strategies={**saved.strategies, "old_price_cents": "card"})


def with_result(stored: StoredOffer, result: EnrichmentResult) -> tuple[StoredOffer, WriteResult]:
    """The row after one attempt, and what became of its result; the same result again changes nothing."""
    if isinstance(result, EnrichmentFailure):
        return _with_failure(stored, result)
    offer, page = _with_page(stored, result) if result.page_read else (stored, None)
    offer, link = _with_link(offer, result) if _tells_link(result) else (offer, None)
    if WriteResult.APPLIED in (page, link) or page is link is None:
        offer = _with_attempt(offer, result.observed_at, error=None, message=None)
    if page is WriteResult.STALE:
        return offer, WriteResult.STALE
    return offer, WriteResult.APPLIED if WriteResult.APPLIED in (page, link) else page or link or WriteResult.APPLIED


def _with_page(stored: StoredOffer, page: Enrichment) -> tuple[StoredOffer, WriteResult]:
    price_cents = stored.price_cents if page.price_cents is None else page.price_cents
    if _is_later(stored.enriched_at, page.observed_at):
        return stored, WriteResult.SUPERSEDED
    if price_cents != stored.price_cents and _is_later(stored.last_seen_at, page.observed_at):
        return stored, WriteResult.STALE
    old_price_cents = _above(price_cents, page.old_price_cents)
    shown = ShownPrices(
        price_cents=price_cents,
        old_price_cents=old_price_cents,
        discount_pct=page.discount_pct,
        price_condition=page.price_condition,
        card_price_cents=_above(price_cents, page.card_price_cents),
        discount_kind=None if old_price_cents is None else page.discount_kind,
    )
    priced = _with_prices(stored, shown, observed_at=page.observed_at)
    enriched = replace(
        priced,
        title=page.title or priced.title,
        facts=priced.facts.updated_by(page.facts),
        suspect_old_price_cents=page.suspect_old_price_cents,
        strategies=dict(page.strategies),
        enriched_at=max(page.observed_at, priced.price_changed_at),
        status=stored.status if _is_later(stored.enrich_attempted_at, page.observed_at) else "active",
    )
    return enriched, WriteResult.APPLIED


def _above(price_cents: int, other_cents: int | None) -> int | None:
    """The other price, which is none unless it is above the price."""
    return None if (other_cents or 0) <= price_cents else other_cents


def _tells_link(result: Enrichment) -> bool:
    return result.affiliate_checked or result.affiliate_link is not None


def _with_link(stored: StoredOffer, result: Enrichment) -> tuple[StoredOffer, WriteResult]:
    if _is_later(stored.affiliate_checked_at, result.observed_at):
        return stored, WriteResult.SUPERSEDED
    linked = replace(
        stored,
        affiliate_link=result.affiliate_link or stored.affiliate_link,
        affiliation_id=result.affiliation_id or stored.affiliation_id,
        affiliate_checked_at=max(result.observed_at, stored.price_changed_at),
    )
    return linked, WriteResult.APPLIED


def _with_failure(stored: StoredOffer, failure: EnrichmentFailure) -> tuple[StoredOffer, WriteResult]:
    """A final failure counts as looked for; a gone offer that a listing saw meanwhile stays active."""
    if _is_later(stored.enrich_attempted_at, failure.observed_at):
        return stored, WriteResult.SUPERSEDED
    offer = _with_attempt(stored, failure.observed_at, error=failure.code, message=failure.message)
    if failure.gone:
        if _is_later(stored.last_seen_at, failure.observed_at):
            return offer, WriteResult.STALE
        return replace(offer, status="gone"), WriteResult.APPLIED
    if failure.final:
        offer = replace(offer, affiliate_checked_at=_latest(stored.affiliate_checked_at, failure.observed_at))
        if failure.code != LinkRefused.code:
            offer = replace(offer, enriched_at=_latest(stored.enriched_at, failure.observed_at))
    return offer, WriteResult.APPLIED


def _with_attempt(stored: StoredOffer, observed_at: datetime, *, error: str | None, message: str | None) -> StoredOffer:
    """Count the attempt once, however often its result is recorded; the latest attempt's error stands."""
    if _is_later(stored.enrich_attempted_at, observed_at):
        return stored
    return replace(
        stored,
        enrich_attempts=stored.enrich_attempts + (stored.enrich_attempted_at != observed_at),
        enrich_attempted_at=observed_at,
        enrich_error=error,
        enrich_error_message=message,
    )


def _with_prices(stored: StoredOffer, shown: ShownPrices, *, observed_at: datetime) -> StoredOffer:
    """Another price replaces all that is shown with it; at the same price, what is not shown erases nothing.

    There another old price brings its own discount along, and another condition its own card price.
    """
    known = ShownPrices.of(stored)
    prices = shown.filled_by(known)
    is_other_condition = prices.price_condition != known.price_condition
    if prices.old_price_cents != known.old_price_cents:
        prices = replace(prices, discount_pct=shown.discount_pct, discount_kind=shown.discount_kind)
    elif shown.old_price_cents is None and None not in (known.old_price_cents, known.discount_pct):
        # A discount without an old price of its own does not replace one that was seen together with an old price.
        prices = replace(prices, discount_pct=known.discount_pct)
    if is_other_condition:
        prices = replace(prices, card_price_cents=shown.card_price_cents, discount_kind=shown.discount_kind)
    changes: dict[str, Any] = {}
    if shown.price_cents != known.price_cents:
        prices, changes = shown, {"price_changed_at": observed_at}
    if _tells_apart(prices) != _tells_apart(known):
        changes |= {"suspect_old_price_cents": None, "strategies": {}}
    return replace(stored, **{name: getattr(prices, name) for name in _PRICED}, **changes)


def needs(offer: StoredOffer) -> frozenset[Missing]:
    """The fields that the offer needs enrichment for."""
    if offer.status != "active":
        return frozenset()
    page_is_due = _page_is_due(offer)
    link_is_due = offer.affiliate_checked_at is None or offer.affiliate_checked_at < offer.price_changed_at
    due = {
        Missing.OLD_PRICE: page_is_due and offer.old_price_cents is None,
        Missing.DISCOUNT: page_is_due and offer.discount_pct is None,
        Missing.AFFILIATE_LINK: link_is_due and offer.affiliate_link is None,
    }
    return frozenset(field for field, is_due in due.items() if is_due)


def _page_is_due(offer: StoredOffer) -> bool:
    return offer.enriched_at is None or offer.enriched_at < offer.price_changed_at


def saved_offer(offer: StoredOffer, *, seen_at: datetime, is_new: bool, is_changed: bool) -> SavedOffer:
    """What became of an offer that was saved as seen at `seen_at`.

    The same page saved again (its answer was lost) gets the same answer again: the row bears its moment.
    """
    outcome: Literal["new", "changed", "unchanged"] = "unchanged"
    if is_new or offer.first_seen_at == seen_at:
        outcome = "new"
    elif is_changed or offer.price_changed_at == seen_at:
        outcome = "changed"
    return SavedOffer(
        offer_id=offer.id,
        external_id=offer.external_id,
        url=offer.url,
        price_cents=offer.price_cents,
        outcome=outcome,
        needs=needs(offer),
    )


def save_report(
    cards: Iterable[Offer], answers: Mapping[OfferKey, SavedOffer | RefusedOffer], refused: Iterable[RefusedOffer]
) -> SaveReport:
    """The answers in the order of the cards; an offer's second card is unchanged, and refused once."""
    saved: list[SavedOffer] = []
    all_refused = list(refused)
    done: set[OfferKey] = set()
    for card in cards:
        answer = answers[key_of(card)]
        if isinstance(answer, SavedOffer):
            saved.append(replace(answer, outcome="unchanged") if key_of(card) in done else answer)
        elif key_of(card) not in done:
            all_refused.append(answer)
        done.add(key_of(card))
    return SaveReport(saved=tuple(saved), refused=tuple(all_refused))


def price_point(
    before: StoredOffer | None, after: StoredOffer, *, observed_at: datetime, source: str
) -> PricePoint | None:
    """The history row of a change, or None when price, old price and condition stayed."""
    if before is not None and _tells_apart(before) == _tells_apart(after):
        return None
    return PricePoint(
        observed_at=observed_at,
        price_cents=after.price_cents,
        old_price_cents=after.old_price_cents,
        price_condition=after.price_condition,
        card_price_cents=after.card_price_cents,
        source=source,
    )


def _tells_apart(offer: StoredOffer | ShownPrices) -> tuple[int, int | None, PriceCondition | None]:
    """What makes one row of history another one."""
    return offer.price_cents, offer.old_price_cents, offer.price_condition


def enrichment_report(
    written: Mapping[str, AbstractSet[WriteResult]], *, unknown: Iterable[str], refused: Mapping[str, str]
) -> EnrichmentReport:
    """The report of a batch; an offer with several results counts once; stale first, for it is to be asked again."""
    by_result: dict[WriteResult, set[str]] = {each: set() for each in WriteResult}
    for offer_id, reached in written.items():
        by_result[next(each for each in _MOST_TELLING_FIRST if each in reached)].add(offer_id)
    return EnrichmentReport(
        applied=frozenset(by_result[WriteResult.APPLIED]),
        superseded=frozenset(by_result[WriteResult.SUPERSEDED]),
        stale=frozenset(by_result[WriteResult.STALE]),
        unknown=frozenset(unknown),
        refused=refused,
    )


_MOST_TELLING_FIRST = (WriteResult.STALE, WriteResult.APPLIED, WriteResult.SUPERSEDED)


def _is_later(stored_at: datetime | None, moment: datetime) -> bool:
    return stored_at is not None and stored_at > moment


def _latest(stored_at: datetime | None, moment: datetime) -> datetime:
    return moment if stored_at is None else max(stored_at, moment)
