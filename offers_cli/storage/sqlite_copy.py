"""A copy of a SQLite file that others have open: one moment's state, private, found whole before it gets its name."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from offers_cli.errors import StorageRefused
from offers_cli.storage.partial_files import partial_file
from offers_cli.storage.sqlite_errors import translated
from offers_cli.storage.sqlite_schema import connect, is_current


def write_whole(target: Path, write: Callable[[Path], None]) -> int:
    """Have `write` fill an empty file, which becomes `target` when it is whole; returns the number of its offers.

    Raises:
        StorageRefused: what was written is damaged.
        StorageUnavailable: the disk is full.
    """
    with partial_file(target) as partial, translated(target):
        write(partial)
        with closing(connect(partial)) as connection:
            if connection.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                raise StorageRefused(
                    f"the backup {partial} is damaged", hint="check the disk, then run the backup again"
                )
            offers = int(connection.execute("SELECT count(*) FROM offers").fetchone()[0])
        partial.replace(target)
    return offers


def copy_sqlite(path: Path, target: Path) -> int:
    """Copy the database at `path`, of whatever version its schema is; returns the number of its offers."""

    def write(partial: Path) -> None:
        with translated(path), closing(connect(path)) as source, closing(connect(partial)) as copy:
            is_current(source, path)
            source.backup(copy)

    return write_whole(target, write)
