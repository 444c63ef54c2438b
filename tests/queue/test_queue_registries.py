"""What stands where, why jobs failed, and failed jobs back to the queue; `rq` is not needed for it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Any

import pytest
import redis
from queue_fakes import Database, enqueue, fetch, found, make_worker, raising, redis_now, rq_queue
from redis.connection import AbstractConnection
from rq import SimpleWorker
from rq.serializers import JSONSerializer
from rq.suspension import suspend

from offers_cli.errors import PageBlocked, PageChanged, SiteUnavailable, TooLarge
from offers_cli.offer import Enrichment
from offers_cli.queue import registries as registries_module
from offers_cli.queue.job import ClaimedJob
from offers_cli.queue.registries import PutOff, Registries


def fail_all(connection: redis.Redis, error: BaseException, *offer_ids: str) -> None:
    enqueue(connection, offer_ids)
    make_worker(connection, Database(), raising(error)).run(burst=True)


def plant_failed(connection: redis.Redis, count: int, code: str = "page_changed") -> None:
    now = time.time()
    for first in range(0, count, 1000):
        with connection.pipeline(transaction=False) as pipe:
            for number in range(first, min(count, first + 1000)):
                job_id = f"enrich-{code}-{number}"
                meta = f'{{"code": "{code}", "message": "m", "attempts": 1}}'
                ended = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
                pipe.hset(
                    f"rq:job:{job_id}", mapping={"status": "failed", "meta": meta, "data": "x", "ended_at": ended}
                )
                pipe.zadd("rq:failed:enrichment", {job_id: int(now) + 31_536_000})
            pipe.execute()


def test_counts_of_an_empty_redis_are_zero(connection: redis.Redis) -> None:
    registries = Registries(connection)
    counts = registries.counts()
    assert set(map(counts.__getattribute__, counts.__slots__)) == {0}
    assert registries.failures() == {}
    assert registries.failed_jobs() == []
    assert registries.rates().jobs_per_minute is None
    report = registries.requeue_failed()
    assert (report.found, report.requeued, report.skipped) == (0, 0, 0)


def test_jobs_that_were_put_off_are_counted_by_why(connection: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that was scheduled and never tried waits for its time alone, and planted ones hurt nobody."""
    assert Registries(connection).put_off() == []
    due = time.time() + 3600
    for number, error in enumerate((SiteUnavailable("503"), SiteUnavailable("504"), PageBlocked("a captcha"))):
        enqueue(connection, [f"o{number}"])
        make_worker(connection, Database(), raising(error)).run(max_jobs=1)
        connection.zadd("rq:scheduled:enrichment", {f"enrich-o{number}": due + number})
    connection.hset("rq:job:enrich-later", mapping={"status": "scheduled", "data": "x"})
    connection.rpush("rq:job:enrich-list", "x")
    connection.hset("rq:job:enrich-odd", "meta", b'\x80"code": "page_blocked"')
    connection.zadd("rq:scheduled:enrichment", {"enrich-later": due, "enrich-list": due, "gone": due})
    connection.zadd("rq:scheduled:enrichment", {"enrich-odd": due + 9})
    expected = [
        PutOff(code="site_unavailable", jobs=2, message="503"),
        PutOff(code="page_blocked", jobs=2, message="a captcha"),
    ]
    assert Registries(connection).put_off() == expected
    monkeypatch.setattr(registries_module, "BATCH", 2)
    assert Registries(connection).put_off() == expected


def test_a_suspended_queue_is_known(connection: redis.Redis) -> None:
    assert not Registries(connection).suspended()
    suspend(connection)
    assert Registries(connection).suspended()


def test_expired_entries_and_dead_workers_are_not_counted(connection: redis.Redis) -> None:
    connection.zadd("rq:finished:enrichment", {"old": time.time() - 1, "new": time.time() + 100})
    connection.zadd("rq:failed:enrichment", {"old": time.time() - 1})
    connection.sadd("rq:workers:enrichment", "rq:worker:dead", "rq:worker:alive")
    connection.hset("rq:worker:alive", "state", "idle")
    counts = Registries(connection).counts()
    assert (counts.finished, counts.failed, counts.workers) == (1, 0, 1)


def test_rates_tell_jobs_per_minute_and_time_to_empty(connection: redis.Redis) -> None:
    now = 2_000_000_000.0
    connection.zadd("rq:finished:enrichment", {f"f{n}": now - 60 + n + 500 for n in range(60)})
    connection.zadd("rq:failed:enrichment", {f"x{n}": now - 30 + 31_536_000 for n in range(60)})
    connection.rpush("rq:queue:enrichment", *range(240))
    rates = Registries(connection, clock=lambda: now).rates()
    assert rates.jobs_per_minute == pytest.approx(120, rel=0.05)
    assert rates.time_to_empty_s == pytest.approx(120, rel=0.05)


