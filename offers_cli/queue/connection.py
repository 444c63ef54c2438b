"""Connections to Redis, and its errors in our words.

Two errors leave this room: `QueueUnavailable` (Redis does not answer) and `QueueRefused` (it answers no).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from offers_cli.errors import QueueRefused, QueueUnavailable
from offers_cli.log import get_log

if TYPE_CHECKING:
    import redis

CONNECT_TIMEOUT_S = 2.0
READ_TIMEOUT_S = 5.0
REFUSALS = {
    "OOM": ("Redis is out of memory", "free memory or raise its maxmemory"),
    "READONLY": ("Redis is a read-only replica", "set REDIS_URL to the primary"),
    "MISCONF": ("Redis cannot write to its disk", "free disk space on its machine"),
    "NOAUTH": ("Redis wants a password", "put it in REDIS_URL"),
    "WRONGPASS": ("Redis refuses the user name or password", "check REDIS_URL"),
    "NOPERM": ("this Redis user may not do that", "grant it the rights or use another user in REDIS_URL"),
    "WRONGTYPE": ("another program uses one of the queue's keys", "use another database number in REDIS_URL"),
    "MASTERDOWN": ("Redis is a replica without its primary", "set REDIS_URL to the primary"),
    "NOREPLICAS": ("Redis has too few replicas to write", "bring its replicas back or lower min-replicas-to-write"),
    "BUSY": ("Redis is busy with a long script", "redis-cli SCRIPT KILL"),
}
TEMPORARY = frozenset({"OOM", "READONLY", "MISCONF", "MASTERDOWN", "NOREPLICAS", "BUSY"})
"""Refusals that pass without a change of settings or rights: a worker waits for the end of these."""

log = get_log("worker")


def open_connection(url: str | None, home: Path) -> redis.Redis:
    """Connect to `url`, or to the embedded Redis of `home`, which is started if needed.

    Args:
        url: ``redis://``, ``rediss://``, ``unix://``, or ``redis+sentinel://host:port,host:port/service/db``.

    Raises:
        QueueUnavailable: nothing answers there, or the embedded Redis does not start.
        QueueRefused: it answers no (password, rights), or the address cannot be read.
    """
    if url is None:
        from offers_cli.queue.server import ensure_server

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
        QueueRefused: `url` is no address of a Redis.
    """
    import redis

    settings = _patience()
    try:
        if url.startswith("redis+sentinel://"):
            return _connect_by_sentinel(url, settings)
        _check_path(url)
        return redis.Redis.from_url(url, **settings)
    except ValueError as exc:
        hint = "use redis://host:6379/0, rediss://, unix:///path/redis.sock or redis+sentinel://host:26379/service"
        raise QueueRefused("REDIS_URL is not an address of a Redis", hint=hint) from exc


def _check_path(url: str) -> None:
    """Refuse what redis-py would drop silently: a path that is no database number, the first folder of a socket."""
    parts = urlsplit(url)
    if parts.scheme in {"redis", "rediss"} and not re.fullmatch(r"/?[0-9]*/?", parts.path):
        raise ValueError("its path is no database number")
    if parts.scheme == "unix" and (parts.hostname or not parts.path.strip("/")):
        raise ValueError("its path does not begin with a slash")


def _connect_by_sentinel(url: str, settings: dict[str, Any]) -> redis.Redis:
    import redis.sentinel as sentinels

    parts = urlsplit(url)
    service, _, db = parts.path.strip("/").partition("/")
    if not service:
        raise ValueError("no service name")
    credentials = {"username": unquote(parts.username or "") or None, "password": unquote(parts.password or "") or None}
    hosts = [host.rpartition(":") for host in parts.netloc.rpartition("@")[2].split(",")]
    find: Any = sentinels.Sentinel  # untyped in redis-py
    sentinel = find([(name or port, int(port) if name else 26379) for name, _, port in hosts], **settings)
    master: redis.Redis = sentinel.master_for(service, db=int(db or 0), **credentials, **settings)
    return master


@contextmanager
def translate() -> Iterator[None]:
    """Turn the errors of redis-py into ours; their texts name no password.

    Raises:
        QueueUnavailable: no connection, no answer in time, still loading.
        QueueRefused: an answer that says no.
    """
    import redis

    try:
        yield
    except (redis.AuthenticationError, redis.exceptions.AuthorizationError) as exc:
        raise _refusal(exc, "WRONGPASS" if "invalid" in str(exc) else "NOAUTH") from exc
    except redis.BusyLoadingError as exc:
        raise QueueUnavailable("Redis is loading its data", hint="try again in a moment") from exc
    except (redis.ConnectionError, redis.TimeoutError, OSError) as exc:
        hint = "start it, correct REDIS_URL, or unset REDIS_URL to use the embedded one"
        raise QueueUnavailable(f"Redis does not answer: {exc}", hint=hint) from exc
    except redis.RedisError as exc:
        raise _refusal(exc, _code_of(exc)) from exc


def _code_of(exc: Exception) -> str:
    """redis-py cuts the code off the answers it has a class for, so the class counts too; a script's own has none."""
    import redis.exceptions as errors

    classes = {errors.OutOfMemoryError: "OOM", errors.ReadOnlyError: "READONLY", errors.NoPermissionError: "NOPERM"}
    text = str(exc)
    if "The user executing the script can't" in text or "ACL failure in script" in text:
        return "NOPERM"
    code = next((code for kind, code in classes.items() if isinstance(exc, kind)), None)
    return code or next((code for code in REFUSALS if code in text), "")


def _refusal(exc: Exception, code: str) -> QueueRefused:
    what, hint = REFUSALS.get(code, ("Redis refuses", "run `offers doctor`"))
    return QueueRefused(f"{what}: {exc}", hint=hint, temporary=code in TEMPORARY)


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
