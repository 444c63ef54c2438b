"""Clients for a Redis, not yet connected: by REDIS_URL, or by a socket.

``redis://[user:password@]host[:port][/db]`` · ``rediss://…`` with TLS · ``unix:///path/redis.sock`` ·
``redis+sentinel://[user:password@]host[:port],host[:port]/service[/db]``, with TLS ``rediss+sentinel://…``; each with
options, as ``?ssl_ca_certs=/path/ca.pem&socket_timeout=10``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from offers_cli.errors import QueueRefused
from offers_cli.log import get_log
from offers_cli.redis.errors import translate

if TYPE_CHECKING:
    import redis

CONNECT_TIMEOUT_S = 2.0
READ_TIMEOUT_S = 5.0
PORT = 6379
SENTINEL_PORT = 26379
NO_ADDRESS = "is not an address of a Redis"
SCHEMES = frozenset({"redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel"})

log = get_log("worker")


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisAddress:
    """An address that was read; `options` are arguments of `redis.Redis`, of the Sentinels in `sentinel_options`."""

    options: dict[str, Any]
    service: str = ""
    sentinels: tuple[tuple[str, int], ...] = ()
    sentinel_options: dict[str, Any] = field(default_factory=dict)


def parse_address(url: str) -> RedisAddress:
    """Read a REDIS_URL; raises `ValueError` with a reason that shows no part of a password."""
    parts = _split(url)
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    tls, sentinel = parts.scheme.startswith("rediss"), parts.scheme.endswith("+sentinel")
    options = {name: _read_option(name, text, tls=tls, sentinel=sentinel) for name, text in given.items()}
    of_sentinels = {name.removeprefix("sentinel_"): options.pop(name) for name in SENTINEL_OPTIONS if name in options}
    user, _, hosts = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    for key, text in (("username", name), ("password", password)):
        if text:
            options.setdefault(key, unquote(text))
    if tls:
        options["ssl"] = True
    if parts.scheme == "unix":
        if hosts or not parts.path.strip("/"):
            raise ValueError(f"{NO_ADDRESS}: a socket's path begins with a slash, unix:///path/redis.sock")
        return RedisAddress(options={"unix_socket_path": unquote(parts.path), **options})
    if not sentinel:
        host, port = _read_host(hosts, PORT)
        options["db"] = options.get("db", _read_database(parts.path.strip("/")))
        return RedisAddress(options={"host": host, "port": port, **options})
    service, _, database = parts.path.strip("/").partition("/")
    if not service:
        raise ValueError(f"{NO_ADDRESS}: it lacks the name that the Sentinels watch, as in …:26379/name")
    shared = {key: value for key, value in options.items() if key.startswith(("ssl", "socket_"))}
    sentinels = tuple(_read_host(host, SENTINEL_PORT) for host in hosts.split(","))
    options["db"] = options.get("db", _read_database(database))
    return RedisAddress(
        options=options,
        service=unquote(service),
        sentinels=sentinels,
        sentinel_options={**shared, **of_sentinels},
    )


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError(NO_ADDRESS) from None
    if parts.scheme not in SCHEMES:
        raise ValueError(NO_ADDRESS)
    if "@" not in parts.netloc and "@" in url:
        raise ValueError(f"{NO_ADDRESS}: in a password, / is written %2F, ? %3F, # %23, @ %40")
    return parts


def _read_database(text: str) -> int:
    if not re.fullmatch(r"[0-9]*", text):
        raise ValueError(f"{NO_ADDRESS}: its path is no database number")
    return int(text or 0)


def _read_host(text: str, default_port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    try:
        port = default_port if parts.port is None else parts.port
    except ValueError:
        port = 0
    if not port:
        raise ValueError(f"{NO_ADDRESS}: its port is no number from 1 to 65535")
    return unquote(parts.hostname or "localhost"), port


def _option(pattern: str, problem: str, convert: Callable[[str], Any] = str) -> Callable[[str], Any]:
    """How an option is read: its whole text matches the pattern, or that is the problem with it."""

    def read(text: str) -> Any:
        if not re.fullmatch(pattern, text):
            raise ValueError(problem)
        return convert(text)

    return read


def _file(text: str) -> str:
    if not os.access(text, os.R_OK):
        raise ValueError(f"names {text}, which cannot be read")
    return text


YES = ("true", "yes", "1", "on")
_bool = _option(r"(?ai:true|yes|1|on|false|no|0|off)", "is neither true nor false", lambda text: text.lower() in YES)
_seconds = _option(r"(?=.*[1-9])[0-9]+(\.[0-9]+)?", "is no number of seconds", float)
_count = _option(r"[0-9]+", "is no number", int)
OPTIONS: dict[str, Callable[[str], Any]] = {
    "db": _count,
    "username": str,
    "password": str,
    "client_name": str,
    "health_check_interval": _count,
    "socket_connect_timeout": _seconds,
    "socket_timeout": _seconds,
    "socket_keepalive": _bool,
}
TLS_OPTIONS: dict[str, Callable[[str], Any]] = {
    "ssl_ca_certs": _file,
    "ssl_ca_path": _file,
    "ssl_certfile": _file,
    "ssl_keyfile": _file,
    "ssl_password": str,
    "ssl_cert_reqs": _option(r"none|optional|required", "is neither none, optional nor required"),
    "ssl_check_hostname": _bool,
    "ssl_ciphers": str,
}
SENTINEL_OPTIONS: dict[str, Callable[[str], Any]] = {"sentinel_username": str, "sentinel_password": str}


def _read_option(name: str, text: str, *, tls: bool, sentinel: bool) -> Any:
    if name in TLS_OPTIONS and not tls:
        raise ValueError(f"has the option {name}, which needs rediss://")
    if name in SENTINEL_OPTIONS and not sentinel:
        raise ValueError(f"has the option {name}, which needs redis+sentinel://")
    read = (OPTIONS | TLS_OPTIONS | SENTINEL_OPTIONS).get(name)
    if read is None:
        raise ValueError(f"has an unknown option, {name}")
    try:
        return read(text)
    except ValueError as exc:
        raise ValueError(f"has an option that cannot be read: {name} {exc}") from None


def connect_to_socket(path: Path) -> redis.Redis:
    """A client for the Redis that listens at `path`, whatever characters it has; not yet connected."""
    import redis

    return redis.Redis(unix_socket_path=str(path), **_usual_options())


def _usual_options() -> dict[str, Any]:
    """It never retries by itself: redis-py's default waits for seconds before it admits that nobody is there.

    Nor does it look up for each client which version of redis-py this is.
    """
    from redis import DriverInfo, __version__
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return {
        "driver_info": DriverInfo(lib_version=__version__),
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
        return redis.Redis(**(_usual_options() | address.options))
    import redis.sentinel

    find: Any = redis.sentinel.Sentinel  # untyped in redis-py
    sentinels = find(address.sentinels, sentinel_kwargs=_usual_options() | address.sentinel_options)

    class Primary(redis.Redis):
        def close(self) -> None:
            super().close()
            for sentinel in sentinels.sentinels:  # redis-py leaves these connections open
                sentinel.close()

    primary: redis.Redis = sentinels.master_for(address.service, Primary, **(_usual_options() | address.options))
    return primary


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
