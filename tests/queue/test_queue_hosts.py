"""Each host goes at its own rate, wherever its jobs stand in the queue: no host keeps the jobs of another waiting."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
import redis
from queue_fakes import Database, fetch, found, make_worker, rq_queue
from waiting import NEVER_S

from offers_cli.offer import Enrichment
from offers_cli.queue.enqueue import EnrichmentQueue
from offers_cli.queue.job import ClaimedJob, EnrichmentJob
from offers_cli.queue.leases import Claim, JobLeases
from offers_cli.queue.retry_policy import FINISHED, GIVEN_BACK

FUNCTION = "offers_cli.jobs.enrich_offer_job"


def job(host: str, number: int) -> EnrichmentJob:
    return EnrichmentJob(offer_id=f"{host}-{number}", url=f"https://{host}.test/p/{number}", current_price_cents=None)


def enqueue(connection: redis.Redis, host: str, count: int, first: int = 0) -> None:
    EnrichmentQueue(connection).enqueue(job(host, number) for number in range(first, first + count))


def host_of(execution: ClaimedJob) -> str:
    return execution.job_id.removeprefix("enrich-").partition("-")[0]


class Site:
    """A worker and its places, without threads: a job ends when the test says so."""

    def __init__(self, connection: redis.Redis, places: int = 3) -> None:
        self.leases = JobLeases(connection, queue_name="enrichment", worker="w")
        self.places = places
        self.held: list[ClaimedJob] = []

    def claim(self) -> Claim:
        hosts = Counter(f"{host_of(execution)}.test" for execution in self.held)
        claim = self.leases.claim(self.places - len(self.held), held=len(self.held), hosts=hosts)
        self.held += claim.jobs
        return claim

    def fill(self) -> list[str]:
        """Claim until every place is taken, and once more; the hosts that hold them."""
        while self.claim().jobs and len(self.held) < self.places:
            pass
        self.claim()
        return sorted(map(host_of, self.held))

    def finish(self, host: str) -> str:
        """One job of that host ends; its offer."""
        execution = next(one for one in self.held if host_of(one) == host)
        self.held.remove(execution)
        assert self.leases.settle([(execution, FINISHED)]) == [True]
        return execution.job_id


@pytest.mark.parametrize("block", [300, 2500])
def test_three_hosts_in_blocks_share_the_places(connection: redis.Redis, block: int) -> None:
    for host in ("a", "b", "c"):
        enqueue(connection, host, block)
    site = Site(connection)
    for _ in range(6):  # as a worker with a free place does, until the queue is read to its end
        site.claim()
    assert len(site.held) == 3
    done: Counter[str] = Counter()
    for _ in range(63):
        host = host_of(site.held[0])
        site.finish(host)
        site.claim()
        done[host] += 1
    assert max(done.values()) - min(done[host] for host in "abc") <= 2


def test_a_host_that_answers_nothing_holds_one_place_and_delays_nobody(connection: redis.Redis) -> None:
    """300 jobs of it stand before those of the others."""
    for host in ("stuck", "b", "c"):
        enqueue(connection, host, 300)
    site = Site(connection)
    assert site.fill() == ["b", "c", "stuck"]
    for _ in range(60):
        for host in ("b", "c"):
            site.finish(host)
            assert [host_of(one) for one in site.claim().jobs] == [host]


def test_more_hosts_than_places_take_turns(connection: redis.Redis) -> None:
    for number in range(8):
        enqueue(connection, f"h{number}", 50)
    site = Site(connection, places=2)
    site.fill()
    served: Counter[str] = Counter()
    for _ in range(70):
        host = host_of(site.held[-1])
        site.finish(host)
        site.claim()
        served[host] += 1
    others = [served[f"h{number}"] for number in range(8) if f"h{number}" != host_of(site.held[0])]
    assert max(others) - min(others) <= 1


def test_jobs_of_one_host_run_in_the_order_of_the_queue(connection: redis.Redis) -> None:
    enqueue(connection, "a", 20)
    enqueue(connection, "b", 20)
    site, order = Site(connection), defaultdict(list)
    site.fill()
    while site.held:
        order[host_of(site.held[0])].append(site.finish(host_of(site.held[0])))
        site.claim()
    assert dict(order) == {host: [f"enrich-{host}-{number}" for number in range(20)] for host in "ab"}


def test_a_queue_of_one_host_is_read_once(connection: redis.Redis) -> None:
    """Each job once, by the claim that needs to know; later claims read none, whatever is left."""
    enqueue(connection, "only", 300)
    site = Site(connection)
    assert site.fill() == ["only"] * 3
    connection.config_resetstat()
    for _ in range(100):
        site.finish("only")
        assert len(site.claim().jobs) == 1
    ranges: Any = connection.info("commandstats")
    assert ranges["cmdstat_lrange"]["calls"] == 100
    assert ranges["cmdstat_hget"]["calls"] < 100 * 12
    enqueue(connection, "other", 1)
    site.finish("only")
    assert [host_of(one) for one in site.claim().jobs] == ["other"]


def test_nothing_is_left_of_the_index_when_the_queue_is_empty(connection: redis.Redis) -> None:
    for host in ("a", "b"):
        enqueue(connection, host, 5)
    site = Site(connection)
    while site.claim().jobs:
        site.finish(host_of(site.held[0]))
    site.claim()
    assert not connection.keys("offers:hosts*")
    assert not connection.keys("offers:waiting*")
    assert not connection.keys("offers:read*")


def cancel_all_of_b(connection: redis.Redis) -> None:
    for number in range(20):
        fetch(connection, f"b-{number}").cancel()


def delete_all_of_b(connection: redis.Redis) -> None:
    for number in range(20):
        fetch(connection, f"b-{number}").delete()


def empty_and_enqueue_the_others(connection: redis.Redis) -> None:
    rq_queue(connection).empty()  # type: ignore[no-untyped-call]
    enqueue(connection, "a", 20)
    enqueue(connection, "c", 20)


def compact(connection: redis.Redis) -> None:
    """The dashboard's button: RQ writes the list anew."""
    delete_all_of_b(connection)
    rq_queue(connection).compact()  # type: ignore[no-untyped-call]


