"""The Lua scripts of this room: each changes what it changes at once, or not at all.

Every script begins with `sound.lua` and `prelude.lua`. Its first argument is the time in seconds, empty for Redis's own
clock, so that all machines share one clock and tests can turn it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from offers_cli.redis.errors import translate
from offers_cli.redis.scripts import Argument, load_script

if TYPE_CHECKING:
    import redis

Clock = Callable[[], float]


class Scripts:
    """Runs the scripts on one connection.

    Args:
        clock: seconds since 1970 for tests; None is Redis's own clock.
    """

    def __init__(self, connection: redis.Redis, *, clock: Clock | None = None) -> None:
        self.connection = connection
        self._clock = clock
        self._registered: dict[str, Any] = {}

    def run(self, name: str, keys: Sequence[str], *args: Argument) -> Any:
        """Run one script.

        Raises:
            QueueUnavailable, QueueRefused: as `translate` says.
        """
        now = f"{self._clock():.6f}" if self._clock else ""
        with translate():
            if name not in self._registered:
                self._registered[name] = self.connection.register_script(load_script("offers_cli.queue", name))
            return self._registered[name](keys=keys, args=[now, *args])
