"""What is shown to all who watch the Overview: collected and drawn once, however many they are.

A stream of server-sent events holds a thread of the server for as long as somebody watches. There are `STREAMS` at the
most, and the server has as many threads more than it needs for everything else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from threading import BoundedSemaphore, Event, Lock

STREAMS = 8
LOOK_S = 1.0
"""How soon a stream notices that its client is gone or the server stops."""
PERIOD_S = 2.0
SHARE = 10
"""Collecting takes no more than this part of the time, however long it takes once."""
HEARTBEAT_S = 10.0


class Live:
    """The newest picture, and the streams of those who watch it.

    Args:
        stopped: is set when the server stops; then every stream ends, and no other begins.
        clock: seconds that only go forward.
    """

    def __init__(self, *, stopped: Event, clock: Callable[[], float] = time.monotonic) -> None:
        self._stopped = stopped
        self._clock = clock
        self._drawing = Lock()
        self._picture = ""
        self._due_at: float | None = None
        self._places = BoundedSemaphore(STREAMS)

    def enter(self) -> bool:
        """Take a place for one stream; False where all are taken. Who got one has to `leave`."""
        return not self._stopped.is_set() and self._places.acquire(blocking=False)

    def leave(self) -> None:
        """Give the place of a stream back."""
        self._places.release()

    def newest(self, draw: Callable[[], str]) -> str:
        """The picture, which `draw` collects and draws anew where it is older than it may be: one thread at a time."""
        with self._drawing:
            began = self._clock()
            if self._due_at is None or began >= self._due_at:
                self._picture = draw()
                ended = self._clock()
                self._due_at = ended + max(PERIOD_S, SHARE * (ended - began))
            return self._picture

    def events(self, draw: Callable[[], str], is_gone: Callable[[], bool]) -> Iterator[str]:
        """The pictures as server-sent events, each when it differs; a comment now and then while nothing changes.

        Args:
            draw: as of `newest`.
            is_gone: whether the client has left.
        """
        shown, said_at = None, self._clock()
        while not (self._stopped.is_set() or is_gone()):
            picture, now = self.newest(draw), self._clock()
            if picture != shown:
                shown, said_at = picture, now
                yield "".join(f"data: {line}\n" for line in picture.splitlines()) + "\n"
            elif now - said_at >= HEARTBEAT_S:
                said_at = now
                yield ": nothing new\n\n"
            self._stopped.wait(LOOK_S)
