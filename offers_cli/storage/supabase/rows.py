"""Rows of Supabase's JSON as values, and values as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import datetime
from types import NoneType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from offers_cli.storage.base import OfferCounts, PricePoint, ScrapeRun, StoredOffer
from offers_cli.times import to_utc

Json = Mapping[str, Any]
N = TypeVar("N", StoredOffer, PricePoint, ScrapeRun, OfferCounts)
LEAST, MOST = -(2**63), 2**63 - 1
"""What a column of whole numbers holds."""
_TYPES: dict[Any, dict[str, Any]] = {
    noun: get_type_hints(noun) for noun in (StoredOffer, PricePoint, ScrapeRun, OfferCounts)
}


def to_json(value: Any) -> Any:
    """A noun (its fields are the columns) as JSON."""
    return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return to_utc(value).isoformat()
    return dict(value) if isinstance(value, Mapping) else value


def rows_of(answer: Any) -> list[Any]:
    """The rows of an answer; raises `TypeError` for anything but a list, which could pass for no rows."""
    if not isinstance(answer, list):
        raise TypeError(f"rows were expected, not {type(answer).__name__}")
    return answer


def whole_number(answer: Any) -> int:
    """A number as it stands in an answer; raises `TypeError` for anything else."""
    if type(answer) is not int or not LEAST <= answer <= MOST:
        raise TypeError(f"a whole number was expected, not {type(answer).__name__}")
    return answer


def text_of(answer: Any) -> str:
    """A text as it stands in an answer; raises `TypeError` for anything else."""
    if not isinstance(answer, str):
        raise TypeError(f"a text was expected, not {type(answer).__name__}")
    return answer


def texts_of(answer: Any) -> dict[str, str]:
    """Texts by name; raises `AttributeError` for anything but an object."""
    return {name: str(text) for name, text in answer.items()}


def counts_of(answer: Any) -> OfferCounts:
    return _noun(OfferCounts, answer)


def offers_of(answer: Any) -> list[StoredOffer]:
    return [offer_of(row) for row in rows_of(answer)]


def offer_of(row: Any) -> StoredOffer:
    """The offer; Postgres keeps the keys of an object in an order of its own."""
    offer = _noun(StoredOffer, row)
    return replace(offer, strategies=dict(sorted(offer.strategies.items())))


def price_of(row: Any) -> PricePoint:
    return _noun(PricePoint, row)


def run_of(row: Any) -> ScrapeRun:
    return _noun(ScrapeRun, row)


def _noun(kind: type[N], row: Any) -> N:
    """The row as that noun, each of whose fields is a column.

    Raises:
        ValueError, TypeError, LookupError, OverflowError: a column is missing, or not of its field's type.
    """
    return kind(**{name: _value(row[name], hint) for name, hint in _TYPES[kind].items()})


def _value(column: Any, hint: Any) -> Any:
    if get_origin(hint) is dict:
        return {name: text_of(text) for name, text in column.items()}
    kinds = get_args(hint) or (hint,)
    if column is None and NoneType in kinds:
        return None
    if datetime in kinds:
        return to_utc(datetime.fromisoformat(text_of(column)))
    if int in kinds:
        return whole_number(column)
    if get_origin(hint) is Literal and column not in kinds:
        raise ValueError("none of the words that may stand there")
    return text_of(column)
