"""The database: it answers, is whole and current, and closed to strangers."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from offers_cli.errors import StorageRefused
from offers_cli.services.doctor.examine import Finding
from offers_cli.storage.health import SqliteHealth
from offers_cli.storage.migrations import TABLES, TALLY

NAMES = ("database", "schema", "row_level_security")
CLOSE_TO_STRANGERS = "; ".join(
    f"ALTER TABLE public.{table} ENABLE ROW LEVEL SECURITY; REVOKE ALL ON public.{table} FROM anon, authenticated"
    for table in (*TABLES, TALLY)
)


def look_at_sqlite(path: Path, *, read_health: Callable[[Path], SqliteHealth | None]) -> Sequence[Finding]:
    """Everything about the SQLite file; nothing is created."""
    try:
        health = read_health(path)
    except StorageRefused as error:
        is_not_ours = "not a SQLite database" in error.message or "another program" in error.message
        return [Finding.of("database", error, advice=_move_away(path, "old") if is_not_ours else "")]
    if health is None:
        return [
            Finding("database", "ok", f"{path} will be created when it is needed"),
            Finding("schema", "ok", "will be created with the database"),
            Finding("row_level_security", "ok", "SQLite: the file will be yours alone"),
        ]
    return [_file(path, health), _schema(health), _privacy(path, health)]


def _file(path: Path, health: SqliteHealth) -> Finding:
    if health.damage:
        damage = f"{path} is damaged: {health.damage}; with a backup: offers db restore FILE --force"
        error = StorageRefused(damage, hint=_move_away(path, "damaged"))
        return Finding.of("database", error)
    whole = "whole" if health.is_whole else "too large to be looked at as a whole here"
    return Finding("database", "ok", f"SQLite at {path}: writable, {whole}")


def _move_away(path: Path, name: str) -> str:
    """A command that puts the file aside, with what SQLite keeps beside it; a fresh one is then created."""
    folder = shlex.quote(f"{path}.{name}")
    beside = [path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))]
    files = " ".join(shlex.quote(str(file)) for file in beside if file.exists())
    return f"mkdir {folder} && mv {files} {folder}"


def _schema(health: SqliteHealth) -> Finding:
    if health.version == 0:
        evidence = "version 0, an empty file: the next command makes the schema"
        return Finding("schema", "warning", evidence, "offers db migrate")
    if health.version < health.newest:
        evidence = f"version {health.version}, this program needs {health.newest}"
        return Finding.of("schema", StorageRefused(evidence, hint="offers db migrate"))
    return Finding("schema", "ok", f"version {health.version}, the newest")


def _privacy(path: Path, health: SqliteHealth) -> Finding:
    evidence = f"SQLite: {path} has mode {health.mode:04o}"
    if health.mode & 0o077:
        error = StorageRefused(f"{evidence}: others may read it", hint=f"chmod 600 {shlex.quote(str(path))}")
        return Finding.of("row_level_security", error)
    return Finding("row_level_security", "ok", f"{evidence}: yours alone")


def look_at_supabase(
    *, count_offers: Callable[[], int], find_open_tables: Callable[[], Mapping[str, int]], has_anon_key: bool
) -> Sequence[Finding]:
    """Everything about the Supabase project.

    Args:
        count_offers: opens the project, checks its schema and counts its offers; raises what is wrong.
        find_open_tables: the tables that strangers are let into, with the number of rows they are shown.
        has_anon_key: whether strangers were played with their real key.
    """
    try:
        offers = count_offers()
    except StorageRefused as error:
        return [_refused(error), _strangers(find_open_tables(), offers=0, has_anon_key=has_anon_key)]
    return [
        Finding("database", "ok", f"Supabase answers and accepts the key: {offers} offers"),
        Finding("schema", "ok", "the one that this program needs"),
        _strangers(find_open_tables(), offers=offers, has_anon_key=has_anon_key),
    ]


def _refused(error: StorageRefused) -> Finding:
    """A schema that is missing or old is reported as such."""
    return Finding.of("schema" if "offers db migrate" in error.hint or "schema" in error.message else "database", error)


def _strangers(open_tables: Mapping[str, int], *, offers: int, has_anon_key: bool) -> Finding:
    """A stranger who is shown no rows proves something only where there are rows."""
    name, advice = "row_level_security", f'psql "$SUPABASE_DB_URL" -c {shlex.quote(CLOSE_TO_STRANGERS)}'
    shown = [table for table, rows in open_tables.items() if rows]
    if shown:
        return Finding.of(name, StorageRefused(f"strangers can read {', '.join(shown)}", hint=advice))
    if open_tables and not offers:
        evidence = "strangers may ask, and were shown nothing; but there is nothing yet"
        return Finding(name, "unknown", evidence, "offers scrape, then offers doctor")
    if not has_anon_key:
        evidence = "without a key nothing can be read; what the anon key may read was not tried"
        return Finding(name, "unknown", evidence, "set SUPABASE_ANON_KEY")
    return Finding(name, "ok", "the anon key can read nothing")
