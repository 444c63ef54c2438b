"""Lua scripts, and single commands, that no planted or corrupt key stops: see `type_guard.lua`, with which each begins.

A script changes what it changes at once, or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from offers_cli.redis.errors import translate

if TYPE_CHECKING:
    import redis

Argument = str | bytes | int | float
Clock = Callable[[], float]

QUARANTINE = "offers:quarantine"
"""The keys that were set aside, by when; each is now named ``offers:quarantine:<seconds since 1970>:<old name>``."""


class Scripts:
    """Runs a room's scripts on one connection.

    The first argument of each is the time in seconds, empty for Redis's own clock, so that all machines share one clock
    and tests can turn it.

    Args:
        package: whose folder ``lua`` holds the scripts, and a ``prelude.lua`` that each begins with.
        clock: seconds since 1970 for tests; None is Redis's own clock.
    """

    def __init__(
        self, connection: redis.Redis, *, package: str = "offers_cli.queue", clock: Clock | None = None
    ) -> None:
        self.connection = connection
        self._package = package
        self._clock = clock
        self._registered: dict[str, Any] = {}

    def run(self, name: str, keys: Sequence[str], *args: Argument) -> Any:
        """Run one script; its answer is that of RESP2: lists, integers, bytes, None.

        Raises:
            QueueUnavailable, QueueRefused: as `translate` says.
        """
        now = f"{self._clock():.6f}" if self._clock else ""
        with translate():
            if name not in self._registered:
                self._registered[name] = self.connection.register_script(load_script(self._package, name))
            return self._registered[name](keys=keys, args=[now, *args])

    def now(self) -> float:
        """The time as the scripts see it, in seconds since 1970.

        Raises:
            QueueUnavailable, QueueRefused: as `translate` says.
        """
        return self._clock() if self._clock else read_time(self.connection)


def read_time(connection: redis.Redis) -> float:
    """Redis's own time, in seconds since 1970.

    Raises:
        QueueUnavailable, QueueRefused: as `translate` says.
    """
    with translate():
        seconds, micros = connection.time()
    return float(seconds) + micros / 1e6


def query(connection: redis.Redis, *commands: Sequence[Argument]) -> list[Any]:
    """What Redis answers to a few commands, done at once; a key of a wrong type is set aside, and reads as empty.

    Answers are those of RESP2: lists, integers, bytes, None.

    Raises:
        QueueUnavailable, QueueRefused: as `translate` says.
    """
    arguments = [argument for command in commands for argument in (len(command), *command)]
    with translate():
        answer: list[Any] = connection.register_script(load_type_guard() + _query())(args=arguments)
    return answer


def load_script(package: str, name: str) -> str:
    """The text of a room's script: what all have in common, what the room's have, and its own."""
    folder = files(package) / "lua"
    own = ((folder / f"{part}.lua").read_text("utf-8") for part in ("prelude", name))
    return "\n".join((load_type_guard(), *own))


@cache
def load_type_guard() -> str:
    """The text that every script begins with."""
    return (files(__package__) / "type_guard.lua").read_text("utf-8")


@cache
def _query() -> str:
    return (files(__package__) / "query.lua").read_text("utf-8")
