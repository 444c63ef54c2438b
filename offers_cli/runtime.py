"""The runtime: what commands and jobs ask for, put together from the parts that the settings open."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from random import Random
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from offers_cli.config import Config, check_home
from offers_cli.errors import ConfigError, SessionExpired
from offers_cli.offer import EnrichmentJob
from offers_cli.parts import Parts
from offers_cli.storage.base import StoredOffer
from offers_cli.storage.patience import BRIEF

if TYPE_CHECKING:
    from offers_cli.affiliate.hub import HubFilter
    from offers_cli.queue.enqueue import EnqueueReport
    from offers_cli.queue.results import WorkerReport
    from offers_cli.services.check_links import CheckLinksReport
    from offers_cli.services.doctor.examine import DoctorReport
    from offers_cli.services.enrich import Enricher
    from offers_cli.services.replay import Replayer
    from offers_cli.services.scrape import Scraper, ScrapeReport
    from offers_cli.services.stats import StatsReport
    from offers_cli.services.worker import WorkReport


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


class Runtime(Parts):
    """The verbs, each with the parts it needs."""

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
        from offers_cli.affiliate.hub import HubFilter
        from offers_cli.queue.registration import ProcessId
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
            process=str(ProcessId.own()),
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
        from offers_cli.services.enrich import Enricher

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
        from offers_cli.queue.failed_jobs import run_scheduled_now

        return run_scheduled_now(
            self.connection, queue_name=self.config.enrichment.queue_name, code=SessionExpired.code
        )

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
        from offers_cli.queue.retry_policy import RetryPolicy
        from offers_cli.queue.signals import stop_on_signals
        from offers_cli.queue.worker import Worker
        from offers_cli.services.worker import TellingSave, report_work

        settings = self.config.enrichment
        self.storage_patience = BRIEF  # a worker waits by itself, and does other jobs meanwhile
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
        """The report of a burst, with what it leaves in the queue and why."""
        from offers_cli.services.worker import Waiting, tell_waiting

        counts, put_off = self.registries.counts(), self.registries.put_off()
        waits_for_session = any(jobs.code == SessionExpired.code for jobs in put_off)
        waiting = Waiting(
            jobs=counts.queued + counts.scheduled,
            suspended=self.registries.suspended(),
            put_off=put_off,
            paused=self.shared_pace.paused_hosts(),
            session=self.affiliate.problems if waits_for_session else (),
        )
        return tell_waiting(report, waiting)

    def _revive_redis(self) -> None:
        """Start the embedded Redis again when it is that one which died."""
        if self.config.enrichment.redis_url is None:
            from offers_cli.redis.embedded import ensure_server

            ensure_server(self.config.home)

    def examine(self, settings_problems: Sequence[str]) -> DoctorReport:
        """Look at everything that can be wrong.

        Args:
            settings_problems: what is wrong with the settings, as `examine_config` tells it.
        """
        from offers_cli.services.doctor.checks import list_checks
        from offers_cli.services.doctor.examine import examine

        return examine(list_checks(self, settings_problems))

    def stats(self) -> StatsReport:
        """The figures of this moment; a service that is down is told of and hides nothing else."""
        from offers_cli.services.stats import collect_stats

        self.storage_patience = BRIEF  # figures of this moment are not waited for
        return collect_stats(
            get_storage=lambda: self.storage,
            get_queue=lambda: self.registries,
            get_pace=lambda: self.shared_pace,
            get_drift=lambda: self.drift_store,
        )
