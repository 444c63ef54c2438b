"""The file behind a connection: whether it is still the one at its path.

A file that is deleted or replaced stays what its connections read and write, and what they write is lost with them.
Another file at its path must not meet what SQLite kept beside the old one: it would apply the old write-ahead log.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from offers_cli.errors import StorageUnavailable

Inode = tuple[int, int] | None
"""Device and number of a file; None when there is none."""

HINT = "never delete or replace it by hand; a backup is brought back with: offers db restore FILE"


@dataclass(frozen=True, slots=True)
class Files:
    """The database's file and what SQLite keeps beside it."""

    main: Inode
    log: Inode
    index: Inode


class FileConnection(sqlite3.Connection):
    """A connection that knows which files it opened."""

    path: Path
    files: Files

    def remember_files(self, path: Path) -> None:
        """To be called after the first read, which opens the log."""
        self.path = path
        self.files = Files(*map(_inode, (path, *_beside(path))))

    def check_in_place(self) -> None:
        """Raise `StorageUnavailable` unless the files that were opened are those at the path."""
        main, log = _inode(self.path), _inode(_beside(self.path)[0])
        if main is None:
            raise gone(self.path)
        if main != self.files.main:
            raise StorageUnavailable(f"the database {self.path} was replaced by another file while in use", hint=HINT)
        if log != self.files.log is not None:
            raise StorageUnavailable(f"the log of the database, {self.path}-wal, was deleted while in use", hint=HINT)

    def leave(self) -> None:
        """Close it; where another file has taken the place of its own, none of its log is left for that one.

        What stands in the log goes into the file that it belongs to before, wherever that is now.
        """
        was_replaced = _inode(self.path) not in {None, self.files.main}
        beside = _beside(self.path)
        with suppress(sqlite3.Error):
            if self.in_transaction:
                self.execute("ROLLBACK")
            if was_replaced or _inode(beside[0]) != self.files.log:
                self.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.close()
        for file, inode in zip(beside, (self.files.log, self.files.index), strict=True):
            if was_replaced and inode is not None and _inode(file) == inode:
                file.unlink(missing_ok=True)


def gone(path: Path) -> StorageUnavailable:
    """The error for a file that is no longer at its path."""
    return StorageUnavailable(f"the database {path} is gone: it was deleted or moved while in use", hint=HINT)


def _beside(path: Path) -> tuple[Path, Path]:
    """The write-ahead log and its index."""
    return path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")


def _inode(path: Path) -> Inode:
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino
