"""Trouble on demand for the whole shop: walls, error statuses, latency, prices that lose their names."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

WallKind = Literal["account_verification", "micro_landing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wall:
    """A wall before every page, until a moment of the shop's clock."""

    until: float
    kind: WallKind
    retry_after: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectedFailure:
    """An error status in place of the pages below a path; `times` counts down, None lasts until recovery."""

    status: int
    retry_after: float | None
    times: int | None
    below: str


class Faults:
    """The trouble in force; thread-safe.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._wall: Wall | None = None
        self._failure: InjectedFailure | None = None
        self.latency_s = 0.0
        self.prices_renamed = False
        self.products_at: str | None = None

    def wall(self, seconds: float, *, kind: WallKind, retry_after: float | None) -> None:
        with self._lock:
            self._wall = Wall(until=self._clock() + seconds, kind=kind, retry_after=retry_after)

    def fail(self, status: int, *, retry_after: float | None, times: int | None, below: str) -> None:
        with self._lock:
            self._failure = InjectedFailure(status=status, retry_after=retry_after, times=times, below=below)

    def recover(self) -> None:
        with self._lock:
            self._wall = self._failure = None
            self.latency_s, self.prices_renamed, self.products_at = 0.0, False, None

    def in_force(self, path: str) -> Wall | InjectedFailure | None:
        """What the next request for that path meets; a failure's count goes down with each call."""
        with self._lock:
            if self._wall and self._clock() < self._wall.until:
                return self._wall
            failure = self._failure
            if failure is None or failure.times == 0 or not path.startswith(failure.below):
                return None
            if failure.times is not None:
                self._failure = replace(failure, times=failure.times - 1)
            return failure


def without_price_names(html: str) -> str:
    """The page after a redesign: every class, key and machine-readable mark of a price is called something else."""
    for name, new_name in (
        ("andes-money-amount", "andes-v9-tag"),
        ('"price', '"v9tag'),
        ('_price"', '_v9tag"'),
        ("-price", "-v9tag"),
        ("original_value", "v9_before"),
        ("ItemPrice", "ItemV9tag"),
        ("itemprop=", "data-v9-prop="),
        ("aria-label=", "data-v9-said="),
    ):
        html = html.replace(name, new_name)
    return html