def test_rates_are_over_the_time_that_work_was_there(connection: redis.Redis) -> None:
    """A burst of 49 jobs in 2.5 s does not become slow by being over, nor two bursts by the pause between them."""
    now = 2_000_000_000.0
    ended = {f"f{n}": now - 120 + n // 20 + 500 for n in range(49)}
    connection.zadd("rq:finished:enrichment", ended)
    registries = Registries(connection, clock=lambda: now)
    assert registries.rates().jobs_per_minute == pytest.approx(48 / 2 * 60)
    connection.zadd("rq:finished:enrichment", {f"g{n}": now - 20 + n // 20 + 500 for n in range(49)})
    assert registries.rates().jobs_per_minute == pytest.approx(97 / 4 * 60)
    assert (registries.rates().finished, registries.rates().failed) == (98, 0)
    assert registries.rates().time_to_empty_s == 0.0


def test_a_job_that_fails_is_among_those_of_the_last_minutes_at_once(connection: redis.Redis) -> None:
    """Whatever number of its code stands behind the second, and not yet, or no more, in the seconds beside these."""
    now = 2_000_000_000.0
    ends = {"ended": now + 0.3, "first": now - 300 + 0.3, "too old": now - 301 + 0.3, "to come": now + 1}
    connection.zadd("rq:failed:enrichment", {name: end + 31_536_000 for name, end in ends.items()})
    assert Registries(connection, clock=lambda: now).rates().failed == 2


def test_time_to_empty_includes_what_is_put_off(connection: redis.Redis) -> None:
    now = 2_000_000_000.0
    registries = Registries(connection, clock=lambda: now)
    connection.zadd("rq:scheduled:enrichment", {f"s{n}": now + 10 for n in range(120)})
    assert registries.rates().time_to_empty_s is None, "nothing is known of the pace"
    connection.zadd("rq:finished:enrichment", {f"f{n}": now - 30 + n + 500 for n in range(30)})
    assert registries.rates().time_to_empty_s == pytest.approx(120, rel=0.05)
    connection.zadd("rq:scheduled:enrichment", {"late": now + 900})
    assert registries.rates().time_to_empty_s == pytest.approx(900)


def test_failed_jobs_tell_offer_reason_attempts_and_time_newest_first(connection: redis.Redis) -> None:
    fail_all(connection, PageChanged("no price"), "a")
    connection.zincrby("rq:failed:enrichment", -5, "enrich-a")
    before = redis_now(connection)
    fail_all(connection, TooLarge("9 MB"), "b")
    registries = Registries(connection)
    newest, oldest = registries.failed_jobs()
    assert (newest.offer_id, newest.code, newest.message, newest.attempts) == ("b", "too_large", "9 MB", 1)
    assert (oldest.job_id, oldest.url) == ("enrich-a", "https://shop.test/a")
    assert newest.failed_at
    assert before <= newest.failed_at.timestamp() <= redis_now(connection)
    assert [job.offer_id for job in registries.failed_jobs(limit=1)] == ["b"]
    assert [job.offer_id for job in registries.failed_jobs(reasons=["page_changed"])] == ["a"]
    assert registries.failures() == {"too_large": 1, "page_changed": 1}


def test_jobs_that_rq_itself_failed_count_as_bugs_and_tell_their_exception(
    connection: redis.Redis, shared_redis: Any
) -> None:
    queue = rq_queue(connection)
    queue.enqueue("math.sqrt", -1, job_id="foreign")
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with shared_redis.connect() as theirs:
        SimpleWorker([rq_queue(theirs)], connection=theirs, serializer=JSONSerializer).work(
            burst=True, logging_level="CRITICAL"
        )
    for number, handler in before.items():  # RQ's worker takes them and does not give them back
        signal.signal(number, handler)
    [failed] = Registries(connection).failed_jobs()
    assert (failed.job_id, failed.offer_id, failed.code, failed.attempts) == ("foreign", None, "bug", None)
    assert failed.message.startswith("ValueError: ")
    assert Registries(connection).failures() == {"bug": 1}


def test_unreadable_failed_jobs_are_listed_all_the_same(connection: redis.Redis) -> None:
    connection.hset(
        "rq:job:a", mapping={"status": "failed", "meta": b"\x80\x04pickle", "data": b"\xff", "ended_at": "?"}
    )
    connection.set("rq:job:b", "no hash")
    connection.set("rq:results:b", "no stream")
    connection.zadd("rq:failed:enrichment", dict.fromkeys(["a", "b", "gone"], 9e9))
    assert {job.job_id: job.code for job in Registries(connection).failed_jobs()} == dict.fromkeys(
        ["a", "b", "gone"], "bug"
    )
    assert Registries(connection).failures() == {"bug": 3}


def test_a_requeued_job_begins_anew(connection: redis.Redis) -> None:
    fail_all(connection, PageChanged("no price"), "a")
    report = Registries(connection).requeue_failed()
    assert (report.found, report.requeued, report.skipped) == (1, 1, 0)
    job = fetch(connection, "a")
    assert (job.get_status(), job.meta, job.ended_at) == ("queued", {}, None)
    assert connection.ttl("rq:job:enrich-a") == -1
    attempts = []

    def enrich(job: ClaimedJob) -> Enrichment:
        attempts.append(job.attempt)
        return found(job)

    assert make_worker(connection, Database(), enrich).run(burst=True).succeeded == 1
    assert attempts == [1]


def test_requeueing_picks_by_reason_offer_age_and_limit(connection: redis.Redis) -> None:
    fail_all(connection, PageChanged("x"), "a", "b")
    fail_all(connection, TooLarge("x"), "c", "d", "e")
    registries = Registries(connection)
    assert registries.requeue_failed(reasons=["rate_limited"]).found == 0
    assert registries.requeue_failed(older_than_s=60).found == 0
    connection.hset("rq:job:enrich-e", "ended_at", "2020-01-01T00:00:00.000000Z")
    assert registries.requeue_failed(older_than_s=60, dry_run=True).found == 1
    assert registries.requeue_failed(offer_ids=["b", "nobody"]).requeued == 1
    assert registries.requeue_failed(reasons=["too_large"], limit=2).requeued == 2
    assert registries.requeue_failed(reasons=["too_large"]).requeued == 1
    assert [job.offer_id for job in registries.failed_jobs()] == ["a"]
    assert registries.requeue_failed(dry_run=True).requeued == 0
    assert registries.counts().failed == 1


def test_jobs_whose_hash_has_expired_are_skipped_counted_and_removed(connection: redis.Redis) -> None:
    fail_all(connection, PageChanged("x"), "a", "b")
    connection.delete("rq:job:enrich-a")
    registries = Registries(connection)
    assert registries.requeue_failed(dry_run=True).skipped == 1
    report = registries.requeue_failed()
    assert (report.found, report.requeued, report.skipped) == (2, 1, 1)
    assert registries.counts().failed == 0
    assert rq_queue(connection).job_ids == ["enrich-b"]


def test_a_job_that_is_queued_again_already_is_not_queued_twice(connection: redis.Redis) -> None:
    fail_all(connection, PageChanged("x"), "a")
    enqueue(connection, ["a"])
    connection.zadd("rq:failed:enrichment", {"enrich-a": 9e9})
    report = Registries(connection).requeue_failed()
    assert (report.found, report.requeued, report.skipped) == (1, 0, 1)
    assert rq_queue(connection).job_ids == ["enrich-a"]


def test_many_failed_jobs_are_read_and_requeued_in_groups(
    connection: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few journeys to Redis for every thousand jobs, none for each job."""
    plant_failed(connection, 2000)
    plant_failed(connection, 2000, "site_unavailable")
    journeys: list[AbstractConnection] = []
    send: Any = AbstractConnection.send_packed_command

    def count(to: AbstractConnection, *args: Any, **kw: Any) -> None:
        journeys.append(to)
        send(to, *args, **kw)

    monkeypatch.setattr(AbstractConnection, "send_packed_command", count)
    registries = Registries(connection)
    assert registries.failures() == {"page_changed": 2000, "site_unavailable": 2000}
    seen: list[int] = []
    report = registries.requeue_failed(reasons=["site_unavailable"], on_progress=seen.append)
    assert (report.found, report.requeued) == (2000, 2000)
    assert registries.requeue_failed().requeued == 2000
    assert seen[-1] == 2000
    assert registries.counts().queued == 4000
    assert len(journeys) < 40


def test_what_failed_is_told_by_the_registry_whoever_else_writes_there(connection: redis.Redis) -> None:
    """By the scores of our workers, without any job being read; of another program's entries their jobs are asked."""
    registries = Registries(connection)
    fail_all(connection, PageChanged("no price"), "a", "b", "c")
    fail_all(connection, TooLarge("6 MB"), "d")
    for offer in "abcd":
        connection.hdel(f"rq:job:enrich-{offer}", "meta")
    assert registries.failures() == {"page_changed": 3, "too_large": 1}
    plant_failed(connection, 2, "site_unavailable")
    fetch(connection, "a").requeue()
    fetch(connection, "b").delete()
    told = {"site_unavailable": 2, "page_changed": 1, "too_large": 1}
    assert registries.failures() == told
    newest = {group.code: group.newest.job_id for group in registries.failures_with_newest()}
    assert (newest["page_changed"], newest["too_large"]) == ("enrich-c", "enrich-d")
    for code, jobs in told.items():
        assert len(registries.failed_jobs(reasons=[code])) == jobs
        assert registries.requeue_failed(reasons=[code]).requeued == jobs


def test_what_has_expired_is_neither_counted_nor_shown(connection: redis.Redis) -> None:
    """Nobody may have removed it yet. In its last second it is still there."""
    now = 2_000_000_000.0
    registries = Registries(connection, clock=lambda: now)
    plant_failed(connection, 3)
    expires = {"enrich-page_changed-0": now, "enrich-page_changed-1": now - 1, "enrich-page_changed-2": now + 9}
    connection.zadd("rq:failed:enrichment", expires)
    assert registries.counts().failed == sum(registries.failures().values()) == 2
    for reasons in ([], ["page_changed"]):
        assert len(registries.failed_jobs(reasons=reasons)) == 2
        assert len(registries.failed_page(reasons=reasons, size=9).jobs) == 2


def test_failed_jobs_of_a_reason_are_found_where_they_stand_and_alone_read(
    connection: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Among many of other reasons too: the newest first, over all stretches of the registry, up to the limit."""
    monkeypatch.setattr(registries_module, "BATCH", 10)
    plant_failed(connection, 35)
    rare = [f"enrich-too_large-{number}" for number in range(3)]
    plant_failed(connection, 3, "too_large")
    expires: Any = connection.zscore("rq:failed:enrichment", rare[0])
    connection.zadd("rq:failed:enrichment", {rare[0]: expires - 9, rare[1]: expires + 9, rare[2]: expires - 5})
    registries = Registries(connection)
    read: list[str] = []

    def key_of(job_id: str) -> str:
        read.append(job_id)
        return f"rq:job:{job_id}"

    monkeypatch.setattr(registries_module, "job_key", key_of)
    newest_first = [rare[1], rare[2], rare[0]]
    assert [job.job_id for job in registries.failed_jobs(reasons=["too_large", "offer_gone"])] == newest_first
    assert sorted(read) == sorted(rare)
    assert [job.job_id for job in registries.failed_jobs(reasons=["too_large"], limit=2)] == newest_first[:2]
    assert registries.failed_jobs(reasons=["offer_gone"]) == []
    assert len(registries.failed_jobs(reasons=["too_large", "page_changed"])) == 38
    assert len(registries.failed_jobs(limit=20)) == 20
    assert len(registries.failed_jobs()) == 38


def test_a_job_that_fails_again_meanwhile_is_not_taken_twice(connection: redis.Redis) -> None:
    plant_failed(connection, 2500)
    registries = Registries(connection)

    def fail_again(_: int) -> None:
        requeued: Any = connection.lpop("rq:queue:enrichment", 2000) or ()
        for job_id in requeued:
            connection.hset(f"rq:job:{job_id.decode()}", "status", "failed")
            connection.zadd("rq:failed:enrichment", {job_id: int(time.time()) + 31_536_010})

    assert registries.requeue_failed(on_progress=fail_again).requeued == 2500


def test_a_failed_job_that_is_forgotten_leaves_nothing_behind(connection: redis.Redis) -> None:
    fail_all(connection, PageChanged("no price"), "a", "b")
    assert Registries(connection).forget_failed(["a", "nobody"]) == 1
    assert connection.zrange("rq:failed:enrichment", 0, -1) == [b"enrich-b"]
    assert not connection.exists("rq:job:enrich-a", "rq:results:enrich-a")
    assert connection.exists("rq:job:enrich-b", "rq:results:enrich-b") == 2


def test_a_job_that_waits_is_not_forgotten_with_its_failure(connection: redis.Redis) -> None:
    """`a` never failed, `b` failed and was queued again."""
    enqueue(connection, ["a", "b"])
    connection.zadd("rq:failed:enrichment", {"enrich-b": 9e9})
    assert Registries(connection).forget_failed(["a", "b"]) == 1
    assert make_worker(connection, Database()).run(burst=True).succeeded == 2


def test_stats_do_not_import_rq() -> None:
    code = "import sys, offers_cli.queue.registries, redis; print('rq' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_retried_jobs_are_no_failures(connection: redis.Redis) -> None:
    fail_all(connection, SiteUnavailable("503"), "a")
    assert Registries(connection).failures() == {}
    assert Registries(connection).counts().scheduled == 1
