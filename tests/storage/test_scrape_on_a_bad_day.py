"""A scrape of 25 pages while the way to the database is bad: all of it is saved, counted and queued."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from services.scrape_setup import OFERTAS, Queue, Shop, scraper
from storage.meddler import Handler, Meddling, answering, meddler
from supabase_server.lite import SupabaseProject

from offers_cli.config import Secret
from offers_cli.errors import StorageBusy
from offers_cli.storage.base import Storage
from offers_cli.storage.patience import Patience
from offers_cli.storage.sqlite import connection
from offers_cli.storage.sqlite.storage import open_sqlite
from offers_cli.storage.supabase.storage import open_supabase


def cut_after(handler: Handler) -> bool:
    """The database did its work, but nobody hears of it."""
    handler.forward()
    return handler.hang_up()


def twice(handler: Handler) -> bool:
    handler.forward()
    return False


FAULTS: list[tuple[float, Meddling]] = [
    (0.03, answering(502, b"<html>bad gateway</html>")),
    (0.03, answering(429, b"", retry_after="2")),
    (0.03, answering(500, b'{"code": "57014", "message": "canceling statement due to statement timeout"}')),
    (0.03, answering(200, b"<html>please log in</html>")),
    (0.10, Handler.hang_up),
    (0.10, cut_after),
    (0.20, twice),
]
"""More than half of all requests are in trouble."""


def bad_day(seed: int) -> Meddling:
    chance = random.Random(seed)

    def meddle(handler: Handler) -> bool:
        dice = chance.random()
        for share, fault in FAULTS:
            if dice < share:
                return fault(handler)
            dice -= share
        return False

    return meddle


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_a_scrape_survives_a_bad_day(supabase_storage: Storage, supabase_project: SupabaseProject, seed: int) -> None:
    """Rows, figures, jobs and the run's record are those of a calm day; no real time is waited."""
    queue, waits = Queue(), list[float]()
    patience = Patience(seconds=60, sleep=waits.append)
    with meddler(supabase_project.url) as server:
        server.meddling = bad_day(seed)
        storage = open_supabase(server.url, Secret(supabase_project.service_key), patience=patience)
        report = scraper(storage, Shop(25), queue).scrape([OFERTAS])
        storage.close()
    assert report.problems == ()
    assert (report.pages, report.seen, report.new, report.enqueued) == (25, 200, 200, 200)
    assert waits
    assert supabase_storage.counts().total == len(queue.jobs) == 200
    [run] = supabase_storage.find_runs()
    assert (run.status, run.pages, run.new, run.enqueued) == ("done", 25, 200, 200)


def test_a_scrape_waits_for_a_locked_sqlite_file(sqlite_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody locks it after the second page, and lets go only while the scrape waits for the third time."""
    monkeypatch.setattr(connection, "BUSY_TIMEOUT_S", 0)
    waits: list[float] = []
    open_sqlite(sqlite_path).close()
    other = connection.connect(sqlite_path)

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            other.execute("ROLLBACK")

    storage = open_sqlite(sqlite_path, patience=Patience(seconds=60, sleep=sleep))
    report = scraper(
        storage, Shop(4), on_page=lambda done: other.execute("BEGIN IMMEDIATE") if done.pages == 2 else None
    ).scrape([OFERTAS])
    assert (report.problems, report.pages, report.new, len(waits)) == ((), 4, 32, 3)
    assert storage.counts().total == 32
    other.close()
    storage.close()


def test_a_sqlite_file_that_stays_locked_is_told(sqlite_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "BUSY_TIMEOUT_S", 0)
    clock = [0.0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    storage = open_sqlite(sqlite_path, patience=Patience(seconds=60, sleep=sleep, clock=lambda: clock[0]))
    other = connection.connect(sqlite_path)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageBusy, match="is locked by another process"):
        storage.save_offers(list(Shop(1).offers(1)), seen_at=scraper(storage, Shop(1)).now())
    assert 50 < clock[0] <= 60
    other.close()
    storage.close()
