"""Whole offers on their way from one storage to another: each with its history, told apart by checksum."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from offers_cli.storage.base import PricePoint, ScrapeRun, StoredOffer
from offers_cli.storage.sqlite_queries import ALL_RUNS, HISTORY_OF, OFFERS_AFTER
from offers_cli.storage.sqlite_rows import (
    INSERT_OFFER,
    INSERT_PRICE,
    REPLACE_RUN,
    offer_of,
    offer_row,
    price_of,
    price_row,
    run_of,
    run_row,
)

SIZE = 500


@dataclass(frozen=True, slots=True)
class Bundle:
    """Some offers, ordered by id, and the history of each."""

    offers: Sequence[StoredOffer]
    history: Mapping[str, Sequence[PricePoint]] = field(default_factory=dict)


def checksum(offer: StoredOffer, history: Sequence[PricePoint]) -> str:
    """Everything that is stored about one offer as one checksum, the same as `offers_digest` in Postgres."""
    parts = {spec.name: _text(getattr(offer, spec.name)) for spec in fields(offer) if spec.name != "strategies"}
    parts |= {f"strategies.{name}": strategy for name, strategy in offer.strategies.items()}
    for place, point in enumerate(history, start=1):
        values = (point.observed_at, point.price_cents, point.old_price_cents, point.source)
        parts[f"history.{place:06d}"] = " ".join(map(_text, values))
    text = "\x1f".join(f"{name}={parts[name]}" for name in sorted(parts))
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _text(value: Any) -> str:
    """The value as Postgres writes it in JSON."""
    if not isinstance(value, datetime):
        return "~" if value is None else str(value)
    moment = value.astimezone(UTC)
    fraction = f".{moment.microsecond:06d}".rstrip("0").rstrip(".")
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}+00:00"


def read_sqlite(connection: sqlite3.Connection) -> Iterator[Bundle]:
    """All offers, bundle by bundle; to see one moment, call it inside a transaction."""
    after = ""
    while offers := [offer_of(row) for row in connection.execute(OFFERS_AFTER, (after, SIZE))]:
        history: dict[str, list[PricePoint]] = defaultdict(list)
        for offer_id, *point in connection.execute(HISTORY_OF, (offers[0].id, offers[-1].id)):
            history[offer_id].append(price_of(tuple(point)))
        yield Bundle(offers, history)
        after = offers[-1].id


def read_sqlite_runs(connection: sqlite3.Connection) -> list[ScrapeRun]:
    return [run_of(row) for row in connection.execute(ALL_RUNS)]


def write_sqlite(connection: sqlite3.Connection, bundle: Bundle) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(INSERT_OFFER, map(offer_row, bundle.offers))
    rows = (price_row(offer.id, point) for offer in bundle.offers for point in bundle.history.get(offer.id, ()))
    connection.executemany(INSERT_PRICE, rows)
    connection.execute("COMMIT")


def write_sqlite_runs(connection: sqlite3.Connection, runs: Sequence[ScrapeRun]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(REPLACE_RUN, map(run_row, runs))
    connection.execute("COMMIT")
