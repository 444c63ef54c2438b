"""The affiliate's part of the runtime: session, account, links and hub, each opened when first used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from offers_cli.affiliate.session import Session, SessionFile
from offers_cli.config import Config
from offers_cli.errors import ConfigError, SessionExpired, WorkError
from offers_cli.report import Problem

if TYPE_CHECKING:
    from offers_cli.affiliate.account import Account
    from offers_cli.affiliate.hub import HubFilter
    from offers_cli.affiliate.link_builder import Link
    from offers_cli.affiliate.link_stage import LinkBatcher
    from offers_cli.affiliate.login import Login
    from offers_cli.affiliate.session import SessionKeeper
    from offers_cli.fetch.client import PoliteFetcher
    from offers_cli.fetch.pace import Pace
    from offers_cli.marketplaces.base import ListingReading
    from offers_cli.marketplaces.mercado_livre import MercadoLivre
    from offers_cli.services.pages import Pages


class Affiliate:
    """The affiliate's account as the settings have it.

    Args:
        make_fetcher: opens a client with a `Login`; it goes out by one way alone, for a login that hops between
            addresses looks stolen.
    """

    def __init__(
        self,
        config: Config,
        *,
        marketplace: MercadoLivre,
        make_fetcher: Callable[[Login], PoliteFetcher],
        pages: Pages,
        get_pace: Callable[[], Pace],
        now: Callable[[], datetime],
    ) -> None:
        self._tag = config.marketplace.affiliate_tag
        self._settings = config.enrichment
        self._marketplace = marketplace
        self._make_fetcher = make_fetcher
        self._pages = pages
        self._get_pace = get_pace
        self._now = now
        self.session_file = SessionFile(config.home / "session.json")

    @cached_property
    def keeper(self) -> SessionKeeper:
        """What the commands about the session work with."""
        from offers_cli.affiliate.link_builder import NEEDED_COOKIES
        from offers_cli.affiliate.session import SessionKeeper
        from offers_cli.marketplaces.mercado_livre.sites import DOMAINS

        shop = self._marketplace
        return SessionKeeper(
            file=self.session_file,
            domains=shop.cookie_domains,
            domain=shop.cookie_domain,
            stands_for=() if shop.cookie_domains is DOMAINS else DOMAINS,
            secure=shop.base_url.startswith("https:"),
            needed=NEEDED_COOKIES,
            now=self._now,
        )

    @cached_property
    def login(self) -> Login:
        from offers_cli.affiliate.link_builder import NEEDED_COOKIES, PAGE_COOKIES
        from offers_cli.affiliate.login import Login

        return Login(
            self.session_file,
            domains=self._marketplace.cookie_domains,
            needed=NEEDED_COOKIES,
            own=PAGE_COOKIES,
            now=self._now,
        )

    @property
    def has_valid_session(self) -> bool:
        """Whether there is a session that lacks nothing and was not refused."""
        return self.login.is_valid()

    @property
    def problems(self) -> Sequence[Problem]:
        """What is wrong with a session that links are wanted of; nothing where there is none."""
        if self.find_links() is None:
            return ()
        try:
            return self.keeper.check().problems
        except ConfigError as error:
            return (Problem.of(error),)

    @property
    def makes_links(self) -> bool:
        """Whether offers are to get links: with a label and a valid session."""
        return self._tag is not None and self.has_valid_session

    @property
    def places_for_links(self) -> int:
        """How many jobs a worker may hold, beside those that read pages, to fill one call with links.

        No more than have their turn at the site within a part of a job's time, for waiting counts as running.
        """
        from offers_cli.affiliate.link_builder import MOST_URLS

        if self._tag is None:
            return 0
        return min(MOST_URLS, int(self._longest_wait_s / max(self._settings.request_delay_s, 0.01)))

    @property
    def _longest_wait_s(self) -> float:
        from offers_cli.affiliate.link_stage import LONGEST_WAIT_S

        return min(LONGEST_WAIT_S, self._settings.job_timeout_s / 4)

    @cached_property
    def _fetcher(self) -> PoliteFetcher:
        return self._make_fetcher(self.login)

    def _account(self, *, insist: bool) -> Account:
        from offers_cli.affiliate.account import Account

        return Account(
            base_url=self._marketplace.base_url,
            fetcher=self._fetcher,
            login=self.login,
            get_pace=self._get_pace,
            find_wall=self._marketplace.find_account_wall,
            insist=insist,
        )

    def read_hub(
        self, read_listing: Callable[[str, str], ListingReading], *, wanted: HubFilter
    ) -> Iterator[ListingReading]:
        """The hub, page by page; see `offers_cli.affiliate.hub.Hub.readings`."""
        from offers_cli.affiliate.hub import Hub

        account = self._account(insist=True)
        return Hub(account=account, read_listing=read_listing, patiently=self._pages.patiently).readings(wanted)

    @cached_property
    def _maker(self) -> LinkBatcher:
        from offers_cli.affiliate.link_stage import LinkBatcher

        ask = partial(self._ask_for_links, self._account(insist=False))
        return LinkBatcher(ask, longest_wait_s=self._longest_wait_s)

    def _ask_for_links(self, account: Account, urls: Sequence[str]) -> Mapping[str, Link | WorkError]:
        from offers_cli.affiliate.link_builder import CREATE_CALL, create_body, read_links

        tag = self._tag or ""
        data = account.call(CREATE_CALL, create_body(urls, tag))
        return read_links(data, urls, tag, link_host=urlsplit(self._marketplace.base_url).netloc)

    def find_links(self) -> LinkBatcher | None:
        """The maker of links; None without a label or a session. What is wrong with one, `check_session` tells."""
        if self._tag is None:
            return None
        try:
            has_session = self.login.find() is not None
        except ConfigError:
            has_session = True
        return self._maker if has_session else None

    def check_session(self) -> Session:
        """The session to ask for links with.

        Raises:
            SessionExpired: none that can be used, or it was refused lately.
        """
        try:
            return self.login.get()
        except ConfigError as error:
            raise SessionExpired(error.message, hint=error.hint) from error
