"""The fetched page, and what a fetcher promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from urllib.parse import urlsplit

from offers_cli.errors import PageError

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
        redirects: host and way out of each request that was redirected on the way here.
    """

    url: str
    final_url: str
    status: int
    text: str
    encoding: str
    fetched_at: datetime
    egress: str = DIRECT
    redirects: tuple[tuple[str, str], ...] = ()

    @property
    def host(self) -> str:
        """The host that answered, with its port when that is not the usual one."""
        return urlsplit(self.final_url).netloc


MOST_WALLS = 5
"""A page that alone shows a wall so many times in a row is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """How a refusal counts.

    Attributes:
        wait_s: how long the page is to be left alone.
        walls: how many refusals in a row are the page's own, met while its host served others; 0 where it is the
            host's. Begins anew after `MOST_WALLS` walls.
    """

    wait_s: float
    walls: int = 0


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

    def pause(self, host: str, seconds: float, *, reason: str, egress: str = DIRECT) -> float:
        """Pause the host for everyone; a longer pause already in force stays. Returns the seconds now in force."""
        ...

    def note_served(self, page: Page) -> None:
        """Note that this is a page and no wall: what was counted against it and its hosts is forgotten."""
        ...

    def note_refusal(self, host: str, url: str, seconds: float | None, *, reason: str, egress: str = DIRECT) -> Refusal:
        """Note a wall or a 429, and pause the host for everyone unless the page alone shows a wall.

        Args:
            url: the page as it was asked for.
            seconds: what the host asked for, which is always obeyed; None when it did not say: then its pauses grow
                with each refusal, until it serves a page again.
        """
        ...


def heed_refusal(pace: Pace, error: PageError, *, host: str, url: str, egress: str) -> None:
    """Note the refusal of a page, asked for as `url`; the error then says how it counts."""
    refusal = pace.note_refusal(host, url, error.retry_after_s, reason=error.code, egress=egress)
    error.retry_after_s, error.walls = refusal.wait_s, refusal.walls


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
