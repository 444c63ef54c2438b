"""Bring a backup back, into SQLite or Supabase, while others go on working: `offers db restore`."""

from __future__ import annotations

import heapq
import itertools
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from offers_cli.config import DatabaseConfig
from offers_cli.errors import NotFound, StorageBusy, StorageRefused, UsageError
from offers_cli.files import is_file
from offers_cli.report import Report
from offers_cli.storage import storage_kind
from offers_cli.storage.base import OfferBatch, ScrapeRun
from offers_cli.storage.migrations import migrations
from offers_cli.storage.patience import Patience
from offers_cli.storage.sqlite.connection import connect, translated
from offers_cli.storage.sqlite.queries import ALL_HISTORY, ALL_OFFERS
from offers_cli.storage.sqlite.schema import (
    APPLICATION_ID,
    application_id,
    apply_migrations,
    create_private,
    is_current,
    schema_version,
    use_wal,
)
from offers_cli.storage.transfer import checksum, copy_sqlite, open_project, partial_file, read_sqlite, read_sqlite_runs

if TYPE_CHECKING:
    from offers_cli.storage.supabase.storage import SupabaseStorage

PAGES = 10_000
"""Pages copied before an interrupt is heard: 40 MB."""
RUNS = 1_000

Progress = Callable[[int, int], None]
"""Is given what is done and what there is: pages of the file, or offers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreReport(Report):
    """What a restore did, or with `dry_run` would do. `offers = added + overwritten + unchanged`.

    `added`, `overwritten`, `unchanged` and `removed` are None where the target is damaged or of another schema, and so
    cannot be compared.

    Attributes:
        schema: the version of the backup's schema; an older one was migrated in a copy.
        removed: offers that the backup does not hold and the SQLite file no longer does.
        left_alone: offers that the backup does not hold and Supabase keeps.
        kept: the backup of what the SQLite file held before; None where nothing of it was lost, or `force` was given.
    """

    file: Path
    dry_run: bool = False
    schema: int
    offers: int
    added: int | None = 0
    overwritten: int | None = 0
    unchanged: int | None = 0
    removed: int | None = 0
    left_alone: int = 0
    runs: int
    kept: Path | None = None


def restore(
    config: DatabaseConfig,
    file: Path,
    *,
    keep: Path,
    force: bool,
    dry_run: bool,
    on_progress: Progress = lambda _done, _all: None,
) -> RestoreReport:
    """Make the chosen storage hold what the backup `file` holds.

    SQLite becomes the backup, in one transaction of the live file: processes that have it open go on with the new
    contents. In Supabase what differs is overwritten, what is missing is added and the rest is left alone, batch by
    batch; an interrupted one goes on where it was when it is run again.

    Args:
        file: a name in the working folder, or a whole path; the report has it as given.
        keep: the file into which a SQLite database is backed up first, when it holds what the backup does not.
        force: overwrite a Supabase project that holds offers, or a SQLite database without keeping what it holds.
        dry_run: only report what would be done.

    Raises:
        NotFound: there is no such file.
        UsageError: the Supabase project holds offers, and `force` is not given; or `file` is the database itself.
        StorageRefused: `file` is no whole backup of `offers`; or the storage refuses it; or the SQLite database is
            damaged or of a newer schema, so that it cannot be kept, and `force` is not given.
        StorageUnavailable: see `Storage`. Nothing is changed then in SQLite.
    """
    whole_name, path = file.absolute(), config.sqlite_path
    if not is_file(file):
        hint = "offers db backup writes to OFFERS_HOME/backups by default"
        raise NotFound(f"there is no file {whole_name}", hint=hint)
    if storage_kind(config) == "supabase":
        with _opened_backup(whole_name, beside=path) as backup:
            report = _restore_supabase(config, backup, force=force, dry_run=dry_run, on_progress=on_progress)
    elif path.exists() and path.samefile(file):
        raise UsageError(f"{whole_name} is the database itself", hint="name a backup")
    else:
        keep_in = None if force else keep
        with _opened_backup(whole_name, beside=path, page_size=_page_size_at(path)) as backup, translated(path):
            report = _restore_sqlite(
                path,
                backup,
                keep_in=keep_in,
                dry_run=dry_run,
                patience=Patience(seconds=config.patience_s),
                on_progress=on_progress,
            )
    return replace(report, file=file, dry_run=dry_run)


@dataclass(frozen=True, slots=True)
class _Backup:
    """A backup in today's schema, found whole, and what is known of it."""

    file: Path
    connection: sqlite3.Connection
    schema: int

    def report(self, **figures: Any) -> RestoreReport:
        count = "SELECT (SELECT count(*) FROM offers), (SELECT count(*) FROM scrape_runs)"
        offers, runs = self.connection.execute(count).fetchone()
        return RestoreReport(file=self.file, schema=self.schema, offers=offers, runs=runs, **figures)


