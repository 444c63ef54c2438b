"""Conformance: thinning what is old, on every storage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from storage.cases import at, card, failure, history, page, run, save
from storage.test_sqlite_faults import WRITER, check_integrity, run_python

from offers_cli.offer import PriceCondition
from offers_cli.storage.base import OfferFilter, PruneReport, Storage
from offers_cli.storage.sqlite.storage import SqliteStorage, open_sqlite

DAY = 24 * 60


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offers_cli.storage.sqlite.storage.PRUNED_AT_ONCE", 2)
    monkeypatch.setattr("offers_cli.storage.supabase.storage.PAGE", 2)


def see(storage: Storage, prices: dict[float, int], number: int = 1) -> str:
    """The listing shows these prices, by minute; returns the offer's id."""
    for minute, price_cents in prices.items():
        [saved] = save(storage, card(number, price_cents=price_cents), minute=minute)
    return saved.offer_id


def prices(storage: Storage, offer_id: str) -> list[int]:
    return [price_cents for price_cents, _, _ in history(storage, offer_id)]


def test_of_old_prices_the_lowest_and_the_last_of_each_day_stay(storage: Storage) -> None:
    """So what was charged from one day to the next stays true; newer days stay whole, as does the latest price."""
    offer_id = see(
        storage,
        {
            0: 500,
            1: 300,
            2: 400,
            3: 900,
            4: 800,
            DAY: 700,
            2 * DAY: 100,
            2 * DAY + 1: 200,
            2 * DAY + 2: 600,
            3 * DAY: 5,
            3 * DAY + 1: 6,
            3 * DAY + 2: 7,
        },
    )
    would = storage.prune(older_than=at(3 * DAY), dry_run=True)
    assert len(prices(storage, offer_id)) == 12
    assert would == PruneReport(before=at(3 * DAY), dry_run=True, prices=4)
    assert storage.prune(older_than=at(3 * DAY)) == replace(would, dry_run=False)
    assert prices(storage, offer_id) == [300, 800, 700, 100, 600, 5, 6, 7]
    assert storage.prune(older_than=at(3 * DAY)) == PruneReport(before=at(3 * DAY))
    assert storage.prune(older_than=at(9 * DAY)) == PruneReport(before=at(9 * DAY), prices=1)
    assert prices(storage, offer_id)[-2:] == [5, 7], "the latest price stays, however old it is"


def test_each_readers_prices_are_thinned_by_themselves(storage: Storage) -> None:
    offer_id = see(storage, {0: 500})
    for minute, price_cents in ((1, 100), (2, 200), (3, 300)):
        storage.save_enrichments([page(offer_id, minute, price_cents=price_cents)])
    save(storage, card(1, price_cents=600), minute=4)
    storage.prune(older_than=at(DAY))
    assert history(storage, offer_id) == [
        (500, None, "listing"),
        (100, None, "product"),
        (300, None, "product"),
        (600, None, "listing"),
    ]


def test_offers_long_gone_are_dropped_with_their_prices(storage: Storage) -> None:
    """Not those seen or tried since, nor the active ones, however old."""
    saved = save(storage, *(card(number) for number in range(6)))
    ids = [each.offer_id for each in saved]
    gone = [
        failure(offer_id, minute, "offer_gone", gone=True)
        for offer_id, minute in zip(ids, (1, 1, 1, DAY), strict=False)
    ]
    storage.save_enrichments([], gone)
    save(storage, card(1), minute=2)
    would = storage.prune(older_than=at(DAY), dry_run=True)
    assert storage.counts().total == 6
    assert would == PruneReport(before=at(DAY), dry_run=True, prices=2, offers=2)
    assert storage.prune(older_than=at(DAY)) == replace(would, dry_run=False)
    left = {offer.external_id for offer in storage.find_offers(OfferFilter())}
    assert left == {"MLB1", "MLB3", "MLB4", "MLB5"}
    assert storage.price_history(ids[0]) == []


def test_the_lowest_price_of_each_condition_stays(storage: Storage) -> None:
    """A price by Pix, however low, does not take the place of the lowest one for every payment."""
    shown = [(100, None), (90, "pix"), (80, "pix"), (85, "pix"), (95, "any"), (96, "any"), (99, "any"), (97, "any")]
    for minute, (price_cents, condition) in enumerate(shown):
        told = PriceCondition(condition) if condition else None
        [saved] = save(storage, card(price_cents=price_cents, price_condition=told), minute=minute)
    assert storage.prune(older_than=at(DAY)).prices == 3
    left = [(point.price_cents, point.price_condition) for point in storage.price_history(saved.offer_id)]
    assert left == [(100, None), (80, "pix"), (85, "pix"), (95, "any"), (97, "any")]


def test_old_runs_are_dropped(storage: Storage) -> None:
    kept = run(2, started_at=at(DAY))
    for each in (run(1, started_at=at(0)), kept):
        storage.save_run(each)
    assert storage.prune(older_than=at(DAY), dry_run=True) == PruneReport(before=at(DAY), dry_run=True, runs=1)
    assert storage.prune(older_than=at(DAY)) == PruneReport(before=at(DAY), runs=1)
    assert storage.find_runs() == [kept]


def test_progress_is_told_batch_by_batch(storage: Storage) -> None:
    save(storage, *(card(number) for number in range(5)))
    told: list[int] = []
    storage.prune(older_than=at(DAY), on_progress=told.append)
    assert told[:2] == [2, 4]


@pytest.fixture
def grown(sqlite_path: Path) -> Iterator[SqliteStorage]:
    with closing(open_sqlite(sqlite_path)) as storage:
        saved = save(storage, *(card(number, title="x" * 900) for number in range(600)))
        storage.save_enrichments([], [failure(each.offer_id, 1, "offer_gone", gone=True) for each in saved[1:]])
        yield storage


def test_a_vacuum_returns_the_space(grown: SqliteStorage, sqlite_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offers_cli.storage.sqlite.storage.PRUNED_AT_ONCE", 100)
    assert grown.prune(older_than=at(DAY)).offers == 599
    size = sqlite_path.stat().st_size
    freed = grown.vacuum()
    assert freed > 500_000
    assert sqlite_path.stat().st_size <= size
    assert grown.counts().total == 1
    check_integrity(sqlite_path)


@pytest.mark.slow
def test_others_write_while_it_prunes(grown: SqliteStorage, sqlite_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offers_cli.storage.sqlite.storage.PRUNED_AT_ONCE", 100)
    writer = run_python(WRITER, sqlite_path, 1_000_000)
    try:
        assert writer.stdout
        writer.stdout.readline()
        dropped = grown.prune(older_than=at(2)).offers
        grown.vacuum()
        assert int(writer.stdout.readline()) >= 1_000_000
    finally:
        writer.kill()
        _, errors = writer.communicate()
    assert (dropped, errors) == (599, "")
    check_integrity(sqlite_path)
