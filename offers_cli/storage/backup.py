"""Keep a copy of everything in one SQLite file, whichever storage it comes from: `offers db backup`."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from offers_cli.config import DatabaseConfig
from offers_cli.errors import UsageError
from offers_cli.storage.bundles import write_sqlite, write_sqlite_runs
from offers_cli.storage.migrate import storage_kind
from offers_cli.storage.sqlite_copy import copy_sqlite, write_whole
from offers_cli.storage.sqlite_schema import open_current

if TYPE_CHECKING:
    from offers_cli.storage.supabase import SupabaseStorage

ALL_RUNS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupReport:
    """Where the backup is, and how much is in it."""

    path: Path
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
        offers = write_whole(target, partial(_write_supabase, config))
    return BackupReport(path=target, offers=offers, size_bytes=target.stat().st_size)


def _write_supabase(config: DatabaseConfig, file: Path) -> None:
    with closing(_opened(config)) as source, closing(open_current(file)) as copy:
        for bundle in source.export_bundles():
            write_sqlite(copy, bundle)
        write_sqlite_runs(copy, source.find_runs(limit=ALL_RUNS))


def _opened(config: DatabaseConfig) -> SupabaseStorage:
    from offers_cli.storage import open_storage
    from offers_cli.storage.patience import Patience
    from offers_cli.storage.supabase import SupabaseStorage

    storage = open_storage(config, patience=Patience(seconds=config.patience_s))
    assert isinstance(storage, SupabaseStorage)
    return storage
