"""The SQLite file deleted, moved or replaced while it is in use: noticed, never written into, never mixed up."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from storage.cases import at, card, save
from storage.test_sqlite_faults import WRITER, check_integrity, run_python
from waiting import NEVER_S

from offers_cli.config import DatabaseConfig
from offers_cli.errors import StorageRefused, StorageUnavailable
from offers_cli.storage.base import OfferFilter, Storage
from offers_cli.storage.restore import restore
from offers_cli.storage.sqlite import storage as storage_module
from offers_cli.storage.sqlite.storage import open_sqlite
from offers_cli.storage.transfer import backup


def titles(storage: Storage) -> set[str]:
    return {offer.external_id for offer in storage.find_offers(OfferFilter())}


def beside(path: Path) -> list[Path]:
    return [path.with_name(path.name + suffix) for suffix in ("-wal", "-shm")]


@pytest.fixture
def kept(sqlite_path: Path, sqlite_storage: Storage) -> Path:
    """A backup that holds offer 1; the database has offer 2 as well, still in its log."""
    save(sqlite_storage, card(1))
    made = backup(DatabaseConfig(sqlite_path=sqlite_path), sqlite_path.with_name("kept.db")).file
    save(sqlite_storage, card(2), minute=1)
    return made


def delete(path: Path, _kept: Path) -> None:
    for file in (path, *beside(path)):
        file.unlink()


def delete_main(path: Path, _kept: Path) -> None:
    path.unlink()


def replace(path: Path, kept: Path) -> None:
    shutil.copy(kept, path.with_name("put.db"))
    path.with_name("put.db").replace(path)


@pytest.mark.parametrize("harm", [delete, delete_main])
def test_a_deleted_file_is_unavailable_and_not_made_again(
    sqlite_path: Path, sqlite_storage: Storage, kept: Path, harm: Callable[[Path, Path], None]
) -> None:
    """Reads and writes alike, again and again; brought back, the work goes on."""
    harm(sqlite_path, kept)
    for minute in (2, 3):
        with pytest.raises(StorageUnavailable, match="is gone"):
            save(sqlite_storage, card(3), minute=minute)
        with pytest.raises(StorageUnavailable, match="is gone") as caught:
            sqlite_storage.counts()
        assert "offers db restore" in caught.value.hint
    assert not sqlite_path.exists()
    restore(DatabaseConfig(sqlite_path=sqlite_path), kept, keep=kept.with_name("again.db"), force=False, dry_run=False)
    save(sqlite_storage, card(4), minute=4)
    assert titles(sqlite_storage) == {"MLB1", "MLB4"}
    check_integrity(sqlite_path)


def test_another_file_in_its_place_is_told_once_and_then_used(
    sqlite_path: Path, sqlite_storage: Storage, kept: Path
) -> None:
    """The old log is not applied to it; it goes into the old file, wherever that is."""
    old = sqlite_path.with_name("old.db")
    old.hardlink_to(sqlite_path)
    replace(sqlite_path, kept)
    with pytest.raises(StorageUnavailable, match="replaced by another file"):
        save(sqlite_storage, card(3), minute=2)
    assert titles(sqlite_storage) == {"MLB1"}
    save(sqlite_storage, card(4), minute=3)
    assert titles(sqlite_storage) == {"MLB1", "MLB4"}
    check_integrity(sqlite_path)
    with closing(open_sqlite(old)) as storage:
        assert titles(storage) == {"MLB1", "MLB2"}
    check_integrity(old)


@pytest.mark.parametrize("harm", [delete, delete_main, replace])
def test_what_is_written_into_a_file_that_goes_meanwhile_is_no_success(
    sqlite_path: Path,
    sqlite_storage: Storage,
    kept: Path,
    monkeypatch: pytest.MonkeyPatch,
    harm: Callable[[Path, Path], None],
) -> None:
    save_cards = storage_module.save_cards

    def save_while_it_goes(*args: object, **options: object) -> object:
        outcomes = save_cards(*args, **options)  # type: ignore[arg-type]
        harm(sqlite_path, kept)
        return outcomes

    monkeypatch.setattr(storage_module, "save_cards", save_while_it_goes)
    with pytest.raises(StorageUnavailable, match=r"is gone|was replaced"):
        sqlite_storage.save_offers([card(3)], seen_at=at(2))


def test_closing_leaves_nothing_for_the_file_in_its_place(
    sqlite_path: Path, sqlite_storage: Storage, kept: Path
) -> None:
    replace(sqlite_path, kept)
    sqlite_storage.close()
    assert not any(file.exists() for file in beside(sqlite_path))
    with closing(open_sqlite(sqlite_path)) as storage:
        assert titles(storage) == {"MLB1"}


def test_moved_away_and_back_nothing_is_lost(sqlite_path: Path, sqlite_storage: Storage, kept: Path) -> None:
    sqlite_path.rename(sqlite_path.with_name("away.db"))
    with pytest.raises(StorageUnavailable, match="is gone"):
        sqlite_storage.counts()
    sqlite_path.with_name("away.db").rename(sqlite_path)
    assert titles(sqlite_storage) == {"MLB1", "MLB2"}


def test_a_log_that_is_deleted_is_noticed_and_nothing_lost(
    sqlite_path: Path, sqlite_storage: Storage, kept: Path
) -> None:
    beside(sqlite_path)[0].unlink()
    with pytest.raises(StorageUnavailable, match="log of the database"):
        save(sqlite_storage, card(3), minute=2)
    assert titles(sqlite_storage) == {"MLB1", "MLB2"}
    save(sqlite_storage, card(3), minute=3)
    check_integrity(sqlite_path)


@pytest.mark.parametrize("content", [b"", b"no database"])
def test_a_file_in_its_place_that_is_no_database_of_ours_is_refused_untouched(
    sqlite_path: Path, sqlite_storage: Storage, kept: Path, content: bytes
) -> None:
    sqlite_path.unlink()
    sqlite_path.write_bytes(content)
    with pytest.raises(StorageUnavailable):
        save(sqlite_storage, card(3), minute=2)
    with pytest.raises(StorageRefused):
        save(sqlite_storage, card(3), minute=2)
    assert sqlite_path.read_bytes() == content


def test_a_process_of_its_own_notices_a_file_put_over_its_own(sqlite_path: Path, kept: Path) -> None:
    """It ends with the error; the file in its place is whole."""
    writer = run_python(WRITER, sqlite_path, 1_000)
    assert writer.stdout
    writer.stdout.readline()
    replace(sqlite_path, kept)
    _, errors = writer.communicate(timeout=NEVER_S)
    assert "was replaced by another file" in errors
    check_integrity(sqlite_path)
