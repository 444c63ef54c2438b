"""Offers on their way from one storage to another: `offers db backup`, `offers db copy`, and what a restore uses.

Whole offers travel in batches, each with its history, told apart by checksum. A file that is written takes its name
when it is whole: until then it is hidden, private and named by its process.
"""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from offers_cli.config import DatabaseConfig
from offers_cli.errors import StorageRefused, UsageError
from offers_cli.offer import Facts
from offers_cli.report import Problem, Report
from offers_cli.storage import storage_kind
from offers_cli.storage.base import OfferBatch, PricePoint, ScrapeRun, StoredOffer
from offers_cli.storage.open import open_storage
from offers_cli.storage.patience import Patience
from offers_cli.storage.sqlite.connection import connect, translated
from offers_cli.storage.sqlite.queries import (
    ALL_RUNS,
    HISTORY_OF,
    INSERT_OFFER,
    INSERT_PRICE,
    OFFERS,
    OFFERS_AFTER,
    PRICES,
    REPLACE_RUN,
    RUNS,
    offer_row,
    price_row,
)
from offers_cli.storage.sqlite.schema import is_current, open_current

if TYPE_CHECKING:
    from offers_cli.storage.supabase.storage import SupabaseStorage

SIZE = 500
"""Offers in a batch that is read from SQLite."""
MOST_RUNS = 1_000_000
NAMED_DIFFERENCES = 100
"""Offers that differ on both sides which a report names one by one."""

_PARTIAL_NAME = re.compile(r"\..+\.(?P<pid>\d+)\.partial(-wal|-shm|-journal)?")
_COMPANIONS = ("", "-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupReport(Report):
    """Where the backup is, and how much is in it."""

    file: Path
    offers: int
    size_bytes: int


def backup(config: DatabaseConfig, target: Path) -> BackupReport:
    """Write a backup to `target`, readable by its owner alone, while others go on working.

    SQLite: its online backup, one moment's state. Supabase: every offer with its history, page by page. The file
    appears under its name only when it is complete; it can be used as `OFFERS_DB`, or copied to Supabase.

    Raises:
        UsageError: `target` exists, or its folder does not.
        StorageUnavailable, StorageRefused: see `Storage`.
    """
    if target.exists():
        raise UsageError(f"{target} exists already", hint="name another file")
    if not target.parent.is_dir():
        raise UsageError(f"{target.parent} is not a folder", hint="name a file in a folder that exists")
    if storage_kind(config) == "sqlite":
        offers = copy_sqlite(config.sqlite_path, target)
    else:
        offers = _write_whole(target, partial(_write_supabase, config))
    return BackupReport(file=target, offers=offers, size_bytes=target.stat().st_size)


def _write_supabase(config: DatabaseConfig, file: Path) -> None:
    with closing(open_project(config)) as source, closing(open_current(file)) as copy:
        for batch in source.export_batches():
            rows = (price_row(offer.id, point) for offer in batch.offers for point in batch.history.get(offer.id, ()))
            copy.execute("BEGIN IMMEDIATE")
            copy.executemany(INSERT_OFFER, map(offer_row, batch.offers))
            copy.executemany(INSERT_PRICE, rows)
            copy.execute("COMMIT")
        copy.execute("BEGIN IMMEDIATE")
        copy.executemany(REPLACE_RUN, map(RUNS.row, source.find_runs(limit=MOST_RUNS)))
        copy.execute("COMMIT")


def open_project(config: DatabaseConfig) -> SupabaseStorage:
    """The Supabase project that the settings choose, waited for as long as they say; raises as `open_storage`."""
    from offers_cli.storage.supabase.storage import SupabaseStorage

    storage = open_storage(config, patience=Patience(seconds=config.patience_s))
    assert isinstance(storage, SupabaseStorage)
    return storage


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyReport(Report):
    """`offers = copied + already_there + len(different)`; the problems name the first of those that differ.

    Attributes:
        different: ids of offers that are not the same there: changed since an earlier copy, or there under another
            id (scraped on both sides). They were left alone.
        total_there: how many offers the project holds now.
    """

    offers: int = 0
    copied: int = 0
    already_there: int = 0
    different: tuple[str, ...] = ()
    runs: int = 0
    total_there: int = 0


def copy_to_supabase(
    path: Path, target: SupabaseStorage, *, on_progress: Callable[[CopyReport], None] = lambda _report: None
) -> CopyReport:
    """Copy the offers, prices and runs of the SQLite file at `path`, as they are at this moment.

    Batch by batch: checksums show what is there already, the rest is inserted, and its checksums are compared. So an
    interrupted copy is resumed by running it again, and what differs on the other side is named, never overwritten.

    Raises:
        StorageUnavailable, StorageRefused: either side; run it again to go on.
    """
    report = CopyReport()
    with translated(path), closing(open_current(path)) as connection:
        connection.execute("BEGIN")
        for batch in read_sqlite(connection):
            report = _copy(batch, target, report)
            on_progress(report)
        runs = read_sqlite_runs(connection)
    target.import_batch(OfferBatch(()), runs)
    problems = tuple(map(_difference, report.different[:NAMED_DIFFERENCES]))
    return replace(report, runs=len(runs), total_there=target.counts().total, problems=problems)


def _difference(offer_id: str) -> Problem:
    return Problem(
        code="different",
        message=f"{offer_id}: it is not the same on both sides, and was left alone",
        hint="offers show ID on either side shows which is right",
        offer_id=offer_id,
    )


def _copy(batch: OfferBatch, target: SupabaseStorage, report: CopyReport) -> CopyReport:
    ours = {offer.id: checksum(offer, batch.history.get(offer.id, ())) for offer in batch.offers}
    there = target.checksums(list(ours))
    lacking = [offer for offer in batch.offers if offer.id not in there]
    if lacking:
        target.import_batch(OfferBatch(lacking, batch.history))
        there |= target.checksums([offer.id for offer in lacking])
    different = tuple(offer_id for offer_id, digest in ours.items() if there.get(offer_id) != digest)
    copied = sum(offer.id not in different for offer in lacking)
    return replace(
        report,
        offers=report.offers + len(ours),
        copied=report.copied + copied,
        already_there=report.already_there + len(ours) - copied - len(different),
        different=report.different + different,
    )


def checksum(offer: StoredOffer, history: Sequence[PricePoint]) -> str:
    """Everything that is stored about one offer as one checksum, the same as `offers_digest` in Postgres."""
    parts: dict[str, str] = {}
    for name, value in _columns(offer).items():
        known = value.known() if isinstance(value, Facts) else value
        if isinstance(known, dict):
            parts |= {f"{name}.{key}": _text(each) for key, each in known.items()}
        else:
            parts[name] = _text(known)
    for place, point in enumerate(history, start=1):
        parts[f"history.{place:06d}"] = " ".join(_text(value) for _, value in sorted(_columns(point).items()))
    text = "\x1f".join(f"{name}={parts[name]}" for name in sorted(parts))
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _columns(noun: StoredOffer | PricePoint) -> dict[str, Any]:
    return {spec.name: getattr(noun, spec.name) for spec in fields(noun)}


def _text(value: Any) -> str:
    """The value as Postgres writes it in JSON."""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, datetime):
        return "~" if value is None else str(value)
    moment = value.astimezone(UTC)
    fraction = f".{moment.microsecond:06d}".rstrip("0").rstrip(".")
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}+00:00"


