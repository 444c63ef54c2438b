"""The affiliate's session: the login cookies at rest, readable by their owner alone, shared by several processes.

Every change happens under a lock and appears whole, by rename. A change that came from an answer counts only for the
session that was asked with: what an old login's last answer says does not touch the one imported since. What is shown
are facts about the session, never whose it is.
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

from offers_cli.affiliate.cookie_import import MAX_BYTES, keep_own, parse_cookies
from offers_cli.affiliate.cookies import MAX_KEPT, Cookie, is_within
from offers_cli.errors import ConfigError, OffersError, SessionExpired, StorageUnavailable, UsageError
from offers_cli.files import open_lock, write_atomic
from offers_cli.log import get_log
from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.marketplaces.mercado_livre.sites import DOMAINS
from offers_cli.report import Problem, Report
from offers_cli.times import to_utc

IMPORT_HINT = "log in with your browser, then: offers session import FILE (docs/session.md)"
REFUSED = "the site refuses the session: it has expired or was ended"
LOGIN_COOKIE = "ssid"
PAGE_COOKIE = "_csrf"
"""It belongs with the CSRF token of the page that set it."""
NEEDED_COOKIES = (LOGIN_COOKIE, PAGE_COOKIE, "nsa_rotok", "orguseridp", "orgnickp")
"""Without these a login does not work."""
DAY_S = 86_400
MAX_EXPORT_BYTES = MAX_BYTES
MAX_FILE_BYTES = 16 * 2**20
"""More than `MAX_KEPT` cookies of the largest size take."""

log = get_log("queue")


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
        return _missing(self.cookies, needed, now=now)

    def ends_at(self, needed: Sequence[str]) -> datetime | None:
        """When the first of the needed cookies is over; None where none of them says."""
        moments = [cookie.ends_at for cookie in self.cookies if cookie.name in needed]
        return min((_moment(at) for at in moments if at is not None), default=None)


def _missing(cookies: Sequence[Cookie], needed: Sequence[str], *, now: datetime) -> tuple[str, ...]:
    live = {cookie.name for cookie in cookies if not cookie.is_over(now.timestamp())}
    return tuple(name for name in needed if name not in live)


def _moment(seconds: float) -> datetime:
    """A time from seconds since 1970; one beyond the calendar is its last day."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.max.replace(tzinfo=UTC)


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
            # Neither a link nor a pipe that somebody planted there is followed or waited for.
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
                    data = file.read(MAX_FILE_BYTES + 1)
            finally:
                os.close(handle)
        if len(data) > MAX_FILE_BYTES:
            raise self._unusable("is larger than any session")
        return self._parse(data)

    def _unusable(self, why: str) -> ConfigError:
        return ConfigError(f"{self.path} {why}", hint="offers session import FILE writes it anew")

    def _check_private(self, facts: os.stat_result) -> None:
        if not stat.S_ISREG(facts.st_mode):
            raise self._unusable("is not a regular file")
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
                imported_at=to_utc(datetime.fromisoformat(found["imported_at"])),
                refused_at=to_utc(datetime.fromisoformat(found["refused_at"])) if found["refused_at"] else None,
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
            f"{path} cannot be used: {exc.strerror}", hint="check the disk and the permissions of the file"
        ) from exc


def with_cookies(session: Session, cookies: Sequence[Cookie], *, now_s: float) -> Session:
    """The session after an answer set those cookies; one that is over already is thereby removed.

    New cookies beyond `MAX_KEPT` are left out, so that no answer drives the login out of the jar.
    """
    jar = {cookie.key: cookie for cookie in session.cookies}
    jar |= {cookie.key: cookie for cookie in cookies}
    live = [cookie for cookie in jar.values() if not cookie.is_over(now_s)]
    return replace(session, cookies=tuple(live[:MAX_KEPT]))


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionReport(Report):
    """What is known of the session.

    Attributes:
        valid: it lacks nothing, is not over, and the site has not refused it.
        missing: needed cookies that it lacks or that are over.
        cookies: how many it has.
        expires_at: when the first needed cookie is over; None where none says.
        refused_at: when the site last refused it.
    """

    valid: bool = False
    missing: tuple[str, ...] = ()
    cookies: int = 0
    imported_at: datetime | None = None
    age_days: int | None = None
    expires_at: datetime | None = None
    days_left: int | None = None
    refused_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport(SessionReport):
    """The session that was just imported.

    Attributes:
        left_out: cookies of other sites, which were not kept.
        resumed: jobs that waited for a session and are due again; None where the queue did not respond.
    """

    left_out: int
    resumed: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearReport(Report):
    """Whether there was a session."""

    cleared: bool


