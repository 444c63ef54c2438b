"""The dashboard as programs ask it, in this process: the real application over a real Redis and SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import pytest
from queue_fakes import make_job
from servers import RedisServer
from storage.cases import at, card, page, run, save
from werkzeug.test import Client, TestResponse

from offers_cli.alerts.rule import Rule, Told
from offers_cli.alerts.store import Message
from offers_cli.cli.dashboard import make_reader, make_words
from offers_cli.config import get_config
from offers_cli.queue.enqueue import EnrichmentQueue
from offers_cli.queue.job import JobFailure
from offers_cli.queue.leases import JobLeases
from offers_cli.queue.retry_policy import FINISHED, JobOutcome, JobStatus
from offers_cli.queue.schedule import Entry, EntryClock, Schedule
from offers_cli.runtime import Runtime, open_runtime
from offers_cli.storage.base import OfferFilter
from offers_cli.web.serve import make_app

HOSTILE = '<script>alert("x")</script> \x1b]52;c;Zg==\a\u202e\u2028'


@dataclass
class Desk:
    """The application of one dashboard, and the installation that it looks at."""

    client: Client
    runtime: Runtime

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.ask("GET", path, **headers)

    def ask(self, method: str, path: str, **headers: str) -> TestResponse:
        return self.client.open(path, method=method, headers={"Host": "127.0.0.1", **headers})


@pytest.fixture(scope="session")
def desk_redis() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def home(tmp_path: Path, desk_redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An installation with an empty Redis, whose settings the commands of this process read."""
    with desk_redis.connect() as connection:
        connection.flushall()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OFFERS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("REDIS_URL", desk_redis.url)
    get_config.cache_clear()
    yield tmp_path / "home"
    get_config.cache_clear()


@contextmanager
def open_desk() -> Iterator[Desk]:
    """A dashboard with the settings as they stand now."""
    get_config.cache_clear()
    with open_runtime(get_config()) as runtime:
        app = make_app(runtime, host="127.0.0.1", make_reader=make_reader, make_words=make_words, stopped=Event())
        yield Desk(Client(app), runtime)


@pytest.fixture
def desk(home: Path) -> Iterator[Desk]:
    with open_desk() as opened:
        yield opened


@pytest.fixture
def stocked(desk: Desk) -> Desk:
    """Six offers, one with a hostile title, a finished job, a failed one, a scrape, an entry of the clock, an alert."""
    storage, connection = desk.runtime.storage, desk.runtime.connection
    cards = [card(number, old_price_cents=20_000, discount_pct=50) for number in range(1, 6)]
    first, *_ = save(storage, *cards, card(6, title=HOSTILE, price_cents=990))
    storage.save_enrichments([page(first.offer_id, 1, old_price_cents=20_000, discount_pct=50)], [])
    storage.save_run(run(finished_at=at(1), status="done", schedule_entry="morning"))
    EnrichmentQueue(connection).enqueue([make_job(first.offer_id), make_job("foreign")])
    leases = JobLeases(connection, queue_name="enrichment", worker="gone")
    done, broken = leases.claim(2, held=0).jobs
    failure = JobFailure(code="page_changed", message=HOSTILE, attempts=1)
    leases.settle([(done, FINISHED), (broken, JobOutcome(status=JobStatus.FAILED, spent=True, failure=failure))])
    entry = Entry(name="tidy", command=("db", "prune"), every_s=3600, time_zone="UTC", added_at=at(0))
    Schedule(connection, queue_name="enrichment").add(entry, EntryClock(next_at=at(60), set_at=at(0)))
    rule = Rule(name="phones", drop_pct=10, matching=OfferFilter(search=HOSTILE), added_at=at(0))
    told = Message(title=HOSTILE, text=HOSTILE, about="phones", offer_id=first.offer_id)
    alerts = desk.runtime.alerts
    assert alerts.add_rule(rule)
    assert alerts.tell(rule, first.offer_id, seen=b"", told=Told(), message=told, channels=["1 json"])
    return desk
