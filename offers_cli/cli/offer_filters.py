"""The options by which offers are chosen; `offers list` and `offers export` share them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer

from offers_cli.cli.options import parse_since
from offers_cli.storage.base import Missing, OfferFilter


class Status(StrEnum):
    """What an offer can be."""

    ACTIVE = "active"
    GONE = "gone"


def complete_sort(incomplete: str) -> list[str]:
    """Sort orders, both ways."""
    from offers_cli.storage.base import SORTS

    return [word for name in SORTS for word in (name, f"-{name}") if word.startswith(incomplete)]


MinDiscountOption = Annotated[
    int | None, typer.Option("--min-discount", min=0, max=100, metavar="PCT", help="At least this discount.")
]
MissingOption = Annotated[
    list[Missing] | None, typer.Option("--missing", help="Only offers that lack this; may be given more than once.")
]
SinceOption = Annotated[
    str | None, typer.Option("--since", metavar="WHEN", help="Seen since: 7d, or an ISO date or time (UTC).")
]
SearchOption = Annotated[
    str | None, typer.Option("--search", metavar="WORDS", help="Words that all stand in the title.")
]
StatusOption = Annotated[Status | None, typer.Option("--status", help="Only offers that are active, or gone.")]
SortOption = Annotated[
    str,
    typer.Option(
        "--sort",
        metavar="ORDER",
        help="last_seen, first_seen, discount, price or title; a leading - reverses.",
        autocompletion=complete_sort,
    ),
]


def offer_filter(
    *,
    min_discount: int | None,
    missing: Sequence[Missing] | None,
    since: str | None,
    search: str | None,
    status: Status | None,
    sort: str,
    limit: int | None,
    now: datetime,
) -> OfferFilter:
    """The filter that these options mean; raises `UsageError` for a time or an order that cannot be read."""
    from offers_cli.services.offers import check_sort

    return OfferFilter(
        min_discount=min_discount,
        missing=frozenset(missing or ()),
        since=parse_since(since, "--since", now=now),
        search=search,
        status=status.value if status else None,
        sort=check_sort(sort),
        limit=limit,
    )
