"""What the worker's screen says, without a terminal: progress, rate, what waits and why, the last events."""

from __future__ import annotations

import json
from typing import Any

import pytest

from offers_cli.cli.worker_screen import WorkedTime, WorkerScreen
from offers_cli.fetch.pace import PausedHost
from offers_cli.queue.registries import PutOff, QueueCounts
from offers_cli.queue.results import WorkerReport
from offers_cli.queue.signals import FINISHING_INTERRUPTED
from offers_cli.services.worker import QueueView, say_what_waits


def counts(**jobs: int) -> QueueCounts:
    names = ("queued", "started", "scheduled", "deferred", "finished", "failed", "workers")
    return QueueCounts(**{**dict.fromkeys(names, 0), **jobs})


def screen(view: QueueView, done: WorkerReport | None = None, *, looks: int = 2, every_s: float = 10.0) -> WorkerScreen:
    """A screen that looked at that view twice, `every_s` apart, with so much done between."""
    now = [0.0]
    drawn = WorkerScreen(lambda: view, title="3 jobs at once", clock=lambda: now[0])
    drawn.refresh()
    for _ in range(looks - 1):
        now[0] += every_s
        drawn.progress(done or WorkerReport())
        drawn.refresh()
    return drawn


def shown(drawn: WorkerScreen, height: int = 24) -> dict[str, str]:
    return {label: text for label, text in drawn.rows(height=height) if label}


def test_done_of_known_rate_and_time_left() -> None:
    view = QueueView(counts=counts(queued=80, started=3, scheduled=7))
    rows = shown(screen(view, WorkerReport(succeeded=8, gone=1, failed=1, snoozed=5)))
    assert rows["done"].startswith("10 of 100  ━━───")
    assert rows["done"].endswith(" 10%")
    assert rows["rate"] == "60.0 a minute, 1 min 30 s left"
    assert rows["ended"] == "8 enriched  1 gone  1 failed  5 times put off", "what was put off is not done"


def test_waiting_for_a_host_is_no_work_and_counts_as_time_left() -> None:
    paused = PausedHost(host="shop.test", egress="direct", seconds=300.0, reason="page_blocked")
    put_off = PutOff(code="page_blocked", jobs=20, message="a wall")
    view = QueueView(counts=counts(scheduled=20), put_off=(put_off,), paused=(paused,))
    rows = shown(screen(view, WorkerReport(succeeded=10), looks=60))
    assert rows["rate"] == "60.0 a minute, 5 min 0 s left", "ten in the ten seconds in which something was done"
    assert rows["waits"] == "host: shop.test rests 300 s (page_blocked), 20 jobs wait"


def test_what_waits_for_a_person_is_no_matter_of_time() -> None:
    put_off = PutOff(code="label_refused", jobs=20, message="no such label")
    view = QueueView(counts=counts(started=1, scheduled=20), put_off=(put_off,))
    rows = shown(screen(view, WorkerReport(succeeded=10)))
    assert rows["rate"] == "60.0 a minute, 1 s left when what waits can go on"
    assert rows["waits"].startswith("label: 20 jobs wait for another one, set ML_AFFILIATE_TAG")


@pytest.mark.parametrize(
    ("view", "said"),
    [
        (QueueView(error="Redis does not answer"), ["Redis: Redis does not answer"]),
        (QueueView(counts=counts(queued=2), suspended=True), ["for rq resume: the queue is suspended, 2 jobs wait"]),
        (QueueView(waits_for=("the database: it is locked",)), ["the database: it is locked"]),
        (
            QueueView(put_off=(PutOff(code="session_expired", jobs=1, message=""),)),
            ["login: 1 job waits for one, offers session import FILE"],
        ),
        (
            QueueView(put_off=(PutOff(code="site_unavailable", jobs=3, message="503"),)),
            ["3 jobs wait for another attempt (site_unavailable)"],
        ),
        (QueueView(counts=counts()), []),
    ],
)
def test_each_reason_to_wait_is_named(view: QueueView, said: list[str]) -> None:
    assert say_what_waits(view) == said


def test_nothing_left_says_where_jobs_come_from() -> None:
    assert shown(screen(QueueView(counts=counts())))["waits"] == "for jobs: offers scrape, offers enqueue-missing"


def told(**event: Any) -> list[str]:
    drawn = screen(QueueView())
    drawn.write(json.dumps({"time": "2026-11-26T10:31:02Z", "level": "info", **event}))
    return [text.partition(" ")[2] for label, text in drawn.rows(height=24) if label == "lately"]


def test_events_are_told_in_words() -> None:
    read = {"tag": "enrichment", "message": "read", "title": "Fone", "currency": "BRL", "price_cents": 9990}
    assert told(**read) == ["R$ 99,90 Fone"]
    assert told(**read, old_price_cents=19990) == ["R$ 99,90 Fone (was R$ 199,90)"]
    failed = {"tag": "enrichment_job", "url": "https://shop.test/p/1?x=1", "code": "page_changed", "reason": "no price"}
    assert told(message="failed", **failed) == ["failed: no price /p/1"]
    assert told(message="snoozed", **failed) == [], "hundreds at a wall; they are counted above"
    assert told(tag="worker", message="waiting for Redis", level="warning", reason="away") == [
        "waiting for Redis: away"
    ]
    assert told(tag="worker", message="started") == []


def test_what_is_no_event_is_left_out() -> None:
    drawn = screen(QueueView())
    for line in (
        "",
        "half a li",
        "[]",
        "7",
        '{"tag": 1}',
        '{"tag": "enrichment", "message": "read", "price_cents": "x"}',
    ):
        drawn.write(line)
    assert all(isinstance(text, str) for _, text in drawn.rows(height=24))


def test_a_stop_stands_where_it_is_seen() -> None:
    drawn = screen(QueueView())
    drawn.write(json.dumps({"tag": "worker", "level": "warning", "message": FINISHING_INTERRUPTED}))
    assert FINISHING_INTERRUPTED in shown(drawn)["offers worker"]


@pytest.mark.parametrize("height", [1, 3, 8, 12, 24])
def test_it_never_grows_beyond_the_window(height: int) -> None:
    paused = [PausedHost(host=f"{n}.test", egress="direct", seconds=9, reason="page_blocked") for n in range(30)]
    drawn = screen(QueueView(counts=counts(), paused=tuple(paused)))
    for number in range(60):
        drawn.write(json.dumps({"tag": "scrape", "level": "warning", "message": f"event {number}"}))
    rows = drawn.rows(height=height)
    assert len(rows) <= height
    assert rows[0][0] == "offers worker"
    if height == 24:
        assert rows[-1][1].endswith("event 59"), "the latest stays"


def test_the_rate_is_that_of_the_last_minutes_of_work() -> None:
    worked = WorkedTime()
    worked.note(0.0, decided=0, works=False)
    assert worked.per_s is None
    for minute in range(1, 11):
        worked.note(60.0 * minute, decided=60 * minute, works=True)
    assert worked.per_s == 1.0
    worked.note(9_000.0, decided=600, works=False)
    assert worked.per_s == 1.0, "an idle evening changes nothing"
    for minute in range(1, 7):
        worked.note(9_000.0 + 60 * minute, decided=600 + 120 * minute, works=True)
    assert worked.per_s == 2.0
