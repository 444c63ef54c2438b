"""Rows of SQLite as values, and values as rows."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import datetime
from typing import Any

from offers_cli.storage.base import PricePoint, ScrapeRun, StoredOffer
from offers_cli.storage.folding import folded
from offers_cli.times import iso_utc

Row = tuple[Any, ...]

OFFER_COLUMNS = tuple(field.name for field in fields(StoredOffer))
RUN_COLUMNS = tuple(field.name for field in fields(ScrapeRun))
SELECTED = ", ".join(f"offers.{name}" for name in OFFER_COLUMNS)

_STRATEGIES = OFFER_COLUMNS.index("strategies")
_TIMES = tuple(i for i, name in enumerate(OFFER_COLUMNS) if name.endswith("_at"))

INSERT_OFFER = f"""
    INSERT INTO offers ({", ".join(OFFER_COLUMNS)}, title_folded) VALUES ({"?, " * len(OFFER_COLUMNS)}?)"""
INSERT_PRICE = """
    INSERT INTO price_history (offer_id, observed_at, price_cents, old_price_cents, source) VALUES (?, ?, ?, ?, ?)"""
REPLACE_RUN = f"REPLACE INTO scrape_runs ({', '.join(RUN_COLUMNS)}) VALUES ({', '.join('?' * len(RUN_COLUMNS))})"


def to_text(moment: datetime) -> str:
    """Fixed-width ISO 8601 in UTC, so that text order is time order."""
    return iso_utc(moment, timespec="microseconds")


def to_time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def to_sql(value: Any) -> Any:
    if isinstance(value, datetime):
        return to_text(value)
    return json.dumps(value, sort_keys=True) if isinstance(value, dict) else value


def offer_row(offer: StoredOffer) -> Row:
    """The values of `INSERT_OFFER`."""
    return (*(to_sql(getattr(offer, name)) for name in OFFER_COLUMNS), folded(offer.title))


def changed_columns(before: StoredOffer, after: StoredOffer) -> dict[str, Any]:
    """The columns that differ and their new values, so that an update touches no index in vain."""
    names = (name for name in OFFER_COLUMNS if getattr(after, name) != getattr(before, name))
    changed = {name: to_sql(getattr(after, name)) for name in names}
    if "title" in changed:
        changed["title_folded"] = folded(after.title)
    return changed


def offer_of(row: Row) -> StoredOffer:
    values = list(row)
    for i in _TIMES:
        values[i] = to_time(values[i])
    values[_STRATEGIES] = json.loads(values[_STRATEGIES])
    return StoredOffer(**dict(zip(OFFER_COLUMNS, values, strict=True)))


def price_row(offer_id: str, point: PricePoint) -> Row:
    return (offer_id, to_text(point.observed_at), point.price_cents, point.old_price_cents, point.source)


def price_of(row: Row) -> PricePoint:
    observed_at, price_cents, old_price_cents, source = row
    return PricePoint(
        observed_at=datetime.fromisoformat(observed_at),
        price_cents=price_cents,
        old_price_cents=old_price_cents,
        source=source,
    )


def run_row(run: ScrapeRun) -> Row:
    return tuple(to_sql(getattr(run, name)) for name in RUN_COLUMNS)


def run_of(row: Row) -> ScrapeRun:
    values = dict(zip(RUN_COLUMNS, row, strict=True))
    for name in ("started_at", "finished_at", "alive_at"):
        values[name] = to_time(values[name])
    return ScrapeRun(**values)