def take_b_by_rq(connection: redis.Redis) -> None:
    for number in range(20):
        connection.lrem("rq:queue:enrichment", 1, f"enrich-b-{number}")
        connection.hset(f"rq:job:enrich-b-{number}", "status", "finished")


@pytest.mark.parametrize(
    "change", [cancel_all_of_b, delete_all_of_b, empty_and_enqueue_the_others, compact, take_b_by_rq]
)
def test_what_others_take_out_of_the_queue_is_skipped(
    connection: redis.Redis, change: Callable[[redis.Redis], None]
) -> None:
    for host in ("a", "b", "c"):
        enqueue(connection, host, 20)
    site = Site(connection)
    site.fill()
    for host in ("a", "b", "c"):
        site.leases.settle([(next(one for one in site.held if host_of(one) == host), GIVEN_BACK)])
    site.held.clear()
    change(connection)
    done: Counter[str] = Counter()
    site.fill()
    while site.held:
        host = host_of(site.held[0])
        site.finish(host)
        site.claim()
        done[host] += 1
    assert done == {"a": 20, "c": 20}
    assert len(rq_queue(connection)) == 0


def test_what_others_put_into_the_queue_is_found(connection: redis.Redis) -> None:
    """Enqueued by RQ's own means, whose data is compressed; at the back, at the front, and by its scheduler."""
    enqueue(connection, "a", 300)
    site = Site(connection)
    assert site.fill() == ["a"] * 3
    queue = rq_queue(connection)
    queue.enqueue(FUNCTION, "b-0", "https://b.test/p/0", None, job_id="enrich-b-0")
    queue.enqueue_in(timedelta(seconds=-1), FUNCTION, "c-0", "https://c.test/p/0", None, job_id="enrich-c-0")
    for expected in ("b", "c"):
        site.finish("a")
        assert [host_of(one) for one in site.claim().jobs] == [expected]
    site.finish("b")
    queue.enqueue(FUNCTION, "d-0", "https://d.test/p/0", None, job_id="enrich-d-0", at_front=True)
    assert [host_of(one) for one in site.claim().jobs] == ["d"]


