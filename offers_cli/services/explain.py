"""Explain: what one page says, by which strategy, and what it is when it says nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from offers_cli.errors import NotFound, PageError
from offers_cli.files import is_file, parse_path
from offers_cli.marketplaces.base import ListingReading, ProductReading, Reading
from offers_cli.offer import Offer
from offers_cli.report import Problem
from offers_cli.services.pages import Pages
from offers_cli.services.sources import as_address
from offers_cli.storage.base import StoredOffer

VALUES = (
    "title",
    "price_cents",
    "old_price_cents",
    "discount_pct",
    "item_id",
    "catalogue_id",
    "user_product_id",
    "external_id",
    "available",
    "suspect_old_price_cents",
)
CARD = (
    "external_id",
    "item_id",
    "catalogue_id",
    "title",
    "url",
    "price_cents",
    "old_price_cents",
    "discount_pct",
    "commission_pct",
    "image_url",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainReport:
    """What was read from one page; `reading` is None when nothing could be."""

    url: str | None = None
    reading: Reading | None = None
    problems: tuple[Problem, ...] = ()

    def data(self) -> dict[str, Any]:
        reading = self.reading
        product = reading if isinstance(reading, ProductReading) else None
        listing = reading if isinstance(reading, ListingReading) else None
        return {
            "kind": "product" if product else "listing" if listing else None,
            "marketplace": reading.marketplace if reading else None,
            "url": reading.url if reading else self.url,
            "currency": reading.currency if reading else None,
            "values": {name: getattr(product, name) for name in VALUES} if product else None,
            "candidates": _candidates(product) if product else None,
            "winners": product.winners if product else None,
            "flags": list(product.flags) if product else None,
            "offers": [_card(offer) for offer in listing.offers] if listing else None,
            "unreadable": [{"position": p, "reason": r} for p, r in listing.unreadable] if listing else None,
            "strategy": listing.strategy if listing else None,
            "next_page": listing.next_page if listing else None,
        }


def _candidates(product: ProductReading) -> dict[str, list[dict[str, Any]]]:
    return {name: [asdict(candidate) for candidate in found] for name, found in product.candidates.items()}


def _card(offer: Offer) -> dict[str, Any]:
    return {name: getattr(offer, name) for name in CARD}


def explain(
    target: str,
    *,
    url: str | None,
    pages: Pages,
    find_offer: Callable[[str], StoredOffer | None],
    find_kept: Callable[[str], tuple[str, str] | None],
) -> ExplainReport:
    """Read one page.

    Args:
        target: an address, which is fetched; a saved file; or an offer's id, which stands for its newest kept page,
            or its product page when none is kept.
        url: the address of a saved file that does not tell its own.
        find_kept: text and address of an offer's newest kept page.
    """
    if address := as_address(target):
        return _explain_fetched(address, pages)
    path = _parse_path(target)
    if is_file(path) or "/" in target or path.suffix:
        return _explain_text(*pages.open_saved(path, url=url), pages)
    offer = find_offer(target)
    if offer is None:
        raise NotFound(f"{target}: no such offer, file or address", hint="offers list")
    kept = find_kept(offer.id)
    return _explain_text(*kept, pages) if kept else _explain_fetched(offer.url, pages)


def _parse_path(target: str) -> Path:
    try:
        return parse_path(target)
    except ValueError as exc:
        raise NotFound(f"{target}: no such offer, file or address ({exc})", hint="offers list") from exc


def _explain_fetched(url: str, pages: Pages) -> ExplainReport:
    try:
        page = pages.fetch_patiently(url)
    except PageError as error:
        return ExplainReport(url=url, problems=(Problem.of(error),))
    return _explain_text(page.text, page.final_url, pages)


def _explain_text(text: str, url: str, pages: Pages) -> ExplainReport:
    try:
        return ExplainReport(url=url, reading=pages.marketplace_for(url).read(text, url))
    except PageError as error:
        return ExplainReport(url=url, reading=error.reading, problems=(Problem.of(error),))
