"""The demo: a whole run, command by command, against a local shop, in a temporary home."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from offers_cli.affiliate.hub import HubFilter
from offers_cli.config import Config, load_config
from offers_cli.demo.catalogue import Catalogue
from offers_cli.demo.inventory import Inventory
from offers_cli.demo.shop import DemoShop
from offers_cli.redis.embedded import stop_server
from offers_cli.report import Report
from offers_cli.runtime import Runtime, open_runtime
from offers_cli.services.offers import find_offers
from offers_cli.services.scrape import Scraper
from offers_cli.services.sources import parse_source
from offers_cli.services.stats import collect_stats
from offers_cli.storage.base import OfferFilter, StoredOffer
from offers_cli.worker import WorkOptions, finish_report
from offers_cli.worker import work as work_here

PAGE_SIZE = 16
SHOWN_OFFERS = 15
BRISK = {"ENRICHMENT_REQUEST_DELAY_S": "0.02", "ENRICHMENT_RETRY_DELAY_S": "0.5", "ENRICHMENT_BLOCKED_PAUSE_S": "0.5"}
"""The real site gets twenty-five times more patience; a demo on loopback need not wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One command of the run and what it reported."""

    command: str
    data: Report


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoReport(Report):
    """Every step of the run, the first of the offers it ended with, and how many there are."""

    steps: tuple[Step, ...]
    offers: tuple[StoredOffer, ...]
    total: int


def run_demo(offers: int, *, on_step: Callable[[Step], None]) -> DemoReport:
    """Scrape, work the queue, put back what failed, work again; everything is gone afterwards but the report.

    Problems that the shop makes on purpose are part of the show: they are in the steps' reports alone.
    """
    steps = []
    with (
        temporary_home() as home,
        DemoShop(Inventory(Catalogue(offers)), page_size=PAGE_SIZE) as shop,
        open_runtime(demo_config(home, shop)) as runtime,
    ):
        runtime.connection.ping()  # where no Redis can be had, that is all there is to say
        for words, act in _acts(runtime, pages=-(-offers // PAGE_SIZE) + 1):
            steps.append(Step(command=words, data=act()))
            on_step(steps[-1])
        found = find_offers(OfferFilter(sort="-discount", limit=SHOWN_OFFERS), storage=runtime.storage)
    return DemoReport(steps=tuple(steps), offers=found.offers, total=found.total)


def _acts(runtime: Runtime, *, pages: int) -> list[tuple[str, Callable[[], Report]]]:
    def scrape() -> Report:
        scraper = Scraper(
            storage=runtime.storage,
            queue=runtime.later.queue,
            pages=runtime.pages,
            read_hub=partial(runtime.read_hub, wanted=HubFilter()),
            wanted=runtime.wanted,
            drift=runtime.drift,
            now=runtime.now,
            max_pages=pages,
        )
        return scraper.scrape([parse_source("ofertas")])

    def stats() -> Report:
        later = runtime.later
        return collect_stats(
            storage=later.brief_storage, queue=later.registries, pace=later.shared_pace, drift=runtime.drift_store
        )

    def work() -> Report:
        return finish_report(runtime, work_here(runtime, WorkOptions(burst=True)), burst=False)

    return [
        (f"offers scrape ofertas --pages {pages}", scrape),
        ("offers stats", stats),
        ("offers worker --burst", work),
        ("offers stats", stats),
        ("offers requeue-failed", runtime.registries.requeue_failed),
        ("offers worker --burst", work),
    ]


def demo_config(home: Path, shop: DemoShop) -> Config:
    """The settings of a run against the shop, whatever the machine's own settings are."""
    return load_config(
        {"OFFERS_HOME": str(home), "ML_BASE_URL": shop.url, "OFFERS_ALLOW_PRIVATE_HOSTS": "true", **BRISK}, home
    )


@contextmanager
def temporary_home() -> Iterator[Path]:
    """A home of its own, its Redis stopped and its files removed at the end."""
    with tempfile.TemporaryDirectory(prefix="offers-demo-") as name:
        home = Path(name)
        try:
            yield home
        finally:
            stop_server(home)
