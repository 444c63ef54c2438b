"""The fields of an offer, by the names that people call them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from difflib import get_close_matches
from typing import Any

from offers_cli.errors import UsageError
from offers_cli.offer import Facts
from offers_cli.report import INTERNAL, plain
from offers_cli.storage.base import StoredOffer, value_of

COLUMNS = {field.name: str(field.type) for field in fields(StoredOffer) if field.metadata != INTERNAL}
"""What an object of JSON holds, and the type of each."""
FIELDS = {name: kind for name, kind in COLUMNS.items() if name != "facts"} | {
    fact.name: str(fact.type) for fact in fields(Facts)
}
"""What a row of a table holds: each fact has a column of its own, so that it can be filtered and summed."""
UNITS = ("_cents", "_pct", "_hundredths", "_at")
ALIASES = {
    "link": "affiliate_link",
    "off": "discount_pct",
    "by": "price_condition",
    "by_card": "card_price_cents",
    "seen": "last_seen_at",
}
"""Headings of tables that are no field's name."""


def chosen(offers: Iterable[StoredOffer], names: Sequence[str]) -> list[dict[str, Any]]:
    """These fields of each offer as JSON writes them."""
    return [{name: plain(value_of(offer, name)) for name in names} for offer in offers]


def without_unit(field: str) -> str:
    """The name of a field without what the value shows: ``price`` for ``price_cents``."""
    return next((field.removesuffix(unit) for unit in UNITS if field.endswith(unit)), field)


def parse_fields(text: str | None) -> tuple[str, ...]:
    """The fields of a list such as ``title,price,link``, in its order: whole names, those without unit, headings.

    Raises:
        UsageError: one is no field, or stands there twice.
    """
    names = {**ALIASES, **{without_unit(name): name for name in FIELDS}, **{name: name for name in FIELDS}}
    chosen: list[str] = []
    for word in text.split(",") if text is not None else ():
        wanted = word.strip().lower().replace(" ", "_").replace("-", "_")
        if wanted not in names:
            near = get_close_matches(wanted[:80], names, n=1)
            hint = f"--fields {near[0]}" if near else "one or more of " + ",".join(FIELDS)
            raise UsageError(f"--fields {word.strip()[:80]!r}: an offer has no such field", hint=hint)
        if names[wanted] in chosen:
            raise UsageError(f"--fields {word.strip()!r}: it stands there twice", hint="name each field once")
        chosen.append(names[wanted])
    return tuple(chosen)
