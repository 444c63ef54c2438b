"""The parts that commands and jobs work with, opened as the settings have it: storage, queue, fetch, marketplaces."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from offers_cli.config import Config
from offers_cli.errors import QueueRefused, QueueUnavailable
from offers_cli.log import get_log
from offers_cli.storage.base import Missing, Storage
from offers_cli.storage.patience import Patience
from offers_cli.times import utc_now

if TYPE_CHECKING:
    import redis

    from offers_cli.affiliate_parts import Affiliate
    from offers_cli.drift.store import DriftStore
    from offers_cli.drift.watch import DriftWatch
    from offers_cli.fetch.client import PoliteFetcher
    from offers_cli.fetch.pace import Pace, SharedPace
    from offers_cli.fetch.snapshots import Snapshots
    from offers_cli.marketplaces.base import Marketplace
    from offers_cli.marketplaces.mercado_livre import MercadoLivre
    from offers_cli.queue.enqueue import EnrichmentQueue
    from offers_cli.queue.registries import Registries
    from offers_cli.services.pages import Pages

log = get_log("scrape")

REDIS_REST_S = 5.0


class Parts:
    """Every part, opened when first used, and kept."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.ignore_robots = config.fetch.ignore_robots
        self.storage_patience = Patience(seconds=config.database.patience_s)
        self._closers: list[Callable[[], None]] = []
        self._redis_error: QueueUnavailable | None = None
        self._ask_redis_at = 0.0

    def close(self) -> None:
        """Close what was opened, last first."""
        while self._closers:
            self._closers.pop()()

    @staticmethod
    def now() -> datetime:
        return utc_now()

    def ago(self, seconds: float) -> datetime:
        return self.now() - timedelta(seconds=seconds)

    @property
    def default_source(self) -> str:
        """The source that a scrape without any takes."""
        return "hub" if self.affiliate.has_valid_session else "ofertas"

    @property
    def wanted(self) -> frozenset[Missing]:
        """The fields that enrichment is asked for."""
        fields = {Missing.OLD_PRICE, Missing.DISCOUNT}
        return frozenset(fields | {Missing.AFFILIATE_LINK} if self.affiliate.makes_links else fields)

    @cached_property
    def storage(self) -> Storage:
        from offers_cli.storage import open_storage

        storage = open_storage(self.config.database, patience=self.storage_patience)
        self._closers.append(storage.close)
        return storage

    @cached_property
    def connection(self) -> redis.Redis:
        """Opened when first used.

        One that did not answer is left alone for a moment: the parts of a command need not wait for it one by one.
        """
        from offers_cli.redis.connection import open_connection

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

    @cached_property
    def queue(self) -> EnrichmentQueue:
        from offers_cli.queue.enqueue import EnrichmentQueue

        settings = self.config.enrichment
        return EnrichmentQueue(self.connection, name=settings.queue_name, job_timeout_s=settings.job_timeout_s)

    @cached_property
    def registries(self) -> Registries:
        from offers_cli.queue.registries import Registries

        return Registries(self.connection, name=self.config.enrichment.queue_name)

    @cached_property
    def shared_pace(self) -> SharedPace:
        """The clock of all processes; raises `QueueUnavailable` when Redis does not answer."""
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
            log.warning("the pace is kept by this process alone", reason=error.message)
            settings = self.config.enrichment
            return LocalPace(delay_s=settings.request_delay_s, pause_s=settings.blocked_pause_s)

    @cached_property
    def mercado_livre(self) -> MercadoLivre:
        from offers_cli.marketplaces.mercado_livre import MercadoLivre

        return MercadoLivre(base_url=self.config.marketplace.base_url)

    @cached_property
    def marketplaces(self) -> tuple[Marketplace, ...]:
        from offers_cli.marketplaces.schema_org import SchemaOrg

        return self.mercado_livre, SchemaOrg()

    def marketplace_for(self, url: str) -> Marketplace:
        from offers_cli.services.pages import first_owner

        return first_owner(self.marketplaces, url)

    @cached_property
    def marketplace_hosts(self) -> tuple[str, ...]:
        """The marketplaces' own hosts, and that of the configured address."""
        own = tuple(host for marketplace in self.marketplaces for host in marketplace.hosts)
        return (*own, urlsplit(self.config.marketplace.base_url).netloc)

    @cached_property
    def allowed_hosts(self) -> tuple[str, ...]:
        """Hosts that may be fetched: those configured, or the marketplaces' own; and that of the configured address."""
        base = urlsplit(self.config.marketplace.base_url).netloc
        return (*self.config.fetch.allowed_hosts, base) if self.config.fetch.allowed_hosts else self.marketplace_hosts

    @cached_property
    def fetcher(self) -> PoliteFetcher:
        from offers_cli.fetch.robots import Robots

        return self._open_fetcher(robots=None if self.ignore_robots else Robots(exempt_hosts=self.marketplace_hosts))

    def _open_fetcher(self, *, ways: int | None = None, **options: Any) -> PoliteFetcher:
        """A client of this runtime's guard and pace; `ways` limits how many egresses it uses."""
        from offers_cli.fetch.client import PoliteFetcher
        from offers_cli.fetch.guard import Guard
        from offers_cli.fetch.proxies import parse_egresses
        from offers_cli.marketplaces.mercado_livre.urls import is_wall

        proxies = self.config.fetch.http_proxy
        fetcher = PoliteFetcher(
            guard=Guard(self.allowed_hosts, allow_private=self.config.fetch.allow_private_hosts),
            pace=self.pace,
            is_wall=is_wall,
            egresses=parse_egresses(proxies.reveal() if proxies else None)[:ways],
            user_agent=self.config.fetch.user_agent,
            **options,
        )
        self._closers.append(fetcher.close)
        return fetcher

    @cached_property
    def affiliate(self) -> Affiliate:
        from offers_cli.affiliate_parts import Affiliate

        return Affiliate(
            self.config,
            marketplace=self.mercado_livre,
            make_fetcher=lambda login: self._open_fetcher(
                ways=1, headers_for=login.headers_for, on_response=login.on_response
            ),
            pages=self.pages,
            get_pace=lambda: self.pace,
            now=self.now,
        )

    @cached_property
    def drift_store(self) -> DriftStore:
        from offers_cli.drift.store import DriftStore

        return DriftStore(lambda: self.connection)

    @cached_property
    def drift(self) -> DriftWatch:
        from offers_cli.drift.watch import DriftWatch

        return DriftWatch(self.drift_store)

    @cached_property
    def snapshots(self) -> Snapshots:
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
        from offers_cli.services.pages import Pages

        return Pages(
            get_fetcher=lambda: self.fetcher,
            marketplace_for=self.marketplace_for,
            keeper=self.snapshots,
            get_pace=lambda: self.pace,
            sleep=time.sleep,
        )
