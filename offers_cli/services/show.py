"""Show: one offer, and where each of its values came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from offers_cli.errors import NotFound
from offers_cli.report import Problem
from offers_cli.services.find_offers import offer_row
from offers_cli.storage.base import OfferFilter, Storage, StoredOffer

TOLD = (
    "title",
    "url",
    "image_url",
    "currency",
    "price_cents",
    "old_price_cents",
    "suspect_old_price_cents",
    "discount_pct",
    "commission_pct",
    "affiliate_link",
    "affiliation_id",
    "item_id",
    "catalogue_id",
)
"""The columns that a listing, a product page or the affiliate programme tells; the others are ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowReport:
    """One offer."""

    offer: StoredOffer
    problems: tuple[Problem, ...] = ()

    def data(self) -> dict[str, Any]:
        return {"offer": offer_row(self.offer), "origins": {name: origin_of(self.offer, name) for name in TOLD}}


def origin_of(offer: StoredOffer, column: str) -> str | None:
    """Who told that value: ``product page: <strategy>``, ``affiliate programme`` or ``listing: <source>``."""
    if getattr(offer, column) is None:
        return None
    if column in offer.strategies:
        return f"product page: {offer.strategies[column]}"
    if column in ("affiliate_link", "affiliation_id") and offer.affiliate_checked_at:
        return "affiliate programme"
    return "product page" if column == "suspect_old_price_cents" else f"listing: {offer.source}"


def show(id_or_external_id: str, *, storage: Storage) -> ShowReport:
    """Find one offer by its id or the marketplace's id; raises `NotFound`."""
    return ShowReport(offer=get_offer(id_or_external_id, storage=storage))


def get_offer(id_or_external_id: str, *, storage: Storage) -> StoredOffer:
    """The offer with that id or external id.

    Raises:
        NotFound: there is none; the hint names the offer that may have been meant.
    """
    offer = storage.find_offer(id_or_external_id)
    if offer is None:
        near = _find_near(id_or_external_id, storage)
        hint = f"offers show {near.external_id}" if near else "offers list --search WORDS"
        raise NotFound(f"{id_or_external_id}: no such offer", hint=hint)
    return offer


def _find_near(text: str, storage: Storage) -> StoredOffer | None:
    """The offer that a mistyped id may mean: written with a dash or in small letters, or words of a title."""
    if not text.strip():
        return None
    written = storage.find_offer(text.strip().replace("-", "").upper())
    titled = OfferFilter(search=text, limit=1)
    return written or next(iter(storage.find_offers(titled)), None)
