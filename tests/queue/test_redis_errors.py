"""What Redis says is told in the same words by all who use it: the queue, the pace and the pages' record."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis
from free_ports import free_port
from queue_fakes import make_job
from servers import RedisServer
from tls_front import TlsFront
from waiting import wait_until

from offers_cli.drift.detect import FieldCounts
from offers_cli.drift.store import DriftStore
from offers_cli.errors import OffersError, QueueRefused, QueueUnavailable
from offers_cli.fetch.pace import SharedPace
from offers_cli.queue.enqueue import EnrichmentQueue
from offers_cli.redis.connection import connect
from offers_cli.redis.errors import REFUSALS, as_ours, translate

USERS: dict[str, Callable[[redis.Redis], Any]] = {
    "queue": lambda client: EnrichmentQueue(client).enqueue([make_job("a")]),
    "pace": lambda client: SharedPace(client, delay_s=1, first_pause_s=1).reserve("shop.test"),
    "drift": lambda client: DriftStore(lambda: client).record("shop", [FieldCounts()]),
}
States = Iterator[redis.Redis]


WORKER = ("--user", "worker", "on", ">secret", "~*", "&*")
AS_WORKER = "?username=worker&password=secret"
NO_SCRIPT_MAY = ("-exists", "-zrange", "-get", "-hget", "-hmget", "-hincrby", "-time", "-lpush")


@contextmanager
def started(*options: str, query: str = "") -> States:
    with RedisServer(*options) as server, connect(f"{server.url}{query}") as client:
        yield client


def cluster() -> AbstractContextManager[redis.Redis]:
    """Its channel to others needs a port of its own, which it derives from this one."""
    return started("--port", str(free_port()), "--cluster-enabled", "yes")


@contextmanager
def without_disk() -> States:
    """The folder of its snapshots is gone, so that the last one failed."""
    folder = tempfile.mkdtemp()
    with started("--appendonly", "no", "--save", "3600 1", "--dir", folder) as client:
        shutil.rmtree(folder)
        client.bgsave()
        wait_until(lambda: client.info()["rdb_last_bgsave_status"] == "err")
        yield client


@contextmanager
def nobody() -> States:
    with connect(f"redis://127.0.0.1:{free_port()}") as client:
        yield client


STATES: dict[str, tuple[Callable[[], Any], str | None]] = {
    "out of memory": (partial(started, "--maxmemory", "1", "--maxmemory-policy", "noeviction"), "OOM"),
    "a replica": (partial(started, "--replicaof", "127.0.0.1 1"), "READONLY"),
    "no disk": (without_disk, "MISCONF"),
    "no right": (
        partial(started, *["--user", "worker", "on", ">secret", "~*", "&*", "+@read", "+ping"], query=AS_WORKER),
        "NOPERM",
    ),
    "no right in scripts": (
        partial(started, *WORKER, "+@all", *NO_SCRIPT_MAY, query=AS_WORKER),
        "NOPERM",
    ),
    "no password": (partial(started, "--requirepass", "secret"), "NOAUTH"),
    "a wrong password": (partial(started, "--requirepass", "secret", query="?password=wrong"), "WRONGPASS"),
    "a cluster": (cluster, "CLUSTER"),
    "nobody": (nobody, None),
}


def told(act: Callable[[redis.Redis], Any], client: redis.Redis) -> OffersError:
    with pytest.raises((QueueRefused, QueueUnavailable)) as caught:
        act(client)
    return caught.value


@pytest.mark.parametrize("name", STATES)
def test_all_tell_of_one_state_in_the_same_words(name: str) -> None:
    state, code = STATES[name]
    with state() as client:
        users = USERS.keys() - ({"pace"} if code == "OOM" else set())  # turns are given on a full Redis too
        errors = {user: told(USERS[user], client) for user in users}
    for user, error in errors.items():
        if code is None:
            assert isinstance(error, QueueUnavailable), user
            assert error.message.startswith("Redis does not answer: "), user
            continue
        what, hint = REFUSALS[code]
        assert isinstance(error, QueueRefused), (user, error.message)
        assert error.message.startswith(f"{what}: "), (user, error.message)
        assert error.hint == hint, user
        for noise in ("script", "@user", "<redis", "pipeline"):
            assert noise not in error.message, (user, error.message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "Error running script (call to f_e75a): @user_script:12: @user_script: 12: OOM command not allowed",
            "Redis is out of memory: OOM command not allowed",
        ),
        (
            "MISCONF Errors writing to the AOF file: No space left on device script: 1a2b, on @user_script:1.",
            "Redis cannot write to its disk: MISCONF Errors writing to the AOF file: No space left on device",
        ),
        ("some new error of Redis", "Redis refuses: some new error of Redis"),
    ],
)
def test_the_words_of_redis_stand_alone(text: str, message: str) -> None:
    assert as_ours(redis.ResponseError(text)).message == message


def test_sentinels_that_do_not_answer_are_told_without_python_objects() -> None:
    one, other = free_port(), free_port()
    with connect(f"redis+sentinel://127.0.0.1:{one},127.0.0.1:{other}/shop") as client:
        error = told(USERS["queue"], client)
    assert error.message == (
        "Redis does not answer: no Sentinel knows a primary named 'shop' "
        f"(127.0.0.1:{one} ConnectionError, 127.0.0.1:{other} ConnectionError)"
    )


@pytest.mark.slow
def test_a_cluster_that_works_is_refused_by_its_name() -> None:
    with cluster() as client:
        client.execute_command("CLUSTER ADDSLOTS", *range(16384))  # type: ignore[no-untyped-call]
        wait_until(lambda: client.cluster("INFO")["cluster_state"] == "ok")
        error = told(USERS["queue"], client)
    assert error.message.startswith("this is a Redis Cluster, which RQ cannot use")


@pytest.mark.slow
def test_a_redis_that_loads_its_data_does_not_answer_yet() -> None:
    """As a worker meets it after a restart."""
    with RedisServer("--appendonly", "no") as server:
        with server.connect() as client:
            client.mset({f"k{n}": "v" * 4000 for n in range(2000)})
            client.save()
        slowly = ("--key-load-delay", "10000", "--loading-process-events-interval-bytes", "4096")
        server.options = ("--appendonly", "no", *slowly)
        server.kill()
        server.start(wait=False)
        with server.connect() as loading:
            wait_until(lambda: told(USERS["queue"], loading).message == "Redis is loading its data")
            assert {told(act, loading).message for act in USERS.values()} == {"Redis is loading its data"}


@pytest.fixture(scope="module")
def behind_tls() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


def answer(url: str) -> OffersError | None:
    """What a command would end with at that address; None when all is well."""
    with connect(url) as client:
        try:
            with translate():
                client.ping()
        except OffersError as error:
            return error
    return None


def test_tls_with_a_private_authority(behind_tls: RedisServer, tmp_path: Path) -> None:
    with TlsFront(behind_tls.socket, tmp_path, "127.0.0.1") as front:
        assert answer(f"rediss://127.0.0.1:{front.port}?ssl_ca_certs={front.ca_pem}") is None
        error = answer(f"rediss://127.0.0.1:{front.port}")
        assert isinstance(error, QueueRefused)
        assert error.message.startswith("the certificate of Redis is not trusted")
        assert "ssl_ca_certs=" in error.hint


def test_tls_to_a_host_of_another_name(behind_tls: RedisServer, tmp_path: Path) -> None:
    with TlsFront(behind_tls.socket, tmp_path, "redis.shop.test") as front:
        error = answer(f"rediss://127.0.0.1:{front.port}?ssl_ca_certs={front.ca_pem}")
    assert isinstance(error, QueueRefused)
    assert error.message.startswith("the certificate of Redis is for another host")


def test_tls_with_a_certificate_of_ours(behind_tls: RedisServer, tmp_path: Path) -> None:
    with TlsFront(behind_tls.socket, tmp_path, "127.0.0.1", wants_certificate=True) as front:
        url = f"rediss://127.0.0.1:{front.port}?ssl_ca_certs={front.ca_pem}"
        assert answer(f"{url}&ssl_certfile={front.client_pem}&ssl_keyfile={front.client_pem}") is None
        error = answer(url)
    assert isinstance(error, QueueRefused)
    assert "ssl_certfile" in error.hint


def test_a_port_that_speaks_tls_is_no_bug_to_whom_does_not(behind_tls: RedisServer, tmp_path: Path) -> None:
    with TlsFront(behind_tls.socket, tmp_path, "127.0.0.1") as front:
        assert isinstance(answer(f"redis://127.0.0.1:{front.port}"), QueueUnavailable | QueueRefused)
