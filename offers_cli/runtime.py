"""The runtime: every part that commands and jobs work with, opened as the settings have it. Nothing else opens any."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from offers_cli.config import Config, check_home
from offers_cli.errors import ConfigError, QueueRefused, QueueUnavailable
from offers_cli.log import get_log
from offers_cli.storage.base import Missing, Storage
from offers_cli.storage.patience import BRIEF, Patience
from offers_cli.times import utc_now

if TYPE_CHECKING:
    import redis

    from offers_cli.affiliate.account import Account
    from offers_cli.affiliate.hub import HubFilter
    from offers_cli.affiliate.links import LinkResult, Links
    from offers_cli.affiliate.login import Login
    from offers_cli.affiliate.own_pages import OwnPages
    from offers_cli.affiliate.session import SessionFile, SessionKeeper
    from offers_cli.alerts.store import AlertStore
    from offers_cli.drift.store import DriftStore
    from offers_cli.drift.watch import DriftWatch
    from offers_cli.fetch.client import PoliteFetcher
    from offers_cli.fetch.pace import Pace, SharedPace
    from offers_cli.fetch.page_slots import PageSlots
    from offers_cli.fetch.robots import Robots
    from offers_cli.fetch.snapshots import Snapshots
    from offers_cli.marketplaces.base import ListingReading, Marketplace
    from offers_cli.marketplaces.mercado_livre import MercadoLivre
    from offers_cli.queue.enqueue import EnrichmentQueue
    from offers_cli.queue.registries import Registries
    from offers_cli.queue.schedule import Schedule
    from offers_cli.services.enrich import Enricher
    from offers_cli.services.page_offers import PageOffers
    from offers_cli.services.pages import Pages
    from offers_cli.services.stats import StatsReport

log = get_log("scrape")

REDIS_REST_S = 5.0


@contextmanager
def open_runtime(config: Config) -> Iterator[Runtime]:
    """Everything that commands and jobs need, closed at the end.

    Raises:
        ConfigError: the home is another user's.
    """
    check_home(config.home)
    runtime = Runtime(config)
    try:
        yield runtime
    finally:
        runtime.close()


class Runtime:
    """Every part, opened when it is first asked for, and kept.

    A part raises what opening it raises, so that a command fails before it begins. What a command can do without it
    takes from `later`, which opens a part only when something is asked of that part.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.ignore_robots = config.fetch.ignore_robots
        self.pages_at_once = config.enrichment.worker_concurrency
        self.patience = Patience(seconds=config.database.patience_s)
        self.later = cast("Runtime", _Later(self))
        self._closers: list[Callable[[], None]] = []
        self._redis_error: QueueUnavailable | None = None
        self._ask_redis_at = 0.0

    def close(self) -> None:
        """Close what was opened, last first."""
        while self._closers:
            self._closers.pop()()

    @staticmethod
    def now() -> datetime:
        """The time now, in UTC."""
        return utc_now()

    def ago(self, seconds: float) -> datetime:
        """The time so many seconds ago, in UTC."""
        return self.now() - timedelta(seconds=seconds)

    # Storage and queue

    @cached_property
    def storage(self) -> Storage:
        """The database; waits for one that is busy or away as `patience` says: as the settings have it, or less.

        Raises:
            ConfigError, StorageUnavailable, StorageRefused: see `offers_cli.storage.open.open_storage`.
        """
        return self._open_storage(self.patience)

    @cached_property
    def brief_storage(self) -> Storage:
        """The database for who does not wait: a worker does other jobs meanwhile, figures are those of this moment."""
        return self._open_storage(BRIEF)

    def _open_storage(self, patience: Patience) -> Storage:
        from offers_cli.storage.open import open_storage

        storage = open_storage(self.config.database, patience=patience)
        self._closers.append(storage.close)
        return storage

    @cached_property
    def connection(self) -> redis.Redis:
        """Redis, which has answered; the embedded one is started if need be.

        One that did not answer is left alone for a moment: the parts of a command need not wait for it one by one.

        Raises:
            QueueUnavailable, QueueRefused: see `offers_cli.redis.open.open_connection`.
        """
        from offers_cli.redis.open import open_connection

        if self._redis_error and time.monotonic() < self._ask_redis_at:
            raise self._redis_error
        url = self.config.enrichment.redis_url
        try:
            connection = open_connection(url.reveal() if url else None, self.config.home)
        except QueueUnavailable as error:
            self._redis_error, self._ask_redis_at = error, time.monotonic() + REDIS_REST_S
            raise
        self._closers.append(connection.close)
        return connection

    def revive_redis(self) -> None:
        """Start the embedded Redis again when it is that one which died."""
        if self.config.enrichment.redis_url is None:
            from offers_cli.redis.embedded import ensure_server

            ensure_server(self.config.home)

    @cached_property
    def queue(self) -> EnrichmentQueue:
        """Where jobs are queued; raises as `connection`."""
        from offers_cli.queue.enqueue import EnrichmentQueue

        settings = self.config.enrichment
        return EnrichmentQueue(self.connection, name=settings.queue_name, job_timeout_s=settings.job_timeout_s)

    @cached_property
    def registries(self) -> Registries:
        """What stands in the queue; raises as `connection`."""
        from offers_cli.queue.registries import Registries

        return Registries(self.connection, name=self.config.enrichment.queue_name)

    @cached_property
    def schedule(self) -> Schedule:
        """The commands on a clock; raises as `connection`."""
        from offers_cli.queue.schedule import Schedule

        return Schedule(self.connection, queue_name=self.config.enrichment.queue_name)

    @cached_property
    def alerts(self) -> AlertStore:
        """The rules of alerts and their deliveries; raises as `connection`."""
        from offers_cli.alerts.store import AlertStore

        return AlertStore(self.connection, queue_name=self.config.enrichment.queue_name)

    # Marketplaces

    @cached_property
    def mercado_livre(self) -> MercadoLivre:
        """Mercado Livre, at the configured address."""
        from offers_cli.marketplaces.mercado_livre import MercadoLivre

        return MercadoLivre(base_url=self.config.marketplace.base_url)

    @cached_property
    def marketplaces(self) -> tuple[Marketplace, ...]:
        """All of them; the first reads pages without an address, the last those of any shop."""
        from offers_cli.marketplaces.schema_org import SchemaOrg

        return self.mercado_livre, SchemaOrg()

    def marketplace_for(self, url: str) -> Marketplace:
        """The first marketplace that reads pages of that address; the first of all for a page without an address."""
        return next((each for each in self.marketplaces if url and each.owns(url)), self.marketplaces[0])

    @cached_property
    def marketplace_hosts(self) -> tuple[str, ...]:
        """The marketplaces' own hosts, and that of the configured address."""
        own = tuple(host for marketplace in self.marketplaces for host in marketplace.hosts)
        return (*own, urlsplit(self.config.marketplace.base_url).netloc)

    @cached_property
    def allowed_hosts(self) -> tuple[str, ...]:
        """The hosts that may be fetched."""
        listed = self.config.fetch.allowed_hosts
        base = urlsplit(self.config.marketplace.base_url).netloc
        return (*listed, base) if listed else self.marketplace_hosts

    def is_listed(self, url: str) -> bool:
        """Whether an address is at a host that may be fetched."""
        from offers_cli.fetch.guard import AllowedHosts
        from offers_cli.marketplaces.html import split

        parts = split(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return (parts.hostname or "", port) in AllowedHosts(self.allowed_hosts)

    # Pages

    @cached_property
    def shared_pace(self) -> SharedPace:
        """The pace of all processes; raises as `connection`."""
        from offers_cli.fetch.pace import SharedPace

        settings = self.config.enrichment
        return SharedPace(self.connection, delay_s=settings.request_delay_s, first_pause_s=settings.blocked_pause_s)

    @cached_property
    def pace(self) -> Pace:
        """The shared pace, or this process's own without a Redis: what is scraped is saved all the same."""
        from offers_cli.fetch.pace import LocalPace

        try:
            return self.shared_pace
        except (QueueUnavailable, QueueRefused) as error:
            log.warning("falling back to per-process rate limiting", reason=error.message)
            settings = self.config.enrichment
            return LocalPace(delay_s=settings.request_delay_s, pause_s=settings.blocked_pause_s)

    @cached_property
    def fetcher(self) -> PoliteFetcher:
        """The client for public pages."""
        return self._open_fetcher()

    @cached_property
    def page_slots(self) -> PageSlots:
        """How many pages are fetched at once, as `pages_at_once` says."""
        from offers_cli.fetch.page_slots import PageSlots

        return PageSlots(self.pages_at_once, delay_s=self.config.enrichment.request_delay_s)

    @cached_property
    def robots(self) -> Robots | None:
        """What every host's robots.txt says; None when the operator decided not to ask."""
        from offers_cli.fetch.robots import Robots

        return None if self.ignore_robots else Robots(self.config.home / "robots")

    def _open_fetcher(self, *, ways: int | None = None, **options: Any) -> PoliteFetcher:
        """A client of this runtime's guard and pace; `ways` limits how many egresses it uses."""
        from offers_cli.fetch.client import PoliteFetcher
        from offers_cli.fetch.guard import Guard
        from offers_cli.fetch.proxies import parse_egresses
        from offers_cli.marketplaces.mercado_livre.urls import is_wall

        settings = self.config.fetch
        fetcher = PoliteFetcher(
            guard=Guard(self.allowed_hosts, allow_private=settings.allow_private_hosts),
            pace=self.pace,
            egresses=parse_egresses(settings.http_proxy.reveal() if settings.http_proxy else None)[:ways],
            robots=self.robots,
            on_turn=self.page_slots.note_turn,
            user_agent=settings.user_agent,
            is_wall=is_wall,
            **options,
        )
        self._closers.append(fetcher.close)
        return fetcher

    @cached_property
    def snapshots(self) -> Snapshots:
        """Where pages are kept."""
        from offers_cli.fetch.snapshots import Snapshots

        settings = self.config.fetch
        return Snapshots(
            self.config.home / "snapshots",
            mode=settings.snapshots,
            max_bytes=settings.snapshots_max_mb * 2**20,
            max_age_s=settings.snapshots_max_age_s,
        )

    @cached_property
    def pages(self) -> Pages:
        """Pages of the network and of files; the network is not needed for a saved one."""
        from offers_cli.services.pages import Pages

        return Pages(
            fetcher=self.later.fetcher,
            marketplace_for=self.marketplace_for,
            snapshots=self.snapshots,
            pace=self.later.pace,
            sleep=time.sleep,
            product_fetcher=self.own_pages if self.config.enrichment.pages_as == "session" else None,
        )

    @cached_property
    def drift_store(self) -> DriftStore:
        """What the pages of the last days contained; Redis is not needed before the first look."""
        from offers_cli.drift.store import DriftStore

        return DriftStore(lambda: self.connection)

    @cached_property
    def drift(self) -> DriftWatch:
        """Gathers what pages contain; losing it fails nothing."""
        from offers_cli.drift.watch import DriftWatch

        return DriftWatch(self.drift_store)

    # The affiliate's account

    @cached_property
    def session_file(self) -> SessionFile:
        """The file that the session is kept in."""
        from offers_cli.affiliate.session import SessionFile

        return SessionFile(self.config.home / "session.json")

    @cached_property
    def session_keeper(self) -> SessionKeeper:
        """What the commands about the session work with."""
        from offers_cli.affiliate.session import SessionKeeper

        return SessionKeeper(self.session_file, self.mercado_livre, now=self.now)

    @cached_property
    def login(self) -> Login:
        """The session as one process uses it."""
        from offers_cli.affiliate.login import Login

        return Login(self.session_file, domains=self.mercado_livre.cookie_domains, now=self.now)

    @cached_property
    def account_fetcher(self) -> PoliteFetcher:
        """The client that sends the session's cookies; by one egress, for a login that hops about looks stolen."""
        return self._open_fetcher(ways=1, headers_for=self.login.headers_for, on_response=self.login.on_response)

    @property
    def own_pages(self) -> OwnPages:
        """The client for product pages as the operator's own login is shown them."""
        from offers_cli.affiliate.own_pages import OwnPages

        return OwnPages(
            guest=self.later.fetcher,
            own=self.later.account_fetcher,
            login=self.login,
            owns=self.mercado_livre.owns,
        )

    def account(self, *, insist: bool) -> Account:
        """The affiliate's account; `insist` also with a session that the site refused lately."""
        from offers_cli.affiliate.account import Account

        return Account(
            self.mercado_livre,
            fetcher=self.later.account_fetcher,
            login=self.login,
            pace=self.later.pace,
            insist=insist,
        )

    def read_hub(
        self, read_listing: Callable[[str, str], ListingReading], *, wanted: HubFilter
    ) -> Iterator[ListingReading]:
        """The hub, page by page; see `offers_cli.affiliate.hub.read_hub`."""
        from offers_cli.affiliate.hub import read_hub

        return read_hub(self.account(insist=True), read_listing, wanted, patiently=self.pages.patiently)

    @cached_property
    def link_account(self) -> Account:
        """The account that links are asked of."""
        return self.account(insist=False)

    @cached_property
    def links(self) -> Links:
        """The affiliate's links; the account is not needed before one is asked for."""
        from offers_cli.affiliate.links import MAX_WAIT_S, LinkBatcher, Links

        label = self.config.marketplace.affiliate_tag

        def ask(urls: Sequence[str]) -> Mapping[str, LinkResult]:
            return self.later.link_account.create_links(urls, label=label or "")

        def link_url(product_url: str) -> str | None:
            return self.mercado_livre.link_url(product_url)

        return Links(
            label=label,
            login=self.later.login,
            batches=LinkBatcher(ask, max_wait_s=min(MAX_WAIT_S, self.config.enrichment.job_timeout_s / 4)),
            link_url=link_url,
        )

    # What commands and jobs begin with

    @property
    def default_source(self) -> str:
        """The source that a scrape without any takes."""
        return "hub" if self.login.is_valid() else "ofertas"

    @property
    def wanted(self) -> frozenset[Missing]:
        """The fields that enrichment is asked for."""
        fields = {Missing.OLD_PRICE, Missing.DISCOUNT}
        makes_links = self.config.marketplace.affiliate_tag is not None and self.login.is_valid()
        return frozenset(fields | {Missing.AFFILIATE_LINK} if makes_links else fields)

    def collect_stats(self) -> StatsReport:
        """The figures of this moment; a session that cannot be used makes no links, and hides no figures."""
        from offers_cli.services.stats import collect_stats

        try:
            wanted = self.wanted
        except ConfigError:
            wanted = frozenset({Missing.OLD_PRICE, Missing.DISCOUNT})
        return collect_stats(
            storage=self.later.brief_storage,
            queue=self.later.registries,
            pace=self.later.shared_pace,
            drift=self.drift_store,
            schedule=self.later.schedule,
            alerts=self.later.alerts,
            wanted=wanted,
        )

    def page_offers(self, *, enqueue: bool) -> PageOffers:
        """What saves the offers of pages, and queues what they lack if it is to."""
        from offers_cli.services.page_offers import PageOffers

        return PageOffers(storage=self.storage, queue=self.later.queue if enqueue else None, wanted=self.wanted)

    @cached_property
    def enricher(self) -> Enricher:
        """What does a job's work: the page and the link."""
        from offers_cli.services.enrich import Enricher

        return Enricher(
            pages=self.pages,
            drift=self.drift,
            storage=self.storage,
            links=self.links,
            page_slots=self.page_slots,
        )


class _Later:
    """The parts of a runtime, each opened when something is asked of it."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._parts: dict[str, _Unopened] = {}

    def __getattr__(self, name: str) -> Any:
        return self._parts.setdefault(name, _Unopened(self._runtime, name))


class _Unopened:
    """Stands for a part until it is used; a part that cannot be opened is tried again at the next use."""

    def __init__(self, runtime: Runtime, name: str) -> None:
        self._runtime = runtime
        self._name = name
        self._opening = RLock()

    def __getattr__(self, name: str) -> Any:
        if self._name in vars(self._runtime):
            return getattr(getattr(self._runtime, self._name), name)
        with self._opening:  # from Python 3.12 on `cached_property` lets two threads open a part each
            part = getattr(self._runtime, self._name)
        return getattr(part, name)
