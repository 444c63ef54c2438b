"""A year of a catalogue that the schedule prunes: how large it becomes, and what it still knows of each day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

import pytest
from catalogue_year import Year

from offers_cli.storage.base import OfferFilter, PricePoint, Storage
from offers_cli.storage.sqlite.schema import file_size
from offers_cli.storage.sqlite.storage import SqliteStorage, open_sqlite

OFFERS, DAYS = 60, 365
PRUNED_AFTER = timedelta(days=90)
BYTES_OF_AN_OFFER_A_DAY, BYTES_OF_RUNS = 45_000, 2_500_000
"""What docs/storage.md states for a year: of each offer that a day shows, and of the scrapes of the last 90 days."""

Day = tuple[str, str, str | None, date]
"""An offer, who read it, by which payment, and a day (UTC)."""


def lived(path: Path, *, pruned: bool) -> SqliteStorage:
    """A year; once a week what is older than 90 days is thinned."""
    storage = open_sqlite(path)
    year = Year(storage, offers=OFFERS)
    for day in range(DAYS):
        now = year.live(day)
        if pruned and day % 7 == 6:
            storage.prune(older_than=now - PRUNED_AFTER)
    return storage


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteStorage]:
    with closing(lived(tmp_path_factory.mktemp("whole") / "offers.db", pruned=False)) as storage:
        yield storage


@pytest.fixture(scope="module")
def pruned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteStorage]:
    with closing(lived(tmp_path_factory.mktemp("pruned") / "offers.db", pruned=True)) as storage:
        yield storage


def prices(storage: Storage, status: Literal["active", "gone"]) -> dict[str, list[PricePoint]]:
    """All that was recorded of each offer of that status."""
    found = storage.find_offers(OfferFilter(status=status))
    return {offer.external_id: storage.price_history(offer.id) for offer in found}


def by_day(recorded: Mapping[str, Sequence[PricePoint]]) -> dict[Day, list[int]]:
    days: dict[Day, list[int]] = {}
    for external_id, points in recorded.items():
        for point in points:
            day = (external_id, point.source, point.price_condition, point.observed_at.date())
            days.setdefault(day, []).append(point.price_cents)
    return days


def lows_and_lasts(days: Mapping[Day, Sequence[int]]) -> dict[Day, tuple[int, int]]:
    return {day: (min(cents), cents[-1]) for day, cents in days.items()}


@pytest.mark.slow
def test_a_year_stays_under_the_stated_size(whole: SqliteStorage, pruned: SqliteStorage) -> None:
    with pruned._connection() as connection, whole._connection() as other:
        size, unpruned = file_size(connection), file_size(other)
    assert size <= OFFERS * BYTES_OF_AN_OFFER_A_DAY + BYTES_OF_RUNS
    assert size < unpruned


@pytest.mark.slow
def test_the_low_and_the_last_price_of_every_day_are_kept_for_ever(whole: SqliteStorage, pruned: SqliteStorage) -> None:
    """Of every offer that is still there, at any age; what is dropped was gone."""
    recorded, kept = prices(whole, "active"), prices(pruned, "active")
    assert recorded.keys() == kept.keys()
    days = by_day(kept)
    assert lows_and_lasts(days) == lows_and_lasts(by_day(recorded))
    assert sum(map(len, days.values())) < sum(map(len, recorded.values())), "flash sales were thinned"
    end = max(day[-1] for day in days)
    assert all(len(cents) <= 2 for day, cents in days.items() if end - day[-1] > PRUNED_AFTER + timedelta(days=7))
    gone, left = prices(whole, "gone"), prices(pruned, "gone")
    assert left.keys() < gone.keys()
    assert lows_and_lasts(by_day(left)) == lows_and_lasts(by_day({each: gone[each] for each in left}))
