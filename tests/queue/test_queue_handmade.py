"""Jobs queued by hand, with RQ's own `Queue.enqueue`: what they ask for is obeyed, or they are refused."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from queue_fakes import Database, fetch, found, make_worker, raising, rq_queue
from rq import Callback, Retry

from offers_cli.errors import PageChanged, SiteUnavailable
from offers_cli.queue.keys import QueueKeys
from offers_cli.queue.registries import Registries

KEYS = QueueKeys("enrichment")
CALL: Any = ("offers_cli.jobs.enrich_offer_job", "a", "https://shop.test/a", None)


def work(connection: redis.Redis, error: Exception | None = None) -> None:
    make_worker(connection, Database(), raising(error) if error else found).run(burst=True)


def test_its_meta_outlives_failures_a_requeueing_and_the_end(connection: redis.Redis) -> None:
    rq_queue(connection).enqueue(*CALL, job_id="enrich-a", meta={"who": "me"})
    work(connection, SiteUnavailable("503"))
    assert fetch(connection, "a").meta == {"who": "me", "code": "site_unavailable", "message": "503", "attempts": 1}
    connection.zadd(KEYS.scheduled, {"enrich-a": 0})
    work(connection, PageChanged("no price"))
    assert fetch(connection, "a").meta == {"who": "me", "code": "page_changed", "message": "no price", "attempts": 2}
    assert Registries(connection).failures() == {"page_changed": 1}
    Registries(connection).requeue_failed()
    assert fetch(connection, "a").meta == {"who": "me"}
    work(connection)
    assert fetch(connection, "a").is_finished
    assert fetch(connection, "a").meta == {"who": "me"}


def test_a_meta_that_tells_of_no_failure_is_left_as_it_is_written(connection: redis.Redis) -> None:
    rq_queue(connection).enqueue(*CALL, job_id="enrich-a")
    connection.hset("rq:job:enrich-a", "meta", '{"list":  []}')
    work(connection)
    assert connection.hget("rq:job:enrich-a", "meta") == b'{"list":  []}'


@pytest.mark.parametrize(
    ("option", "error", "registry"),
    [("result_ttl", None, KEYS.finished), ("failure_ttl", PageChanged("no price"), KEYS.failed)],
)
def test_it_is_kept_as_long_as_it_asks_for(
    connection: redis.Redis, option: str, error: Exception | None, registry: str
) -> None:
    rq_queue(connection).enqueue(*CALL, job_id="enrich-a", **{option: 70})
    work(connection, error)
    for key in ("rq:job:enrich-a", "rq:results:enrich-a"):
        assert 0 < connection.ttl(key) <= 70
    seconds, _ = connection.time()
    assert seconds < (connection.zscore(registry, "enrich-a") or 0) < seconds + 71


@pytest.mark.parametrize(
    ("option", "error", "registry"),
    [("result_ttl", None, KEYS.finished), ("failure_ttl", PageChanged("no price"), KEYS.failed)],
)
def test_it_is_kept_for_ever_or_not_at_all(
    connection: redis.Redis, option: str, error: Exception | None, registry: str
) -> None:
    rq_queue(connection).enqueue(*CALL, job_id="enrich-a", **{option: -1})
    work(connection, error)
    assert connection.ttl("rq:job:enrich-a") == connection.ttl("rq:results:enrich-a") == -1
    assert connection.zscore(registry, "enrich-a") == float("inf")
    connection.flushall()
    rq_queue(connection).enqueue(*CALL, job_id="enrich-a", **{option: 0})
    work(connection, error)
    assert not connection.exists("rq:job:enrich-a", "rq:results:enrich-a", registry)


def test_one_that_asks_for_rqs_retries_is_refused(connection: redis.Redis) -> None:
    """Whether and when a page is asked again is decided by what its answer was."""
    rq_queue(connection).enqueue(*CALL, job_id="enrich-a", retry=Retry(max=3))
    work(connection)
    [failed] = Registries(connection).failed_jobs()
    assert failed.message == "refused: it asks for retries_left"


def test_one_that_asks_for_a_callback_is_refused_again_when_it_is_requeued(connection: redis.Redis) -> None:
    """A refused job keeps what it asks for: it does not become one that is run without it."""
    rq_queue(connection).enqueue(*CALL, job_id="enrich-a", on_success=Callback("reports.note"))
    for _ in range(2):
        work(connection)
        [failed] = Registries(connection).failed_jobs()
        assert failed.message == "refused: it asks for success_callback_name"
        assert connection.hget("rq:job:enrich-a", "success_callback_name") == b"reports.note"
        Registries(connection).requeue_failed()
