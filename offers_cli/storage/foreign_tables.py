"""Tables that are not ours: read row by row, never written."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offers_cli.config import Secret
from offers_cli.errors import NotFound
from offers_cli.files import is_file
from offers_cli.storage.sqlite.connection import translated
from offers_cli.storage.supabase.postgres import open_postgres

ROWS = 1_000
ForeignRow = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ForeignTable:
    """One table of another program.

    Attributes:
        rows: all of its rows, streamed, by column name.
    """

    columns: tuple[str, ...]
    rows: Generator[ForeignRow]


def read_sqlite_table(file: Path, table: str) -> ForeignTable:
    """A table of a SQLite file; raises `NotFound`, `StorageUnavailable` or `StorageRefused`."""
    if not is_file(file):
        raise NotFound(f"there is no file {file}", hint="offers db adopt TABLE --from FILE")
    return _begun(_read_sqlite(file, table))


def read_postgres_table(url: Secret, table: str) -> ForeignTable:
    """A table of the database at `url`, ``schema.table`` or one of the schema ``public``; raises as above."""
    return _begun(_read_postgres(url, table))


def _begun(rows: Generator[Any]) -> ForeignTable:
    """The columns come first."""
    return ForeignTable(next(rows), rows)


def _read_sqlite(file: Path, table: str) -> Generator[Any]:
    address = f"{file.absolute().as_uri()}?mode=ro"
    with translated(file), closing(sqlite3.connect(address, uri=True, isolation_level=None)) as connection:
        names = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
        ]
        if table not in names:
            raise _no_such_table(table, str(file), names)
        quoted = table.replace('"', '""')
        rows = connection.execute(f'SELECT * FROM "{quoted}"')  # noqa: S608 (a name cannot be a parameter; it is quoted)
        columns = tuple(column[0] for column in rows.description)
        yield columns
        for row in rows:
            yield dict(zip(columns, row, strict=True))


def _read_postgres(url: Secret, table: str) -> Generator[Any]:
    schema, _, name = table.rpartition(".")
    schema = schema or "public"
    with open_postgres(url) as connection:
        connection.read_only = True
        found = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = %s ORDER BY 1", (schema,)
        )
        names = [row[0] for row in found.fetchall()]
        if name not in names:
            raise _no_such_table(table, f"the schema {schema}", names)
        from psycopg import sql

        with connection.cursor(name="offers_adopt") as cursor:
            cursor.itersize = ROWS
            cursor.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(schema, name)))
            columns = tuple(column.name for column in cursor.description)
            yield columns
            for row in cursor:
                yield dict(zip(columns, row, strict=True))


def _no_such_table(table: str, where: str, names: list[str]) -> NotFound:
    there = f"it holds {', '.join(names[:10])}" if names else "it holds none that this role may see"
    return NotFound(f"there is no table {table!r} in {where}: {there}", hint="offers db adopt TABLE")
