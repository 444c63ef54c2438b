"""The pages of the live side: what an operator sees of the moment, and what a button does."""

from __future__ import annotations

import re
from contextlib import closing
from html import unescape
from threading import Event, Thread

import pytest
from programs.conftest import HOSTILE, Desk
from waiting import NEVER_S

from offers_cli.errors import StorageUnavailable
from offers_cli.queue import registries
from offers_cli.web import live
from offers_cli.web.live import HEARTBEAT_S, PERIOD_S, SHARE, STREAMS, Live

SECTIONS = ["attention", "queue", "coverage", "failures", "workers", "schedule", "runs"]


def fail_jobs(desk: Desk, code: str, count: int) -> None:
    """Put failed jobs of that code into the registry, each newer than the one before."""
    connection = desk.runtime.connection
    first = connection.zcard("rq:failed:enrichment")
    with connection.pipeline() as pipe:
        for number in range(first, first + count):
            job_id = f"enrich-{number:08}-0000-4000-8000-000000000000"
            data = f'["offers_cli.jobs.enrich_offer_job", null, ["{job_id[7:]}", "https://x.test/{number}", 1], {{}}]'
            meta = f'{{"code": "{code}", "message": "it is {code}", "attempts": 1}}'
            fields = {"data": data, "meta": meta, "status": "failed", "origin": "enrichment"}
            pipe.hset(f"rq:job:{job_id}", mapping=fields)  # type: ignore[arg-type]
            pipe.zadd("rq:failed:enrichment", {job_id: 8e9 + number})
        pipe.execute()


def press(desk: Desk, path: str, **fields: str) -> tuple[int, str]:
    """Send a form of the Failures page; returns the status and where it leads."""
    secret = re.search(r'name="csrf" value="([^"]+)"', desk.get("/failures/").text)
    assert secret
    answer = desk.client.post(path, data={"csrf": secret[1], **fields}, headers={"Host": "127.0.0.1"})
    return answer.status_code, answer.headers.get("Location", "")


def test_the_overview_says_what_waits_what_failed_and_what_is_next(stocked: Desk) -> None:
    text = unescape(stocked.get("/").text)
    assert re.findall(r'<section id="(\w+)"', text) == SECTIONS
    for shown in ("page_changed", "offers explain", "tidy", "never run", "offers db prune", "No worker is running"):
        assert shown in text, shown
    assert '<meter min="0" max="6" value="5" aria-label="old price">' in text
    assert "still need something" in text
    assert HOSTILE not in stocked.get("/").text


