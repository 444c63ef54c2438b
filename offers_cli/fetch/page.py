"""The fetched page, and what a fetcher promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

DIRECT = "direct"
"""The egress of requests that go through no proxy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer, decoded.

    Attributes:
        url: the address asked for.
        final_url: the address that answered, after redirects.
        status: HTTP status of that answer (2xx; others raise).
        text: the decoded text.
        encoding: the encoding it was decoded from.
        fetched_at: when the request was sent (UTC).
        egress: which way out it took: ``direct``, or the label of a proxy.
    """

    url: str
    final_url: str
    status: int
    text: str
    encoding: str
    fetched_at: datetime
    egress: str = DIRECT


class Pace(Protocol):
    """When we may go: one shared clock per (host, egress) over all processes."""

    def reserve(self, host: str, egresses: Sequence[str] = (DIRECT,)) -> tuple[str, float]:
        """Take the nearest turn for that host among several egresses: (egress, seconds to wait before using it).

        Raises:
            HostPaused: the host is paused (wall, rate limit) for all of them; nothing was taken.
        """
        ...

    def is_paused(self, host: str, egress: str = DIRECT) -> bool:
        """Whether the host is paused now: to be asked again after the wait for a turn, which may have been long."""
        ...

    def pause(self, host: str, seconds: float | None, *, reason: str, egress: str = DIRECT) -> float:
        """Pause the host for everyone; a longer pause already in force stays. Returns the seconds now in force.

        Args:
            seconds: what the host asked for; None for a wall, whose pauses grow each time it is met again.
        """
        ...


class Fetcher(Protocol):
    """One polite HTTP client; thread-safe."""

    def get(self, url: str) -> Page:
        """Fetch one page, redirects followed and checked, its turn awaited.

        Raises (all from `offers_cli.errors`): `ForbiddenUrl`, `PageBlocked` (403 and known wall addresses),
            `RateLimited` (429), `OfferGone` (404, 410), `SiteUnavailable` (time-out, 5xx, connection), `NotHtml`,
            `TooLarge`, `Redirected` (too many hops); `HostPaused` from the pace.
        """
        ...

    def close(self) -> None: ...
