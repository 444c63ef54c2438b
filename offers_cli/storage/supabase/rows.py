"""Values as Supabase's JSON, and what it answers as values: a field is a column, read by its type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from types import NoneType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from offers_cli.offer import DiscountKind, Facts, PriceCondition
from offers_cli.storage.base import OfferCounts, PricePoint, ScrapeRun, StoredOffer
from offers_cli.times import to_utc

Json = Mapping[str, Any]
Noun = TypeVar("Noun", StoredOffer, PricePoint, ScrapeRun, OfferCounts)
LEAST, MOST = -(2**63), 2**63 - 1
"""What a column of whole numbers holds."""
_TYPES: dict[Any, dict[str, Any]] = {
    noun: get_type_hints(noun) for noun in (StoredOffer, PricePoint, ScrapeRun, OfferCounts)
}
_FACTS: dict[str, Any] = get_type_hints(Facts)


def to_json(value: Any) -> Any:
    """A noun (its fields are the columns) as JSON."""
    return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return to_utc(value).isoformat()
    if isinstance(value, Facts):
        return value.known()
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


def yes_or_no(answer: Any) -> bool:
    """A boolean as it stands in an answer; raises `TypeError` for anything else."""
    if not isinstance(answer, bool):
        raise TypeError(f"true or false was expected, not {type(answer).__name__}")
    return answer


def texts_of(answer: Any) -> dict[str, str]:
    """Texts by name; raises `AttributeError` for anything but an object."""
    return {name: str(text) for name, text in answer.items()}


def moment_of(answer: Any) -> datetime:
    """A moment as it stands in an answer; raises `TypeError` or `ValueError` for anything else."""
    return to_utc(datetime.fromisoformat(text_of(answer)))


_READERS: dict[Any, Callable[[Any], Any]] = {
    datetime: moment_of,
    bool: yes_or_no,
    int: whole_number,
    PriceCondition: lambda answer: PriceCondition(text_of(answer)),
    DiscountKind: lambda answer: DiscountKind(text_of(answer)),
}
"""What a value of each type is read by; the others are texts."""


def read(noun: type[Noun], row: Any) -> Noun:
    """The row as that noun, each of whose fields is a column.

    Raises:
        ValueError, TypeError, LookupError, OverflowError: a column is missing, or not of its field's type.
    """
    return noun(**{name: _value(row[name], hint) for name, hint in _TYPES[noun].items()})


def read_all(noun: type[Noun], answer: Any) -> list[Noun]:
    """The rows of an answer, each as `read` reads it."""
    return [read(noun, row) for row in rows_of(answer)]


def _value(column: Any, hint: Any) -> Any:
    if hint is Facts:
        return Facts.of({name: _value(fact, _FACTS[name]) for name, fact in column.items() if name in _FACTS})
    if get_origin(hint) is dict:
        # Postgres keeps the keys of an object in an order of its own.
        return {name: _value(value, get_args(hint)[1]) for name, value in sorted(column.items())}
    kinds = get_args(hint) or (hint,)
    if column is None and NoneType in kinds:
        return None
    if get_origin(hint) is Literal and column not in kinds:
        raise ValueError("none of the words that may stand there")
    reader = text_of if isinstance(column, str) and str in kinds else _READERS.get(kinds[0], text_of)
    return reader(column)
