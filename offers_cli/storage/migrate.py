"""Bring the schema of the chosen storage up to date: `offers db migrate`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offers_cli.config import DatabaseConfig, Secret
from offers_cli.errors import ConfigError, StorageRefused, StorageUnavailable
from offers_cli.storage.migrations import Kind, migrations
from offers_cli.storage.sqlite_copy import copy_sqlite
from offers_cli.storage.sqlite_errors import translated
from offers_cli.storage.sqlite_schema import apply_migrations, connect, create_private, use_wal

CONNECT_TIMEOUT_S = 5
LOCK = 16776741
"""The advisory lock that every migration of Postgres takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationReport:
    """What was applied, by name, the version that the schema has now, and where the older SQLite file is kept."""

    kind: Kind
    version: int
    applied: tuple[str, ...]
    kept: Path | None = None


def storage_kind(config: DatabaseConfig) -> Kind:
    """Which storage the settings choose."""
    return "sqlite" if config.supabase_url is None and config.supabase_key is None else "supabase"


def migrate(config: DatabaseConfig) -> MigrationReport:
    """Apply the migrations that the storage lacks; twice, at once or interrupted makes no difference.

    A SQLite file of an older schema is first copied beside itself, for there is no way back.
    Supabase's schema is changed over `SUPABASE_DB_URL`, for its HTTP interface cannot.

    Raises:
        StorageRefused: migrations are lacking and `SUPABASE_DB_URL` is not set; the hint says what to paste where.
        ConfigError: the Postgres driver is not installed.
        StorageUnavailable: the database does not answer.
    """
    kind = storage_kind(config)
    if kind == "sqlite":
        return _migrate_sqlite(config.sqlite_path)
    if config.supabase_db_url is not None:
        applied = migrate_postgres(config.supabase_db_url)
    else:
        _check_supabase(config)
        applied = ()
    return MigrationReport(kind=kind, version=migrations(kind)[-1].version, applied=applied)


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
    known = migrations("sqlite")
    applied = tuple(migration.name for migration in known[before:])
    return MigrationReport(kind="sqlite", version=known[-1].version, applied=applied, kept=kept[0] if kept else None)


def _free_name(path: Path, version: int) -> Path:
    """``offers.db.v1.bak``, with a number where an earlier attempt left that."""
    ends = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
    names = (path.with_name(f"{path.name}.v{version}{end}.bak") for end in ends)
    return next(file for file in names if not file.exists())


def migrate_postgres(url: Secret) -> tuple[str, ...]:
    """Apply to Postgres what it lacks, in one transaction and one at a time; returns the names."""
    psycopg = _psycopg()
    with _postgres_errors(psycopg), psycopg.connect(url.reveal(), connect_timeout=CONNECT_TIMEOUT_S) as connection:
        connection.execute(f"SELECT pg_advisory_xact_lock({LOCK})")
        version = _postgres_version(connection)
        lacking = [migration for migration in migrations("supabase") if migration.version > version]
        for migration in lacking:
            connection.execute(migration.sql)
    return tuple(migration.name for migration in lacking)


def _postgres_version(connection: Any) -> int:
    if connection.execute("SELECT to_regclass('public.offers_schema')").fetchone()[0] is None:
        return 0
    return connection.execute("SELECT max(version) FROM public.offers_schema").fetchone()[0] or 0


def _psycopg() -> Any:
    try:
        import psycopg
    except ImportError as exc:
        raise ConfigError(
            "SUPABASE_DB_URL needs the Postgres driver, which is not installed",
            hint="pip install 'offers[postgres]', or unset SUPABASE_DB_URL and paste the output of: offers db schema",
        ) from exc
    return psycopg


@contextmanager
def _postgres_errors(psycopg: Any) -> Iterator[None]:
    """Translate the driver's errors; the chain is cut, for a message may quote the address with its password."""
    try:
        yield
    except psycopg.Error as exc:
        reason = (exc.diag.message_primary or type(exc).__name__) if exc.sqlstate else "no connection"
        if exc.sqlstate == "42704":
            raise StorageRefused(
                f"this Postgres is not a Supabase project: {reason}", hint="set SUPABASE_DB_URL to your project's"
            ) from None
        if exc.sqlstate is None or exc.sqlstate[:2] in {"08", "53", "55", "57"}:
            raise StorageUnavailable(
                f"the database of SUPABASE_DB_URL does not answer: {reason}",
                hint="check SUPABASE_DB_URL: host, port, user, password and network",
            ) from None
        raise StorageRefused(f"Postgres refused the migration: {reason}", hint="check SUPABASE_DB_URL") from None


def _check_supabase(config: DatabaseConfig) -> None:
    from offers_cli.storage import open_storage

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
