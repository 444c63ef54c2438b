"""Adopt: offers that the operator kept in a table of their own become offers of ours, each once."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from offers_cli.config import DatabaseConfig
from offers_cli.errors import StorageRefused, UsageError
from offers_cli.marketplaces import marketplace_named
from offers_cli.marketplaces.base import MERCADO_LIVRE
from offers_cli.offer import Offer
from offers_cli.report import WHEN_DONE, Problem, Report
from offers_cli.storage.base import Storage
from offers_cli.storage.foreign_tables import ForeignRow, ForeignTable, read_postgres_table, read_sqlite_table

BATCH = 500
REPORTED_ROWS = 100
"""Rows that cannot be adopted which a report names one by one."""
OPTIONAL = {"old_price_cents", "discount_pct", "commission_pct", "affiliate_link", "affiliation_id", "image_url"}
KNOWN = {"external_id", "url", "title", "price_cents", "commission", *OPTIONAL}
"""The columns that are understood; `commission` is `commission_pct`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptReport(Report):
    """`rows = adopted + already_there + refused`.

    Attributes:
        ignored_columns: columns of the table that are not understood.
    """

    table: str
    rows: int = 0
    adopted: int = 0
    already_there: int = 0
    refused: int = 0
    dry_run: bool = field(default=False, metadata=WHEN_DONE)
    ignored_columns: tuple[str, ...] = ()


@contextmanager
def open_table(config: DatabaseConfig, table: str, *, file: Path | None) -> Iterator[ForeignTable]:
    """The operator's table, in a SQLite file or else in the Postgres of `SUPABASE_DB_URL`.

    Raises:
        UsageError: neither is given.
        NotFound, StorageUnavailable, StorageRefused: it cannot be read.
    """
    if file is not None:
        opened = read_sqlite_table(file, table)
    elif config.supabase_db_url is not None:
        opened = read_postgres_table(config.supabase_db_url, table)
    else:
        raise UsageError(f"where is the table {table}?", hint="set SUPABASE_DB_URL, or name a SQLite file: --from FILE")
    with closing(opened.rows):
        yield opened


def adopt(
    *,
    table: str,
    columns: Sequence[str],
    rows: Iterable[ForeignRow],
    storage: Storage,
    now: datetime,
    dry_run: bool = False,
    on_progress: Callable[[int], None] = lambda _rows: None,
) -> AdoptReport:
    """Save each row as an offer seen now, with its first price in the history; offers that are there are left alone.

    Args:
        columns: those of the table; needed are `title`, `price_cents`, and `url` or `external_id`.
        on_progress: is given the number of rows looked at so far.

    Raises:
        UsageError: the table lacks a column that an offer cannot do without.
        StorageUnavailable, StorageRefused: see `Storage`; run it again to go on.
    """
    lacking = sorted({"title", "price_cents"} - set(columns))
    if not {"url", "external_id"} & set(columns):
        lacking.append("url or external_id")
    if lacking:
        raise UsageError(f"the table {table} has no column {', '.join(lacking)}", hint="make a view with these names")
    looked_at = adopted = already_there = 0
    refusals: list[str] = []
    unread = iter(rows)
    while batch := list(itertools.islice(unread, BATCH)):
        offers: dict[str, Offer] = {}
        for number, row in enumerate(batch, start=looked_at + 1):
            try:
                offer = read_row(row)
            except ValueError as exc:
                refusals.append(f"row {number} ({_name(row)}): {exc}")
                continue
            already_there += offer.external_id in offers
            offers.setdefault(offer.external_id, offer)
        # What is there is newer than the table, so that only what would be new is saved. An offer that somebody else
        # saves in between is seen later than `now`: the storage lets it stand.
        would_be = storage.save_offers(list(offers.values()), seen_at=now, dry_run=True)
        new = [offers[each.external_id] for each in would_be.saved if each.outcome == "new"]
        done = would_be if dry_run else storage.save_offers(new, seen_at=now)
        saved = sum(each.outcome == "new" for each in done.saved)
        adopted += saved
        already_there += len(would_be.saved) - saved
        refused = {each.external_id: each.reason for each in (*would_be.refused, *done.refused)}
        refusals += [f"{external_id}: {reason}" for external_id, reason in refused.items()]
        looked_at += len(batch)
        on_progress(looked_at)
    hint = "correct the row, then run the command again"
    return AdoptReport(
        table=table,
        rows=looked_at,
        adopted=adopted,
        already_there=already_there,
        refused=len(refusals),
        dry_run=dry_run,
        ignored_columns=tuple(name for name in columns if name not in KNOWN),
        problems=tuple(
            Problem(code=StorageRefused.code, message=refusal, hint=hint) for refusal in refusals[:REPORTED_ROWS]
        ),
    )


def read_row(row: ForeignRow) -> Offer:
    """The offer in a row of the table; raises `ValueError` with the reason when there is none."""
    marketplace, url = marketplace_named(MERCADO_LIVRE), (_text(row.get("url")) or "").strip()
    if url and not marketplace.owns(url):
        raise ValueError(f"its url is not one of Mercado Livre: {url[:200]}")
    product = marketplace.locate(url, row.get("external_id"))
    if product is None:
        raise ValueError("neither its url nor its external_id names a product of Mercado Livre")
    price_cents = _whole(row.get("price_cents"))
    if price_cents is None:
        raise ValueError(f"price_cents is not a price in cents: {row.get('price_cents')!r}")
    commission = row.get("commission_pct", row.get("commission"))
    return Offer(
        marketplace=marketplace.name,
        external_id=product.external_id,
        title=_text(row.get("title")) or "",
        url=product.url,
        price_cents=price_cents,
        currency=product.currency,
        old_price_cents=_whole(row.get("old_price_cents")),
        discount_pct=_whole(row.get("discount_pct")),
        commission_pct=_whole(commission),
        image_url=_text(row.get("image_url")),
        item_id=product.item_id,
        catalogue_id=product.catalogue_id,
        affiliate_link=_text(row.get("affiliate_link")),
        affiliation_id=_text(row.get("affiliation_id")),
        source="adopted",
    )


def _whole(value: Any) -> int | None:
    """A whole number, however the table's column holds it; None for anything else."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = int(value)
    except (ValueError, TypeError, OverflowError):
        return None
    return number if isinstance(value, str) or number == value else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _name(row: ForeignRow) -> str:
    """What a person finds the row by."""
    known = next((row[name] for name in ("external_id", "url", "id", "title") if row.get(name)), None)
    return str(known)[:100] if known is not None else "without id or url"
