"""The enrichment: what a product page adds to an offer, and what is recorded when it could not be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from offers_cli.errors import OfferGone, Outcome, WorkError


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrichmentJob:
    """The arguments of one queued job; the RQ job id is ``enrich-<offer_id>``."""

    offer_id: str
    url: str
    current_price_cents: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrichment:
    """What one product page told about one offer.

    Price, old price and discount come from one page and are saved together.

    Attributes:
        observed_at: when the attempt was claimed (UTC, the queue server's clock); the fence: a page observed
            earlier than what is stored never overwrites it.
        suspect_old_price_cents: a previous price too far from the price to be believed; kept, never a fact.
        strategies: which strategy found each field, e.g. ``{"price_cents": "state"}``.
        page_read: False when only the affiliate part is known (the page was not read in this attempt).
        affiliate_checked: True when the affiliate programme answered, with a link or without.
    """

    offer_id: str
    observed_at: datetime
    price_cents: int | None = None
    old_price_cents: int | None = None
    discount_pct: int | None = None
    suspect_old_price_cents: int | None = None
    title: str | None = None
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
