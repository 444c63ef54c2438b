"""Bring the schema of the chosen storage up to date: `offers db migrate`."""

from __future__ import annotations

import itertools
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from offers_cli.config import DatabaseConfig, Secret
from offers_cli.errors import StorageBusy, StorageRefused
from offers_cli.report import INTERNAL, Report
from offers_cli.storage import storage_kind
from offers_cli.storage.migrations import TABLES, StorageKind, migrations
from offers_cli.storage.open import open_storage
from offers_cli.storage.patience import BRIEF, Patience
from offers_cli.storage.sqlite.connection import RESTORE, connect, translated
from offers_cli.storage.sqlite.schema import apply_migrations, create_private, lost_table, use_wal
from offers_cli.storage.supabase.postgres import open_postgres
from offers_cli.storage.transfer import copy_sqlite

LOCK = 16776741
"""The advisory lock that every migration of Postgres takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationReport(Report):
    """The version that the schema has now, and what was applied, by name.

    Attributes:
        kept: a copy of the SQLite file as it was before an older schema was migrated.
        chosen: the storage that the settings choose, which need not be the one that was migrated.
    """

    kind: StorageKind
    version: int
    applied: tuple[str, ...]
    kept: Path | None = None
    chosen: StorageKind = field(metadata=INTERNAL)


def migrate(config: DatabaseConfig) -> MigrationReport:
    """Apply the migrations that the storage lacks; twice, at once or interrupted makes no difference.

    A SQLite file of an older schema is first copied beside itself, for there is no way back.
    Supabase's schema is changed over `SUPABASE_DB_URL`, for its HTTP interface cannot; with that address set it is
    Supabase's that is meant, whatever storage the other settings choose.

    Raises:
        StorageRefused: migrations are lacking and `SUPABASE_DB_URL` is not set (the hint says what to paste where), or
            as `migrate_postgres`.
        ConfigError: the Postgres driver is not installed.
        StorageUnavailable: the database does not answer.
    """
    if config.supabase_db_url is None and storage_kind(config) == "sqlite":
        return _migrate_sqlite(config.sqlite_path)
    applied: tuple[str, ...] = ()
    if config.supabase_db_url is not None:
        applied = migrate_postgres(config.supabase_db_url, patience=Patience(seconds=config.patience_s))
    else:
        _check_supabase(config)
    version = migrations("supabase")[-1].version
    return MigrationReport(kind="supabase", version=version, applied=applied, chosen=storage_kind(config))


def _migrate_sqlite(path: Path) -> MigrationReport:
    """An older schema is kept beside the file, as it is at that moment, before anything is changed."""
    kept: list[Path] = []

    def keep(version: int) -> None:
        file = _free_name(path, version)
        copy_sqlite(path, file)
        kept.append(file)

    create_private(path)
    with translated(path), closing(connect(path)) as connection:
        use_wal(connection)
        before = apply_migrations(connection, path, keep=keep)
        if table := lost_table(connection):
            raise StorageRefused(f"the database {path} is damaged: no such table: {table}", hint=RESTORE)
    known = migrations("sqlite")
    applied = tuple(migration.name for migration in known[before:])
    kept_file = kept[0] if kept else None
    return MigrationReport(kind="sqlite", version=known[-1].version, applied=applied, kept=kept_file, chosen="sqlite")


def _free_name(path: Path, version: int) -> Path:
    """``offers.db.v1.bak``, with a number where an earlier attempt left that."""
    ends = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
    names = (path.with_name(f"{path.name}.v{version}{end}.bak") for end in ends)
    return next(file for file in names if not file.exists())


def migrate_postgres(url: Secret, *, patience: Patience = BRIEF) -> tuple[str, ...]:
    """Apply to Postgres what it lacks, in one transaction and one at a time; returns the names.

    Args:
        patience: for another migration that is running, and for tables that are in use.

    Raises:
        StorageRefused: the schema is newer than this program, the role lacks a right, or tables of another program bear
            the names of ours.
    """
    known = migrations("supabase")
    with open_postgres(url) as connection:
        patience(lambda: _take_turn(connection))
        connection.execute(f"SET LOCAL lock_timeout = '{max(1, round(patience.seconds))}s'")
        found = _postgres_version(connection)
        if found is None:
            _refuse_foreign_tables(connection)
        version = found or 0
        if version > known[-1].version:
            raise StorageRefused(
                f"the schema of the project is version {version}, this program knows {known[-1].version}",
                hint="upgrade offers: it is older than the database",
            )
        lacking = known[version:]
        for migration in lacking:
            connection.execute(migration.sql)
    return tuple(migration.name for migration in lacking)


def _take_turn(connection: Any) -> None:
    if not connection.execute(f"SELECT pg_try_advisory_xact_lock({LOCK})").fetchone()[0]:
        raise StorageBusy("another migration of this database is running", hint="wait for it, then: offers db migrate")


def _postgres_version(connection: Any) -> int | None:
    """The version of the schema; None where there is none of ours."""
    if connection.execute("SELECT to_regclass('public.offers_schema')").fetchone()[0] is None:
        return None
    return connection.execute("SELECT max(version) FROM public.offers_schema").fetchone()[0] or 0


def _refuse_foreign_tables(connection: Any) -> None:
    """Ours are never without `offers_schema`; what else bears their names is the operator's, and is not touched."""
    found = connection.execute(
        "SELECT name FROM unnest(%s::text[]) AS name WHERE to_regclass('public.' || name) IS NOT NULL", (list(TABLES),)
    )
    if names := [row[0] for row in found.fetchall()]:
        renames = "; ".join(f"alter table public.{name} rename to my_{name}" for name in names)
        raise StorageRefused(
            f"the project holds tables of another program: {', '.join(f'public.{name}' for name in names)}; nothing "
            "was changed",
            hint=f"{renames}; then: offers db migrate; then, for its offers: offers db adopt my_offers",
        )


def _check_supabase(config: DatabaseConfig) -> None:
    try:
        open_storage(config).close()
    except StorageRefused as exc:
        if exc.hint != "offers db migrate":
            raise
        raise StorageRefused(
            f"{exc.message}; without SUPABASE_DB_URL the schema cannot be changed from here",
            hint=f"paste the output of `offers db schema` into {_sql_editor(config.supabase_url or '')} and run it, "
            "or set SUPABASE_DB_URL and run: offers db migrate",
        ) from exc


def _sql_editor(url: str) -> str:
    project, _, domain = url.partition("://")[2].partition(".")
    if domain.rstrip("/") == "supabase.co":
        return f"https://supabase.com/dashboard/project/{project}/sql/new"
    return "the SQL editor of your project"
