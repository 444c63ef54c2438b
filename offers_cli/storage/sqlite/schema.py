"""The SQLite file: opened, and brought to the current schema.

`PRAGMA user_version` holds the schema's version and changes in the same transaction as the schema itself.
`PRAGMA application_id` marks the file as ours, so that no other program's database is ever written to.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from errno import EDQUOT, EIO, EMFILE, ENFILE, ENOSPC
from pathlib import Path

from offers_cli.errors import StorageRefused, StorageUnavailable
from offers_cli.storage.migrations import TABLES, Migration, migrations
from offers_cli.storage.sqlite.connection import BUSY_TIMEOUT_S, FileConnection, connect, gone

APPLICATION_ID = 0x0FFE25


def open_current(path: Path) -> FileConnection:
    """Open the database; a missing or empty file gets the newest schema and is readable by its owner alone.

    An older schema is left as it is: its migration is a step without return, which `offers db migrate` alone takes.

    Raises:
        StorageRefused: the file belongs to another program or has a schema of another version.
    """
    create_private(path)
    with closing(connect(path)) as connection:
        if not is_current(connection, path) and schema_version(connection) == 0:
            use_wal(connection)
            apply_migrations(connection, path)
    return open_existing(path)


def open_existing(path: Path) -> FileConnection:
    """Open a database that is there, and change nothing.

    Raises:
        StorageUnavailable: it is gone.
        StorageRefused: the file belongs to another program or has a schema of another version.
    """
    if not path.exists():
        raise gone(path)
    connection = connect(path)
    try:
        check_schema(connection, path)
        connection.remember_files(path)
    except BaseException:
        connection.close()
        raise
    return connection


def check_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Raise `StorageRefused` unless the file is ours and its schema the one that this program knows."""
    if not is_current(connection, path):
        newest = migrations("sqlite")[-1].version
        raise StorageRefused(
            f"the database {path} has schema {schema_version(connection)}, this program needs {newest}",
            hint="offers db migrate",
        )


def schema_version(connection: sqlite3.Connection) -> int:
    """The version of the schema; 0 of a file without one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def lost_table(connection: sqlite3.Connection) -> str | None:
    """A table that its schema has and the file has not: somebody dropped it, and no migration makes it anew."""
    there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return next((table for table in TABLES if table not in there), None) if schema_version(connection) else None


def application_id(connection: sqlite3.Connection) -> int:
    """The mark of the program that the file belongs to; ours is `APPLICATION_ID`."""
    return int(connection.execute("PRAGMA application_id").fetchone()[0])


def file_size(connection: sqlite3.Connection) -> int:
    """How many bytes the file takes once its log is written into it."""
    pages, page_size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    return int(pages * page_size)


def create_private(path: Path) -> None:
    """Create the file if it is missing. One that exists is not opened here: closing it would drop SQLite's locks."""
    if path.exists():
        return
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as exc:
        is_unavailable = exc.errno in {ENOSPC, EDQUOT, EIO, EMFILE, ENFILE}
        raise (StorageUnavailable if is_unavailable else StorageRefused)(
            f"the database {path} cannot be created: {exc.strerror}",
            hint="set OFFERS_DB or OFFERS_HOME to a place you may write to",
        ) from exc


def is_current(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether the schema is the newest; raises `StorageRefused` when the file is foreign or too new."""
    version, newest = schema_version(connection), migrations("sqlite")[-1].version
    if version > newest:
        raise StorageRefused(
            f"the database {path} has schema {version}, this program knows {newest}",
            hint="upgrade offers: it is older than the database",
        )
    if (
        application_id(connection) != APPLICATION_ID
        and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] > 0
    ):
        raise StorageRefused(f"the database {path} belongs to another program", hint="set OFFERS_DB to another file")
    return version == newest


def use_wal(connection: sqlite3.Connection, deadline_s: float = BUSY_TIMEOUT_S) -> None:
    """Switch to write-ahead logging; SQLite does not wait by itself when others switch at the same moment."""
    give_up_at = time.monotonic() + deadline_s
    while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at:
                raise
            time.sleep(0.01)


def apply_migrations(
    connection: sqlite3.Connection, path: Path, *, keep: Callable[[int], None] = lambda _version: None
) -> int:
    """Bring the schema to the newest version, wholly or not at all; whoever comes second finds it done.

    Args:
        keep: is called with the version of an older schema before it is changed, while nobody else can write.

    Returns:
        The version that was found; 0 when there was nothing.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = schema_version(connection)
        if not is_current(connection, path):
            if found > 0:
                keep(found)
            for migration in migrations("sqlite")[found:]:
                _apply(connection, migration)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return found


def _apply(connection: sqlite3.Connection, migration: Migration) -> None:
    for statement in _statements(migration.sql):
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {migration.version}")


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, one by one: `executescript` would commit first."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
