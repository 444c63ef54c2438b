"""SQLite when things go wrong: killed, locked, full, read-only, damaged, foreign, newer, many at once."""

from __future__ import annotations

import errno
import os
import random
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from storage.cases import at, card, everything, page, save, stored
from waiting import NEVER_S

from offers_cli.errors import StorageRefused, StorageUnavailable
from offers_cli.storage.base import OfferFilter, Storage
from offers_cli.storage.migrations import migrations
from offers_cli.storage.patience import Patience
from offers_cli.storage.sqlite import connection
from offers_cli.storage.sqlite.connection import translated
from offers_cli.storage.sqlite.storage import open_sqlite

WRITER = """
import sys
from pathlib import Path
from storage.cases import at, card, page
from offers_cli.storage.patience import Patience
from offers_cli.storage.sqlite.storage import open_sqlite
storage, start = open_sqlite(Path(sys.argv[1]), patience=Patience(seconds=120)), int(sys.argv[2])
print("ready", flush=True)
for number in range(start, start + 1_000_000, 3):
    saved = storage.save_offers([card(n) for n in range(number, number + 3)], seen_at=at(0)).saved
    storage.save_enrichments([page(saved[0].offer_id, 1, old_price_cents=20_000)])
    print(number, flush=True)
"""

OPENER = """
import sys
from pathlib import Path
from offers_cli.storage.sqlite.storage import open_sqlite
sys.stdin.read(1)
open_sqlite(Path(sys.argv[1])).close()
"""


def run_python(script: str, *arguments: object, **options: object) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
        [sys.executable, "-c", script, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        **options,
    )


def check_integrity(path: Path) -> None:
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()


@pytest.mark.slow
@pytest.mark.parametrize("kills", [3, pytest.param(12, marks=pytest.mark.slow)])
def test_a_writer_killed_at_any_moment_loses_nothing_it_acknowledged(sqlite_path: Path, kills: int) -> None:
    """`kill -9` while it writes; what it had reported is there, whole, and the file is sound."""
    chance, start = random.Random(1), 0
    for _ in range(kills):
        writer = run_python(WRITER, sqlite_path, start)
        assert writer.stdout
        assert writer.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0.005, 0.08))
        writer.kill()
        acknowledged = [int(line) for line in writer.communicate()[0].split() if line.isdigit()]
        check_integrity(sqlite_path)
        storage = open_sqlite(sqlite_path)
        offers = {offer.external_id: offer for offer in storage.find_offers(OfferFilter())}
        for number in acknowledged:
            assert all(f"MLB{n}" in offers for n in range(number, number + 3))
            assert offers[f"MLB{number}"].old_price_cents == 20_000
            assert len(storage.price_history(offers[f"MLB{number}"].id)) == 2
        assert len(offers) % 3 == 0, "a page is saved wholly or not at all"
        storage.close()
        start += 1_000_000


@pytest.mark.slow
def test_ten_processes_may_create_the_database_at_once(sqlite_path: Path) -> None:
    openers = [run_python(OPENER, sqlite_path, stdin=subprocess.PIPE) for _ in range(10)]
    for opener in openers:
        assert opener.stdin
        opener.stdin.write("g")
        opener.stdin.close()
    for opener in openers:
        assert opener.wait(NEVER_S) == 0, opener.stderr and opener.stderr.read()
        for pipe in (opener.stdout, opener.stderr):
            assert pipe
            pipe.close()
    check_integrity(sqlite_path)
    storage = open_sqlite(sqlite_path)
    save(storage)
    storage.close()


def test_a_migration_killed_in_the_middle_is_begun_again(sqlite_path: Path) -> None:
    """The process ends after each single statement of the first migration in turn."""
    script = """
import os, sys
from pathlib import Path
from offers_cli.storage.sqlite import schema
statements = schema._statements
def die_after(script, count=int(sys.argv[2])):
    for number, statement in enumerate(statements(script)):
        if number == count:
            os.kill(os.getpid(), 9)
        yield statement
schema._statements = die_after
schema.open_current(Path(sys.argv[1]))
"""
    for count in (0, 1, 5, 9):
        migrator = run_python(script, sqlite_path, count)
        migrator.communicate()
        assert migrator.returncode == -signal.SIGKILL
    storage = open_sqlite(sqlite_path)
    save(storage)
    storage.close()
    check_integrity(sqlite_path)


