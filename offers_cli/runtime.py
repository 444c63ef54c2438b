"""The one place that opens things: settings → storage, queue, fetch, marketplaces. Each is opened when first used."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from random import Random
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from offers_cli.config import Config
from offers_cli.enrichment import EnrichmentJob
from offers_cli.errors import ConfigError, QueueUnavailable, SessionExpired
from offers_cli.log import get_log
from offers_cli.storage.base import Missing, Storage, StoredOffer

if TYPE_CHECKING:
    import redis

    from offers_cli.affiliate import Affiliate
    from offers_cli.drift.ledger import DriftLedger
    from offers_cli.fetch.client import PoliteFetcher
    from offers_cli.fetch.page import Pace
    from offers_cli.fetch.politeness import SharedPace
    from offers_cli.fetch.snapshots import Snapshots
    from offers_cli.marketplaces.base import Marketplace
    from offers_cli.marketplaces.mercado_livre import MercadoLivre
    from offers_cli.marketplaces.mercado_livre.hub import HubFilter
    from offers_cli.queue.enqueue import EnqueueReport, EnrichmentQueue
    from offers_cli.queue.registries import Registries
    from offers_cli.queue.work import WorkerReport
    from offers_cli.services.check_links import CheckLinksReport
    from offers_cli.services.doctor import DoctorReport
    from offers_cli.services.drift import DriftWatch
    from offers_cli.services.enrich_and_link import Enricher
    from offers_cli.services.pages import Pages
    from offers_cli.services.replay import Replayer
    from offers_cli.services.scrape import Scraper, ScrapeReport
    from offers_cli.services.stats import StatsReport
    from offers_cli.services.work import WorkReport

log = get_log("scrape")


@contextmanager
def open_runtime(config: Config) -> Iterator[Runtime]:
    """Everything that commands and jobs need, closed at the end."""
    runtime = Runtime(config)
    try:
        yield runtime
    finally:
        runtime.close()


class Runtime:
    """What a command or a job works with; every part is opened when first used, and kept."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._closers: list[Callable[[], None]] = []

    def close(self) -> None:
        """Close what was opened, last first."""
        while self._closers:
            self._closers.pop()()

    @staticmethod
    def now() -> datetime:
        return datetime.now(UTC)

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

        storage = open_storage(self.config.database)
        self._closers.append(storage.close)
        return storage

    @cached_property
    def connection(self) -> redis.Redis:
        from offers_cli.queue.connection import open_connection

        url = self.config.enrichment.redis_url
        connection = open_connection(url.reveal() if url else None, self.config.home)
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
        from offers_cli.fetch.politeness import SharedPace

        settings = self.config.enrichment
        return SharedPace(self.connection, delay_s=settings.request_delay_s, first_pause_s=settings.blocked_pause_s)

    @cached_property
    def pace(self) -> Pace:
        """The shared pace, or this process's own while Redis does not answer: what is scraped is saved all the same."""
        from offers_cli.fetch.local_pace import LocalPace

        try:
            return self.shared_pace
        except QueueUnavailable as error:
            log.warning("the pace is kept by this process alone", reason=error.message)
            return LocalPace(delay_s=self.config.enrichment.request_delay_s)

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

        ignore = self.config.fetch.ignore_robots
        return self._open_fetcher(robots=None if ignore else Robots(exempt_hosts=self.marketplace_hosts))

    def _open_fetcher(self, *, ways: int | None = None, **options: Any) -> PoliteFetcher:
        """A client of this runtime's guard and pace; `ways` limits how many egresses it uses."""
        from offers_cli.fetch.client import PoliteFetcher
        from offers_cli.fetch.egress import parse_egresses
        from offers_cli.fetch.guard import Guard

        proxies = self.config.fetch.http_proxy
        fetcher = PoliteFetcher(
            guard=Guard(self.allowed_hosts, allow_private=self.config.fetch.allow_private_hosts),
            pace=self.pace,
            egresses=parse_egresses(proxies.reveal() if proxies else None)[:ways],
            user_agent=self.config.fetch.user_agent,
            **options,
        )
        self._closers.append(fetcher.close)
        return fetcher

    @cached_property
    def affiliate(self) -> Affiliate:
        from offers_cli.affiliate import Affiliate

        return Affiliate(
            self.config,
            marketplace=self.mercado_livre,
            make_fetcher=lambda login: self._open_fetcher(ways=1, headers_for=login.headers_for, heed=login.heed),
            pages=self.pages,
            get_pace=lambda: self.pace,
            now=self.now,
        )

    @cached_property
    def drift_ledger(self) -> DriftLedger:
        from offers_cli.drift.ledger import DriftLedger

        return DriftLedger(self.connection)

    @cached_property
    def drift(self) -> DriftWatch:
        from offers_cli.services.drift import DriftWatch

        return DriftWatch(lambda source, pages: self.drift_ledger.record(source, pages))

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

    def scraper(
        self,
        *,
        pages: int = 1,
        min_discount: int | None = None,
        limit: int | None = None,
        dry_run: bool = False,
        enqueue: bool = True,
        hub_filter: HubFilter | None = None,
        on_page: Callable[[ScrapeReport], None] = lambda _report: None,
    ) -> Scraper:
        """A scraper with this runtime's storage, queue and pages."""
        from offers_cli.marketplaces.mercado_livre.hub import HubFilter
        from offers_cli.services.scrape import Scraper

        least = self.config.marketplace.min_discount_pct if min_discount is None else min_discount
        return Scraper(
            storage=self.storage,
            enqueue=self._enqueue if enqueue else None,
            load=self.pages.load_listing,
            read_hub=partial(self.affiliate.read_hub, wanted=hub_filter or HubFilter()),
            marketplace_for=self.marketplace_for,
            wanted=self.wanted,
            drift=self.drift,
            now=self.now,
            pages=pages,
            min_discount=least,
            limit=limit,
            dry_run=dry_run,
            on_page=on_page,
        )

    def replayer(self, *, dry_run: bool) -> Replayer:
        """A replayer with this runtime's kept pages, storage and queue."""
        from offers_cli.services.replay import Replayer

        return Replayer(
            kept=self.snapshots,
            storage=self.storage,
            queue=self.registries,
            marketplace_for=self.marketplace_for,
            dry_run=dry_run,
        )

    def find_kept_page(self, offer_id: str) -> tuple[str, str] | None:
        """Text and address of the newest kept page of an offer."""
        snapshot = self.snapshots.find(offer_id)
        return (self.snapshots.read(snapshot.id)[0], snapshot.final_url) if snapshot else None

    def find_offer(self, id_or_external_id: str) -> StoredOffer | None:
        """An offer by either id; the database is not needed before it is asked."""
        return self.storage.find_offer(id_or_external_id)

    def _enqueue(self, jobs: Sequence[EnrichmentJob]) -> EnqueueReport:
        """Queue jobs; Redis is not needed before the first of them."""
        return self.queue.enqueue(jobs)

    def enricher(self, *, pages_at_once: int) -> Enricher:
        """What does a job's work: the page and the link."""
        from offers_cli.services.enrich_and_link import Enricher

        return Enricher(
            pages=self.pages,
            drift=self.drift,
            storage=self.storage,
            find_links=self.affiliate.find_links,
            link_url=self.mercado_livre.link_url,
            check_session=self.affiliate.check_session,
            page_place=BoundedSemaphore(pages_at_once),
        )

    def resume_links(self) -> int:
        """Make the jobs that wait for a session due now; returns how many."""
        from offers_cli.queue.hasten import hasten

        return hasten(self.connection, queue_name=self.config.enrichment.queue_name, code=SessionExpired.code)

    def check_links(self, *, sample: int, on_progress: Callable[[int], None]) -> CheckLinksReport:
        """Check a sample of the stored links; raises `ConfigError` without a label to check for."""
        from offers_cli.services.check_links import check_links

        tag = self.config.marketplace.affiliate_tag
        if tag is None:
            raise ConfigError("there is no label to check the links for", hint="set ML_AFFILIATE_TAG")
        return check_links(
            storage=self.storage,
            locate=self.fetcher.locate,
            tag=tag,
            sample=sample,
            random=Random(),  # noqa: S311 (which links are looked at is no secret)
            on_progress=on_progress,
        )

    def work(
        self,
        *,
        burst: bool = False,
        concurrency: int | None = None,
        max_jobs: int | None = None,
        on_progress: Callable[[WorkerReport], None] | None = None,
        supervisor_pid: int | None = None,
    ) -> WorkReport:
        """Run the queue's jobs in this process until told to stop; SIGTERM and Ctrl-C finish what is running."""
        from offers_cli.queue.signals import stop_on_signals
        from offers_cli.queue.verdicts import RetryPolicy
        from offers_cli.queue.worker import Worker
        from offers_cli.services.work import TellingSave, report_work

        settings = self.config.enrichment
        save = TellingSave(self.storage, self.drift)
        pages_at_once = concurrency or settings.worker_concurrency
        worker = Worker(
            self.connection,
            enrich=self.enricher(pages_at_once=pages_at_once).do_claimed,
            save=save,
            queue_name=settings.queue_name,
            concurrency=pages_at_once + self.affiliate.places_for_links,
            job_timeout_s=settings.job_timeout_s,
            policy=RetryPolicy(waits_s=(settings.retry_delay_s, 6 * settings.retry_delay_s)),
            revive=self._revive_redis,
            parent_pid=supervisor_pid,
            on_progress=on_progress,
        )
        with stop_on_signals(worker, supervised=supervisor_pid is not None):
            done = worker.run(burst=burst, max_jobs=max_jobs)
        return report_work(done, told=save.told)

    def tell_waiting(self, report: WorkReport) -> WorkReport:
        """The report, with the jobs that still wait, behind a wall or for a login."""
        from offers_cli.services.work import tell_waiting

        if not report.worker.snoozed:
            return report
        scheduled = self.registries.counts().scheduled
        paused = self.shared_pace.paused_hosts()
        return tell_waiting(report, scheduled=scheduled, paused=paused, session=self.affiliate.problems)

    def _revive_redis(self) -> None:
        """Start the embedded Redis again when it is that one which died."""
        if self.config.enrichment.redis_url is None:
            from offers_cli.queue.server import ensure_server

            ensure_server(self.config.home)

    def examine(self, settings_problems: Sequence[str]) -> DoctorReport:
        """Look at everything that can be wrong.

        Args:
            settings_problems: what is wrong with the settings, as `examine_config` tells it.
        """
        from offers_cli.services.doctor import examine
        from offers_cli.services.doctor.checks import list_checks

        return examine(list_checks(self, settings_problems))

    def stats(self) -> StatsReport:
        """The figures of this moment; a service that is down is told of and hides nothing else."""
        from offers_cli.services.stats import collect_stats

        return collect_stats(
            get_storage=lambda: self.storage,
            get_queue=lambda: self.registries,
            get_pace=lambda: self.shared_pace,
            get_drift=lambda: self.drift_ledger,
        )
