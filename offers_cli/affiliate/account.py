"""The account: the affiliate's own pages and calls, with the CSRF token taken and renewed as the site wants it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from offers_cli.affiliate.link_builder import (
    BUILDER_PAGE,
    CREATE_CALL,
    UNKNOWN_LABEL_REST_S,
    Link,
    create_body,
    find_csrf_token,
    read_json,
    read_links,
)
from offers_cli.affiliate.login import Login, refused
from offers_cli.affiliate.session import Session
from offers_cli.errors import MEND_LABEL, LabelRefused, PageBlocked, PageError, SessionExpired, WorkError
from offers_cli.fetch.pace import Pace, record_refusal
from offers_cli.fetch.response import Page
from offers_cli.log import get_log

if TYPE_CHECKING:
    from offers_cli.fetch.client import PoliteFetcher
    from offers_cli.marketplaces.mercado_livre import MercadoLivre

log = get_log("enrichment")


class Account:
    """The affiliate's account at one address; thread-safe, one call at a time.

    A token goes with the cookie of the page it came from. When a call is refused, page and token are taken anew and
    the call is made once more; refused again, it is the session that the site does not want.

    Args:
        fetcher: a client that sends the session's cookies.
        insist: ask also with a session that the site refused lately: a person is waiting for the outcome.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        shop: MercadoLivre,
        *,
        fetcher: PoliteFetcher,
        login: Login,
        pace: Pace,
        insist: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._shop = shop
        self._fetcher = fetcher
        self._login = login
        self._pace = pace
        self._insist = insist
        self._clock = clock
        self._no_label_until = 0.0
        self._refused_label: tuple[str, str, str] = ("", "", "")  # the session's id, the label, what was said
        self._lock = threading.Lock()
        self._token: tuple[str, str] = ("", "")  # the session's id and its token

    def open_page(self, path: str) -> Page:
        """Fetch one of the account's pages and keep its token.

        Raises:
            SessionExpired: there is no session, or the page is one for strangers.
            WorkError: what `Fetcher.get` raises.
        """
        with self._lock:
            return self._open_page(path, self._login.get(insist=self._insist))

    def call(self, path: str, body: object) -> Any:
        """Make one call; returns the answer's data.

        Raises:
            SessionExpired: there is no session, or the site refuses it.
            WorkError: what `PoliteFetcher.post_json` and `read_json` raise.
        """
        with self._lock:
            session = self._login.get(insist=self._insist)
            # 403 may mean a token that has been used up: only a fresh one's refusal is the session's.
            for token in self._tokens(session):
                with suppress(SessionExpired):
                    return self._post(path, body, token)
            raise self._refused(session)

    def create_links(self, urls: Sequence[str], *, label: str) -> Mapping[str, Link | WorkError]:
        """The links of some product addresses, made in one call; for each that gets none, why.

        A label that the programme refused is not asked for again for a while, unless another login is imported.

        Raises as `call` and `read_links` do.
        """
        asked_by = self._login.get(insist=self._insist).id
        *refused_of, said = self._refused_label
        left_s = self._no_label_until - self._clock()
        if refused_of == [asked_by, label] and left_s > 0:
            raise LabelRefused(said, hint=MEND_LABEL, retry_after_s=left_s)
        data = self.call(CREATE_CALL, create_body(urls, label))
        try:
            return read_links(data, urls, label, link_host=urlsplit(self._shop.base_url).netloc)
        except LabelRefused as error:
            log.warning("the label was refused", label=label, reason=error.message, hint=error.hint)
            self._refused_label = asked_by, label, error.message
            self._no_label_until = self._clock() + UNKNOWN_LABEL_REST_S
            raise

    def _tokens(self, session: Session) -> Iterator[str]:
        """The token at hand, if there is one, then a fresh one."""
        session_id, token = self._token
        if session_id == session.id:
            yield token
            log.debug("token refused, taking another one")
        self._open_page(BUILDER_PAGE, session)
        yield self._token[1]

    def _open_page(self, path: str, session: Session) -> Page:
        self._token = ("", "")
        try:
            page = self._fetcher.get(f"{self._shop.base_url}{path}")
        except SessionExpired as error:
            raise self._refused(session) from error
        token = find_csrf_token(page.text)
        if token is None:
            if wall := self._shop.find_account_wall(page.text, page.final_url):
                raise self._paused(wall, page)
            raise self._refused(session)
        self._pace.note_served(page)
        self._token = session.id, token
        self._login.note_accepted(session)
        return page

    def _post(self, path: str, body: object, token: str) -> Any:
        headers = {
            "X-CSRF-Token": token,
            "Origin": self._shop.base_url,
            "Referer": f"{self._shop.base_url}{BUILDER_PAGE}",
        }
        page = self._fetcher.post_json(f"{self._shop.base_url}{path}", body, headers=headers)
        try:
            data = read_json(page.text)
        except PageBlocked as error:
            raise self._paused(error, page) from error
        self._pace.note_served(page)
        return data

    def _paused(self, error: PageError, page: Page) -> PageError:
        record_refusal(self._pace, error, host=page.host, url=page.url, egress=page.egress)
        return error

    def _refused(self, session: Session) -> SessionExpired:
        """The site does not want the session: remember that; returns the error to raise."""
        self._token = ("", "")
        self._login.note_refused(session)
        return refused()
