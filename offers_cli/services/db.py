"""The database as a whole: its schema, a backup of it and the way back, its thinning, and the way to Supabase."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from offers_cli.config import Config, DatabaseConfig
from offers_cli.errors import ConfigError, NotFound, UsageError
from offers_cli.report import Report
from offers_cli.storage import storage_kind

if TYPE_CHECKING:
    from offers_cli.storage.base import PruneReport, Storage
    from offers_cli.storage.restore import RestoreReport
    from offers_cli.storage.transfer import BackupReport, CopyReport


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaReport(Report):
    """The schema of the chosen storage, of the newest version, as one script."""

    kind: str
    version: int
    sql: str


def schema(config: DatabaseConfig) -> SchemaReport:
    """The whole schema as a script for the chosen storage; touches no database."""
    from offers_cli.storage.migrations import migrations, schema_sql

    kind = storage_kind(config)
    return SchemaReport(kind=kind, version=migrations(kind)[-1].version, sql=schema_sql(kind))


def backup(config: Config, *, file: Path | None, now: datetime) -> BackupReport:
    """Write everything into one SQLite file.

    Args:
        file: default: one named by the time, in the folder ``backups`` of the home.

    Raises:
        NotFound: there is no database yet.
        UsageError, StorageUnavailable, StorageRefused: as `offers_cli.storage.transfer.backup`.
    """
    from offers_cli.storage.transfer import backup as back_up

    path = config.database.sqlite_path
    if storage_kind(config.database) == "sqlite" and not path.exists():
        raise NotFound(f"there is no database at {path} yet", hint="offers scrape")
    target = file.absolute() if file else _default_file(config.home, now)
    if not file:
        target.parent.mkdir(mode=0o700, exist_ok=True, parents=True)
    return back_up(config.database, target)


def _default_file(home: Path, now: datetime) -> Path:
    return home / "backups" / f"offers-{now:%Y%m%dT%H%M%S%fZ}.db"


def restore(
    config: Config, *, file: Path, force: bool, dry_run: bool, now: datetime, on_progress: Callable[[int, int], None]
) -> RestoreReport:
    """Make the chosen storage hold what a backup holds; raises as `offers_cli.storage.restore.restore`.

    Args:
        force: see there; without it, what a SQLite database holds is kept in the folder ``backups`` of the home.
        on_progress: is given what is done and what there is to do.
    """
    from offers_cli.storage.restore import restore as bring_back

    keep = _default_file(config.home, now)
    return bring_back(config.database, file, keep=keep, force=force, dry_run=dry_run, on_progress=on_progress)


def prune(
    storage: Storage,
    *,
    older_than_s: float,
    now: datetime,
    vacuum: bool,
    dry_run: bool,
    on_progress: Callable[[int], None],
) -> PruneReport:
    """Thin prices and drop offers and runs that are older than that; see `Storage.prune`.

    Args:
        vacuum: return the space to the disk afterwards; SQLite alone.
        on_progress: is given the number of offers looked at so far.

    Raises:
        UsageError: `vacuum` with Supabase, whose Postgres looks after its space itself.
        StorageUnavailable, StorageRefused: see `Storage`.
    """
    from offers_cli.storage.sqlite.storage import SqliteStorage

    if vacuum and not isinstance(storage, SqliteStorage):
        raise UsageError("--vacuum is for SQLite; Supabase's Postgres uses freed space again by itself")
    before = now - timedelta(seconds=older_than_s)
    report = storage.prune(older_than=before, dry_run=dry_run, on_progress=on_progress)
    if vacuum and not dry_run and isinstance(storage, SqliteStorage):
        report = replace(report, freed_bytes=storage.vacuum())
    return report


def copy(config: DatabaseConfig, *, on_progress: Callable[[int], None]) -> CopyReport:
    """Copy all offers, prices and runs from the SQLite file to Supabase; an interrupted copy is resumed.

    Args:
        on_progress: is given the number of offers looked at so far.

    Raises:
        ConfigError: Supabase is not configured.
        NotFound: there is no SQLite file.
        StorageUnavailable, StorageRefused: either side; run it again to go on.
    """
    if config.supabase_url is None or config.supabase_key is None:
        hint = "set SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY"
        raise ConfigError("offers are copied to Supabase, which is not configured", hint=hint)
    if not config.sqlite_path.exists():
        raise NotFound(f"there is no database at {config.sqlite_path} to copy", hint="set OFFERS_DB")
    from offers_cli.storage.transfer import copy_to_supabase, open_project

    with closing(open_project(config)) as target:
        return copy_to_supabase(config.sqlite_path, target, on_progress=lambda report: on_progress(report.offers))
