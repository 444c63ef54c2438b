"""Errors of `sqlite3`, translated once."""

from __future__ import annotations

import errno
import fcntl
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from offers_cli.errors import StorageBusy, StorageRefused, StorageUnavailable

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
_REFUSED = {
    sqlite3.SQLITE_READONLY: ("is read-only", "give yourself write permission on it, or set OFFERS_DB"),
    sqlite3.SQLITE_PERM: ("may not be opened", "give yourself permission on it, or set OFFERS_DB"),
    sqlite3.SQLITE_CORRUPT: ("is damaged", "offers db restore BACKUP --force, or move the file away and scrape again"),
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
        for answers, error in _ERRORS:
            if code in answers:
                what, hint = answers[code]
                raise error(f"the database {path} {what} ({exc})", hint=hint) from exc
        raise


def _has_no_locks(folder: Path) -> bool:
    """Whether files there cannot be locked, which SQLite takes for a lock of somebody else's."""
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            fcntl.lockf(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        return exc.errno in _NO_LOCKS
    return False