def test_the_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "home" / "offers.db"
    storage = open_sqlite(path)
    save(storage)
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    storage.close()


@pytest.mark.slow
def test_a_database_locked_by_another_process_is_unavailable_within_seconds(
    sqlite_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit is five seconds; here it is shortened, to be quick."""
    assert connection.BUSY_TIMEOUT_S == 5
    monkeypatch.setattr(connection, "BUSY_TIMEOUT_S", 0.5)
    with closing(open_sqlite(sqlite_path)) as storage:
        save(storage)
        other = sqlite3.connect(sqlite_path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageUnavailable, match="locked"):
            save(storage, card(2), minute=1)
        assert storage.counts().total == 1, "readers do not wait"
        other.execute("ROLLBACK")
        other.close()
        save(storage, card(2), minute=1)


def test_a_file_system_without_locks_is_named(sqlite_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite takes a lock that cannot be had for somebody else's; here it is, and the system says there are none."""
    monkeypatch.setattr(connection, "BUSY_TIMEOUT_S", 0.05)

    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    with closing(open_sqlite(sqlite_path, patience=Patience(seconds=0))) as storage:
        other = sqlite3.connect(sqlite_path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr("fcntl.lockf", no_locks)
        with pytest.raises(StorageRefused, match="network file system") as caught:
            save(storage)
        assert "OFFERS_DB" in caught.value.hint
        monkeypatch.undo()
        other.close()


def test_shared_memory_that_cannot_be_had_is_named(sqlite_path: Path) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMMAP
    with pytest.raises(StorageRefused, match="shared memory"), translated(sqlite_path):
        raise error


def test_a_full_disk_loses_nothing(sqlite_storage: Storage, sqlite_path: Path) -> None:
    """A file-size limit stands for the full disk; the page that does not fit is not saved, not even in part."""
    save(sqlite_storage, *(card(number) for number in range(50)))
    before = everything(sqlite_storage)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        wal = sqlite_path.with_name(sqlite_path.name + "-wal")
        resource.setrlimit(resource.RLIMIT_FSIZE, (wal.stat().st_size + 100_000, hard))
        with pytest.raises(StorageUnavailable) as caught:
            save(sqlite_storage, *(card(number) for number in range(100, 5_000)), minute=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert caught.value.hint
    assert everything(sqlite_storage) == before
    save(sqlite_storage, card(100), minute=1)
    assert sqlite_storage.counts().total == 51
    check_integrity(sqlite_path)


def test_an_error_of_reading_on_a_full_disk_says_that_it_is_full(
    sqlite_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite knows only that it cannot enlarge the memory that it shares."""
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=0))
    with pytest.raises(StorageUnavailable, match="the disk is full") as caught, translated(sqlite_path):
        raise error
    assert caught.value.hint == "free some space and run the command again"


def test_sqlite_saying_full_is_unavailable(sqlite_storage: Storage) -> None:
    connection = sqlite_storage._idle[0]  # type: ignore[attr-defined]
    connection.execute("PRAGMA max_page_count = 40")
    with pytest.raises(StorageUnavailable, match="full"):
        save(sqlite_storage, *(card(number) for number in range(5_000)))
    assert sqlite_storage.counts().total == 0


READ_ONLY = """
import os, sys
from pathlib import Path
from offers_cli.errors import StorageRefused
from offers_cli.storage.sqlite.storage import open_sqlite
from storage.cases import card, at
if os.geteuid() == 0:  # root may write anything
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
storage = open_sqlite(Path(sys.argv[1]))
print(storage.counts().total)
try:
    storage.save_offers([card(2)], seen_at=at(1))
except StorageRefused as refused:
    print(refused.message, "HINT", refused.hint)
"""


def test_a_read_only_database_can_be_read_and_refuses_to_be_written() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "offers.db"
        storage = open_sqlite(path)
        save(storage)
        storage.close()
        path.chmod(0o444)
        Path(folder).chmod(0o777)
        out, err = run_python(READ_ONLY, path).communicate()
    assert out.startswith("1\n"), err
    assert "is read-only" in out
    assert "HINT give yourself write permission" in out


def test_a_damaged_file_is_refused(sqlite_path: Path) -> None:
    sqlite_path.write_bytes(b"SQLite format 3\0" + os.urandom(5_000))
    with pytest.raises(StorageRefused):
        open_sqlite(sqlite_path)
    sqlite_path.write_text("no database at all, and long enough to be looked at" * 100)
    with pytest.raises(StorageRefused, match="not a SQLite database"):
        open_sqlite(sqlite_path)
    assert "no database" in sqlite_path.read_text()


def test_another_programs_database_is_refused_untouched(sqlite_path: Path) -> None:
    other = sqlite3.connect(sqlite_path)
    other.execute("CREATE TABLE bookmarks (url TEXT)")
    other.close()
    before = sqlite_path.read_bytes()
    with pytest.raises(StorageRefused, match="another program"):
        open_sqlite(sqlite_path)
    assert sqlite_path.read_bytes() == before


def test_a_newer_schema_is_refused(sqlite_path: Path) -> None:
    open_sqlite(sqlite_path).close()
    other = sqlite3.connect(sqlite_path)
    other.execute(f"PRAGMA user_version = {len(migrations('sqlite')) + 1}")
    other.close()
    with pytest.raises(StorageRefused, match="schema") as caught:
        open_sqlite(sqlite_path)
    assert "upgrade" in caught.value.hint


def test_an_open_storage_notices_a_newer_schema_when_it_writes(sqlite_path: Path, sqlite_storage: Storage) -> None:
    """A worker of an older version stops instead of writing into tables that it does not know."""
    save(sqlite_storage)
    other = sqlite3.connect(sqlite_path)
    other.execute(f"PRAGMA user_version = {len(migrations('sqlite')) + 1}")
    other.close()
    with pytest.raises(StorageRefused, match="schema") as caught:
        save(sqlite_storage, card(2), minute=1)
    assert "upgrade" in caught.value.hint


def test_a_table_that_is_missing_is_damage_which_no_migration_mends(sqlite_storage: Storage, sqlite_path: Path) -> None:
    other = sqlite3.connect(sqlite_path)
    other.execute("DROP TABLE price_history")
    other.close()
    with pytest.raises(StorageRefused, match=r"is damaged \(no such table: .*price_history\)") as caught:
        save(sqlite_storage)
    assert caught.value.hint.startswith("offers db restore BACKUP --force")


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailable, match="cannot be opened"):
        open_sqlite(tmp_path)


def test_a_place_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageRefused, match="cannot be created"):
        open_sqlite(tmp_path / "file" / "offers.db")


def test_a_row_that_a_constraint_refuses_leaves_its_batch_standing(sqlite_path: Path, sqlite_storage: Storage) -> None:
    other = sqlite3.connect(sqlite_path)
    other.execute(
        "CREATE TRIGGER no_two BEFORE INSERT ON offers WHEN new.external_id = 'MLB2' "
        "BEGIN SELECT raise(ABORT, 'two is not wanted'); END"
    )
    other.close()
    report = sqlite_storage.save_offers([card(1), card(2), card(2), card(3)], seen_at=at(0))
    assert [offer.external_id for offer in report.saved] == ["MLB1", "MLB3"]
    assert [(offer.external_id, offer.reason) for offer in report.refused] == [("MLB2", "two is not wanted")]
    assert sqlite_storage.counts().total == 2


def test_the_storage_goes_on_after_an_error(sqlite_storage: Storage, sqlite_path: Path) -> None:
    [saved] = save(sqlite_storage)
    other = sqlite3.connect(sqlite_path, isolation_level=None)
    other.execute("ALTER TABLE price_history RENAME TO elsewhere")
    with pytest.raises(StorageRefused):
        sqlite_storage.save_enrichments([page(saved.offer_id, 1, price_cents=1)])
    other.execute("ALTER TABLE elsewhere RENAME TO price_history")
    other.close()
    assert stored(sqlite_storage, saved.offer_id).enrich_attempts == 0
    assert sqlite_storage.save_enrichments([page(saved.offer_id, 1, price_cents=1)]).applied
