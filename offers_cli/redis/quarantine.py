"""The keys that were set aside because they were of a wrong type: what they were, and how to look at them."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from offers_cli.log import get_log
from offers_cli.redis.errors import translate
from offers_cli.redis.scripts import QUARANTINE, query, read_time
from offers_cli.redis.values import as_text

if TYPE_CHECKING:
    import redis

LOOK = {
    "string": "GET {}",
    "list": "LRANGE {} 0 -1",
    "set": "SMEMBERS {}",
    "zset": "ZRANGE {} 0 -1 WITHSCORES",
    "hash": "HGETALL {}",
    "stream": "XRANGE {} - +",
}
LOOK_AT_ALL = f"ZRANGE {QUARANTINE} 0 -1"
LAST_TIME = datetime.max.replace(tzinfo=UTC).timestamp()

log = get_log("worker")


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """A key that was set aside.

    Attributes:
        key: what it was called.
        kind: its type, in the words of Redis.
        at: when it was found.
        look: the command that shows what it holds.
    """

    key: str
    kind: str
    at: datetime
    look: str


def find_set_aside(connection: redis.Redis, *, since: float = 0.0) -> list[SetAside]:
    """The keys that were set aside since then (seconds since 1970) and still exist, the oldest first.

    Raises:
        QueueUnavailable, QueueRefused: Redis does not answer or says no.
    """
    [listed] = query(connection, ("ZRANGEBYSCORE", QUARANTINE, f"({since:.6f}", "+inf", "WITHSCORES"))
    if not listed:
        return []
    from offers_cli.redis.health import redis_cli

    names, scores = listed[::2], [float(score) for score in listed[1::2]]
    with translate(), connection.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.type(name)
        kinds = [as_text(kind) for kind in pipe.execute()]
    program, found = redis_cli(connection), []
    for name, kind, score in zip(map(as_text, names), kinds, scores, strict=True):
        if kind not in LOOK or not 0 <= score < LAST_TIME:  # not ours: a stranger wrote it there
            continue
        can_be_typed = name.isascii() and name.isprintable()
        command = LOOK[kind].format(shlex.quote(name)) if can_be_typed else LOOK_AT_ALL
        key = name.removeprefix(f"{QUARANTINE}:").partition(":")[2]
        at = datetime.fromtimestamp(score, UTC)
        found.append(SetAside(key=key, kind=kind, at=at, look=f"{program} {command}"))
    return found


class QuarantineWatch:
    """Logs each key that is set aside from now on, once."""

    def __init__(self, connection: redis.Redis) -> None:
        self._connection = connection
        self._since: float | None = None

    def begin(self) -> None:
        """Look from now on, by Redis's clock."""
        self._since = read_time(self._connection)

    def log_new(self) -> None:
        """Log what was set aside since the last call."""
        if self._since is None:
            return
        for one in find_set_aside(self._connection, since=self._since):
            self._since = max(self._since, one.at.timestamp())
            log.warning("set aside a key of a wrong type", key=one.key, holds=one.kind, hint=one.look)
