"""Real processes, killed: every job runs again, none is lost, none stays started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
import redis
from queue_fakes import enqueue, fetch, redis_now
from servers import RedisServer
from waiting import NEVER_S, wait_until

from offers_cli.queue.registries import Registries

PROGRAM = Path(__file__).parents[1] / "queue_processes.py"
pytestmark = pytest.mark.slow


@contextmanager
def running(
    url: str, processes: int = 1, *, log: Path | None = None, **settings: object
) -> Iterator[subprocess.Popen[str]]:
    """Workers as processes; what they say goes to `log`, for a test that waits for a word of theirs."""
    settings = {"redis_url": url, **settings}
    environment = {**os.environ, **{f"TEST_{name.upper()}": str(value) for name, value in settings.items()}}
    with log.open("w") if log else nullcontext(subprocess.PIPE) as errors:
        process = subprocess.Popen(
            [sys.executable, str(PROGRAM), str(processes)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def finish(process: subprocess.Popen[str]) -> tuple[int, int, bool]:
    out, err = process.communicate(timeout=NEVER_S)
    assert process.returncode == 0, err
    succeeded, failed, interrupted = out.split()
    return int(succeeded), int(failed), interrupted == "True"


def saved(connection: redis.Redis) -> dict[str, int]:
    counts: Any = connection.hgetall("test:saved")
    return {offer.decode(): int(times) for offer, times in counts.items()}


def assert_all_finished(connection: redis.Redis, total: int) -> None:
    counts = Registries(connection).counts()
    assert (counts.queued, counts.started, counts.scheduled, counts.failed) == (0, 0, 0, 0)
    assert counts.finished == total
    assert not connection.exists("offers:leases:enrichment")


def test_a_killed_worker_loses_nothing_and_the_next_takes_over_at_once(connection: redis.Redis, redis_url: str) -> None:
    """It does not wait for the leases of the dead to run out."""
    enqueue(connection, (f"o{n}" for n in range(100)))
    with running(redis_url, delay_s=0.02) as first:
        wait_until(lambda: len(saved(connection)) > 20)
        first.kill()
        first.wait()
    assert Registries(connection).counts().started > 0
    leases: Any = connection.zrange("offers:leases:enrichment", 0, -1)
    connection.zadd("offers:leases:enrichment", dict.fromkeys(leases, redis_now(connection) + 3600))
    with running(redis_url) as second:
        finish(second)
    assert set(saved(connection)) == {f"o{n}" for n in range(100)}
    assert sum(saved(connection).values()) <= 104
    assert_all_finished(connection, 100)


def test_two_bursts_at_once_do_each_job_exactly_once(connection: redis.Redis, redis_url: str) -> None:
    enqueue(connection, (f"o{n}" for n in range(500)))
    with running(redis_url, delay_s=0.002) as first, running(redis_url, delay_s=0.002) as second:
        done = finish(first)[0] + finish(second)[0]
    assert done == 500
    assert saved(connection) == {f"o{n}": 1 for n in range(500)}
    assert_all_finished(connection, 500)


def test_a_job_that_kills_its_worker_three_times_is_set_aside(connection: redis.Redis, redis_url: str) -> None:
    enqueue(connection, ["poison"])
    for _ in range(3):
        with running(redis_url) as process:
            assert process.wait(NEVER_S) == -signal.SIGKILL
    with running(redis_url) as process:
        finish(process)
    [failed] = Registries(connection).failed_jobs()
    assert (failed.offer_id, failed.code, failed.attempts) == ("poison", "bug", 3)
    assert "died 3 times" in failed.message
    result = fetch(connection, "poison").latest_result()
    assert result
    assert "died 3 times" in str(result.exc_string)


@pytest.mark.slow
def test_neighbours_of_a_poisonous_job_are_not_blamed(connection: redis.Redis, redis_url: str) -> None:
    """They were running when it killed the process; from then on each suspect runs alone."""
    enqueue(connection, ["poison", *(f"o{n}" for n in range(20))])
    with running(redis_url, processes=2, delay_s=0.1) as supervisor:
        succeeded, failed, _ = finish(supervisor)
    assert succeeded >= 20  # a killed process may have saved some without having told
    assert set(saved(connection)) == {f"o{n}" for n in range(20)}
    assert [job.offer_id for job in Registries(connection).failed_jobs()] == ["poison"]
    assert failed <= 1


def test_a_supervisor_killed_leaves_no_orphans(connection: redis.Redis, redis_url: str) -> None:
    enqueue(connection, (f"o{n}" for n in range(3000)))
    with running(redis_url, processes=2, delay_s=0.02) as supervisor:
        wait_until(lambda: len(connection.smembers("rq:workers:enrichment")) == 2)
        pids = [int(connection.hget(key, "pid") or 0) for key in connection.smembers("rq:workers:enrichment")]
        supervisor.kill()
        supervisor.wait()
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
    assert Registries(connection).counts().started == 0
    assert Registries(connection).counts().workers == 0


@pytest.mark.slow
def test_a_killed_child_is_started_again(connection: redis.Redis, redis_url: str) -> None:
    enqueue(connection, (f"o{n}" for n in range(300)))
    with running(redis_url, processes=2, delay_s=0.02) as supervisor:
        wait_until(lambda: len(saved(connection)) > 20)
        key = next(iter(connection.smembers("rq:workers:enrichment")))
        os.kill(int(connection.hget(key, "pid") or 0), signal.SIGKILL)
        finish(supervisor)
    assert set(saved(connection)) == {f"o{n}" for n in range(300)}
    assert_all_finished(connection, 300)


@pytest.mark.parametrize("processes", [1, 2])
def test_the_first_sigterm_finishes_what_runs_and_the_rest_stays_queued(
    connection: redis.Redis, redis_url: str, processes: int
) -> None:
    enqueue(connection, (f"o{n}" for n in range(200)))
    with running(redis_url, processes, delay_s=0.3) as process:
        wait_until(lambda: saved(connection))
        process.terminate()
        succeeded, failed, interrupted = finish(process)
    counts = Registries(connection).counts()
    assert (counts.started, counts.scheduled, counts.failed, failed, interrupted) == (0, 0, 0, 0, False)
    assert counts.finished == succeeded == len(saved(connection))
    assert counts.queued == 200 - succeeded


@pytest.mark.parametrize("processes", [1, 2])
def test_the_second_ctrl_c_gives_everything_back_now(
    connection: redis.Redis, redis_url: str, processes: int, tmp_path: Path
) -> None:
    """It waits neither for the jobs that run nor for the time they were given to finish."""
    enqueue(connection, (f"o{n}" for n in range(20)))
    log = tmp_path / "log"
    with running(redis_url, processes, log=log, delay_s=3600, grace_s=3600) as process:
        wait_until(lambda: Registries(connection).counts().started == 4 * processes)
        process.send_signal(signal.SIGINT)
        wait_until(lambda: "signal received" in log.read_text())
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert finish(process) == (0, 0, True)
    counts = Registries(connection).counts()
    assert (counts.queued, counts.started) == (20, 0)
    assert (
        not connection.hget("rq:job:enrich-o0", "attempts") or connection.hget("rq:job:enrich-o0", "attempts") == b"0"
    )


@pytest.mark.slow
def test_redis_killed_and_restarted_in_the_middle(redis_server: RedisServer, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with redis_server.connect() as client:
        client.config_set("appendfsync", "always")
        enqueue(client, (f"o{n}" for n in range(200)))
    with running(redis_server.url, log=log, delay_s=0.05) as process:
        with redis_server.connect() as client:
            wait_until(lambda: len(saved(client)) > 20)
        redis_server.kill()
        wait_until(lambda: "waiting for Redis" in log.read_text())
        redis_server.start()
        finish(process)
    with redis_server.connect() as client:
        assert set(saved(client)) == {f"o{n}" for n in range(200)}
        assert_all_finished(client, 200)


@pytest.mark.slow
def test_a_child_that_dies_while_redis_is_away_is_started_until_redis_is_back(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    """A service: a burst would give up once Redis has been away for a minute, which starting a process may take."""
    log = tmp_path / "log"
    with redis_server.connect() as client:
        client.config_set("appendfsync", "always")
        enqueue(client, (f"o{n}" for n in range(200)))
    with running(redis_server.url, processes=2, log=log, delay_s=0.05, burst=0) as process:
        with redis_server.connect() as client:
            # One that meets no Redis at its very start ends them all, as it should.
            wait_until(lambda: client.scard("rq:workers:enrichment") == 2 and len(saved(client)) > 20)
            pids = [int(client.hget(key, "pid") or 0) for key in client.smembers("rq:workers:enrichment")]
        redis_server.kill()
        os.kill(pids[0], signal.SIGKILL)
        wait_until(lambda: log.read_text().count("a worker process died") >= 2)  # by the kill, then for want of Redis
        redis_server.start()
        with redis_server.connect() as client:
            wait_until(lambda: Registries(client).counts().finished == 200, "all jobs are done")
        process.terminate()
        finish(process)
    with redis_server.connect() as client:
        assert set(saved(client)) == {f"o{n}" for n in range(200)}
        assert_all_finished(client, 200)


def test_without_redis_at_the_start_the_supervisor_ends_with_the_error(tmp_path: Path) -> None:
    with running(f"unix://{tmp_path}/none.sock", processes=2) as process:
        _, err = process.communicate(timeout=NEVER_S)
    assert process.returncode == 1
    assert "QueueUnavailable" in err


def test_redis_that_comes_back_empty_does_not_stop_the_worker(connection: redis.Redis, redis_url: str) -> None:
    enqueue(connection, (f"o{n}" for n in range(50)))
    with running(redis_url, delay_s=0.1, burst=0) as process:
        wait_until(lambda: saved(connection))
        connection.flushall()
        enqueue(connection, (f"p{n}" for n in range(10)))
        wait_until(lambda: sum(offer.startswith("p") for offer in saved(connection)) == 10)
        process.terminate()
        finish(process)
    counts = Registries(connection).counts()
    assert (counts.finished, counts.started, counts.queued) == (10, 0, 0)
