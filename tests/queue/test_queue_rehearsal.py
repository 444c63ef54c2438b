"""Before its first job a worker tries all that its scripts will ask of Redis: what it may not do, it learns there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from servers import RedisServer

from offers_cli.errors import QueueRefused
from offers_cli.queue import leases
from offers_cli.queue.leases import JobLeases
from offers_cli.redis import scripts
from offers_cli.redis.connection import connect

WORKER_SCRIPTS = (
    "prelude",
    "register",
    "claim",
    "settle",
    "heartbeat",
    "expire_leases",
    "recover",
    "unregister",
)
LUA = Path(leases.__file__).with_name("lua")
SCRIPTS = [Path(scripts.__file__).with_name("type_guard.lua"), *(LUA / f"{name}.lua" for name in WORKER_SCRIPTS)]
WORKS_WITHOUT = {"COPY"}
"""What only saves memory."""
COMMANDS = sorted(
    set(re.findall(r"\bp?call(?:_counter)?\('([A-Z]+)'", "".join(lua.read_text() for lua in SCRIPTS))) - WORKS_WITHOUT
)
"""What the scripts of a worker ask of Redis."""


@pytest.fixture
def rehearse_without(shared_redis: RedisServer, connection: redis.Redis) -> Iterator[Callable[[str], None]]:
    """Rehearses as a Redis user who may do everything but that command."""

    def rehearse(command: str) -> None:
        rights = ("~*", "&*", "+@all", f"-{command.lower()}")
        connection.execute_command("ACL", "SETUSER", "worker", "reset", "on", ">secret", *rights)  # type: ignore[no-untyped-call]
        with connect(f"{shared_redis.url}?username=worker&password=secret") as client:
            JobLeases(client, queue_name="enrichment", worker="w").rehearse()

    yield rehearse
    connection.acl_deluser("worker")


def rehearse(connection: redis.Redis) -> None:
    JobLeases(connection, queue_name="enrichment", worker="w").rehearse()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_is_not_allowed_is_refused_before_any_job_is_taken(
    rehearse_without: Callable[[str], None], connection: redis.Redis, command: str
) -> None:
    """In the middle of a script, a job would be taken and never started: in no list, no registry."""
    with pytest.raises(QueueRefused, match="this Redis user may not do that"):
        rehearse_without(command)
    assert command == "DEL" or connection.keys() == []


def test_a_rehearsal_leaves_nothing_behind(connection: redis.Redis) -> None:
    rehearse(connection)
    assert connection.keys() == []


def test_whatever_stands_under_a_name_of_the_rehearsal_does_not_fail_it(connection: redis.Redis) -> None:
    for key in ("rq:queue:enrichment:rehearsal", "rq:job:rehearsal"):
        connection.set(key, "planted")
    rehearse(connection)


def test_a_full_redis_does_not_keep_a_worker_from_its_jobs(connection: redis.Redis) -> None:
    connection.config_set("maxmemory", 1)
    try:
        rehearse(connection)
    finally:
        connection.config_set("maxmemory", 0)
