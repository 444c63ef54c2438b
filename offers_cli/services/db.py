"""The database as a whole: its schema, a backup of it and the way back, its thinning, and the way to Supabase."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from offers_cli.config import Config, DatabaseConfig
from offers_cli.errors import ConfigError, NotFound, UsageError
from offers_cli.report import Problem, plain

TOLD_DIFFERENCES = 100
"""Offers that differ on both sides which a report names one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaReport:
    """The schema of the chosen storage: `applied` names the migrations just done, `sql` is the whole script.

    Attributes:
        kept: a copy of the SQLite file as it was before an older schema was migrated.
        chosen: the storage that the settings choose, where it need not be the one that was migrated.
    """

    kind: str
    version: int
    applied: tuple[str, ...] = ()
    kept: Path | None = None
    chosen: str | None = None
    sql: str | None = None
    problems: tuple[Problem, ...] = ()

    def data(self) -> dict[str, Any]:
        facts = {"kind": self.kind, "version": self.version}
        if self.sql is not None:
            return facts | {"sql": self.sql}
        return facts | {"applied": list(self.applied), "kept": str(self.kept) if self.kept else None}


def migrate(config: DatabaseConfig) -> SchemaReport:
    """Bring the schema up to date; raises as `offers_cli.storage.migrate.migrate`."""
    from offers_cli.storage import storage_kind
    from offers_cli.storage.migrate import migrate as migrate_storage

    done = migrate_storage(config)
    return SchemaReport(
        kind=done.kind, version=done.version, applied=done.applied, kept=done.kept, chosen=storage_kind(config)
    )


def schema(config: DatabaseConfig) -> SchemaReport:
    """The whole schema as a script for the chosen storage; touches no database."""
    from offers_cli.storage import storage_kind
    from offers_cli.storage.migrations import migrations, schema_sql

    kind = storage_kind(config)
    return SchemaReport(kind=kind, version=migrations(kind)[-1].version, sql=schema_sql(kind))


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupReport:
    """Where the backup is, and how much is in it."""

    file: Path
    offers: int
    size_bytes: int
    problems: tuple[Problem, ...] = ()

    def data(self) -> dict[str, Any]:
        return {"file": str(self.file), "offers": self.offers, "size_bytes": self.size_bytes}


def backup(config: Config, *, file: Path | None, now: datetime) -> BackupReport:
    """Write everything into one SQLite file.

    Args:
        file: default: one named by the time, in the folder ``backups`` of the home.

    Raises:
        NotFound: there is no database yet.
        UsageError, StorageUnavailable, StorageRefused: as `offers_cli.storage.transfer.backup`.
    """
    from offers_cli.storage import storage_kind
    from offers_cli.storage.transfer import backup as back_up

    path = config.database.sqlite_path
    if storage_kind(config.database) == "sqlite" and not path.exists():
        raise NotFound(f"there is no database at {path} yet", hint="offers scrape")
    target = file.absolute() if file else _default_file(config.home, now)
    if not file:
        target.parent.mkdir(mode=0o700, exist_ok=True, parents=True)
    done = back_up(config.database, target)
    return BackupReport(file=done.path, offers=done.offers, size_bytes=done.size_bytes)


def _default_file(home: Path, now: datetime) -> Path:
    return home / "backups" / f"offers-{now:%Y%m%dT%H%M%S%fZ}.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreReport:
    """What was brought back from `file`, or would be; see `offers_cli.storage.restore.RestoreReport`."""

    file: Path
    dry_run: bool
    schema: int
    offers: int
    added: int | None
    overwritten: int | None
    unchanged: int | None
    removed: int | None
    left_alone: int
    runs: int
    kept: Path | None
    problems: tuple[Problem, ...] = ()

    def data(self) -> dict[str, Any]:
        facts = asdict(self) | {"file": str(self.file), "kept": str(self.kept) if self.kept else None}
        return {name: value for name, value in facts.items() if name != "problems"}


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
    done = bring_back(
        config.database, file.absolute(), keep=keep, force=force, dry_run=dry_run, on_progress=on_progress
    )
    return RestoreReport(file=file, dry_run=dry_run, **asdict(done))


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneReport:
    """How many rows were removed, or would be.

    Attributes:
        before: what is older than this moment.
        freed_bytes: by how much the SQLite file became smaller; None where nothing was to be returned.
    """

    before: datetime
    dry_run: bool
    prices: int
    offers: int
    runs: int
    freed_bytes: int | None = None
    problems: tuple[Problem, ...] = ()

    def data(self) -> dict[str, Any]:
        facts: dict[str, Any] = plain(asdict(self))
        return {name: value for name, value in facts.items() if name != "problems"}


def prune(
    config: DatabaseConfig,
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
    """
    from offers_cli.storage import open_storage
    from offers_cli.storage.sqlite.storage import SqliteStorage

    before = now - timedelta(seconds=older_than_s)
    with closing(open_storage(config)) as storage:
        if vacuum and not isinstance(storage, SqliteStorage):
            raise UsageError("--vacuum is for SQLite; Supabase's Postgres uses freed space again by itself")
        done = storage.prune(older_than=before, dry_run=dry_run, on_progress=on_progress)
        freed = storage.vacuum() if vacuum and not dry_run and isinstance(storage, SqliteStorage) else None
    return PruneReport(
        before=before, dry_run=dry_run, prices=done.prices, offers=done.offers, runs=done.runs, freed_bytes=freed
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyReport:
    """What was copied; `different` are the ids of offers that were left alone, not being the same on both sides."""

    offers: int
    copied: int
    already_there: int
    different: tuple[str, ...]
    runs: int
    total_there: int

    @property
    def problems(self) -> tuple[Problem, ...]:
        message = "it is not the same on both sides, and was left alone"
        hint = "offers show ID on either side tells which is right"
        return tuple(
            Problem(code="different", message=f"{offer_id}: {message}", hint=hint, offer_id=offer_id)
            for offer_id in self.different[:TOLD_DIFFERENCES]
        )

    def data(self) -> dict[str, Any]:
        return asdict(self) | {"different": list(self.different)}


def copy(config: DatabaseConfig, *, on_progress: Callable[[int], None]) -> CopyReport:
    """Copy all offers, prices and runs from the SQLite file to Supabase; an interrupted copy is resumed.

    Args:
        on_progress: is given the number of offers looked at so far.

    Raises:
        ConfigError: Supabase is not configured.
        NotFound: there is no SQLite file.
    """
    if config.supabase_url is None or config.supabase_key is None:
        hint = "set SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY"
        raise ConfigError("offers are copied to Supabase, which is not configured", hint=hint)
    if not config.sqlite_path.exists():
        raise NotFound(f"there is no database at {config.sqlite_path} to copy", hint="set OFFERS_DB")
    from offers_cli.storage.patience import Patience
    from offers_cli.storage.supabase.storage import open_supabase
    from offers_cli.storage.transfer import copy_to_supabase

    patience = Patience(seconds=config.patience_s)
    with closing(open_supabase(config.supabase_url, config.supabase_key, patience=patience)) as target:
        done = copy_to_supabase(config.sqlite_path, target, on_progress=lambda report: on_progress(report.offers))
    return CopyReport(**asdict(done))
