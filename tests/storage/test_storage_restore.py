"""Bringing backups back: whole or not at all, into files that others have open, over what is there."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from storage.cases import (
    FIRST_OFFER,
    FIRST_PRICE,
    at,
    card,
    everything,
    failure,
    know_more,
    link,
    make_older,
    page,
    run,
    save,
    stored,
)
from storage.meddler import Handler, meddler
from storage.test_sqlite_faults import WRITER, check_integrity, run_python
from supabase_server.lite import SupabaseProject

from offers_cli.config import DatabaseConfig, Secret
from offers_cli.errors import NotFound, StorageRefused, StorageUnavailable, UsageError
from offers_cli.offer import Facts
from offers_cli.storage import restore as restoring
from offers_cli.storage.base import OfferFilter, Storage
from offers_cli.storage.migrations import migrations
from offers_cli.storage.restore import RestoreReport, restore
from offers_cli.storage.sqlite.connection import connect
from offers_cli.storage.sqlite.storage import open_sqlite
from offers_cli.storage.supabase.storage import SupabaseStorage
from offers_cli.storage.transfer import backup, find_leftovers

OFFERS = 40


def fill(storage: Storage) -> None:
    """Offers of every kind, with history and a run."""
    saved = save(storage, *(card(number, title=f"Fone “{number}” ção") for number in range(OFFERS)))
    ids = [each.offer_id for each in saved]
    storage.save_enrichments(
        [
            page(ids[0], 2, price_cents=9_000, old_price_cents=20_000, discount_pct=55, strategies={"é": "x=y"}),
            link(ids[1], 2, "https://meli.la/x?a=b"),
        ],
        [failure(ids[2], 2, "offer_gone", gone=True), failure(ids[3], 2)],
    )
    storage.save_run(run(1, source="ofertas", started_at=at(0), schedule_entry="morning"))


def contents(storage: Storage) -> Any:
    return [(offer, storage.price_history(offer.id)) for offer in everything(storage)], storage.find_runs()


def file_contents(path: Path) -> Any:
    with closing(open_sqlite(path)) as storage:
        return contents(storage)


@pytest.fixture
def backup_file(tmp_path: Path) -> Path:
    made = tmp_path / "made.db"
    with closing(open_sqlite(made)) as storage:
        fill(storage)
    return backup(DatabaseConfig(sqlite_path=made), tmp_path / "backup.db").file


@pytest.fixture
def config(sqlite_path: Path) -> DatabaseConfig:
    return DatabaseConfig(sqlite_path=sqlite_path)


def bring_back(config: DatabaseConfig, file: Path, *, force: bool = True, dry_run: bool = False) -> RestoreReport:
    return restore(config, file, keep=kept_in(file), force=force, dry_run=dry_run)


def kept_in(file: Path) -> Path:
    """Where what a restore overwrites is kept."""
    return file.parent / "kept" / "kept.db"


def figures(report: RestoreReport) -> tuple[int | None, ...]:
    return (report.added, report.overwritten, report.unchanged, report.removed, report.left_alone)


def test_a_missing_database_is_made_from_the_backup(config: DatabaseConfig, backup_file: Path) -> None:
    report = bring_back(config, backup_file, force=False)
    assert (report.offers, report.runs, *figures(report)) == (OFFERS, 1, OFFERS, 0, 0, 0, 0)
    assert file_contents(config.sqlite_path) == file_contents(backup_file)
    assert config.sqlite_path.stat().st_mode & 0o077 == 0
    check_integrity(config.sqlite_path)


def test_what_a_database_held_is_kept_before_it_is_overwritten(
    config: DatabaseConfig, backup_file: Path, sqlite_storage: Storage
) -> None:
    """It is not kept by force, and where nothing would be lost. A dry run shows the figures and changes nothing."""
    shutil.copy(backup_file, backup_file.with_name("old.db"))
    bring_back(config, backup_file)
    save(sqlite_storage, card(1, price_cents=1), card(1_000), minute=9)
    before = contents(sqlite_storage)
    held = file_contents(config.sqlite_path)
    would = bring_back(config, backup_file, force=False, dry_run=True)
    assert contents(sqlite_storage) == before
    assert not kept_in(backup_file).parent.exists()
    did = bring_back(config, backup_file, force=False)
    assert replace(did, kept=None, dry_run=True) == would
    assert figures(did) == (0, 1, OFFERS - 1, 1, 0)
    assert did.kept == kept_in(backup_file)
    assert file_contents(did.kept) == held
    assert bring_back(config, backup_file, force=False).kept is None, "nothing differs any more"
    assert contents(sqlite_storage) == file_contents(backup_file), "the open storage sees what was restored"


def test_nothing_is_left_beside_the_backup_or_the_database(config: DatabaseConfig, backup_file: Path) -> None:
    before = {file.name for file in backup_file.parent.iterdir()}
    bring_back(config, backup_file)
    after = {file.name for file in backup_file.parent.iterdir()}
    assert after - before <= {config.sqlite_path.name}


def test_a_worker_goes_on_while_a_backup_is_brought_back(config: DatabaseConfig, backup_file: Path) -> None:
    """A real process writes before, during and after; what it wrote since stays, the rest is the backup's."""
    path = config.sqlite_path
    writer = run_python(WRITER, path, 1_000_000)
    try:
        assert writer.stdout
        for _ in range(3):
            writer.stdout.readline()
        report = bring_back(config, backup_file)
        with closing(open_sqlite(path)) as storage:
            written_since = next(line for line in writer.stdout if storage.find_offer(f"MLB{line.strip()}"))
    finally:
        writer.kill()
        _, errors = writer.communicate()
    assert report.offers == OFFERS
    assert errors == ""
    check_integrity(path)
    with closing(open_sqlite(path)) as storage:
        found = {offer.external_id: offer for offer in storage.find_offers(OfferFilter())}
        assert f"MLB{written_since.strip()}" in found
        assert "MLB1000000" not in found, "written before, and not in the backup"
        for offer, points in file_contents(backup_file)[0]:
            assert (found[offer.external_id], storage.price_history(offer.id)) == (offer, points)


