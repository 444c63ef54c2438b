"""Commands on a clock: added, run by a worker, shown and removed; and when the worker is killed in the middle."""

from __future__ import annotations

import fcntl
import json
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import redis
from acceptance.program import PROGRAM, Program, Result, at_shop, end
from rq import Queue
from rq.serializers import JSONSerializer
from servers import RedisServer
from shop import Shop
from waiting import wait_until

from offers_cli.queue.schedule import Schedule, find_command

KEY = "offers:schedule:enrichment"
RIGHTS = Path(__file__).parents[2] / "docs" / "redis.md"


@pytest.fixture
def client() -> Iterator[redis.Redis]:
    with RedisServer() as server, server.connect() as client:
        yield client


@pytest.fixture
def program(offers: Program, client: redis.Redis) -> Program:
    offers.env["REDIS_URL"] = f"unix://{quote(client.get_connection_kwargs()['path'])}"
    return offers


def stop_now(worker: subprocess.Popen[str]) -> Result:
    """By two signals; two of one number would count as one where they come together."""
    worker.send_signal(signal.SIGTERM)
    return end(worker, signal.SIGINT)


@contextmanager
def working(program: Program, *options: str) -> Iterator[subprocess.Popen[str]]:
    worker = program.start("worker", *options)
    try:
        yield worker
    finally:
        if worker.poll() is None:
            stop_now(worker)


def entry(program: Program, name: str) -> dict[str, Any]:
    [found] = [one for one in program.json("schedule", "list").data["entries"] if one["name"] == name]
    return dict(found)


def has_run(client: redis.Redis, name: str, status: str) -> bool:
    """Asked of Redis, for starting the program again and again takes the processors from the workers."""
    found = find_command(Schedule(client, queue_name="enrichment").look().commands, name)
    return bool(found and found.last_run and found.last_run.status == status)


def is_free(lock: Path) -> bool:
    """Whether no process of that entry is left."""
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def test_what_is_on_the_clock_is_run_shown_and_removed(program: Program, client: redis.Redis, calm_shop: Shop) -> None:
    at_shop(program, calm_shop)
    added = program.json("schedule", "add", "--every", "30m", "--", "scrape", "ofertas")
    assert (added.code, added.data["entries"][0]["name"]) == (0, "scrape-ofertas")
    assert program("schedule", "add", "--cron", "0 3 * * sun", "--name", "tidy", "db prune --older-than 400d").code == 0
    assert program("schedule", "add", "--every", "1d", "--name", "file", "--", "export", "offers.csv").code == 0
    assert program("worker", "--burst").code == 0
    assert entry(program, "scrape-ofertas")["last_run"] is None, "a burst runs nothing by the clock"
    with working(program, "--processes", "2") as worker:
        wait_until(lambda: has_run(client, "scrape-ofertas", "ok"), "the scrape was run by the clock")
        wait_until(lambda: has_run(client, "file", "ok"), "the export was run by the clock")
        wait_until(lambda: client.zcard("rq:finished:enrichment"), "what it queued is enriched")
        assert end(worker).code == 0
    scrape, tidy = entry(program, "scrape-ofertas"), entry(program, "tidy")
    assert "seen" in scrape["last_run"]["result"]
    assert scrape["next_run_at"] > scrape["last_run"]["ended_at"]
    assert (tidy["last_run"], tidy["status"]) == (None, "waiting")
    assert (program.home / "exports" / "offers.csv").exists()
    assert "scrape-ofertas" in program("schedule", "list").out
    assert program("scrape", "ofertas").code == 0
    by_hand, by_the_clock = program.json("runs").data["runs"]
    assert (by_hand["schedule_entry"], by_the_clock["schedule_entry"]) == (None, "scrape-ofertas")
    assert "scrape-ofertas" in program("runs").out
    assert program("schedule", "remove", "scrape-ofertas", "tidy", "file").code == 0
    assert program.json("schedule", "list").data["entries"] == []
    assert program("schedule", "remove", "tidy").code == 2


@pytest.fixture
def slow(program: Program, calm_shop: Shop) -> Program:
    """On its clock is a scrape whose second page waits for a minute."""
    at_shop(program, calm_shop)
    program.env["ENRICHMENT_REQUEST_DELAY_S"] = "60"
    assert program("schedule", "add", "--every", "1h", "--name", "slow", "--", "scrape", "ofertas", "ofertas").code == 0
    return program


