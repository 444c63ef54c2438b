"""Ids sorted by a key in a temporary file, so that memory does not grow with them."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterable
from contextlib import closing
from typing import Any

from offers_cli.errors import StorageUnavailable


def sorted_ids(places: Iterable[tuple[str, Any]], *, descending: bool, limit: int | None) -> Generator[str]:
    """The ids of the `places` (id, key) in the order of key, then id.

    Raises:
        StorageUnavailable: the folder for temporary files is full or cannot be written.
    """
    direction = "DESC" if descending else "ASC"
    # SQLite's database without a name is a file without a name: it goes when it is closed, however the process ends.
    with closing(sqlite3.connect("", isolation_level=None, check_same_thread=False)) as connection:
        try:
            connection.execute("CREATE TABLE places (id TEXT, key)")
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO places VALUES (?, ?)", places)
            in_order = f"SELECT id FROM places ORDER BY key {direction}, id {direction} LIMIT ?"
            for (offer_id,) in connection.execute(in_order, (-1 if limit is None else limit,)):
                yield offer_id
        except sqlite3.Error as exc:
            hint = "free some space where temporary files are kept (TMPDIR)"
            raise StorageUnavailable(f"the list cannot be sorted: {exc}", hint=hint) from exc
