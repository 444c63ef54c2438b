"""Workers: one in this process, or several processes under a supervisor, each with a runtime of its own."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from offers_cli.config import get_config
from offers_cli.errors import ConfigError, LabelRefused
from offers_cli.language import language_of_locale, speak
from offers_cli.log import configure_logging
from offers_cli.report import Problem
from offers_cli.runtime import Runtime, open_runtime
from offers_cli.storage import storage_kind
from offers_cli.storage.patience import BRIEF

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from offers_cli.alerts.thread import AlertThread
    from offers_cli.offer import Enrichment, EnrichmentFailure, EnrichmentReport
    from offers_cli.queue.job import ClaimedJob
    from offers_cli.queue.results import WorkerReport
    from offers_cli.queue.supervisor import WorkerSlot
    from offers_cli.queue.worker import Worker

PRELOAD = (
    "offers_cli.affiliate.account",
    "offers_cli.fetch.client",
    "offers_cli.fetch.page_slots",
    "offers_cli.marketplaces.mercado_livre.listing_page",
    "offers_cli.marketplaces.mercado_livre.product_page",
    "offers_cli.marketplaces.schema_org",
    "offers_cli.marketplaces.tree",
    "offers_cli.queue.worker",
    "offers_cli.redis.embedded",
    "offers_cli.redis.open",
    "offers_cli.services.enrich",
    "offers_cli.storage.open",
    "protego",
    "redis",
    "selectolax.lexbor",
)
"""What brings all that a worker process imports sooner or later, but for its storage; a test finds what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkOptions:
    """What one worker process is asked for.

    Attributes:
        keeps_schedule: whether this process runs commands on a clock as well: one of a supervisor's does, no burst.
        log_to: where processes under a supervisor write their log, as JSON lines; None for stderr.
    """

    burst: bool = False
    concurrency: int | None = None
    max_jobs: int | None = None
    verbosity: int = 0
    keeps_schedule: bool = True
    log_to: Connection | None = None


def work(
    runtime: Runtime,
    options: WorkOptions,
    *,
    on_progress: Callable[[WorkerReport], None] | None = None,
    has_supervisor: Callable[[], bool] | None = None,
) -> WorkerReport:
    """Run the queue's jobs in this process until asked to stop; SIGTERM and Ctrl-C finish what is running.

    Raises:
        ConfigError, StorageUnavailable, StorageRefused, QueueUnavailable, QueueRefused: what it works with is away or
            refuses it.
    """
    from offers_cli.queue.retry_policy import RetryPolicy
    from offers_cli.queue.signals import stop_on_signals
    from offers_cli.queue.worker import Worker

    settings = runtime.config.enrichment
    runtime.pages_at_once = options.concurrency or settings.worker_concurrency
    runtime.patience = BRIEF
    page_slots, link_slots = runtime.page_slots, runtime.links.slots(request_delay_s=settings.request_delay_s)
    storage, drift = runtime.storage, runtime.drift

    def enrich(job: ClaimedJob) -> Enrichment:
        return runtime.later.enricher.do_claimed(job)  # what reads pages is loaded for the first one

    def save(enrichments: Sequence[Enrichment], failures: Sequence[EnrichmentFailure]) -> EnrichmentReport:
        written = storage.save_enrichments(enrichments, failures)
        drift.flush_now_and_then()
        return written

    worker = Worker(
        runtime.connection,
        enrich=enrich,
        save=save,
        queue_name=settings.queue_name,
        concurrency=lambda: page_slots.number + link_slots,
        too_few=lambda: page_slots.are_too_few,
        job_timeout_s=settings.job_timeout_s,
        policy=RetryPolicy(waits_s=(settings.retry_delay_s, 6 * settings.retry_delay_s)),
        revive=runtime.revive_redis,
        has_supervisor=has_supervisor,
        on_progress=on_progress,
    )
    if runtime.links.are_wanted:  # whoever mends the label starts the worker again: what waited for it waits no longer
        runtime.registries.run_scheduled_now(LabelRefused.code)
    keeps_schedule = options.keeps_schedule and not options.burst
    with (
        stop_on_signals(worker.stop_request, supervised=has_supervisor is not None),
        _schedule_beside(worker, runtime) if keeps_schedule else nullcontext(),
        _alerts_beside(worker, runtime) if keeps_schedule and runtime.config.alerts.urls else nullcontext(),
    ):
        gc.freeze()  # what is loaded by now is nobody's garbage; what the jobs leave is looked for as usual
        gc.collect(0)
        try:
            return worker.run(burst=options.burst, max_jobs=options.max_jobs)
        finally:
            drift.flush()


