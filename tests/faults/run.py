"""One run of the whole program against a shop of its own: its settings, its database, its queue."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import redis
from acceptance.program import Program, at_shop
from faults.service import Service, wait_until
from shop import Shop
from shop.truth import failure_code
from waiting import NEVER_S

from offers_cli.queue.registries import QueueCounts, Registries

COMPARED = (
    "title", "price_cents", "old_price_cents", "suspect_old_price_cents", "discount_pct", "commission_pct", "currency",
    "status", "enrich_error", "item_id", "catalogue_id", "source",
)  # fmt: skip
Row = dict[str, Any]


class Run:
    """The program, the shop it looks at and the Redis it uses.

    Args:
        settings: by their names, over those that make every wait short.
    """

    def __init__(self, folder: Path, shop: Shop, redis_url: str, **settings: str) -> None:
        folder.mkdir(exist_ok=True)
        self.shop = shop
        self.program = at_shop(Program(folder / "home"), shop, REDIS_URL=redis_url)
        self.program.env.update(settings)
        self.database = self.program.home / "offers.db"
        self.jobs = 0

    def scrape(self) -> None:
        """Save everything that the shop sells and queue what its listing does not tell all about: `jobs` of them."""
        scraped = self.program.json("scrape", "ofertas", "--pages", "1000")
        assert scraped.code == 0, scraped.err
        assert scraped.data["new"] == len(self.shop.offers)
        self.jobs = scraped.data["enqueued"]

    def service(self, *arguments: str, name: str = "worker") -> Service:
        return Service(self.program, *arguments, name=name)

    def tried(self) -> int:
        """How many offers were tried so far, as the database knows."""
        with closing(self.open_database()) as db:
            return int(db.execute("SELECT count(*) FROM offers WHERE enrich_attempted_at IS NOT NULL").fetchone()[0])

    def open_database(self) -> sqlite3.Connection:
        return sqlite3.connect(self.database, timeout=30, isolation_level=None)

    def rows(self) -> dict[str, Row]:
        """All offers by their external id, each with its price history as ``history``."""
        with closing(self.open_database()) as db:
            db.row_factory = sqlite3.Row
            rows = {row["id"]: dict(row) | {"history": []} for row in db.execute("SELECT * FROM offers")}
            for point in db.execute("SELECT * FROM price_history ORDER BY offer_id, observed_at, id"):
                rows[point["offer_id"]]["history"].append(tuple(point)[3:])
        return {row["external_id"]: row for row in rows.values()}

    def fetches(self) -> Counter[str]:
        """How often each product page was asked for, by its path."""
        aside = ("/ofertas", "/gz/", "/robots.txt")
        return Counter(seen.path for seen in self.shop.requests if not seen.path.startswith(aside))


def wait_until_done(
    run: Run, connection: redis.Redis, timeout_s: float = 2 * NEVER_S, *, tending: Sequence[Service] = ()
) -> float:
    """Wait until every job's offer was tried and nothing waits, runs or is scheduled; returns the seconds it took."""
    return wait_until(
        lambda: is_done(run, connection),
        "the end of all work",
        timeout_s,
        tending=tending,
        tell=lambda: (run.jobs, run.tried(), counts(connection), failures(connection)),
    )


def is_done(run: Run, connection: redis.Redis) -> bool:
    return run.tried() == run.jobs and is_empty(counts(connection))


def counts(connection: redis.Redis) -> QueueCounts:
    return Registries(connection).counts()


def is_empty(counts: QueueCounts) -> bool:
    return counts.queued == counts.started == counts.scheduled == 0


def failures(connection: redis.Redis) -> dict[str, str]:
    """The failed jobs: code by offer id."""
    return {str(job.offer_id): job.code for job in Registries(connection).failed_jobs()}


def comparable(rows: dict[str, Row]) -> dict[str, Row]:
    """What two runs over the same shop must agree about: everything but ids, addresses, times and attempts."""
    return {
        external_id: {name: row[name] for name in COMPARED}
        | {"enriched": row["enriched_at"] is not None, "history": row["history"]}
        | {"strategies": json.loads(row["strategies"])}
        for external_id, row in rows.items()
    }


def assert_as_the_shop_shows(rows: dict[str, Row], shop: Shop) -> None:
    """Every page that was asked for and can be read was read to the truth; the others bear their failure's code."""
    assert rows.keys() == {offer.external_id for offer in shop.offers}
    for offer in shop.offers:
        row, page = rows[offer.external_id], offer.page
        if row["enrich_attempted_at"] is None:
            continue
        assert row["enrich_error"] == failure_code(offer), offer
        if failure_code(offer) is None:
            read = (row["price_cents"], row["old_price_cents"], row["discount_pct"])
            assert read == (page.price_cents, page.old_price_cents, page.discount_pct), offer
            assert row["enriched_at"], offer
