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
from processes import fork_server_of
from queue_fakes import enqueue, fetch, redis_now
from servers import RedisServer
from waiting import NEVER_S, wait_until

from offers_cli.queue.registries import Registries
from offers_cli.queue.supervisor import FORKS

PROGRAM = Path(__file__).parents[1] / "queue_processes.py"
needs_fork_server = pytest.mark.skipif(not FORKS, reason="each worker is an interpreter of its own here")
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


def worker_pids(connection: redis.Redis) -> list[int]:
    return sorted(int(connection.hget(key, "pid") or 0) for key in connection.smembers("rq:workers:enrichment"))


def kill_fork_server(supervisor: subprocess.Popen[str]) -> None:
    """And wait until it is gone, but for the supervisor's look at it."""
    server = fork_server_of(supervisor.pid)
    assert server
    os.kill(server, signal.SIGKILL)
    wait_until(lambda: fork_server_of(supervisor.pid) is None, "the end of the fork server")


@needs_fork_server
def test_a_killed_fork_server_takes_no_worker_with_it(connection: redis.Redis, redis_url: str, tmp_path: Path) -> None:
    """Its workers go on: no page is fetched a second time, and nobody is started in vain."""
    log = tmp_path / "log"
    enqueue(connection, (f"o{n}" for n in range(300)))
    with running(redis_url, processes=2, log=log, delay_s=0.02) as supervisor:
        wait_until(lambda: len(saved(connection)) > 20 and len(worker_pids(connection)) == 2)
        before = worker_pids(connection)
        kill_fork_server(supervisor)
        done = len(saved(connection))
        wait_until(lambda: len(saved(connection)) > done + 20)
        assert worker_pids(connection) == before
        assert finish(supervisor) == (300, 0, False)
    assert saved(connection) == {f"o{n}": 1 for n in range(300)}
    assert "died" not in log.read_text()


@needs_fork_server
def test_a_worker_that_dies_after_its_fork_server_is_started_again(connection: redis.Redis, redis_url: str) -> None:
    """By a new fork server; the other worker goes on meanwhile."""
    enqueue(connection, (f"o{n}" for n in range(600)))
    with running(redis_url, processes=2, delay_s=0.02) as supervisor:
        wait_until(lambda: len(saved(connection)) > 20 and len(worker_pids(connection)) == 2)
        killed, other = worker_pids(connection)
        kill_fork_server(supervisor)
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: fork_server_of(supervisor.pid), "a new fork server")
        wait_until(lambda: len({*worker_pids(connection)} - {killed, other}) == 1, "a new worker")
        assert other in worker_pids(connection)
        finish(supervisor)
    assert set(saved(connection)) == {f"o{n}" for n in range(600)}
    assert sum(saved(connection).values()) <= 604
    assert_all_finished(connection, 600)


@needs_fork_server
@pytest.mark.parametrize("with_supervisor", [True, False])
def test_without_a_fork_server_workers_end_as_they_should(
    connection: redis.Redis, redis_url: str, *, with_supervisor: bool
) -> None:
    """With their supervisor killed as well, so that no orphan goes on; or when that asks them to stop."""
    enqueue(connection, (f"o{n}" for n in range(3000)))
    with running(redis_url, processes=2, delay_s=0.02) as supervisor:
        wait_until(lambda: len(worker_pids(connection)) == 2)
        pids = worker_pids(connection)
        kill_fork_server(supervisor)
        if with_supervisor:
            supervisor.kill()
        else:
            supervisor.terminate()
        supervisor.wait(NEVER_S)
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
    counts = Registries(connection).counts()
    assert (counts.started, counts.workers) == (0, 0)
    assert counts.queued + counts.finished == 3000


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="Linux shows what a process has open")
@needs_fork_server
def test_what_workers_are_forked_from_has_no_thread_and_no_connection(connection: redis.Redis, redis_url: str) -> None:
    """A fork would share the connection, and wait for ever for what the thread held."""
    enqueue(connection, (f"o{n}" for n in range(3000)))
    with running(redis_url, processes=2, delay_s=0.02) as supervisor:
        wait_until(lambda: len(worker_pids(connection)) == 2)
        server = fork_server_of(supervisor.pid)
        threads = list(Path(f"/proc/{server}/task").iterdir())
        opened = [str(path.readlink()) for path in Path(f"/proc/{server}/fd").iterdir() if int(path.name) > 2]
    assert len(threads) == 1
    sockets = [name for name in opened if name.startswith("socket:")]
    assert len(sockets) == 1, "where it is asked for a worker"
    assert not [name for name in opened if name.startswith("/") and name != "/dev/null"]


def test_where_a_fork_server_finds_no_place_workers_run_all_the_same(
    connection: redis.Redis, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The path of a socket must be short, that of the folder for temporary files need not be."""
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    enqueue(connection, (f"o{n}" for n in range(20)))
    with running(redis_url, processes=2) as supervisor:
        assert finish(supervisor) == (20, 0, False)


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
