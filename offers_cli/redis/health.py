"""How a Redis is set up: what it would do to the queue on a bad day, and who else can reach it."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offers_cli.redis.errors import translate

if TYPE_CHECKING:
    import redis

LOOPBACK = ("127.", "-127.", "::1", "-::1", "localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisHealth:
    """What one Redis says of itself; None where it does not let us ask, as managed services do not.

    Attributes:
        command: the `redis-cli` that reaches it, without its password.
        server: its name and version, as ``Valkey 9.1.2``.
        version: of Redis, or of the Redis whose commands it has.
        is_cluster: whether keys lie on several servers, which RQ cannot use.
        primary: for a replica, the address of whom it follows.
        eviction_policy: which keys it drops when memory runs out.
        appends: whether it logs each write to disk; `snapshots` whether it writes its data now and then.
        writes_succeed: whether its last write to disk went well.
        open_to: the addresses beyond this machine on which it listens to anybody, without a password.
        ahead_s: how far its clock is ahead of ours.
    """

    command: str
    server: str | None
    version: tuple[int, ...] | None
    is_cluster: bool
    primary: str | None
    eviction_policy: str | None
    max_memory_bytes: int
    appends: bool | None
    snapshots: bool | None
    writes_succeed: bool
    open_to: tuple[str, ...] | None
    ahead_s: float


def read_health(connection: redis.Redis, *, now: Callable[[], float] = time.time) -> RedisHealth:
    """Ask a Redis about itself; changes nothing.

    Raises:
        QueueUnavailable, QueueRefused: see `offers_cli.redis.connection`.
    """
    import redis

    with translate():
        before = now()
        seconds, micros = connection.time()
        ahead_s = seconds + micros / 1e6 - (before + now()) / 2
        try:
            info: Any = connection.info()
        except redis.exceptions.NoPermissionError:
            info = {}
    version = tuple(int(part) for part in str(info["redis_version"]).split(".")[:3]) if info else None
    save = _setting(connection, "save")
    return RedisHealth(
        command=redis_cli(connection),
        server=" ".join(name_and_version(info)) if info else None,
        version=version,
        is_cluster=bool(int(info.get("cluster_enabled", 0))),
        primary=f"{info['master_host']}:{info['master_port']}" if info.get("role") == "slave" else None,
        eviction_policy=info.get("maxmemory_policy"),
        max_memory_bytes=int(info.get("maxmemory", 0)),
        appends=bool(info["aof_enabled"]) if "aof_enabled" in info else None,
        snapshots=None if save is None else bool(save),
        writes_succeed="err" not in (info.get("aof_last_write_status"), info.get("rdb_last_bgsave_status")),
        open_to=_open_to(connection, version),
        ahead_s=ahead_s,
    )


def name_and_version(info: Mapping[str, Any]) -> tuple[str, str]:
    """What an INFO reply is of: a Valkey also gives the version of the Redis that it grew from."""
    if "valkey_version" in info:
        return "Valkey", str(info["valkey_version"])
    return "Redis", str(info.get("redis_version", "?"))


def _setting(connection: redis.Redis, name: str) -> str | None:
    """One line of its configuration."""
    import redis

    try:
        answer: Any = connection.config_get(name)
    except redis.ResponseError:
        return None
    return None if answer.get(name) is None else str(answer[name])


def _open_to(connection: redis.Redis, version: tuple[int, ...] | None) -> tuple[str, ...] | None:
    """Protected mode keeps strangers out while there is no password; before Redis 7 only without an explicit `bind`."""
    bind, port, protected = (_setting(connection, name) for name in ("bind", "port", "protected-mode"))
    if bind is None or version is None or _has_password(connection) is None:
        return None
    open_to = tuple(address for address in bind.split() or ("*",) if not address.startswith(LOOPBACK))
    is_protected = protected == "yes" and (version >= (7,) or not bind.strip())
    return () if port == "0" or is_protected or _has_password(connection) else open_to


def _has_password(connection: redis.Redis) -> bool | None:
    import redis

    try:
        default_user: Any = connection.acl_getuser("default")
    except redis.ResponseError:
        return None
    flags = default_user["flags"] if default_user else []
    return not ("on" in flags and "nopass" in flags)


def redis_cli(connection: redis.Redis) -> str:
    """The `redis-cli` that reaches the same server; a password is to be given in REDISCLI_AUTH."""
    facts = connection.connection_pool.connection_kwargs
    if path := facts.get("path"):
        return f"redis-cli -s {shlex.quote(str(path))}"
    if "host" not in facts:
        return "redis-cli"
    import redis

    tls = " --tls" if issubclass(connection.connection_pool.connection_class, redis.SSLConnection) else ""
    if tls and (authority := facts.get("ssl_ca_certs")):
        tls += f" --cacert {shlex.quote(str(authority))}"
    return f"redis-cli -h {shlex.quote(str(facts['host']))} -p {facts.get('port', 6379)}{tls}"