@contextmanager
def _schedule_beside(worker: Worker, runtime: Runtime) -> Iterator[None]:
    """Keep the clock and run what is due beside the worker's jobs; in the end what runs gets its time."""
    from offers_cli.queue.schedule_thread import ScheduleThread

    queue_name = runtime.config.enrichment.queue_name
    thread = ScheduleThread(runtime.connection, queue_name=queue_name, stop_request=worker.stop_request)
    thread.start()
    try:
        yield
    finally:
        thread.close()


@contextmanager
def _alerts_beside(worker: Worker, runtime: Runtime) -> Iterator[None]:
    """Watch and send alerts beside the worker's jobs."""
    thread = _alert_thread(worker, runtime)
    thread.start()
    try:
        yield
    finally:
        thread.close()


def _alert_thread(worker: Worker, runtime: Runtime) -> AlertThread:
    from offers_cli.alerts.channels import Channels, name_channels
    from offers_cli.alerts.thread import AlertThread
    from offers_cli.alerts.troubles import TroubleWatch
    from offers_cli.alerts.watch import OfferWatch
    from offers_cli.services.troubles import list_looks

    settings, storage = runtime.config.alerts, runtime.storage
    assert settings.urls is not None
    names = name_channels(settings.urls)
    looks = list_looks(
        session=runtime.session_keeper,
        pace=runtime.shared_pace,
        drift=runtime.drift_store,
        queue=runtime.registries,
        storage=storage,
        home=runtime.config.home,
        no_scrape_s=settings.no_scrape_s,
        now=runtime.now,
    )
    return AlertThread(
        runtime.alerts,
        open_channels=partial(Channels, settings.urls),
        offers=OfferWatch(runtime.alerts, storage=storage, channels=names, now=runtime.now),
        troubles=TroubleWatch(runtime.alerts, looks, channels=names, now=runtime.now),
        stop_request=worker.stop_request,
    )


def supervise(
    options: WorkOptions, *, processes: int, on_progress: Callable[[WorkerReport], None] | None = None
) -> WorkerReport:
    """Run that many worker processes under one supervisor, until all have ended or it is asked to stop.

    Raises:
        OffersError: what a process could not begin or go on for.
    """
    from offers_cli.queue.signals import stop_on_signals
    from offers_cli.queue.supervisor import Supervisor
    from offers_cli.queue.worker import OUTAGE_PATIENCE_S

    supervisor = Supervisor(
        partial(work_in_slot, options=options),
        processes=processes,
        preload=(*PRELOAD, f"offers_cli.storage.{storage_kind(get_config().database)}.storage"),
        patience_s=OUTAGE_PATIENCE_S if options.burst else float("inf"),
        on_progress=on_progress,
    )
    with stop_on_signals(supervisor.stop_request):
        return supervisor.run()


def work_in_slot(slot: WorkerSlot, options: WorkOptions) -> None:
    """What each process under the supervisor runs: a worker with its own client and connections."""
    config = get_config()
    speak(config.display.language or language_of_locale())
    if options.log_to is None:
        configure_logging(verbosity=options.verbosity, json_lines=config.log.format == "json", times=True)
    else:
        lines = _Lines(options.log_to)
        configure_logging(verbosity=options.verbosity, json_lines=True, stream=lambda: lines)
    with open_runtime(config) as runtime:
        own = replace(options, max_jobs=slot.share_of(options.max_jobs), keeps_schedule=slot.is_first)
        work(runtime, own, on_progress=slot.record, has_supervisor=slot.has_supervisor)


class _Lines:
    """A pipe for lines; one that is full, or that nobody reads any more, takes none and raises `OSError`."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def write(self, text: str) -> None:
        os.write(self._pipe.fileno(), text.encode())

    def flush(self) -> None:
        """Each line is on its way."""


def finish_report(runtime: Runtime, report: WorkerReport, *, burst: bool) -> WorkerReport:
    """The report with its failures by code; that of a burst also with what it leaves in the queue and why.

    Raises:
        QueueUnavailable, QueueRefused: what waits cannot be seen.
    """
    from offers_cli.services.worker import with_failures, with_waiting

    report = with_failures(report, queue=runtime.registries, storage=runtime.later.brief_storage)

    def check_session() -> Sequence[Problem]:
        if not runtime.links.are_wanted:
            return ()
        try:
            return runtime.session_keeper.check().problems
        except ConfigError as error:
            return (Problem.of(error),)

    if not burst:
        return report
    return with_waiting(report, queue=runtime.registries, pace=runtime.shared_pace, check_session=check_session)