def read_sqlite(connection: sqlite3.Connection) -> Iterator[OfferBatch]:
    """All offers, batch by batch; to see one moment, call it inside a transaction."""
    after = ""
    while offers := [OFFERS.read(row) for row in connection.execute(OFFERS_AFTER, (after, SIZE))]:
        history: dict[str, list[PricePoint]] = defaultdict(list)
        for offer_id, *point in connection.execute(HISTORY_OF, (offers[0].id, offers[-1].id)):
            history[offer_id].append(PRICES.read(tuple(point)))
        yield OfferBatch(offers, history)
        after = offers[-1].id


def read_sqlite_runs(connection: sqlite3.Connection) -> list[ScrapeRun]:
    """All scrape runs, in no order."""
    return [RUNS.read(row) for row in connection.execute(ALL_RUNS)]


def copy_sqlite(path: Path, target: Path) -> int:
    """Copy the database at `path`, of whatever version its schema is; returns the number of its offers.

    Others may go on writing: the copy is one moment's state, private, and found whole before it gets its name.

    Raises:
        StorageRefused: the database is foreign or of a newer schema, or what was written is damaged.
        StorageUnavailable: it cannot be read, or the disk is full.
    """

    def write(copy_path: Path) -> None:
        with translated(path), closing(connect(path)) as source, closing(connect(copy_path)) as copy:
            is_current(source, path)
            source.backup(copy)

    return _write_whole(target, write)


def _write_whole(target: Path, write: Callable[[Path], None]) -> int:
    """Have `write` fill an empty file, which becomes `target` when it is whole; returns the number of its offers."""
    with partial_file(target) as unfinished, translated(target):
        write(unfinished)
        with closing(connect(unfinished)) as connection:
            if connection.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                raise StorageRefused(
                    f"the backup {unfinished} is damaged", hint="check the disk, then run the backup again"
                )
            offers = int(connection.execute("SELECT count(*) FROM offers").fetchone()[0])
        unfinished.replace(target)
    return offers


@contextmanager
def partial_file(target: Path) -> Iterator[Path]:
    """A private file beside `target`, empty at first, that vanishes at the end unless it was given another name.

    What killed processes left in that folder is removed first.
    """
    for leftover in find_leftovers(target.parent):
        leftover.unlink(missing_ok=True)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        yield unfinished
    finally:
        for companion in _COMPANIONS:
            unfinished.with_name(unfinished.name + companion).unlink(missing_ok=True)


def find_leftovers(folder: Path) -> list[Path]:
    """The partial files of processes that are no more."""
    if not folder.is_dir():
        return []
    named = ((file, _PARTIAL_NAME.fullmatch(file.name)) for file in folder.iterdir())
    return [file for file, match in named if match and not _is_alive(int(match["pid"]))]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
