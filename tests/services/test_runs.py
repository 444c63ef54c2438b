"""Past scrapes: how each ended, told from what it left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from services.scrape_setup import OFERTAS, Shop, scraper
from storage.cases import at, run

from offers_cli.queue.registration import ProcessId
from offers_cli.services.runs import SILENCE, list_runs
from offers_cli.storage.sqlite.storage import SqliteStorage

SCRAPE = """
import os, sys
from pathlib import Path
from services.scrape_setup import OFERTAS, Shop, scraper
from offers_cli.storage.sqlite.storage import open_sqlite
die = lambda report: report.pages == 2 and os.kill(os.getpid(), 9)
scraper(open_sqlite(Path(sys.argv[1])), Shop(3), on_page=die).scrape([OFERTAS])
"""


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[SqliteStorage]:
    opened = SqliteStorage(tmp_path / "offers.db")
    yield opened
    opened.close()


def test_a_scrape_that_is_killed_is_told_as_such_with_what_it_did(storage: SqliteStorage) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    killed = subprocess.run([sys.executable, "-c", SCRAPE, str(storage.path)], env=environment, check=False)
    assert killed.returncode == -9
    report = list_runs(storage=storage, limit=20, now=at(0))
    [past] = report.runs
    assert (past.status, past.run.pages, past.run.new) == ("killed", 2, 16)
    assert past.duration_s > 0
    assert report.data()["runs"][0]["finished_at"] is None


def test_each_end_is_told(storage: SqliteStorage) -> None:
    scraper(storage, Shop(1)).scrape([OFERTAS])
    for number, status in enumerate(("failed", "interrupted"), start=1):
        storage.save_run(run(number, status=status, finished_at=at(2), error="page_blocked"))
    report = list_runs(storage=storage, limit=20, now=at(5))
    assert {past.status for past in report.runs} == {"done", "failed", "interrupted"}
    assert [row["duration_s"] for row in report.data()["runs"] if row["status"] == "failed"] == [120.0]
    assert len(list_runs(storage=storage, limit=2, now=at(5)).runs) == 2


def test_a_scrape_by_the_clock_is_told_with_its_entry(storage: SqliteStorage) -> None:
    scraper(storage, Shop(1)).scrape([OFERTAS])
    assert [row["schedule_entry"] for row in list_runs(storage=storage, limit=2, now=at(5)).data()["runs"]] == [None]
    scraper(storage, Shop(1), schedule_entry="morning", now=lambda: at(9)).scrape([OFERTAS])
    assert "morning" in {past.run.schedule_entry for past in list_runs(storage=storage, limit=2, now=at(9)).runs}


def test_one_refused_card_makes_a_scrape_partial_and_not_failed(storage: SqliteStorage) -> None:
    storage.save_run(run(1, status="done", finished_at=at(2), error="storage_refused"))
    assert [past.status for past in list_runs(storage=storage, limit=1, now=at(5)).runs] == ["partial"]


def test_a_scrape_that_goes_on_is_running(storage: SqliteStorage) -> None:
    """Of this machine as long as its process lives; of another one as long as it gives signs of life."""
    own, other = str(ProcessId.own()), "elsewhere|1|1"
    storage.save_run(run(1, process=own, alive_at=at(1)))
    storage.save_run(run(2, process=other, alive_at=at(1)))
    storage.save_run(run(3, process=None, alive_at=None))
    soon, late = at(1) + SILENCE, at(1) + SILENCE + timedelta(seconds=1)
    assert [past.status for past in list_runs(storage=storage, limit=9, now=at(2)).runs] == ["running"] * 3
    assert [past.status for past in list_runs(storage=storage, limit=9, now=soon).runs] == ["running"] * 2 + ["killed"]
    assert list_runs(storage=storage, limit=9, now=late).runs[1].status == "killed"