def test_a_job_at_the_front_is_the_first_of_its_host(connection: redis.Redis) -> None:
    enqueue(connection, "a", 20)
    site = Site(connection)
    site.fill()
    rq_queue(connection).enqueue(FUNCTION, "a-99", "https://a.test/p/99", None, job_id="enrich-a-99", at_front=True)
    site.finish("a")
    assert [one.job_id for one in site.claim().jobs] == ["enrich-a-99"]


def test_an_index_that_is_out_of_date_is_read_anew_in_the_end(connection: redis.Redis) -> None:
    """Others shortened the queue while it was read: a host may be missed, until what was read expires."""
    enqueue(connection, "a", 300)
    enqueue(connection, "b", 1)
    site = Site(connection)
    connection.set("offers:read:enrichment", 301, ex=600)  # as if all had been read, and nothing found
    assert site.fill() == ["a"] * 3
    assert 0 < connection.ttl("offers:read:enrichment") <= 600
    connection.delete("offers:read:enrichment")  # it has expired
    site.finish("a")
    assert [host_of(one) for one in site.claim().jobs] == ["b"]


def test_places_that_wait_for_one_host_leave_room_for_others(connection: redis.Redis) -> None:
    enqueue(connection, "slow", 300)
    enqueue(connection, "quick", 10)
    quick_is_done = threading.Event()
    done: list[str] = []

    def enrich(job: ClaimedJob) -> Enrichment:
        """The slow host gives no turn before all jobs of the quick one are done."""
        if job.offer_id.startswith("slow"):
            assert quick_is_done.wait(NEVER_S), "the quick host's jobs were blocked"
        done.append(job.offer_id)
        if sum(offer_id.startswith("quick") for offer_id in done) == 10:
            quick_is_done.set()
        return found(job)

    report = make_worker(connection, Database(), enrich=enrich, concurrency=3).run(burst=True)
    assert (report.succeeded, report.failed) == (310, 0)
    assert all(offer_id.startswith("quick") for offer_id in done[:10])


def test_one_host_alone_gets_every_place(connection: redis.Redis) -> None:
    enqueue(connection, "only", 6)
    together = threading.Barrier(3, timeout=NEVER_S)

    def enrich(job: ClaimedJob) -> Enrichment:
        together.wait()
        return found(job)

    assert make_worker(connection, Database(), enrich=enrich, concurrency=3).run(burst=True).succeeded == 6


class Shop(ThreadingHTTPServer):
    """One host; it answers nothing while `shut`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.open = threading.Event()
        self.asked = 0


class Answering(BaseHTTPRequestHandler):
    server: Shop

    def do_GET(self) -> None:
        self.server.asked += 1
        self.server.open.wait(30)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.slow
def test_a_shop_that_does_not_answer_delays_no_other_for_real_workers(
    connection: redis.Redis, shared_redis: Any
) -> None:
    """Two workers, two shops; the first one's 300 jobs come first, and it answers only when the other is done."""
    slow, quick = Shop(), Shop()
    quick.open.set()
    for shop in (slow, quick):
        threading.Thread(target=shop.serve_forever, daemon=True).start()
    for name, shop, count in (("slow", slow, 300), ("quick", quick, 200)):
        EnrichmentQueue(connection).enqueue(
            EnrichmentJob(
                offer_id=f"{name}-{n}", url=f"http://127.0.0.1:{shop.server_port}/{n}", current_price_cents=None
            )
            for n in range(count)
        )
    asked_first: list[int] = []

    def enrich(job: ClaimedJob) -> Enrichment:
        with urlopen(job.url) as answer:
            answer.read()
        if urlsplit(job.url).port == quick.server_port and quick.asked == 200:
            asked_first.append(slow.asked)
            slow.open.set()
        return found(job)

    database = Database()

    def work() -> None:
        with shared_redis.connect() as own:
            make_worker(own, database, enrich=enrich, concurrency=3).run(burst=True)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for shop in (slow, quick):
        shop.shutdown()
        shop.server_close()
    assert asked_first[0] <= 2 * 3  # what their places hold; not one was answered before the other shop was done
    assert (slow.asked, quick.asked, len(database.saved)) == (300, 200, 500)
    assert set(database.saved.values()) == {1}
