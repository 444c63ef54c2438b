"""Explain: what one page says, by which strategy, and what it is when it says nothing."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from offers_cli.errors import NotFound, PageError, UsageError
from offers_cli.fetch.snapshots import Snapshot, Snapshots
from offers_cli.files import is_file, is_folder, parse_path
from offers_cli.marketplaces.base import ListingReading, Marketplace, ProductReading, Reading
from offers_cli.offer import CardValues, PageValues
from offers_cli.report import Problem, Report, plain
from offers_cli.services.lookup import as_link, find_offer
from offers_cli.services.pages import Pages, reading_file
from offers_cli.services.sources import WORDS, as_address
from offers_cli.storage.base import Storage

PRODUCT_VALUES = [
    "title",
    "price_cents",
    "old_price_cents",
    "discount_pct",
    "item_id",
    "catalogue_id",
    "user_product_id",
    "external_id",
    "available",
]
VALUES = tuple(dict.fromkeys([*PRODUCT_VALUES, *(known.name for known in fields(PageValues))]))
CARD_VALUES = [
    "external_id",
    "item_id",
    "catalogue_id",
    "title",
    "url",
    "currency",
    "price_cents",
    "old_price_cents",
    "discount_pct",
]
CARD = (*CARD_VALUES, *(known.name for known in fields(CardValues)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainReport(Report):
    """What was read from one page; `reading` is None when nothing could be.

    Attributes:
        kept_at: when the page was fetched, where it is an offer's kept page; None for one fetched now, or a file.
    """

    url: str | None = None
    reading: Reading | None = None
    kept_at: datetime | None = None

    @classmethod
    def keys(cls) -> tuple[str, ...]:
        """As `Report.keys`."""
        return "kind", "marketplace", "url", "currency", "values", "candidates", "offers", "next_page"

    def data(self) -> dict[str, Any]:
        """The reading by key; what a page of its kind does not have is None."""
        more = "winners", "flags", "unreadable", "strategy"
        facts: dict[str, Any] = dict.fromkeys((*self.keys(), *more)) | {"url": self.url, "kept_at": plain(self.kept_at)}
        reading = self.reading
        if reading:
            facts |= {name: getattr(reading, name) for name in ("marketplace", "url", "currency")}
        if isinstance(reading, ProductReading):
            facts |= {name: plain(getattr(reading, name)) for name in ("candidates", "winners", "flags")}
            facts |= {"kind": "product", "values": {name: plain(getattr(reading, name)) for name in VALUES}}
        elif isinstance(reading, ListingReading):
            facts |= {
                "kind": "listing",
                "offers": [{name: plain(getattr(offer, name)) for name in CARD} for offer in reading.offers],
                "unreadable": [{"position": position, "reason": reason} for position, reason in reading.unreadable],
                "strategy": reading.strategy,
                "next_page": reading.next_page,
            }
        return facts


def explain(
    target: str,
    *,
    url: str | None,
    pages: Pages,
    storage: Storage,
    marketplaces: Sequence[Marketplace],
    snapshots: Snapshots,
) -> ExplainReport:
    """Read one page.

    Args:
        target: an address, which is fetched; a saved file; or whatever an offer is called (see `lookup`), which stands
            for its newest kept page, or its product page when none is kept.
        url: the address of a saved file that does not contain its own.

    Raises:
        NotFound, Ambiguous: there is no such offer, file or address, or there are several offers.
        UsageError, TooLarge: the file cannot be read, or is larger than a page.
        StorageUnavailable, StorageRefused: see `Storage`; asked for ids alone.
    """
    if address := as_address(target):
        return _explain_fetched(address, pages)
    try:
        path = parse_path(target)
    except ValueError as exc:
        raise NotFound(f"{target}: no such offer, file or address ({exc})", hint="offers list") from exc
    if is_file(path):
        return _explain_saved(path, url, pages)
    if target and is_folder(path):
        raise UsageError(f"{target} is a folder, not one page", hint=f"offers ingest {shlex.quote(target)}")
    if address := as_link(target, marketplaces[:-1]):  # the last reads any address, and a path may look like one
        return _explain_fetched(address, pages)
    if "/" in target or path.suffix:
        return _explain_saved(path, url, pages)
    if target.lower() in WORDS:
        raise NotFound(f"{target} is a source, not a page", hint=f"offers scrape {target.lower()} --dry-run")
    offer = find_offer(target, storage=storage, marketplaces=marketplaces)
    if kept := snapshots.find(offer.id):
        return explain_kept(kept, pages=pages, snapshots=snapshots)
    return _explain_fetched(offer.url, pages)


def explain_kept(kept: Snapshot, *, pages: Pages, snapshots: Snapshots) -> ExplainReport:
    """Read a kept page again; raises `NotFound` when it is gone meanwhile."""
    text, snapshot = snapshots.read(kept.id)
    return replace(_explain_text(text, snapshot.final_url, pages), kept_at=snapshot.fetched_at)


def _explain_fetched(url: str, pages: Pages) -> ExplainReport:
    try:
        page = pages.fetch_patiently(url)
    except PageError as error:
        return ExplainReport(url=url, problems=(Problem.of(error),))
    return _explain_text(page.text, page.final_url, pages)


def _explain_saved(path: Path, url: str | None, pages: Pages) -> ExplainReport:
    """As `_explain_text`; raises as `Pages.open_saved`."""
    try:
        with reading_file(path):
            text, address = pages.open_saved(path, url=url)
            return ExplainReport(url=address, reading=pages.marketplace_of(text, address).read(text, address))
    except PageError as error:
        return _unreadable(error, url or "")


def _explain_text(text: str, url: str, pages: Pages) -> ExplainReport:
    try:
        return ExplainReport(url=url, reading=pages.marketplace_of(text, url).read(text, url))
    except PageError as error:
        return _unreadable(error, url)


def _unreadable(error: PageError, url: str) -> ExplainReport:
    problem = Problem.of(error)
    if problem.hint.startswith("offers explain"):  # which is what runs already
        hint = "is it the page of a product, or a listing? docs/mending-a-parser.md says how a reader is mended"
        problem = replace(problem, hint=hint)
    return ExplainReport(url=url, reading=error.reading, problems=(problem,))
