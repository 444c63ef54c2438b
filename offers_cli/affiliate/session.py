"""Session: import, check and forget the affiliate's login. Says facts about it, never whose it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from offers_cli.affiliate.cookie_import import keep_own, parse_cookies
from offers_cli.affiliate.cookies import Cookie, is_within
from offers_cli.affiliate.login import IMPORT_HINT
from offers_cli.affiliate.session_file import Session, SessionFile
from offers_cli.errors import OffersError, SessionExpired, UsageError
from offers_cli.log import get_log
from offers_cli.report import Problem
from offers_cli.times import iso_utc

DAY_S = 86_400

log = get_log("queue")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionReport:
    """What is known of the session.

    Attributes:
        valid: it lacks nothing, is not over, and the site has not refused it.
        missing: needed cookies that it lacks or that are over.
        expires_at: when the first needed cookie is over; None where none tells.
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
    problems: tuple[Problem, ...] = ()

    def data(self) -> dict[str, Any]:
        return {
            "valid": self.valid,
            "missing": list(self.missing),
            "cookies": self.cookies,
            "imported_at": _iso(self.imported_at),
            "age_days": self.age_days,
            "expires_at": _iso(self.expires_at),
            "days_left": self.days_left,
            "refused_at": _iso(self.refused_at),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """The session that was just imported.

    Attributes:
        left_out: cookies of other sites, which were not kept.
        resumed: jobs that waited for a session and are due again; None where the queue did not answer.
    """

    session: SessionReport
    left_out: int
    resumed: int | None

    @property
    def problems(self) -> Sequence[Problem]:
        """What is wrong with the session."""
        return self.session.problems

    def data(self) -> dict[str, Any]:
        return {**self.session.data(), "left_out": self.left_out, "resumed": self.resumed}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearReport:
    """Whether there was a session."""

    cleared: bool
    problems: tuple[Problem, ...] = ()

    def data(self) -> dict[str, Any]:
        return {"cleared": self.cleared}


def _iso(moment: datetime | None) -> str | None:
    return iso_utc(moment) if moment else None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionKeeper:
    """What the commands about the session work with.

    Attributes:
        domains: whose cookies are kept.
        domain: whose they are that come without a domain.
        stands_for: domains whose cookies count as those of `domain`, when that is a host of our own (a test, the demo).
        secure: whether cookies that come without a word about it are for encrypted connections alone.
        needed: names of the cookies without which nothing works; the first is the login itself.
    """

    file: SessionFile
    domains: Sequence[str]
    domain: str
    stands_for: Sequence[str]
    secure: bool
    needed: Sequence[str]
    now: Callable[[], datetime]

    def check(self) -> SessionReport:
        """What is known of the session; not being valid is a problem."""
        session = self.file.load()
        return self._report(session.within(self.domains) if session else None)

    def _report(self, session: Session | None) -> SessionReport:
        if session is None:
            return SessionReport(missing=tuple(self.needed), problems=(_problem("there is no session"),))
        now = self.now()
        missing = session.missing(self.needed, now=now)
        ends_at = session.ends_at(self.needed)
        report = SessionReport(
            valid=not missing and session.refused_at is None,
            missing=missing,
            cookies=len(session.cookies),
            imported_at=session.imported_at,
            age_days=int((now - session.imported_at).total_seconds() // DAY_S),
            expires_at=ends_at,
            days_left=int((ends_at - now).total_seconds() // DAY_S) if ends_at else None,
            refused_at=session.refused_at,
        )
        return report if report.valid else replace(report, problems=(_problem(_why(report)),))

    def import_cookies(self, data: bytes, *, resume: Callable[[], int]) -> ImportReport:
        """Put the login of a browser's export in the place of the session there was.

        Args:
            resume: makes the jobs that wait for a session due again; returns how many.

        Raises:
            UsageError: no cookies can be read, none is the marketplace's, or the login itself is not among them.
        """
        found = parse_cookies(data, domain=self.domain, secure=self.secure)
        own = keep_own([self._at_home(cookie) for cookie in found], self.domains)
        if not own:
            raise UsageError(
                f"none of the {len(found)} cookies belongs to {self.domain}",
                hint="export them from the marketplace's tab, while logged in",
            )
        if self.needed[0] not in {cookie.name for cookie in own}:
            raise UsageError(
                f"the login cookie {self.needed[0]} is not among the cookies, so nothing was changed",
                hint="log in first, and export all cookies of the site, HttpOnly ones too",
            )
        session = self.file.replace(own, imported_at=self.now())
        return ImportReport(session=self._report(session), left_out=len(found) - len(own), resumed=self._resume(resume))

    def _at_home(self, cookie: Cookie) -> Cookie:
        is_of_original = any(is_within(cookie.domain, domain) for domain in self.stands_for)
        return replace(cookie, domain=self.domain, host_only=True) if is_of_original else cookie

    @staticmethod
    def _resume(resume: Callable[[], int]) -> int | None:
        try:
            return resume()
        except OffersError as error:
            log.warning("jobs that wait for a session start later, by themselves", reason=error.message)
            return None

    def clear(self) -> ClearReport:
        """Forget the session."""
        return ClearReport(cleared=self.file.clear())


def _why(report: SessionReport) -> str:
    if report.missing:
        return f"the session lacks {', '.join(report.missing)}: missing or expired"
    return "the site refuses the session: it has expired or was ended"


def _problem(what: str) -> Problem:
    return Problem.of(SessionExpired(what, hint=IMPORT_HINT))
