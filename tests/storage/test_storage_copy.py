"""Copying to Supabase and backing up: whole, resumable, verified, nothing overwritten."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from storage.cases import ALL_FACTS, at, card, everything, failure, link, page, run, save
from storage.meddler import Handler, meddler
from supabase_server.lite import SupabaseProject

from offers_cli.config import DatabaseConfig, Secret
from offers_cli.errors import StorageUnavailable, UsageError
from offers_cli.offer import DiscountKind, PriceCondition
from offers_cli.storage.base import Storage
from offers_cli.storage.patience import Patience
from offers_cli.storage.sqlite.storage import open_sqlite
from offers_cli.storage.supabase.storage import SupabaseStorage, open_supabase
from offers_cli.storage.transfer import backup, copy_to_supabase

OFFERS = 1_203


@pytest.fixture
def lived_in(sqlite_storage: Storage) -> Storage:
    """Offers of every kind: enriched, failed, gone, with links, strategies, odd text and odd times."""
    save(sqlite_storage, *(card(number, title=f"Fone “{number}” 😀 ção = ~ \\ %") for number in range(OFFERS)))
    first, second, third, fourth, fifth = save(sqlite_storage, *(card(number) for number in range(5)), minute=1)
    moment = at(2) + timedelta(microseconds=120_500)
    strategies = {"price_cents": "state", "old_price_cents": "dom", "é": "x=y"}
    enriched = page(
        first.offer_id,
        2,
        price_cents=9_000,
        old_price_cents=20_000,
        discount_pct=55,
        price_condition=PriceCondition.PIX,
        card_price_cents=9_500,
        discount_kind=DiscountKind.PRICE_CUT,
        facts=ALL_FACTS,
        strategies=strategies,
    )
    sqlite_storage.save_enrichments(
        [
            replace(enriched, observed_at=moment, strategies=strategies),
            link(second.offer_id, 2, "https://meli.la/x?a=b"),
            page(fifth.offer_id, 2, suspect_old_price_cents=99_999_999),
        ],
        [failure(third.offer_id, 2, "offer_gone", gone=True), failure(fourth.offer_id, 2)],
    )
    sqlite_storage.save_run(run(1, source="ofertas", started_at=at(0), schedule_entry="morning"))
    return sqlite_storage


@pytest.fixture
def target(supabase_storage: Storage) -> SupabaseStorage:
    assert isinstance(supabase_storage, SupabaseStorage)
    return supabase_storage


def contents(storage: Storage) -> Any:
    return [(offer, storage.price_history(offer.id)) for offer in everything(storage)[:40]], storage.counts()


@pytest.mark.slow
def test_a_copy_is_the_same_row_for_row(lived_in: Storage, sqlite_path: Path, target: SupabaseStorage) -> None:
    seen: list[int] = []
    report = copy_to_supabase(sqlite_path, target, on_progress=lambda done: seen.append(done.offers))
    assert (report.offers, report.copied, report.already_there, report.different) == (OFFERS, OFFERS, 0, ())
    assert (report.runs, report.total_there) == (1, OFFERS)
    assert seen == sorted(seen)
    assert len(seen) == 3
    assert contents(target) == contents(lived_in)
    assert target.find_runs() == lived_in.find_runs()


@pytest.mark.slow
def test_a_copy_again_finds_everything_there(lived_in: Storage, sqlite_path: Path, target: SupabaseStorage) -> None:
    copy_to_supabase(sqlite_path, target)
    before = contents(target)
    again = copy_to_supabase(sqlite_path, target)
    assert (again.copied, again.already_there, again.different) == (0, OFFERS, ())
    assert contents(target) == before


@pytest.mark.slow
def test_an_interrupted_copy_goes_on(
    lived_in: Storage, sqlite_path: Path, target: SupabaseStorage, supabase_project: SupabaseProject
) -> None:
    with meddler(supabase_project.url) as server:
        imports: Iterator[int] = iter(range(100))

        def second_import_breaks(handler: Handler) -> bool:
            if "offers_import" in handler.path and next(imports) >= 1:
                handler.forward()  # it is done, but nobody hears of it
                return handler.hang_up()
            return False

        server.meddling = second_import_breaks
        broken = open_supabase(server.url, Secret(supabase_project.service_key), patience=Patience(seconds=0))
        with pytest.raises(StorageUnavailable):
            copy_to_supabase(sqlite_path, broken)
        broken.close()
    report = copy_to_supabase(sqlite_path, target)
    assert (report.copied, report.already_there, report.different) == (OFFERS - 1_000, 1_000, ())
    assert contents(target) == contents(lived_in)


@pytest.mark.slow
def test_what_changed_on_the_other_side_is_named_and_left_alone(
    lived_in: Storage, sqlite_path: Path, target: SupabaseStorage
) -> None:
    [own] = save(target, card(7, price_cents=777), minute=9)
    copied = copy_to_supabase(sqlite_path, target)
    [under_another_id] = copied.different
    assert copied.total_there == OFFERS
    save(target, card(8, price_cents=888), minute=9)
    again = copy_to_supabase(sqlite_path, target)
    changed = target.find_offer("MLB8")
    assert changed
    assert set(again.different) == {under_another_id, changed.id}
    assert changed.price_cents == 888
    kept = target.find_offer("MLB7")
    assert kept
    assert (kept.id, kept.price_cents) == (own.offer_id, 777)


def test_an_empty_database_is_copied(sqlite_storage: Storage, sqlite_path: Path, target: SupabaseStorage) -> None:
    assert copy_to_supabase(sqlite_path, target).offers == 0


def test_a_backup_of_sqlite_is_whole_and_private(lived_in: Storage, sqlite_path: Path, tmp_path: Path) -> None:
    report = backup(DatabaseConfig(sqlite_path=sqlite_path), tmp_path / "backup.db")
    assert report.offers == OFFERS
    assert report.size_bytes == report.file.stat().st_size
    assert stat.S_IMODE(report.file.stat().st_mode) == 0o600
    assert sorted(file.name for file in tmp_path.iterdir() if "backup" in file.name) == ["backup.db"]
    restored = open_sqlite(report.file)
    assert contents(restored) == contents(lived_in)
    restored.close()


@pytest.mark.slow
def test_a_backup_of_supabase_is_a_database_of_its_own(
    lived_in: Storage, sqlite_path: Path, target: SupabaseStorage, supabase_project: SupabaseProject, tmp_path: Path
) -> None:
    copy_to_supabase(sqlite_path, target)
    config = DatabaseConfig(supabase_url=supabase_project.url, supabase_key=Secret(supabase_project.service_key))
    report = backup(config, tmp_path / "backup.db")
    assert report.offers == OFFERS
    assert stat.S_IMODE(report.file.stat().st_mode) == 0o600
    restored = open_sqlite(report.file)
    assert contents(restored) == contents(lived_in)
    assert restored.find_runs() == lived_in.find_runs()
    restored.close()


def test_a_backup_overwrites_nothing_and_leaves_no_rubbish(sqlite_storage: Storage, sqlite_path: Path) -> None:
    config = DatabaseConfig(sqlite_path=sqlite_path)
    with pytest.raises(UsageError, match="exists already"):
        backup(config, sqlite_path)
    with pytest.raises(UsageError, match="not a folder"):
        backup(config, sqlite_path.parent / "nowhere" / "backup.db")
    broken = DatabaseConfig(supabase_url="http://127.0.0.1:1", supabase_key=Secret("sb_secret_x"))
    with pytest.raises(StorageUnavailable):
        backup(broken, sqlite_path.with_name("backup.db"))
    assert not [file for file in sqlite_path.parent.iterdir() if "backup" in file.name]
