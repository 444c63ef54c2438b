"""What a failed job takes of Redis: it is kept for a year."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import redis
from queue_fakes import Database, enqueue, make_worker, raising, rq_queue
from servers import RedisServer

from offers_cli.errors import PageChanged
from offers_cli.queue.registries import Registries
from offers_cli.redis.connection import connect_to_socket
from offers_cli.redis.embedded import ensure_server, stop_server

OFFER = str(UUID(int=1))
ERROR = PageChanged("the price is neither in the page's state nor where the page shows it (3 places looked at)")


def fail(connection: redis.Redis) -> int:
    """Fail one job; returns the bytes of its keys."""
    enqueue(connection, [OFFER])
    make_worker(connection, Database(), raising(ERROR)).run(burst=True)
    keys = [key for key in connection.keys("*") if OFFER.encode() in key]
    assert len(keys) == 2, "its hash and its result"
    return sum(connection.memory_usage(key, samples=0) or 0 for key in keys)


def test_in_the_embedded_redis_a_failed_job_takes_less_than_1500_bytes(tmp_path: Path) -> None:
    with connect_to_socket(ensure_server(tmp_path)) as connection:
        assert fail(connection) < 1500
    stop_server(tmp_path)


def test_in_any_redis_it_sets_no_room_aside_for_results_to_come(connection: redis.Redis) -> None:
    """A new stream takes 4 kB at once."""
    assert fail(connection) < 2200


def test_a_user_who_may_not_copy_keeps_the_result_as_it_is(shared_redis: RedisServer, connection: redis.Redis) -> None:
    rights = ("reset", "on", ">secret", "~rq:*", "~offers:*", "&rq:pubsub:*", "+@all", "-copy")
    connection.execute_command("ACL", "SETUSER", "frugal", *rights)  # type: ignore[no-untyped-call]
    try:
        with redis.Redis.from_url(f"{shared_redis.url}?username=frugal&password=secret") as restricted:
            fail(restricted)
        assert [job.message for job in Registries(connection).failed_jobs()] == [str(ERROR)]
    finally:
        connection.acl_deluser("frugal")


def test_rq_itself_requeues_a_job_that_keeps_no_more_than_is_needed(connection: redis.Redis) -> None:
    fail(connection)
    queue = rq_queue(connection)
    assert queue.failed_job_registry.requeue(f"enrich-{OFFER}").get_status() == "queued"
    job = queue.fetch_job(f"enrich-{OFFER}")
    assert job
    assert job.args[0] == OFFER
