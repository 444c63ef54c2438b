"""Rows of Supabase's JSON as values, and values as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from offers_cli.storage.base import OfferCounts, PricePoint, ScrapeRun, StoredOffer
from offers_cli.storage.valid import utc

Json = Mapping[str, Any]


def to_json(value: Any) -> Any:
    """A noun (its fields are the columns) as JSON."""
    return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return utc(value).isoformat()
    return dict(value) if isinstance(value, Mapping) else value


def rows_of(answer: Any) -> list[Any]:
    """The rows of an answer; raises `TypeError` for anything but a list, which could pass for no rows."""
    if not isinstance(answer, list):
        raise TypeError(f"rows were expected, not {type(answer).__name__}")
    return answer


def whole_number(answer: Any) -> int:
    """A number as it stands in an answer; raises `TypeError` for anything else."""
    if type(answer) is not int:
        raise TypeError(f"a whole number was expected, not {type(answer).__name__}")
    return answer


def texts_of(answer: Any) -> dict[str, str]:
    """Texts by name; raises `AttributeError` for anything but an object."""
    return {name: str(text) for name, text in answer.items()}


def counts_of(answer: Any) -> OfferCounts:
    return OfferCounts(**{field.name: whole_number(answer[field.name]) for field in fields(OfferCounts)})


def offers_of(answer: Any) -> list[StoredOffer]:
    return [offer_of(row) for row in rows_of(answer)]


def offer_of(row: Json) -> StoredOffer:
    """The offer; Postgres keeps the keys of an object in an order of its own."""
    return StoredOffer(**{**_values(StoredOffer, row), "strategies": dict(sorted(row["strategies"].items()))})


def price_of(row: Json) -> PricePoint:
    return PricePoint(**_values(PricePoint, row))


def run_of(row: Json) -> ScrapeRun:
    return ScrapeRun(**_values(ScrapeRun, row))


def _values(noun: Any, row: Json) -> dict[str, Any]:
    """The columns that the noun has; times get their type back by name."""
    return {
        field.name: _time(row[field.name]) if field.name.endswith("_at") else row[field.name] for field in fields(noun)
    }


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)
