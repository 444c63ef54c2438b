"""Own pages: the marketplace's product pages as the operator's own login is shown them, where there is one."""

from __future__ import annotations

from collections.abc import Callable

from offers_cli.affiliate.login import Login
from offers_cli.errors import ConfigError, SessionExpired
from offers_cli.fetch.client import Fetcher
from offers_cli.fetch.response import Page


class OwnPages:
    """A `Fetcher` that asks as the operator where a session is imported, else as a guest.

    Other shops' pages are asked for as a guest whatever there is: nothing of the session is theirs.

    Args:
        own: a client that sends the session's cookies, to the session's own domains alone.
        owns: whether an address is the marketplace's.
    """

    def __init__(self, *, guest: Fetcher, own: Fetcher, login: Login, owns: Callable[[str], bool]) -> None:
        self._guest = guest
        self._own = own
        self._login = login
        self._owns = owns

    def get(self, url: str) -> Page:
        """Fetch one page; see `Fetcher.get`.

        Raises (beside what that raises):
            SessionExpired: the session has ended, or the site refused it lately; asking as a guest instead would show
                other pages than those that were wanted.
        """
        try:
            session = self._login.find() if self._owns(url) else None
            if session is None:
                return self._guest.get(url)
            session = self._login.get()
        except ConfigError as error:
            raise SessionExpired(error.message, hint=error.hint) from error
        try:
            return self._own.get(url)
        except SessionExpired:
            self._login.note_refused(session)
            raise

    def close(self) -> None:
        """Nothing: whoever opened the clients closes them."""
