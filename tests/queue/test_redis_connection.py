"""Redis's errors in our words: quick, with a hint, and without the password."""

from __future__ import annotations

import socket
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from free_ports import free_port
from servers import RedisServer

from offers_cli.errors import OffersError, QueueRefused, QueueUnavailable
from offers_cli.queue.keys import QueueKeys
from offers_cli.queue.registration import WorkerRegistration
from offers_cli.redis import connection as connection_module
from offers_cli.redis.connection import check_eviction, connect, eviction_policy
from offers_cli.redis.embedded import server_status, stop_server
from offers_cli.redis.errors import translate
from offers_cli.redis.open import open_connection

SECRET = "hunter2-secret"


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """Something that listens and never answers; who has called waits in its queue."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        yield server


@pytest.fixture(scope="module")
def guarded() -> Iterator[RedisServer]:
    server = RedisServer()
    try:
        server.start()
        with server.connect() as client:
            client.config_set("requirepass", SECRET)
        yield server
    finally:
        server.__exit__()


def shown(error: OffersError) -> str:
    return "".join(traceback.format_exception(error)) + error.message + error.hint


def test_nobody_there_is_told(tmp_path: Path) -> None:
    free = free_port()
    with pytest.raises(QueueUnavailable, match="does not answer") as caught:
        open_connection(f"redis://:{SECRET}@127.0.0.1:{free}/0", tmp_path)
    assert SECRET not in shown(caught.value)
    assert "REDIS_URL" in caught.value.hint


def test_a_server_that_never_answers_is_asked_once_and_given_up(
    silent: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "READ_TIMEOUT_S", 0.1)
    with pytest.raises(QueueUnavailable):
        open_connection(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", tmp_path)
    caller, _ = silent.accept()
    caller.close()
    with pytest.raises(BlockingIOError):
        silent.accept()


@pytest.mark.parametrize(
    "url",
    [
        "http://x",
        "redis://host:port/0",
        "redis://host/shop",
        "redis+sentinel://host:1",
        "nonsense",
        "",
        "unix://tmp/r.sock",
        "unix://",
    ],
)
def test_an_address_that_is_none_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(QueueRefused, match="not an address"):
        open_connection(url, tmp_path)


@pytest.mark.parametrize("password", ["", "&password=wrong-guess"])
def test_a_missing_or_wrong_password_is_refused_and_not_shown(
    guarded: RedisServer, tmp_path: Path, password: str
) -> None:
    with pytest.raises(QueueRefused, match="password") as caught:
        open_connection(f"{guarded.url}?db=0{password}", tmp_path)
    assert "wrong-guess" not in caught.value.message
    assert SECRET not in shown(caught.value)


def test_the_right_password_opens(guarded: RedisServer, tmp_path: Path) -> None:
    with open_connection(f"{guarded.url}?password={SECRET}", tmp_path) as client:
        assert client.ping()


def test_without_an_address_the_embedded_redis_is_started(tmp_path: Path) -> None:
    home = tmp_path / "home"
    try:
        with open_connection(None, home) as client:
            client.set("k", "v")
        assert server_status(home).running
    finally:
        stop_server(home)


@pytest.mark.parametrize("name", ["sp ace 100%20?#", "a=b"])
def test_the_escapes_of_a_unix_address_are_read(tmp_path: Path, name: str) -> None:
    """A worker registers there too, though redis-py cannot read what such a server answers to CLIENT INFO."""
    folder = tmp_path / name
    folder.mkdir()
    with RedisServer(socket=folder / "r.sock") as server:
        url = f"{server.url}?db=1"
        with open_connection(url, tmp_path) as client:
            WorkerRegistration(client, worker="w", keys=QueueKeys("enrichment")).register()
            assert client.hget("rq:worker:w", "ip_address") == b"unknown"
            assert client.connection_pool.connection_kwargs["db"] == 1


def test_a_read_only_replica_is_refused(connection: redis.Redis) -> None:
    connection.replicaof("127.0.0.1", "1")
    try:
        with pytest.raises(QueueRefused, match="read-only replica"), translate():
            connection.set("k", "v")
    finally:
        connection.replicaof("NO", "ONE")


def test_a_full_redis_is_refused(connection: redis.Redis) -> None:
    connection.config_set("maxmemory", 1)
    try:
        with pytest.raises(QueueRefused, match="out of memory"), translate():
            connection.set("k", "v")
    finally:
        connection.config_set("maxmemory", 0)


def test_a_key_of_another_program_is_refused(connection: redis.Redis) -> None:
    connection.set("rq:queue:enrichment", "text")
    with pytest.raises(QueueRefused, match="another program"), translate():
        connection.lpop("rq:queue:enrichment")


def test_eviction_policies(connection: redis.Redis) -> None:
    try:
        check_eviction(connection)
        connection.config_set("maxmemory-policy", "volatile-lru")
        check_eviction(connection)  # warns
        connection.config_set("maxmemory-policy", "allkeys-lru")
        assert eviction_policy(connection) == "allkeys-lru"
        with pytest.raises(QueueRefused) as caught:
            check_eviction(connection)
        assert "noeviction" in caught.value.hint
    finally:
        connection.config_set("maxmemory-policy", "noeviction")


def test_the_client_never_retries_by_itself() -> None:
    client = connect("redis://127.0.0.1:1/0")
    settings = client.connection_pool.connection_kwargs
    assert settings["retry"].get_retries() == 0
    assert (settings["socket_connect_timeout"], settings["socket_timeout"]) == (2.0, 5.0)
