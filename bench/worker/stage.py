"""What all set-ups share: a shop with pages of real size, one Redis, and a database of offers to enrich."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from peer import Job

from offers_cli.storage.base import OfferFilter
from offers_cli.storage.sqlite.storage import open_sqlite

sys.path += [str(Path(__file__).parents[2] / "tests"), str(Path(__file__).parents[1])]

from program import REAL_PAGES
from servers import RedisServer

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]
PAGE_BYTES = 650_000
CARDS = 200


class Stage:
    """Its environment variables lead the set-ups here; they are set for this process and what it starts."""

    def __init__(self, folder: Path, redis: RedisServer, *, shop_url: str, offers: int) -> None:
        self._folder = folder
        self._redis = redis
        self.shop_url = shop_url
        self._offers = offers
        self._fresh = folder / "fresh.db"
        self.database = folder / "offers.db"
        self.log = folder / "worker.log"

    def fill(self) -> None:
        """Scrape the shop's listings, as an operator would."""
        os.environ["OFFERS_DB"] = str(self._fresh)
        pages = -(-self._offers // CARDS)
        scrape = ["offers", "scrape", "ofertas", "--pages", str(pages), "--no-enqueue", "--quiet"]
        subprocess.run(scrape, check=True, stdout=subprocess.DEVNULL)
        os.environ["OFFERS_DB"] = str(self.database)

    def reset(self, jobs: int) -> list[Job]:
        """Empty Redis, nothing enriched; the first `jobs` offers."""
        with self._redis.connect() as connection:
            connection.flushall()
        for suffix in ("", "-wal", "-shm"):
            self.database.with_name(self.database.name + suffix).unlink(missing_ok=True)
        shutil.copy(self._fresh, self.database)
        storage = open_sqlite(self.database)
        found = [Job(each.id, each.url, each.price_cents) for each in storage.find_offers(OfferFilter(limit=jobs))]
        storage.close()
        assert len(found) == jobs, f"the shop has {len(found)} offers, not {jobs}"
        return found

    def set_latency(self, seconds: float) -> None:
        data = json.dumps({"seconds": seconds}).encode()
        headers = {"Content-Type": "application/json"}
        urllib.request.urlopen(  # the shop on loopback
            urllib.request.Request(f"{self.shop_url}/__control__/set_latency", data, headers)
        ).close()

    def page_requests(self) -> list[float]:
        """When the shop was asked for each product page so far, by `time.monotonic()`."""
        with urllib.request.urlopen(f"{self.shop_url}/__control__/requests") as answer:
            seen = json.load(answer)
        aside = ("/ofertas", "/robots.txt", "/__control__/")
        return sorted(each["at"] for each in seen if not urlsplit(each["path"]).path.startswith(aside))


@contextmanager
def open_stage(folder: Path, *, offers: int, concurrency: int = 16, page_bytes: int = PAGE_BYTES) -> Iterator[Stage]:
    with _shop(offers, page_bytes) as shop_url, RedisServer("--port", str(port := _free_port())) as redis:
        url = f"redis://127.0.0.1:{port}/0"
        os.environ.pop(REAL_PAGES, None)
        os.environ |= {
            "BENCH_REDIS": url,
            "REDIS_URL": url,
            "BENCH_CONCURRENCY": str(concurrency),
            "OFFERS_HOME": str(folder),
            "ML_BASE_URL": shop_url,
            "OFFERS_ALLOW_PRIVATE_HOSTS": "true",
            "ENRICHMENT_REQUEST_DELAY_S": "0",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": f"{HERE}{os.pathsep}{PROJECT}",
        }
        stage = Stage(folder, redis, shop_url=shop_url, offers=offers)
        stage.fill()
        yield stage


@contextmanager
def _shop(offers: int, page_bytes: int) -> Iterator[str]:
    shop = [sys.executable, "-m", "shop", "--calm", "--controls", "--offers", str(offers)]
    size = ["--page-bytes", str(page_bytes), "--page-size", str(CARDS)]
    with subprocess.Popen([*shop, *size], cwd=PROJECT / "tests", stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