KILLED = """
import os, sys
from pathlib import Path
from offers_cli.config import DatabaseConfig
from offers_cli.storage import restore
restore.PAGES = 1
def die(done, total):
    if done == total // 2:
        os.kill(os.getpid(), 9)
config = DatabaseConfig(sqlite_path=Path(sys.argv[1]))
restore.restore(config, Path(sys.argv[2]), keep=Path("kept.db"), force=True, dry_run=False, on_progress=die)
"""


def test_a_restore_killed_in_the_middle_changes_nothing(
    config: DatabaseConfig, backup_file: Path, sqlite_storage: Storage
) -> None:
    save(sqlite_storage, *(card(number) for number in range(500, 520)))
    before = contents(sqlite_storage)
    killed = run_python(KILLED, config.sqlite_path, backup_file)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    assert contents(sqlite_storage) == before
    save(sqlite_storage, card(521))
    check_integrity(config.sqlite_path)
    bring_back(config, backup_file)
    assert contents(sqlite_storage) == file_contents(backup_file)


def test_an_interrupted_restore_changes_nothing(
    config: DatabaseConfig, backup_file: Path, sqlite_storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restoring, "PAGES", 1)
    save(sqlite_storage)
    before = contents(sqlite_storage)

    def interrupt(_done: int, _all: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore(config, backup_file, keep=kept_in(backup_file), force=True, dry_run=False, on_progress=interrupt)
    assert contents(sqlite_storage) == before


def test_a_full_disk_changes_nothing(config: DatabaseConfig, backup_file: Path, sqlite_storage: Storage) -> None:
    save(sqlite_storage)
    before = contents(sqlite_storage)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
        with pytest.raises(StorageUnavailable):
            bring_back(config, backup_file)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert contents(sqlite_storage) == before
    check_integrity(config.sqlite_path)


def test_a_locked_database_is_unavailable(
    config: DatabaseConfig, backup_file: Path, sqlite_storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offers_cli.storage.sqlite.connection.BUSY_TIMEOUT_S", 0.05)
    save(sqlite_storage)
    with closing(connect(config.sqlite_path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageUnavailable, match="locked"):
            bring_back(replace(config, patience_s=0), backup_file)
    assert sqlite_storage.counts().total == 1


def test_a_database_that_is_locked_for_a_moment_is_waited_for(
    config: DatabaseConfig, backup_file: Path, sqlite_storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offers_cli.storage.sqlite.connection.BUSY_TIMEOUT_S", 0.05)
    save(sqlite_storage)
    with closing(connect(config.sqlite_path)) as other:
        other.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr("offers_cli.storage.patience.log.warning", lambda *_, **__: other.execute("COMMIT"))
        assert bring_back(config, backup_file).offers == OFFERS


def test_what_killed_backups_left_is_found_and_goes_with_the_next(config: DatabaseConfig, backup_file: Path) -> None:
    """But not what a living process is writing, nor files that are only named alike."""
    bring_back(config, backup_file)
    ended = run_python("")
    ended.communicate()
    folder = backup_file.parent / "backups"
    folder.mkdir()
    dead = [folder / f".a.db.{ended.pid}.partial{end}" for end in ("", "-wal", "-shm", "-journal")]
    others = [folder / f".a.db.{os.getpid()}.partial", folder / ".a.db.partial", folder / "a.db.1.partial.db"]
    for file in (*dead, *others):
        file.touch()
    assert set(find_leftovers(folder)) == set(dead)
    backup(config, folder / "next.db")
    assert {file.name for file in folder.iterdir()} == {"next.db", *(file.name for file in others)}
    assert find_leftovers(folder / "nowhere") == []


def test_readers_keep_their_moment(config: DatabaseConfig, backup_file: Path, sqlite_storage: Storage) -> None:
    save(sqlite_storage, *(card(number) for number in range(200, 203)))
    offers = sqlite_storage.find_offers(OfferFilter(sort="first_seen"))
    next(offers)
    bring_back(config, backup_file)
    assert len(list(offers)) == 2
    assert sqlite_storage.counts().total == OFFERS


def test_a_damaged_database_is_healed(config: DatabaseConfig, backup_file: Path) -> None:
    """Also one whose old write-ahead log was left beside a file that was put over it."""
    path = config.sqlite_path
    bring_back(config, backup_file)
    with path.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(os.urandom(4096 * 12))
    with pytest.raises(StorageRefused, match="damaged") as caught:
        bring_back(config, backup_file, force=False)
    assert "--force" in caught.value.hint, "what cannot be kept is overwritten on demand alone"
    would = bring_back(config, backup_file, dry_run=True)
    assert figures(would) == (None, None, None, None, 0)
    bring_back(config, backup_file)
    check_integrity(path)
    assert file_contents(path) == file_contents(backup_file)


def put(file: Path, what: str) -> None:
    if what == "text":
        file.write_text("title;price\n" * 1_000)
    elif what == "empty":
        file.touch()
    elif what == "another program's":
        with closing(sqlite3.connect(file)) as other:
            other.execute("CREATE TABLE bookmarks (url TEXT)")
    elif what == "cut":
        whole = file.with_name("backup.db").read_bytes()
        file.write_bytes(whole[: len(whole) // 2])
    elif what == "damaged":
        whole = file.with_name("backup.db").read_bytes()
        file.write_bytes(whole[: 4096 * 3] + os.urandom(4096 * 8) + whole[4096 * 11 :])
    elif what == "newer":
        shutil.copy(file.with_name("backup.db"), file)
        with closing(sqlite3.connect(file)) as newer:
            newer.execute(f"PRAGMA user_version = {len(migrations('sqlite')) + 1}")


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("text", "no backup of offers"),
        ("empty", "no backup of offers"),
        ("another program's", "no backup of offers"),
        ("cut", "is damaged"),
        ("damaged", "is damaged"),
        ("newer", "this program knows"),
    ],
)
def test_a_wrong_file_is_refused_and_nothing_touched(
    config: DatabaseConfig, backup_file: Path, sqlite_storage: Storage, what: str, told: str
) -> None:
    save(sqlite_storage)
    before = contents(sqlite_storage)
    wrong = backup_file.with_name("wrong.db")
    put(wrong, what)
    given = wrong.read_bytes()
    with pytest.raises(StorageRefused, match=told) as caught:
        bring_back(config, wrong)
    assert caught.value.hint
    assert contents(sqlite_storage) == before
    assert wrong.read_bytes() == given


def test_a_file_that_is_not_there_or_is_the_database_itself_is_said(
    config: DatabaseConfig, sqlite_storage: Storage, tmp_path: Path
) -> None:
    for name in ("nowhere.db", "."):
        with pytest.raises(NotFound):
            bring_back(config, tmp_path / name)
    with pytest.raises(UsageError, match="the database itself"):
        bring_back(config, config.sqlite_path)


def test_a_target_of_another_program_is_not_overwritten(config: DatabaseConfig, backup_file: Path) -> None:
    put(config.sqlite_path, "another program's")
    before = config.sqlite_path.read_bytes()
    with pytest.raises(StorageRefused, match="another program"):
        bring_back(config, backup_file)
    assert config.sqlite_path.read_bytes() == before


def test_pages_of_another_size_are_no_matter(config: DatabaseConfig, backup_file: Path) -> None:
    with closing(sqlite3.connect(backup_file, isolation_level=None)) as given:
        given.execute("PRAGMA journal_mode = DELETE")
        given.execute("PRAGMA page_size = 8192")
        given.execute("VACUUM")
    open_sqlite(config.sqlite_path).close()
    assert bring_back(config, backup_file, force=False).added == OFFERS
    assert file_contents(config.sqlite_path) == file_contents(backup_file)


def test_a_backup_in_use_is_read_with_what_its_log_holds(config: DatabaseConfig, backup_file: Path) -> None:
    with closing(open_sqlite(backup_file)) as storage:
        save(storage, card(900), minute=9)
        assert bring_back(config, backup_file).offers == OFFERS + 1


def test_a_backup_of_an_older_schema_is_migrated_in_a_copy(
    config: DatabaseConfig, backup_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = backup_file.read_bytes()
    know_more(monkeypatch)
    open_sqlite(config.sqlite_path).close()
    report = bring_back(config, backup_file)
    assert (report.schema, report.added) == (len(migrations("sqlite")), OFFERS)
    assert backup_file.read_bytes() == given
    with closing(connect(config.sqlite_path)) as connection:
        assert connection.execute("SELECT count(*) FROM more").fetchone() == (0,)


def test_a_backup_of_the_schema_without_conditions_is_brought_back(config: DatabaseConfig, tmp_path: Path) -> None:
    older = tmp_path / "older.db"
    make_older(older, 3, FIRST_OFFER, FIRST_PRICE)
    report = bring_back(config, older)
    assert (report.schema, report.offers) == (3, 1)
    with closing(open_sqlite(config.sqlite_path)) as storage:
        (offer,) = everything(storage)
        assert (offer.price_cents, offer.price_condition, offer.facts) == (10_000, None, Facts())
        assert [point.price_condition for point in storage.price_history(offer.id)] == [None]


def test_the_way_back_from_a_newer_schema(config: DatabaseConfig, backup_file: Path) -> None:
    """An older version of the program brings back what was kept before the migration."""
    bring_back(config, backup_file)
    with closing(connect(config.sqlite_path)) as newer:
        newer.execute(f"PRAGMA user_version = {len(migrations('sqlite')) + 1}")
    with pytest.raises(StorageRefused, match="has schema"):
        bring_back(config, backup_file, force=False)
    assert bring_back(config, backup_file).added is None
    assert file_contents(config.sqlite_path) == file_contents(backup_file)


@pytest.fixture
def project(supabase: SupabaseProject, sqlite_path: Path) -> DatabaseConfig:
    return DatabaseConfig(supabase_url=supabase.url, supabase_key=Secret(supabase.service_key), sqlite_path=sqlite_path)


@pytest.fixture
def target(supabase_storage: Storage) -> SupabaseStorage:
    assert isinstance(supabase_storage, SupabaseStorage)
    return supabase_storage


def test_a_project_gets_the_backup_row_for_row(
    project: DatabaseConfig, backup_file: Path, target: SupabaseStorage
) -> None:
    report = bring_back(project, backup_file, force=False)
    assert (report.runs, *figures(report)) == (1, OFFERS, 0, 0, 0, 0)
    assert contents(target) == file_contents(backup_file)
    again = bring_back(project, backup_file)
    assert figures(again) == (0, 0, OFFERS, 0, 0)


def test_what_differs_in_a_project_is_overwritten_by_force_alone(
    project: DatabaseConfig, backup_file: Path, target: SupabaseStorage
) -> None:
    """What a bad parser wrote, an offer scraped there under another id, a run; what is only there is left alone."""
    [other_id, _] = save(target, card(5, price_cents=5), card(1_000), minute=5)
    with pytest.raises(UsageError, match="2 offers"):
        bring_back(project, backup_file, force=False)
    assert target.counts().total == 2
    would = bring_back(project, backup_file, dry_run=True)
    assert target.counts().total == 2
    bring_back(project, backup_file)
    wrong = stored(target, "MLB0")
    save(target, card(0, price_cents=1), minute=50)
    target.save_enrichments([page(wrong.id, 60, price_cents=2, old_price_cents=3)])
    did = bring_back(project, backup_file)
    assert (would.added, figures(did)) == (OFFERS, (0, 1, OFFERS - 1, 0, 1))
    assert target.find_offer(other_id.offer_id) is None
    offers, runs = contents(target)
    assert sorted(offers, key=str) == sorted(
        [
            *file_contents(backup_file)[0],
            (stored(target, "MLB1000"), target.price_history(stored(target, "MLB1000").id)),
        ],
        key=str,
    )
    assert runs == file_contents(backup_file)[1]


def test_an_interrupted_restore_of_a_project_goes_on(
    project: DatabaseConfig,
    backup_file: Path,
    target: SupabaseStorage,
    supabase: SupabaseProject,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("offers_cli.storage.transfer.SIZE", 15)
    with meddler(supabase.url) as server:
        calls: Iterator[int] = iter(range(100))

        def second_one_breaks(handler: Handler) -> bool:
            return "offers_restore" in handler.path and next(calls) >= 1 and handler.hang_up()

        server.meddling = second_one_breaks
        broken = replace(project, supabase_url=server.url, patience_s=0)
        with pytest.raises(StorageUnavailable):
            bring_back(broken, backup_file)
    assert target.counts().total == 15
    report = bring_back(project, backup_file)
    assert figures(report) == (OFFERS - 15, 0, 15, 0, 0)
    assert contents(target) == file_contents(backup_file)
