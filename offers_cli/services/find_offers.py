"""Find offers: what `offers list` shows."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from offers_cli.errors import UsageError
from offers_cli.report import Problem
from offers_cli.storage.base import SORTS, OfferFilter, Storage, StoredOffer


@dataclass(frozen=True, slots=True, kw_only=True)
class OffersReport:
    """The offers found, and how many match in all."""

    offers: tuple[StoredOffer, ...] = ()
    total: int = 0
    problems: tuple[Problem, ...] = ()

    def data(self) -> dict[str, Any]:
        return {"offers": [offer_row(offer) for offer in self.offers], "total": self.total}


def check_sort(sort: str) -> str:
    """The sort order; raises `UsageError` when there is no such one."""
    if sort.removeprefix("-") not in SORTS:
        raise UsageError(f"cannot sort by {sort!r}", hint="--sort " + ", ".join(SORTS))
    return sort


def offer_row(offer: StoredOffer) -> dict[str, Any]:
    """All columns of one offer, times as ISO 8601 in UTC."""
    row: dict[str, Any] = plain(asdict(offer))
    return row


def plain(value: Any) -> Any:
    """The value as JSON writes it: times as ISO 8601 in UTC, however deep they stand."""
    if isinstance(value, datetime):
        return iso_utc(value)
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


def iso_utc(moment: datetime) -> str:
    """ISO 8601 in UTC with a ``Z``."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def find_offers(wanted: OfferFilter, *, storage: Storage) -> OffersReport:
    """Find the matching offers, `wanted.limit` at the most."""
    offers = tuple(storage.find_offers(wanted))
    total = len(offers) if wanted.limit is None or len(offers) < wanted.limit else storage.count_offers(wanted)
    return OffersReport(offers=offers, total=total)