class SessionKeeper:
    """What the commands about the session work with. It says facts about the session, never whose it is.

    Every method raises as `SessionFile` does.

    Args:
        shop: whose cookies are kept.
    """

    def __init__(self, file: SessionFile, shop: MercadoLivre, *, now: Callable[[], datetime]) -> None:
        self.file = file
        self._shop = shop
        self._now = now

    def check(self) -> SessionReport:
        """What is known of the session; not being valid is a problem."""
        session = self.file.load()
        return SessionReport(**self._facts(session.within(self._shop.cookie_domains) if session else None))

    def _facts(self, session: Session | None) -> dict[str, Any]:
        """The fields of its report."""
        if session is None:
            return {"missing": NEEDED_COOKIES, "problems": _problems("there is no session")}
        now = self._now()
        missing, ends_at = session.missing(NEEDED_COOKIES, now=now), session.ends_at(NEEDED_COOKIES)
        problems: tuple[Problem, ...] = ()
        if missing:
            problems = _problems(f"the session lacks {', '.join(missing)}: missing or expired")
        elif session.refused_at:
            problems = _problems(REFUSED)
        return {
            "valid": not problems,
            "missing": missing,
            "cookies": len(session.cookies),
            "imported_at": session.imported_at,
            "age_days": int((now - session.imported_at).total_seconds() // DAY_S),
            "expires_at": ends_at,
            "days_left": int((ends_at - now).total_seconds() // DAY_S) if ends_at else None,
            "refused_at": session.refused_at,
            "problems": problems,
        }

    def import_cookies(self, data: bytes, *, resume: Callable[[], int]) -> ImportReport:
        """Put the login of a browser's export in the place of the session there was.

        Args:
            resume: makes the jobs that wait for a session due again; returns how many.

        Raises:
            UsageError: no cookies can be read, none is the marketplace's, or the login itself is not among them.
            SessionExpired: it does not work, and the session there is does.
        """
        shop = self._shop
        found = parse_cookies(data, domain=shop.cookie_domain, secure=shop.base_url.startswith("https:"))
        own = keep_own([self._at_home(cookie) for cookie in found], shop.cookie_domains)
        if not own:
            raise UsageError(
                f"none of the {len(found)} cookies belongs to {shop.cookie_domain}",
                hint="export them from the marketplace's tab, while logged in",
            )
        if LOGIN_COOKIE not in {cookie.name for cookie in own}:
            raise UsageError(
                f"the login cookie {LOGIN_COOKIE} is not among the cookies, so nothing was changed",
                hint="log in first, and export all cookies of the site, HttpOnly ones too",
            )
        missing = _missing(own, NEEDED_COOKIES, now=self._now())
        if missing and self._works_now():
            raise SessionExpired(
                f"the cookies lack {', '.join(missing)}: missing or expired; the session there is works, and was kept",
                hint="log in with your browser and export all cookies anew; to give that one up: offers session clear",
            )
        session = self.file.replace(own, imported_at=self._now())
        try:
            resumed = 0 if missing else resume()
        except OffersError as error:
            log.warning("jobs that wait for a session start later, by themselves", reason=error.message)
            resumed = None
        return ImportReport(**self._facts(session), left_out=len(found) - len(own), resumed=resumed)

    def _works_now(self) -> bool:
        try:
            return self.check().valid
        except ConfigError:  # damaged, or open to others: an import is what mends it
            return False

    def _at_home(self, cookie: Cookie) -> Cookie:
        """The cookie, of the host that stands for the marketplace (a test's, the demo's) where there is one."""
        if self._shop.cookie_domains is DOMAINS or not any(is_within(cookie.domain, domain) for domain in DOMAINS):
            return cookie
        return replace(cookie, domain=self._shop.cookie_domain, host_only=True)

    def clear(self) -> ClearReport:
        """Forget the session."""
        return ClearReport(cleared=self.file.clear())


def _problems(what: str) -> tuple[Problem, ...]:
    return (Problem.of(SessionExpired(what, hint=IMPORT_HINT)),)