def test_a_worker_killed_in_the_middle_leaves_no_run_behind_and_the_next_one_happens(
    slow: Program, client: redis.Redis
) -> None:
    lock = slow.home / "schedule" / "slow.lock"
    with working(slow) as worker:
        wait_until(lambda: has_run(client, "slow", "running") and lock.exists() and not is_free(lock))
        worker.send_signal(signal.SIGKILL)
        worker.communicate()
    wait_until(lambda: is_free(lock), "the command ended with its worker")
    with working(slow):
        wait_until(lambda: has_run(client, "slow", "killed"), "it is told as killed")
        clock = json.loads(client.hget(KEY, "slow:clock") or "")
        client.hset(KEY, "slow:clock", json.dumps(clock | {"next": clock["set"]}))
        wait_until(lambda: has_run(client, "slow", "running"), "the next run began at its time")


def test_a_stop_ends_what_runs_and_the_next_worker_begins_it_again(slow: Program, client: redis.Redis) -> None:
    for _ in range(2):
        with working(slow) as worker:
            wait_until(lambda: has_run(client, "slow", "running"))
            assert stop_now(worker).code in (0, 130), "the second signal does not wait for the command"
        assert entry(slow, "slow")["status"] == "queued"


def test_a_mistyped_or_endless_command_is_refused_when_it_is_added(program: Program, client: redis.Redis) -> None:
    for words, said in (
        (("scrape", "ofertas", "--pagez", "3"), "--pages"),
        (("worker",), "runs the schedule"),
        (("export", "/etc/passwd"), "without a folder"),
    ):
        refused = program.json("schedule", "add", "--every", "30m", "--", *words)
        assert (refused.code, refused.codes) == (2, ["usage"])
        assert said in refused.out
    assert client.keys() == []


def test_what_a_stranger_plants_in_redis_is_not_run(program: Program, client: redis.Redis) -> None:
    """Who may write to Redis reaches no file and no setting by it."""
    facts = {"every_s": 3600, "cron": None, "time_zone": "UTC", "jitter_s": 0, "added_at": "2026-01-01T00:00:00Z"}
    target = program.home.parent / "x.csv"
    for name, command in (("a", ["export", str(target)]), ("b", ["config", "set", "OFFERS_LANG", "en"])):
        client.hset(KEY, name, json.dumps({"command": command} | facts))
    with working(program):
        wait_until(lambda: has_run(client, "a", "failed") and has_run(client, "b", "failed"))
    assert "usage" in entry(program, "a")["last_run"]["result"]
    assert not target.exists()
    assert not (program.home / ".env").exists()


def test_the_documented_rights_of_a_redis_user_suffice(program: Program, client: redis.Redis) -> None:
    found = re.search(r"ACL SETUSER (offers [^`]+)", RIGHTS.read_text())
    assert found
    client.execute_command("ACL", "SETUSER", *found[1].split())  # type: ignore[no-untyped-call]
    program.env["REDIS_URL"] += "?username=offers&password=PASSWORD"
    assert program("schedule", "add", "--every", "30m", "--name", "b", "--", "db", "backup").code == 0
    with working(program):
        wait_until(lambda: has_run(client, "b", "ok"), "it was run by the clock")
    assert program("schedule", "remove", "b").code == 0
    refused = [one for one in client.acl_log() if "acl" not in str(one["object"])]
    assert not refused, refused


def test_rqs_own_worker_runs_it_too(program: Program, client: redis.Redis) -> None:
    assert program("db", "migrate").code == 0
    assert program("schedule", "add", "--every", "30m", "--name", "b", "--", "db", "backup").code == 0
    queue = Queue("enrichment-schedule", connection=client, serializer=JSONSerializer)
    job = queue.enqueue("offers_cli.jobs.run_scheduled_job", "b")
    address = ("--url", program.env["REDIS_URL"], "-S", "rq.serializers.JSONSerializer")
    rq = [str(PROGRAM.with_name("rq")), "worker", *address, "--burst", queue.name]
    done = subprocess.run(rq, env=program.environment(), capture_output=True, text=True, check=False)
    assert job.get_status() == "finished", done.stderr
    assert has_run(client, "b", "ok")
