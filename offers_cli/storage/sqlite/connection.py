"""A connection to the SQLite file: whether the file is still the one at its path, and what SQLite's errors mean.

A file that is deleted or replaced stays what its connections read and write, and what they write is lost with them.
Another file at its path must not meet what SQLite kept beside the old one: it would apply the old write-ahead log.
"""

from __future__ import annotations

import errno
import fcntl
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from offers_cli.errors import StorageBusy, StorageRefused, StorageUnavailable

Inode = tuple[int, int] | None
"""Device and number of a file; None when there is none."""

BUSY_TIMEOUT_S = 5.0
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
    beside: tuple[Path, Path]
    files: Files

    def remember_files(self, path: Path) -> None:
        """To be called after the first read, which opens the log."""
        self.path, self.beside = path, _beside(path)
        self.files = Files(*map(_inode, (path, *self.beside)))

    def check_in_place(self) -> None:
        """Raise `StorageUnavailable` unless the files that were opened are those at the path."""
        main, log = _inode(self.path), _inode(self.beside[0])
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
        with suppress(sqlite3.Error):
            if self.in_transaction:
                self.execute("ROLLBACK")
            if was_replaced or _inode(self.beside[0]) != self.files.log:
                self.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.close()
        for file, inode in zip(self.beside, (self.files.log, self.files.index), strict=True):
            if was_replaced and inode is not None and _inode(file) == inode:
                file.unlink(missing_ok=True)


def connect(path: Path) -> FileConnection:
    """Open a connection to an existing file, in autocommit mode; transactions are begun by name.

    `synchronous` stays FULL: an acknowledged write survives a power cut, for one fsync a commit. Writes come in
    groups, so that this costs little: see bench/storage.py.
    """
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
        factory=FileConnection,
    )
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
    except sqlite3.Error:  # the file is no database, say
        connection.close()
        raise
    return connection


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


# Primary result codes, https://www.sqlite.org/rescode.html
_BUSY = {
    sqlite3.SQLITE_BUSY: ("is locked by another process", "wait for the other command, or see: offers doctor"),
    sqlite3.SQLITE_LOCKED: ("is locked", "wait for the other command, or see: offers doctor"),
    sqlite3.SQLITE_PROTOCOL: ("is locked by too many processes", "try again"),
}
_UNAVAILABLE = {
    sqlite3.SQLITE_FULL: ("cannot grow: the disk is full", "free some space and run the command again"),
    sqlite3.SQLITE_IOERR: ("cannot be read or written", "check the disk: offers doctor"),
    sqlite3.SQLITE_CANTOPEN: ("cannot be opened", "check that its folder exists and is yours, or set OFFERS_DB"),
    sqlite3.SQLITE_NOMEM: ("needs more memory than there is", "close other programs and run the command again"),
}
RESTORE = "offers db restore BACKUP --force, or move the file away and scrape again"
_REFUSED = {
    sqlite3.SQLITE_READONLY: ("is read-only", "give yourself write permission on it, or set OFFERS_DB"),
    sqlite3.SQLITE_PERM: ("may not be opened", "give yourself permission on it, or set OFFERS_DB"),
    sqlite3.SQLITE_CORRUPT: ("is damaged", RESTORE),
    sqlite3.SQLITE_NOTADB: ("is not a SQLite database", "set OFFERS_DB to another file"),
    sqlite3.SQLITE_ERROR: ("does not have the expected schema", "offers db migrate"),
    sqlite3.SQLITE_CONSTRAINT: ("refuses the row", "offers doctor"),
}

# Extended codes: the system has no such locks, or maps no shared memory, in that place.
_UNFIT = {
    sqlite3.SQLITE_IOERR_LOCK,
    sqlite3.SQLITE_IOERR_RDLOCK,
    sqlite3.SQLITE_IOERR_CHECKRESERVEDLOCK,
    sqlite3.SQLITE_IOERR_SHMLOCK,
    sqlite3.SQLITE_IOERR_SHMMAP,
}
LEAST_FREE_BYTES = 2**16
"""With less the memory that SQLite shares cannot be made, and all that it says is that the disk is in error."""
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}

_ERRORS = ((_BUSY, StorageBusy), (_UNAVAILABLE, StorageUnavailable), (_REFUSED, StorageRefused))


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn errors of `sqlite3` about the database at `path` into `StorageUnavailable` or `StorageRefused`.

    Misuse of the library stays what it is: a bug.
    """
    try:
        yield
    except sqlite3.Error as exc:
        extended = getattr(exc, "sqlite_errorcode", sqlite3.SQLITE_MISUSE)
        code = extended & 0xFF
        if extended in _UNFIT or (code == sqlite3.SQLITE_BUSY and _has_no_locks(path.parent)):
            raise StorageRefused(
                f"the database {path} is in a place without the locks or the shared memory that SQLite needs, "
                f"such as a network file system ({exc})",
                hint="set OFFERS_DB to a file on a local disk",
            ) from exc
        if code == sqlite3.SQLITE_IOERR and _is_full(path.parent):
            code = sqlite3.SQLITE_FULL
        if code == sqlite3.SQLITE_ERROR and str(exc).startswith("no such"):  # its version says that it has it
            code = sqlite3.SQLITE_CORRUPT
        for answers, error in _ERRORS:
            if code in answers:
                what, hint = answers[code]
                raise error(f"the database {path} {what} ({exc})", hint=hint) from exc
        raise


def _is_full(folder: Path) -> bool:
    """Whether hardly anything has room there."""
    try:
        return shutil.disk_usage(folder).free < LEAST_FREE_BYTES
    except OSError:
        return False


def _has_no_locks(folder: Path) -> bool:
    """Whether files there cannot be locked, which SQLite takes for a lock of somebody else's."""
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            fcntl.lockf(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        return exc.errno in _NO_LOCKS
    return False
