"""Connections to Redis, by an address or to the embedded one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from offers_cli.errors import QueueRefused
from offers_cli.log import get_log
from offers_cli.redis.address import parse_address
from offers_cli.redis.errors import translate

if TYPE_CHECKING:
    import redis

CONNECT_TIMEOUT_S = 2.0
READ_TIMEOUT_S = 5.0

log = get_log("worker")


def open_connection(url: str | None, home: Path) -> redis.Redis:
    """Connect to `url`, or to the embedded Redis of `home`, which is started if needed.

    Args:
        url: see `offers_cli.redis.address`.

    Raises:
        QueueUnavailable: nothing answers there, or the embedded Redis does not start.
        QueueRefused: it answers no (password, rights), or the address cannot be read.
    """
    if url is None:
        from offers_cli.redis.embedded import ensure_server

        connection = connect_to_socket(ensure_server(home))
    else:
        connection = connect(url)
    with translate():
        connection.ping()
    return connection


def connect_to_socket(path: Path) -> redis.Redis:
    """A client for the Redis that listens at `path`, whatever characters it has; not yet connected."""
    import redis

    return redis.Redis(unix_socket_path=str(path), **_patience())


def _patience() -> dict[str, Any]:
    """It never retries by itself: redis-py's default waits for seconds before it admits that nobody is there."""
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return {
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "socket_timeout": READ_TIMEOUT_S,
        "retry": Retry(NoBackoff(), 0),
    }


def connect(url: str) -> redis.Redis:
    """A client for `url`, not yet connected.

    Raises:
        QueueRefused: `url` is no address of a Redis, or has an option that is not known.
    """
    import redis

    try:
        address = parse_address(url)
    except ValueError as exc:
        hint = "use redis://host:6379/0, rediss://, unix:///path/redis.sock or redis+sentinel://host:26379/service"
        raise QueueRefused(f"REDIS_URL {exc}", hint=f"{hint}; see docs/redis.md") from exc
    if not address.service:
        return redis.Redis(**(_patience() | address.options))
    import redis.sentinel

    find: Any = redis.sentinel.Sentinel  # untyped in redis-py
    sentinels = find(address.sentinels, sentinel_kwargs=_patience() | address.sentinel_options)
    master: redis.Redis = sentinels.master_for(address.service, **(_patience() | address.options))
    return master


def eviction_policy(connection: redis.Redis) -> str | None:
    """The server's `maxmemory-policy`; None when it may not be asked (managed services)."""
    import redis

    with translate():
        try:
            answer: Any = connection.config_get("maxmemory-policy")
        except redis.ResponseError:
            return None
    return str(answer.get("maxmemory-policy", "")) or None


def check_eviction(connection: redis.Redis) -> None:
    """Warn when the server may drop keys that have a time to live; refuse it when it may drop any.

    Raises:
        QueueRefused: a full Redis would drop waiting jobs.
    """
    policy = eviction_policy(connection)
    if policy in (None, "noeviction"):
        return
    hint = "redis-cli CONFIG SET maxmemory-policy noeviction"
    if policy.startswith("allkeys-"):
        raise QueueRefused(f"Redis drops jobs when its memory is full (maxmemory-policy {policy})", hint=hint)
    log.warning("Redis may drop finished jobs when its memory is full", policy=policy, hint=hint)
