"""The session file: the login cookies at rest, readable by their owner alone, shared by several processes.

Every change happens under a lock and appears whole, by rename. A change that came from an answer counts only for the
session that was asked with: what an old login's last answer says does not touch the one imported since.
"""

from __future__ import annotations

import errno
import fcntl
import json
import math
import os
import shlex
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from offers_cli.affiliate.cookies import MAX_KEPT, Cookie, is_within
from offers_cli.errors import ConfigError, StorageUnavailable
from offers_cli.files import open_lock, write_atomic

MAX_BYTES = 16 * 2**20
"""More than `MAX_KEPT` cookies of the largest size take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One login.

    Attributes:
        id: of this import; another import is another session.
        refused_at: when the site last refused it; None while it works.
    """

    id: str
    imported_at: datetime
    refused_at: datetime | None
    cookies: tuple[Cookie, ...]

    def within(self, domains: Sequence[str]) -> Session | None:
        """What of it is for those domains; None when nothing is, as with a session for another address."""
        own = tuple(cookie for cookie in self.cookies if any(is_within(cookie.domain, domain) for domain in domains))
        return replace(self, cookies=own) if own else None

    def missing(self, needed: Sequence[str], *, now: datetime) -> tuple[str, ...]:
        """The needed cookies that it lacks, or that are over."""
        live = {cookie.name for cookie in self.cookies if not cookie.is_over(now.timestamp())}
        return tuple(name for name in needed if name not in live)

    def ends_at(self, needed: Sequence[str]) -> datetime | None:
        """When the first of the needed cookies is over; None where none of them tells."""
        moments = [cookie.ends_at for cookie in self.cookies if cookie.name in needed]
        return min((_moment(at) for at in moments if at is not None), default=None)


def _moment(seconds: float) -> datetime:
    """A time from seconds since 1970; one beyond the calendar is its last day."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.max.replace(tzinfo=UTC)


def _read_moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without zone")
    return moment


def _read_cookie(found: Mapping[str, Any]) -> Cookie:
    """A cookie as `_write` wrote it; raises `TypeError`, `ValueError` or `OverflowError` for anything else."""
    cookie = Cookie(**found)
    texts = (cookie.name, cookie.value, cookie.domain, cookie.path)
    flags = (cookie.secure, cookie.http_only, cookie.host_only)
    if not all(type(text) is str for text in texts) or not all(type(flag) is bool for flag in flags):
        raise TypeError("a cookie of wrong types")
    if cookie.expires_at is not None and not math.isfinite(cookie.expires_at):
        raise ValueError("a cookie that ends at no time")
    return cookie


class SessionFile:
    """Where the session is kept; safe for several threads and processes.

    Every method raises `ConfigError` when others may read the file or it is damaged, and `StorageUnavailable` when
    the disk says no.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> Session | None:
        """The session, or None when there is none."""
        with _disk_errors(self.path):
            try:
                handle = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            except FileNotFoundError:
                return None
            except OSError as exc:
                if exc.errno == errno.ELOOP:
                    raise self._unusable("is a symbolic link") from exc
                raise
            try:
                self._check_private(os.fstat(handle))
                with os.fdopen(handle, "rb", closefd=False) as file:
                    data = file.read(MAX_BYTES + 1)
            finally:
                os.close(handle)
        if len(data) > MAX_BYTES:
            raise self._unusable("is larger than any session")
        return self._parse(data)

    def _unusable(self, why: str) -> ConfigError:
        return ConfigError(f"{self.path} {why}", hint="offers session import FILE writes it anew")

    def _check_private(self, facts: os.stat_result) -> None:
        if not stat.S_ISREG(facts.st_mode):
            raise self._unusable("is no file")
        if facts.st_mode & 0o077 or facts.st_uid != os.geteuid():
            shown = shlex.quote(str(self.path))
            raise ConfigError(
                f"{self.path} may be read by others, so it is not used",
                hint=f"chmod 600 {shown}; if others could have read it, log out of the site and import anew",
            )

    def _parse(self, data: bytes) -> Session:
        try:
            found = json.loads(data)
            return Session(
                id=str(found["id"]),
                imported_at=_read_moment(found["imported_at"]),
                refused_at=_read_moment(found["refused_at"]) if found["refused_at"] else None,
                cookies=tuple(map(_read_cookie, found["cookies"])),
            )
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            raise self._unusable("is damaged") from None  # the cause would quote it

    def replace(self, cookies: Sequence[Cookie], *, imported_at: datetime) -> Session:
        """Put a new session in the place of whatever there is."""
        session = Session(id=uuid4().hex, imported_at=imported_at, refused_at=None, cookies=tuple(cookies))
        with self._locked():
            self._write(session)
        return session

    def change(self, session_id: str, change: Callable[[Session], Session]) -> None:
        """Change that session; nothing happens when it is no longer the one in the file."""
        with self._locked():
            session = self.load()
            if session is None or session.id != session_id:
                return
            changed = change(session)
            if changed != session:
                self._write(changed)

    def clear(self) -> bool:
        """Forget the session; whether there was one."""
        with self._locked():
            try:
                self.path.unlink()
            except FileNotFoundError:
                return False
            return True

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with _disk_errors(self.path):
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = open_lock(self.path.with_suffix(".lock"))
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                yield
            finally:
                os.close(handle)

    def _write(self, session: Session) -> None:
        about = {
            "id": session.id,
            "imported_at": session.imported_at.isoformat(),
            "refused_at": session.refused_at.isoformat() if session.refused_at else None,
            "cookies": [asdict(cookie) for cookie in session.cookies],
        }
        write_atomic(self.path, json.dumps(about, indent=1).encode())


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise StorageUnavailable(
            f"{path} cannot be used: {exc.strerror}", hint="check the disk and its rights"
        ) from exc


def with_cookies(session: Session, cookies: Sequence[Cookie], *, now_s: float) -> Session:
    """The session after an answer set those cookies; one that is over already is thereby removed.

    New cookies beyond `MAX_KEPT` are left out, so that no answer drives the login out of the jar.
    """
    jar = {cookie.key: cookie for cookie in session.cookies}
    jar |= {cookie.key: cookie for cookie in cookies}
    live = [cookie for cookie in jar.values() if not cookie.is_over(now_s)]
    return replace(session, cookies=tuple(live[:MAX_KEPT]))
