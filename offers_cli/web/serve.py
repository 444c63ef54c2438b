"""`offers dashboard`: the pages behind their security middleware, on a server that is made for it (waitress)."""

from __future__ import annotations

import errno
import signal
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from threading import Event
from types import FrameType
from typing import TYPE_CHECKING

from offers_cli import __version__
from offers_cli.config import is_loopback
from offers_cli.errors import ConfigError, Interrupted, UsageError
from offers_cli.installation import extra_command
from offers_cli.log import get_log
from offers_cli.report import Problem, Report
from offers_cli.services.runs import list_runs
from offers_cli.services.schedule import list_schedule
from offers_cli.storage.patience import BRIEF

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from offers_cli.runtime import Runtime
    from offers_cli.services.runs import PastRun
    from offers_cli.web.api import Reader
    from offers_cli.web.words import Words

log = get_log("dashboard")


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardReport(Report):
    """Where it was served; Ctrl-C is reported as a problem, a service's stop (SIGTERM) is not."""

    url: str


def serve_dashboard(
    runtime: Runtime,
    *,
    host: str,
    port: int,
    make_reader: Callable[[Runtime], Reader],
    make_words: Callable[[Runtime], Words],
) -> DashboardReport:
    """Serve until SIGTERM or Ctrl-C.

    Args:
        make_reader: makes what `/api/v1` reads the documents of commands from, once the extra is known to be there.
        make_words: makes what the pages take from the command line, then as well.
        port: 0 takes a free one, which the log shows.

    Raises:
        ConfigError: a host beyond loopback without a token, or the `dashboard` extra is not installed.
        UsageError: nothing can listen there.
        QueueUnavailable, QueueRefused: Redis.
    """
    stopped = Event()
    app = make_app(runtime, host=host, make_reader=make_reader, make_words=make_words, stopped=stopped)
    from offers_cli.web.server import listen

    try:
        server = listen(app, host, port)
    except OSError as exc:
        is_taken = exc.errno == errno.EADDRINUSE
        hint = "offers dashboard --port 0 takes a free one" if is_taken else "offers dashboard --host 127.0.0.1"
        raise UsageError(f"cannot listen on {host} port {port}: {exc.strerror}", hint=hint) from exc
    except ValueError as exc:
        raise UsageError(f"{host} is not an address of this machine", hint="offers dashboard --host 127.0.0.1") from exc
    shown = f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{server.effective_listen[0][1]}"  # a name may have several addresses, each with its socket
    stopped_by: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        stopped_by.append(number)
        stopped.set()
        raise KeyboardInterrupt  # waitress's loop ends by it, and finishes what it was answering

    handlers = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with suppress(KeyboardInterrupt):
            log.info("serving; stop with Ctrl-C", url=url)
            server.run()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    server.close()
    is_interrupted = stopped_by[-1:] == [signal.SIGINT]
    problem = Problem.of(Interrupted("the dashboard was stopped"))
    return DashboardReport(url=url, problems=(problem,) if is_interrupted else ())


def make_app(
    runtime: Runtime,
    *,
    host: str,
    make_reader: Callable[[Runtime], Reader],
    make_words: Callable[[Runtime], Words],
    stopped: Event,
) -> WSGIApplication:
    """The pages and what programs ask, behind the security middleware; raises `ConfigError` as `serve_dashboard`.

    Args:
        stopped: is set when the server stops, to end what would go on.
    """
    try:
        import waitress  # noqa: F401 (is it installed?)

        from offers_cli.queue.admin import QueueAdmin
        from offers_cli.web.api import create_api, is_for_programs
        from offers_cli.web.app import create_app
        from offers_cli.web.metrics import Sources
        from offers_cli.web.pages.deals import deal_pages
        from offers_cli.web.pages.failures import failures_pages
        from offers_cli.web.pages.offers import offer_pages
        from offers_cli.web.pages.overview import overview_pages
        from offers_cli.web.pages.queue import queue_pages
        from offers_cli.web.pages.runs import runs_pages
        from offers_cli.web.security import SecurityMiddleware, TrustedHosts
    except ImportError as exc:
        raise ConfigError(
            f"the dashboard is not installed: {exc.name} is missing", hint=extra_command("dashboard")
        ) from exc
    settings = runtime.config.dashboard
    if settings.token is None and not is_loopback(host):
        raise ConfigError(
            f"whoever reaches {host} could change the queue: a token is needed for any host but loopback",
            hint="export OFFERS_DASHBOARD_TOKEN=$(openssl rand -hex 24), or leave --host out",
        )
    jobs = QueueAdmin(runtime.connection, name=runtime.config.enrichment.queue_name)
    runtime.patience = BRIEF  # nobody who looks at a page waits a minute for a database
    newest_runs = partial(_newest_runs, runtime)
    words = make_words(runtime)
    pages = create_app(
        [
            overview_pages(collect_stats=runtime.collect_stats, list_runs=newest_runs, stopped=stopped),
            deal_pages(words),
            offer_pages(runtime, words, jobs=jobs),
            failures_pages(runtime.registries, runtime.later.brief_storage),
            runs_pages(list_runs=newest_runs, list_schedule=lambda: list_schedule(runtime.later.schedule)),
            queue_pages(jobs, runtime.registries),
        ]
    )
    later = runtime.later
    figures = Sources(
        registries=later.registries,
        pace=later.shared_pace,
        drift=runtime.drift_store,
        schedule=later.schedule,
        storage=later.brief_storage,
        version=__version__,
    )
    api = create_api(make_reader(runtime), check=lambda: _check(runtime), get_metrics=figures.text)

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return (api if is_for_programs(environ.get("PATH_INFO", "")) else pages)(environ, start_response)

    return SecurityMiddleware(app, hosts=TrustedHosts(host, settings.hosts), token=settings.token)


def _newest_runs(runtime: Runtime, limit: int) -> Sequence[PastRun]:
    return list_runs(storage=runtime.later.brief_storage, limit=limit, now=runtime.now()).runs


def _check(runtime: Runtime) -> None:
    """Raise what Redis or the database raises when it does not answer."""
    runtime.registries.suspended()
    runtime.later.brief_storage.counts()