def test_a_database_or_a_redis_that_is_away_hides_nothing_of_the_other(
    stocked: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = stocked.runtime.brief_storage

    def away(*_args: object, **_options: object) -> object:
        raise StorageUnavailable("the database does not answer")

    for name in ("counts", "find_runs", "offers_by_id", "count_needing"):
        monkeypatch.setattr(storage, name, away)
    text = stocked.get("/").text
    assert "The database does not answer" in text
    assert "page_changed" in text
    text = stocked.get("/runs/").text
    assert "tidy" in text
    assert "the database does not answer" in text
    assert "page_changed" in stocked.get("/failures/").text


def test_runs_and_schedule_show_each_scrape_and_each_entry_with_its_result(stocked: Desk) -> None:
    text = stocked.get("/runs/").text
    for shown in ("tidy", "every 1h", "No worker is there that runs them", "is-good", "morning"):
        assert shown in text, shown


def test_a_requeue_by_reason_touches_the_jobs_that_its_button_counted(stocked: Desk) -> None:
    fail_jobs(stocked, "site_unavailable", 3)
    fail_jobs(stocked, "offer_gone", 2)
    text = stocked.get("/failures/").text
    assert "Requeue 3 jobs" in text
    assert "Requeue all but the final ones: 4 jobs" in text
    assert "2 jobs would only fail again" in text
    assert press(stocked, "/failures/requeue", reason="site_unavailable") == (303, "/failures/?requeued=3")
    assert "3 jobs are back in the queue" in stocked.get("/failures/?requeued=3").text
    assert stocked.runtime.registries.failures() == {"offer_gone": 2, "page_changed": 1}
    assert press(stocked, "/failures/requeue") == (303, "/failures/?requeued=1")
    assert stocked.runtime.registries.failures() == {"offer_gone": 2}


def test_nothing_is_requeued_without_the_secret_or_by_a_link(stocked: Desk) -> None:
    assert stocked.ask("POST", "/failures/requeue").status_code == 403
    assert stocked.get("/failures/requeue").status_code == 405
    assert stocked.runtime.registries.failures() == {"page_changed": 1}


def test_the_pages_of_a_reason_name_every_job_once(stocked: Desk) -> None:
    """Also where those of another reason stand between."""
    for _ in range(4):
        fail_jobs(stocked, "site_unavailable", 30)
        fail_jobs(stocked, "page_blocked", 7)
    seen: list[str] = []
    path: str | None = "/failures/?reason=site_unavailable"
    pages = 0
    while path:
        text = stocked.get(path).text
        seen += re.findall(r'href="/rq/job/(enrich-[^"]+)"', text)
        older = re.search(r'href="([^"]+)" rel="next"', text)
        path = unescape(older[1]) if older else None
        pages += 1
    assert pages == 3
    assert len(seen) == len(set(seen)) == 120


def test_an_address_that_is_none_of_ours_is_not_found(desk: Desk) -> None:
    for query in (
        "reason=A",
        "reason=a;b",
        "reason=" + "a" * 99,
        "from=-1",
        "from=x",
        "requeued=<b>",
        "from=" + "9" * 99,
    ):
        assert desk.get(f"/failures/?{query}").status_code == 404, query


def test_a_page_of_few_among_many_failures_costs_no_more_than_its_bound(
    stocked: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says where to look on, and finds nothing twice."""
    monkeypatch.setattr(registries, "BATCH", 10)
    monkeypatch.setattr(registries, "LONGEST_LOOK", 3)
    fail_jobs(stocked, "page_blocked", 1)
    fail_jobs(stocked, "site_unavailable", 64)
    page = stocked.runtime.registries.failed_page(reasons={"page_blocked"}, size=50)
    assert (page.jobs, page.following) == ((), 30)
    page = stocked.runtime.registries.failed_page(reasons={"page_blocked"}, first=60, size=50)
    assert ([job.code for job in page.jobs], page.following) == (["page_blocked"], None)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Pictures:
    """Counts how often it is drawn; each drawing takes so many seconds of the clock."""

    def __init__(self, clock: Clock, takes_s: float = 0.0) -> None:
        self.clock = clock
        self.takes_s = takes_s
        self.drawn = 0
        self.text = "<section>\n1</section>"

    def __call__(self) -> str:
        self.drawn += 1
        self.clock.now += self.takes_s
        return self.text


def test_however_many_watch_the_figures_are_collected_once(clock: Clock) -> None:
    pictures = Pictures(clock)
    shown = Live(stopped=Event(), clock=clock)
    watchers = [shown.events(pictures, lambda: False) for _ in range(STREAMS)]
    assert {next(watcher) for watcher in watchers} == {"data: <section>\ndata: 1</section>\n\n"}
    assert pictures.drawn == 1
    for watcher in watchers:
        watcher.close()  # type: ignore[attr-defined]


def test_slow_figures_are_collected_the_more_seldom(clock: Clock) -> None:
    pictures = Pictures(clock, takes_s=3.0)
    shown = Live(stopped=Event(), clock=clock)
    shown.newest(pictures)
    clock.now += 3.0 * SHARE - 0.1
    shown.newest(pictures)
    assert pictures.drawn == 1
    clock.now += 0.2
    shown.newest(pictures)
    assert pictures.drawn == 2


def test_a_stream_sends_what_differs_and_else_a_sign_of_life(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LOOK_S", 0.0)
    pictures = Pictures(clock)
    shown = Live(stopped=Event(), clock=clock)
    with closing(shown.events(pictures, lambda: False)) as events:  # type: ignore[type-var]
        assert next(events).startswith("data: <section>")
        clock.now += HEARTBEAT_S
        assert next(events) == ": nothing new\n\n"
        pictures.text = "2"
        clock.now += PERIOD_S
        assert next(events) == "data: 2\n\n"


def test_a_sign_of_life_comes_no_earlier_than_it_must(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LOOK_S", 0.0)
    looks = iter([0.0, HEARTBEAT_S - 0.1, 0.2, HEARTBEAT_S - 0.1, 0.2])

    def is_gone() -> bool:
        waited = next(looks, None)
        clock.now += waited or 0.0
        return waited is None

    told = list(Live(stopped=Event(), clock=clock).events(Pictures(clock), is_gone))
    assert told == ["data: <section>\ndata: 1</section>\n\n", ": nothing new\n\n", ": nothing new\n\n"]


def test_a_stream_ends_when_its_client_leaves_or_the_server_stops(clock: Clock) -> None:
    stopped = Event()
    shown = Live(stopped=stopped, clock=clock)
    assert list(shown.events(Pictures(clock), lambda: True)) == []
    threads = [Thread(target=list, args=(shown.events(Pictures(clock), lambda: False),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    stopped.set()
    for thread in threads:
        thread.join(NEVER_S)
        assert not thread.is_alive()
    assert not shown.enter()


def test_no_more_streams_than_there_are_places_and_each_gives_its_own_back(desk: Desk) -> None:
    """Also a request that only asks for the headers."""
    for _ in range(2 * STREAMS):
        with closing(desk.ask("HEAD", "/events")) as answer:
            assert answer.status_code == 200
    answers = [desk.client.open("/events", headers={"Host": "127.0.0.1"}, buffered=False) for _ in range(STREAMS)]
    assert {answer.status_code for answer in answers} == {200}
    assert answers[0].mimetype == "text/event-stream"
    for answer in answers:
        assert str(next(iter(answer.response))).startswith("b'data: ")
    assert desk.get("/events").status_code == 503
    assert desk.get("/").status_code == 200
    for answer in answers:
        answer.close()
    again = desk.client.open("/events", headers={"Host": "127.0.0.1"}, buffered=False)
    assert again.status_code == 200
    again.close()
