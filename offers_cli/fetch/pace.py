"""When we may go: one clock per (host, egress), kept in Redis and shared by all processes and machines.

Each step is one Lua call on Redis's own clock. What is stored is the last turn that was given out, so the next turn is
`delay` after it: a process that dies, or a delay that is made shorter, leaves nothing to wait for. Pauses are moments
beside it, and survive restarts as Redis does.
"""

from __future__ import annotations

import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol

from offers_cli.errors import HostPaused, PageBlocked, PageError, QueueRefused, QueueUnavailable
from offers_cli.fetch.proxies import DIRECT
from offers_cli.redis.errors import translate
from offers_cli.redis.scripts import Clock, Scripts, query
from offers_cli.redis.values import as_number, as_text

if TYPE_CHECKING:
    import redis

    from offers_cli.fetch.response import Page

PREFIX = "offers:pace:"
SLACK = 0.02
"""Turns lie this much further apart than asked: room for wake-ups and connections that are late, so that a server never
counts more than it was promised."""

LONGEST_PAUSE_S = 3600.0
PAGE_REMEMBERED_S = 86_400.0
"""How long after its last refusal a page is remembered."""
REQUESTS = "offers:requests"
"""How many requests each host answered with which status, and how long turns were waited for, since ever."""
STATUS = re.compile(r"[1-9][0-9]{2}", re.ASCII)
NO_ANSWER = "none"
WAITED = "waited_us"
PAUSED = f"{PREFIX}paused"
"""The hosts that were paused, by the end of their pause."""

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

    def note_response(self, host: str, status: int | None) -> None:
        """Count a request by the status that answered it; None where nothing did."""
        ...

    def report(self) -> None:
        """Write down what `note_response` counted, at the end; until then the next turns take it along."""
        ...

    def note_refusal(self, host: str, url: str, seconds: float | None, *, reason: str, egress: str = DIRECT) -> Refusal:
        """Note a wall or a 429, and pause the host for everyone unless the page alone shows a wall.

        Args:
            url: the page as it was asked for.
            seconds: what the host asked for, which is always obeyed; None when it did not say: then its pauses grow
                with each refusal, until it serves a page again.
        """
        ...


def record_refusal(pace: Pace, error: PageError, *, host: str, url: str, egress: str) -> None:
    """Note the refusal of a page, asked for as `url`; the error then says how it counts."""
    refusal = pace.note_refusal(host, url, error.retry_after_s, reason=error.code, egress=egress)
    error.retry_after_s, error.walls = refusal.wait_s, refusal.walls


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTotals:
    """What came of requests, by host, since Redis holds data.

    Attributes:
        answered: requests by host and status, ``none`` where nothing answered.
        waited_s: how long turns were waited for, by host.
    """

    answered: Mapping[tuple[str, str], int]
    waited_s: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class PausedHost:
    """A pause in force."""

    host: str
    egress: str
    seconds: float
    reason: str


class SharedPace:
    """The pace of all processes that use one Redis; thread-safe.

    Every method but `note_served` raises `QueueUnavailable` or `QueueRefused` when Redis does not do as it is asked.

    Args:
        delay_s: least time between two requests to one host through one egress; 0 for no waiting.
        first_pause_s: the pause after the first refusal; each one met after it doubles it, up to an hour. A page that
            is served ends that, and so does an hour without a refusal.
        clock: seconds since 1970 for tests; None is Redis's own clock.
    """

    def __init__(
        self, client: redis.Redis, *, delay_s: float, first_pause_s: float, clock: Clock | None = None
    ) -> None:
        self._redis = client
        # In microseconds, for Redis cuts the fraction off a number that a script returns.
        self._delay_us = round(delay_s * (1 + SLACK) * 1e6)
        self._first_pause_us = round(first_pause_s * 1e6)
        self._scripts = Scripts(client, package="offers_cli.fetch", clock=clock)
        self._counts: Counter[str] = Counter()
        self._counting = threading.Lock()

    def reserve(self, host: str, egresses: Sequence[str] = (DIRECT,)) -> tuple[str, float]:
        """Take the nearest turn; see `Pace.reserve`. Raises also `HostPaused`."""
        keys = [*(_key(host, egress) for egress in egresses), REQUESTS]
        state, index, left_us, *reason = self._run("reserve", keys, self._delay_us, *self._take_counts())
        if as_text(state) == "paused":
            raise HostPaused(host, reason=as_text(reason[0]), seconds=left_us / 1e6)
        if left_us > 0:
            self._count(host, WAITED, left_us)
        return egresses[index], left_us / 1e6

    def is_paused(self, host: str, egress: str = DIRECT) -> bool:
        """Whether the host is paused now; see `Pace.is_paused`."""
        ((left_us, _),) = self._run("pauses", [_key(host, egress)])
        return bool(left_us > 0)

    def pause(self, host: str, seconds: float, *, reason: str, egress: str = DIRECT) -> float:
        """Pause the host for everyone; see `Pace.pause`."""
        keys = [_key(host, egress), PAUSED]
        left_us = self._run("pause", keys, round(seconds * 1e6), reason, _member(host, egress))
        return float(left_us) / 1e6

    def note_served(self, page: Page) -> None:
        """Note that a host serves; see `Pace.note_served`.

        Never raises: without Redis the page is read all the same, and the pauses grow once more than they had to.
        """
        with suppress(QueueUnavailable, QueueRefused), translate(), self._redis.pipeline(transaction=False) as pipe:
            for host, egress in {*page.redirects, (page.host, page.egress)}:
                pipe.hdel(_key(host, egress), "strikes")
                pipe.delete(_page_key(host, egress, page.url))
            pipe.execute()

    def note_refusal(self, host: str, url: str, seconds: float | None, *, reason: str, egress: str = DIRECT) -> Refusal:
        """Note a wall or a 429; see `Pace.note_refusal`."""
        wait_us, walls = self._run(
            "refusal",
            [_key(host, egress), _page_key(host, egress, url), PAUSED],
            -1 if seconds is None else round(seconds * 1e6),
            self._first_pause_us,
            MOST_WALLS if reason == PageBlocked.code else 0,
            round(PAGE_REMEMBERED_S * 1e6),
            reason,
            _member(host, egress),
        )
        return Refusal(wait_s=wait_us / 1e6, walls=walls)

    def note_response(self, host: str, status: int | None) -> None:
        """Count a request; see `Pace.note_response`."""
        self._count(host, NO_ANSWER if status is None else str(status), 1)

    def report(self) -> None:
        """Write down what was counted; see `Pace.report`. Without Redis the counts are lost, and nothing else."""
        if counts := self._take_counts():
            with suppress(QueueUnavailable, QueueRefused):
                self._run("requests", [REQUESTS], *counts)

    def _count(self, host: str, what: str, amount: int) -> None:
        with self._counting:
            self._counts[f"{host.lower()} {what}"] += amount

    def _take_counts(self) -> list[str | int]:
        """What is counted and nowhere written yet: field and amount in turn."""
        with self._counting:
            counts, self._counts = self._counts, Counter()
        return [part for count in counts.items() for part in count]

    def request_totals(self) -> RequestTotals:
        """Counters that only grow, over all processes; those of a process that was killed lack its last requests."""
        [found] = query(self._redis, ("HGETALL", REQUESTS))
        answered: dict[tuple[str, str], int] = {}
        waited_s: dict[str, float] = {}
        for name, text in zip(found[::2], found[1::2], strict=True):
            host, _, what = as_text(name).partition(" ")
            count = as_number(text) or 0
            if what == WAITED:
                waited_s[host] = count / 1e6
            elif what == NO_ANSWER or STATUS.fullmatch(what):
                answered[host, what] = count
        return RequestTotals(answered=answered, waited_s=waited_s)

    def paused_hosts(self) -> list[PausedHost]:
        """The pauses in force, by host."""
        [found] = query(self._redis, ("ZRANGE", PAUSED, 0, -1))
        members = sorted(map(as_text, found))
        pauses = self._run("pauses", [f"{PREFIX}{member}" for member in members])
        return [
            PausedHost(host=host, egress=egress, seconds=left_us / 1e6, reason=as_text(reason))
            for (host, _, egress), (left_us, reason) in zip((m.partition("|") for m in members), pauses, strict=True)
            if left_us > 0
        ]

    def _run(self, name: str, keys: Sequence[str], *args: str | int) -> Any:
        return self._scripts.run(name, keys, round(LONGEST_PAUSE_S * 1e6), *args)


