"""The login at work: which cookies a request carries, and what its response changes or says about them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import urlsplit

from offers_cli.affiliate.cookies import Cookie, cookie_header, read_set_cookie
from offers_cli.affiliate.session import (
    IMPORT_HINT,
    LOGIN_COOKIE,
    NEEDED_COOKIES,
    PAGE_COOKIE,
    REFUSED,
    Session,
    SessionFile,
    with_cookies,
)
from offers_cli.errors import SessionExpired
from offers_cli.fetch.guard import SafeUrl
from offers_cli.fetch.response import REDIRECTS, Response
from offers_cli.marketplaces.mercado_livre.urls import is_login

REFUSED_REST_S = 900.0
"""A session that the site refused is not tried again for so long, unless a person asks or imports a new one."""


class Login:
    """One process's use of the session; thread-safe. Plug `headers_for` and `on_response` into a `PoliteFetcher`.

    The page's cookie is each process's own: it belongs with the token of a page that this process has read.

    Args:
        domains: where cookies may be kept for.
    """

    def __init__(self, file: SessionFile, *, domains: Sequence[str], now: Callable[[], datetime]) -> None:
        self._file = file
        self._domains = tuple(domains)
        self._now = now
        self._lock = threading.Lock()
        self._page_cookie: tuple[str, Cookie | None] = ("", None)

    def find(self) -> Session | None:
        """The session, or None where there is none for our domains.

        Raises:
            ConfigError: others may read its file, or it is damaged.
        """
        session = self._file.load()
        return session.within(self._domains) if session else None

    def get(self, *, insist: bool = False) -> Session:
        """The session to ask with.

        Args:
            insist: also one that the site refused a moment ago.

        Raises:
            SessionExpired: there is none, its login cookie is missing or over, or the site refused it lately;
                `retry_after_s` says when to look again.
            ConfigError: others may read its file, or it is damaged.
        """
        session, now = self.find(), self._now()
        if session is None:
            raise _expired("there is no session")
        if session.missing((LOGIN_COOKIE,), now=now):
            raise _expired("the session has ended")
        if session.refused_at and not insist:
            rest = session.refused_at + timedelta(seconds=REFUSED_REST_S) - now
            if rest > timedelta(0):
                raise refused(rest.total_seconds())
        return session

    def is_valid(self) -> bool:
        """Whether there is a session that lacks nothing and was not refused. Raises as `find`."""
        session = self.find()
        return session is not None and not session.refused_at and not session.missing(NEEDED_COOKIES, now=self._now())

    def headers_for(self, url: SafeUrl) -> Mapping[str, str]:
        """The ``Cookie`` header for one address; empty where none fits. Raises as `find`."""
        session = self.find()
        if session is None:
            return {}
        with self._lock:
            session_id, own = self._page_cookie
        jar: Sequence[Cookie] = session.cookies
        if own is not None and session_id == session.id:
            jar = [own, *(cookie for cookie in jar if cookie.name != PAGE_COOKIE)]
        header = cookie_header(jar, url, now_s=self._now().timestamp())
        return {"Cookie": header} if header else {}

    def on_response(self, response: Response) -> None:
        """Learn the cookies that a response sets.

        Raises:
            SessionExpired: it redirects to the login, or does not know us (401).
            ConfigError: as `find`.
        """
        if response.status == 401 or _leads_to_login(response):
            raise _expired(f"{response.url.netloc} does not accept the session")
        session, now_s = self.find(), self._now().timestamp()
        if session is None:
            return
        read = (
            read_set_cookie(header, response.url, domains=self._domains, now_s=now_s)
            for header in response.values("set-cookie")
        )
        shared: list[Cookie] = []
        # What goes to the file is every process's: another one's page cookie would not fit its token.
        for cookie in filter(None, read):
            if cookie.name != PAGE_COOKIE:
                shared.append(cookie)
                continue
            with self._lock:
                self._page_cookie = session.id, cookie
        if shared:
            self._file.change(session.id, partial(with_cookies, cookies=shared, now_s=now_s))

    def note_refused(self, session: Session) -> None:
        """Remember that the site refused the session; another one, imported since, stays as it is."""
        self._file.change(session.id, lambda known: replace(known, refused_at=self._now()))

    def note_accepted(self, session: Session) -> None:
        """Remember that it works after all."""
        if session.refused_at:
            self._file.change(session.id, lambda known: replace(known, refused_at=None))


def _leads_to_login(response: Response) -> bool:
    try:
        path = urlsplit(response.value("location") or "").path
    except ValueError:
        return False
    return response.status in REDIRECTS and is_login(path)


def refused(rest_s: float = REFUSED_REST_S) -> SessionExpired:
    """The error for a session that the site does not want (any more): expired, ended elsewhere or restricted."""
    return _expired(REFUSED, rest_s)


def _expired(what: str, rest_s: float = REFUSED_REST_S) -> SessionExpired:
    return SessionExpired(what, hint=IMPORT_HINT, retry_after_s=rest_s)
