"""The demo: a whole run, command by command, against a local shop, in a temporary home."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from offers_cli.config import Config, load_config
from offers_cli.demo.catalogue import Behaviour, Catalogue
from offers_cli.demo.inventory import Inventory
from offers_cli.demo.shop import LABEL, DemoShop
from offers_cli.files import write_atomic
from offers_cli.redis.embedded import stop_server
from offers_cli.report import Report
from offers_cli.runtime import Runtime, open_runtime
from offers_cli.services.offers import find_offers
from offers_cli.storage.base import OfferFilter, StoredOffer

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


def run_demo(offers: int, *, do: Callable[[Runtime, str], Report], on_comment: Callable[[str], None]) -> DemoReport:
    """Log in, scrape, work the queue, put back what failed, look at it; nothing is left afterwards but the report.

    Problems that the shop makes on purpose are part of the show: they are in the steps' reports alone.

    Args:
        do: does what one command line says, without the program's name, and returns its report.
        on_comment: is told what happens between two commands.
    """
    steps = []
    with (
        temporary_home() as home,
        DemoShop(Inventory(Catalogue(offers)), page_size=PAGE_SIZE) as shop,
        open_runtime(demo_config(home, shop)) as runtime,
    ):
        runtime.connection.ping()  # where no Redis can be had, that is all there is to say
        for line in _script(runtime, shop):
            if line.startswith("#"):
                on_comment(line)
            else:
                steps.append(Step(command=f"offers {line}", data=do(runtime, line)))
        found = find_offers(OfferFilter(sort="-discount", limit=SHOWN_OFFERS), storage=runtime.storage)
    return DemoReport(steps=tuple(steps), offers=found.offers, total=found.total)


def _script(runtime: Runtime, shop: DemoShop) -> Iterator[str]:
    """The command lines, and what happens between them; each is done before the next is asked for."""
    cookies = runtime.config.home / "cookies.txt"
    write_atomic(cookies, "; ".join(f"{name}={value}" for name, value in shop.log_in().items()).encode())
    yield f"session import {cookies}"
    yield f"scrape hub --pages {-(-len(shop.offers) // PAGE_SIZE) + 1}"
    yield "worker --burst"
    broken = [offer for offer in shop.offers if offer.behaviour is Behaviour.BROKEN]
    if broken:
        yield "failed"
        yield f"explain {broken[0].external_id}"
        shop.inventory.mend()
        yield "# the shop mends that page"
        yield "requeue-failed"
        yield "worker --burst"
    yield "stats"
    yield f"list --sort -discount --limit {SHOWN_OFFERS}"
    listed = find_offers(OfferFilter(sort="-discount", limit=SHOWN_OFFERS), storage=runtime.storage).offers
    yield from [f"show {offer.external_id}" for offer in listed if offer.affiliate_link][:1]


def demo_config(home: Path, shop: DemoShop) -> Config:
    """The settings of a run against the shop, whatever the machine's own settings are."""
    return load_config(
        {
            "OFFERS_HOME": str(home),
            "ML_BASE_URL": shop.url,
            "ML_AFFILIATE_TAG": LABEL,
            "OFFERS_ALLOW_PRIVATE_HOSTS": "true",
            **BRISK,
        },
        home,
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