def _key(host: str, egress: str) -> str:
    return f"{PREFIX}{_member(host, egress)}"


def _page_key(host: str, egress: str, url: str) -> str:
    return f"{PREFIX}page:{sha256(f'{_member(host, egress)} {url}'.encode()).hexdigest()[:32]}"


def _member(host: str, egress: str) -> str:
    return f"{host.lower()}|{egress}"


class LocalPace:
    """The pace of one process alone, for when Redis does not respond: scraping goes on, still politely; thread-safe.

    Args:
        pause_s: the pause after a wall that does not say how long; other processes do not learn of it.
    """

    def __init__(self, *, delay_s: float, pause_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._delay_s = delay_s
        self._pause_s = pause_s
        self._clock = clock
        self._next_turns: defaultdict[tuple[str, str], float] = defaultdict(float)
        self._pauses: defaultdict[tuple[str, str], tuple[float, str]] = defaultdict(lambda: (0.0, ""))  # until, reason
        self._lock = threading.Lock()

    def reserve(self, host: str, egresses: Sequence[str] = (DIRECT,)) -> tuple[str, float]:
        """Take the nearest turn; see `Pace.reserve`. Raises `HostPaused`."""
        with self._lock:
            now = self._clock()
            unpaused = [egress for egress in egresses if self._pauses[host, egress][0] <= now]
            if not unpaused:
                until, reason = min(self._pauses[host, egress] for egress in egresses)
                raise HostPaused(host, reason=reason, seconds=until - now)
            egress = min(unpaused, key=lambda label: self._next_turns[host, label])
            turn = max(now, self._next_turns[host, egress])
            self._next_turns[host, egress] = turn + self._delay_s
            return egress, turn - now

    def is_paused(self, host: str, egress: str = DIRECT) -> bool:
        """Whether the host is paused now."""
        with self._lock:
            return self._pauses[host, egress][0] > self._clock()

    def pause(self, host: str, seconds: float, *, reason: str, egress: str = DIRECT) -> float:
        """Pause the host for this process; returns the seconds now in force."""
        with self._lock:
            now = self._clock()
            self._pauses[host, egress] = max(self._pauses[host, egress], (now + seconds, reason))
            return self._pauses[host, egress][0] - now

    def note_served(self, page: Page) -> None:
        """Nothing is counted here that a served page would end."""

    def note_response(self, host: str, status: int | None) -> None:
        """There is no Redis to count in."""

    def report(self) -> None:
        """Nothing was counted."""

    def note_refusal(
        self,
        host: str,
        url: str,  # noqa: ARG002 - `Pace` has it
        seconds: float | None,
        *,
        reason: str,
        egress: str = DIRECT,
    ) -> Refusal:
        """Pause the host; there are no workers without a Redis, so that no page is asked for again and again."""
        asked_s = self._pause_s if seconds is None else seconds
        return Refusal(wait_s=self.pause(host, asked_s, reason=reason, egress=egress))