@contextmanager
def _opened_backup(file: Path, *, beside: Path, page_size: int | None = None) -> Iterator[_Backup]:
    """The backup; one of an older schema or with pages of another size is put right in a copy `beside` the database."""
    with translated(file), closing(_open_read_only(file)) as given:
        version = _check_backup(given, file)
        if version == migrations("sqlite")[-1].version and page_size in {None, _page_size(given)}:
            yield _Backup(file, given, version)
            return
        beside.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with partial_file(beside) as partial, closing(connect(partial)) as copy:
            given.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
            apply_migrations(copy, file)
            if page_size is not None:
                copy.execute(f"PRAGMA page_size = {page_size}")
                copy.execute("VACUUM")
            yield _Backup(file, copy, version)


def _open_read_only(file: Path) -> sqlite3.Connection:
    """Open it without writing anything beside it, unless it is in use or was left in the middle of a change."""
    beside = (file.with_name(file.name + suffix) for suffix in ("-wal", "-journal"))
    mode = "mode=ro" if any(each.exists() for each in beside) else "mode=ro&immutable=1"
    return sqlite3.connect(f"{file.absolute().as_uri()}?{mode}", uri=True, isolation_level=None)


def _check_backup(backup: sqlite3.Connection, file: Path) -> int:
    """The version of its schema."""
    newest = migrations("sqlite")[-1].version
    try:
        version, owner = schema_version(backup), application_id(backup)
        if owner == APPLICATION_ID and version > newest:
            reason = f"{file} has schema {version}, this program knows {newest}"
            raise StorageRefused(reason, hint="upgrade offers: it is older than the backup")
        damage = backup.execute("PRAGMA integrity_check(1)").fetchone()[0]
        is_whole = damage == "ok" and backup.execute("PRAGMA foreign_key_check").fetchone() is None
    except sqlite3.DatabaseError as exc:
        code = getattr(exc, "sqlite_errorcode", 0) & 0xFF
        if code not in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}:
            raise
        owner, version, is_whole = APPLICATION_ID * (code == sqlite3.SQLITE_CORRUPT), 1, False
    if owner != APPLICATION_ID or version == 0:
        raise StorageRefused(f"{file} is no backup of offers", hint="name a file that `offers db backup` wrote")
    if not is_whole:
        raise StorageRefused(f"the backup {file} is damaged", hint="restore another one")
    return version


def _page_size(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA page_size").fetchone()[0])


def _page_size_at(path: Path) -> int:
    """The page size of the file at `path`, or of one that is yet to be made."""
    with translated(path), closing(sqlite3.connect(path if path.exists() else ":memory:")) as connection:
        return _page_size(connection)


def _restore_sqlite(
    path: Path, backup: _Backup, *, keep_in: Path | None, dry_run: bool, patience: Patience, on_progress: Progress
) -> RestoreReport:
    report = _compared(path, backup)
    if dry_run:
        return report
    if keep_in and (report.overwritten, report.removed) != (0, 0):
        keep_in.parent.mkdir(mode=0o700, exist_ok=True, parents=True)
        copy_sqlite(path, keep_in)
        report = replace(report, kept=keep_in)
    create_private(path)
    with closing(connect(path)) as live:
        use_wal(live)
        patience(lambda: _copy_pages(backup.connection, live, path, on_progress))
        live.execute("PRAGMA busy_timeout = 0")
        live.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the log is as large as the backup; readers may still need it
    return report


FORCE_HINT = "look with --dry-run; keep what is there with: offers db backup; then restore with --force"


def _compared(path: Path, backup: _Backup) -> RestoreReport:
    """The report with what is added, overwritten, unchanged and removed."""
    unknown = backup.report(added=None, overwritten=None, unchanged=None, removed=None)
    all_new = backup.report(added=unknown.offers)
    if not path.exists():
        return all_new
    with closing(connect(path)) as live:
        try:
            if application_id(live) == APPLICATION_ID and schema_version(live) > migrations("sqlite")[-1].version:
                return unknown
            if not is_current(live, path):
                return all_new if schema_version(live) == 0 else unknown
            counts = _differences(live, backup.connection)
        except sqlite3.DatabaseError as exc:
            if getattr(exc, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_CORRUPT:
                raise
            return unknown
    return backup.report(**{name: counts[name] for name in ("added", "overwritten", "unchanged", "removed")})


def _differences(live: sqlite3.Connection, backup: sqlite3.Connection) -> Counter[str]:
    """How many offers, each with its history, a restore adds, overwrites, leaves unchanged and removes."""
    counts: Counter[str] = Counter()
    live.execute("BEGIN")
    both = heapq.merge(_records(live, "live"), _records(backup, "backup"), key=itemgetter(0))
    for _, records in itertools.groupby(both, key=itemgetter(0)):
        of = {side: record for _, side, record in records}
        if len(of) == 2:
            counts["unchanged" if of["live"] == of["backup"] else "overwritten"] += 1
        else:
            counts["added" if "backup" in of else "removed"] += 1
    counts["seen_at"] = _data_version(live)
    live.execute("COMMIT")
    return counts


def _records(connection: sqlite3.Connection, side: str) -> Iterator[tuple[str, str, Any]]:
    """Each offer's id and everything that is stored about it, in the order of ids."""
    history = itertools.groupby(connection.execute(ALL_HISTORY), key=itemgetter(0))
    offer_id, points = next(history, (None, iter(())))
    for offer in connection.execute(ALL_OFFERS):
        if offer[0] == offer_id:
            yield offer[0], side, (offer, tuple(points))
            offer_id, points = next(history, (None, iter(())))
        else:
            yield offer[0], side, (offer, ())


def _copy_pages(backup: sqlite3.Connection, live: sqlite3.Connection, path: Path, on_progress: Progress) -> None:
    """Put the backup's pages into the live file in one transaction, and compare what stands there then.

    Others may write as soon as it is done; what they changed since is not held against it.
    """

    def stepped(status: int, remaining: int, total: int) -> None:
        if status in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise StorageBusy(f"the database {path} is locked by another process", hint="run it again")
        on_progress(total - remaining, total)

    version = _data_version(live)
    backup.backup(live, pages=PAGES, progress=stepped)
    counts = _differences(live, backup)
    is_same = not (counts["added"] or counts["overwritten"] or counts["removed"])
    damage = live.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if damage != "ok" or not (is_same or counts["seen_at"] != version):
        raise StorageRefused(f"the database {path} is not what the backup holds: {damage}", hint="check the disk")


def _data_version(connection: sqlite3.Connection) -> int:
    """A number that changes when another connection writes."""
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


def _restore_supabase(
    config: DatabaseConfig, backup: _Backup, *, force: bool, dry_run: bool, on_progress: Progress
) -> RestoreReport:
    report = backup.report()
    counts: Counter[str] = Counter()
    with closing(open_project(config)) as target:
        if not (force or dry_run) and (there := target.counts().total):
            raise UsageError(f"the project holds {there} offers, which the backup may overwrite", hint=FORCE_HINT)
        for batch in read_sqlite(backup.connection):
            counts += _restore_batch(batch, target, dry_run=dry_run)
            on_progress(counts.total(), report.offers)
        if not dry_run:
            for runs in _batches(read_sqlite_runs(backup.connection)):
                target.restore_batch(OfferBatch(()), runs)
        there = target.counts().total + (counts["added"] if dry_run else 0)
    return replace(
        report,
        added=counts["added"],
        overwritten=counts["overwritten"],
        unchanged=counts["unchanged"],
        left_alone=max(0, there - report.offers),
    )


def _batches(runs: list[ScrapeRun]) -> Iterator[list[ScrapeRun]]:
    for start in range(0, len(runs), RUNS):
        yield runs[start : start + RUNS]


def _restore_batch(batch: OfferBatch, target: SupabaseStorage, *, dry_run: bool) -> Counter[str]:
    ours = {offer.id: checksum(offer, batch.history.get(offer.id, ())) for offer in batch.offers}
    there = target.checksums(list(ours))
    differing = [offer for offer in batch.offers if there.get(offer.id) != ours[offer.id]]
    if differing and not dry_run:
        written = target.restore_batch(OfferBatch(differing, batch.history))
        for offer in differing:
            if written.get(offer.id) != ours[offer.id]:
                raise StorageRefused(
                    f"the project holds offer {offer.id} otherwise than it was written", hint="offers doctor"
                )
    overwritten = sum(offer.id in there for offer in differing)
    added = len(differing) - overwritten
    return Counter(added=added, overwritten=overwritten, unchanged=len(ours) - len(differing))
