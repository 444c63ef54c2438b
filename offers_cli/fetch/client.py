"""One polite HTTP client: guarded, paced, limited in bytes and time. Redirects are followed by hand."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

import httpcore

from offers_cli.errors import ForbiddenUrl, PageBlocked, RateLimited, Redirected, SessionExpired, SiteUnavailable
from offers_cli.fetch.guard import Guard, SafeUrl
from offers_cli.fetch.pace import Pace, record_refusal
from offers_cli.fetch.proxies import NO_PROXIES, Egress
from offers_cli.fetch.response import (
    Page,
    Response,
    check_status,
    read_beginning,
    read_body,
    redirect_target,
    to_utf8,
)
from offers_cli.fetch.robots import MAX_ROBOTS_BYTES, PRODUCT_TOKEN, Robots
from offers_cli.fetch.transport import Transport
from offers_cli.log import get_log
from offers_cli.times import utc_now

T = TypeVar("T")
Hop = tuple[str, str]
"""One request on the way to a page: the host and the label of its egress."""
MAX_REDIRECTS = 5
PAGE_TIMEOUT_S = 30.0
HEADERS = {
    "Accept": "text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.5",
    "Accept-Language": "pt-BR,pt;q=0.9,es;q=0.6,en;q=0.4",
    "Accept-Encoding": "gzip, deflate",
}

log = get_log("enrichment")


def own_user_agent() -> str:
    """Says who asks, by the name that robots.txt knows us by; a browser it is not."""
    from importlib.metadata import version

    return f"Mozilla/5.0 (compatible; {PRODUCT_TOKEN}/{version('offers')})"


class Fetcher(Protocol):
    """One polite HTTP client; thread-safe."""

    def get(self, url: str) -> Page:
        """Fetch one page, redirects followed and checked, its turn awaited.

        Raises (all from `offers_cli.errors`): `ForbiddenUrl`, `RobotsForbidden`, `PageBlocked` (403 and known wall
            addresses), `RateLimited` (429), `OfferGone` (404, 410), `SiteUnavailable` (time-out, 5xx, connection, or a
            robots.txt that cannot be had), `NotHtml`, `TooLarge`, `Redirected` (too many hops); `HostPaused` from the
            pace.
        """

    def close(self) -> None:
        """Close all connections."""


class PoliteFetcher:
    """Fetches pages; thread-safe, connections are kept and shared by all threads.

    It holds no cookies: what a server sets is shown to `on_response` and forgotten, and `headers_for` is asked anew at
    each hop, so nothing of one host ever travels to another.

    Args:
        guard: where we may go.
        pace: when we may go.
        is_wall: whether the path of an address is that of a wall (login, captcha): who redirects there refuses us.
        egresses: directly or through proxies; with several, the one whose turn is nearest is taken.
        robots: whose rules are honoured; None ignores robots.txt.
        on_turn: is given how many seconds each turn was waited for.
        headers_for: headers that belong to one address, such as the cookies of its host.
        on_response: is given the head of every response before it is read; what it raises ends the request.
        timeout_s: network time per page, redirects included, waiting for turns not.
        sleep: waits for a turn, in seconds.
    """

    def __init__(
        self,
        *,
        guard: Guard,
        pace: Pace,
        is_wall: Callable[[str], bool],
        egresses: Sequence[Egress] = NO_PROXIES,
        robots: Robots | None = None,
        on_turn: Callable[[float], None] = lambda _waited_s: None,
        headers_for: Callable[[SafeUrl], Mapping[str, str]] = lambda _url: {},
        on_response: Callable[[Response], None] = lambda _response: None,
        user_agent: str | None = None,
        timeout_s: float = PAGE_TIMEOUT_S,
        make_tls_context: Callable[[], ssl.SSLContext] = httpcore.default_ssl_context,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._guard = guard
        self._pace = pace
        self._is_wall = is_wall
        self._egresses = {egress.label: egress for egress in egresses}
        self._robots = robots
        self._on_turn = on_turn
        self._headers_for = headers_for
        self._on_response = on_response
        self._headers = {"User-Agent": user_agent or own_user_agent(), **HEADERS}
        self._timeout_s = timeout_s
        self._transport = Transport(guard.resolve, timeout_s=timeout_s, make_tls_context=make_tls_context)
        self._sleep = sleep
        self._now = now

    def get(self, url: str) -> Page:
        """Fetch one page; see `Fetcher.get`."""
        return self._follow(url, partial(self._read_page, url))

    def post_json(self, url: str, body: object, *, headers: Mapping[str, str] | None = None) -> Page:
        """Send one JSON body and give the response, of whatever type; it may be sent twice when a connection breaks.

        Raises (beside what `get` raises):
            SessionExpired: 403, which here refuses the sender, not the address we come from; nobody is paused.
            Redirected: a body is never sent on to another address.
        """

        def read(response: Response, hops: Sequence[Hop]) -> Page:
            if response.status == 403:
                raise SessionExpired(f"{response.url.netloc} refused the call (403)")
            return self._read_page(url, response, hops, is_page=False)

        sent = {"Accept": "application/json", "Content-Type": "application/json", **(headers or {})}
        return self._follow(url, read, headers=sent, body=json.dumps(body).encode())

    def locate(self, url: str) -> str:
        """Where an address redirects to, which is not requested; the address itself when it does not redirect.

        Raises what `get` raises.
        """
        safe = self._guard.check_url(url)
        self._obey_robots(safe)
        egress = self._await_turn(safe.netloc)
        headers = self._headers_for(safe)
        with self._exchange(safe, egress, asked=url, headers=headers, left_s=self._timeout_s) as response:
            target = redirect_target(response, self._is_wall)
            if target is None:
                check_status(response, now=self._now())
            return target or safe.url

    def close(self) -> None:
        """Close all connections."""
        self._pace.report()
        self._transport.close()

    def _follow(
        self,
        asked: str,
        read: Callable[[Response, Sequence[Hop]], T],
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        for_robots: bool = False,
    ) -> T:
        """Follow redirects to a response and read it; every hop is checked and awaits its own turn.

        Args:
            for_robots: the way to a robots.txt, which no robots.txt forbids, and where nobody is logged in.
        """
        url = self._guard.check_url(asked)
        left_s = self._timeout_s
        visited = {url.url}
        hops: list[Hop] = []
        for _ in range(1 + MAX_REDIRECTS):
            if not for_robots:
                self._obey_robots(url)
            egress = self._await_turn(url.netloc)
            hops.append((url.netloc, egress.label))
            # The time-out is for the network alone: a turn may take longer to come than a page.
            started = time.monotonic()
            own = {} if for_robots else self._headers_for(url)
            sent = {**(headers or {}), **own}
            with self._exchange(url, egress, asked=asked, headers=sent, body=body, left_s=left_s) as response:
                target = redirect_target(response, self._is_wall)
                if target is None:
                    return read(response, hops)
                if body is not None:
                    raise Redirected(f"{url.netloc} redirected the call")
            left_s -= time.monotonic() - started
            # What a server responds never makes the address that was asked for a forbidden one.
            try:
                url = self._guard.check_url(target)
            except ForbiddenUrl as error:
                raise Redirected(f"{url.netloc} redirects: {error.message}", hint=error.hint) from error
            if url.url in visited:
                raise Redirected(f"{url.netloc} redirects in a loop")
            visited.add(url.url)
        raise Redirected(f"{url.netloc}: more than {MAX_REDIRECTS} redirects")

    def _await_turn(self, host: str) -> Egress:
        """Wait for the nearest turn. One whose host was paused meanwhile is given up; another egress may be open.

        Raises:
            HostPaused: no egress is open; nothing was sent.
        """
        while True:
            label, wait_s = self._pace.reserve(host, tuple(self._egresses))
            if wait_s > 0:
                self._sleep(wait_s)
            if wait_s == 0 or not self._pace.is_paused(host, label):
                self._on_turn(wait_s)
                return self._egresses[label]

    @contextmanager
    def _exchange(
        self,
        url: SafeUrl,
        egress: Egress,
        *,
        asked: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        left_s: float,
    ) -> Iterator[Response]:
        """One request and its response; a refusal pauses the host for everyone, and the error then says how long."""
        length = {} if body is None else {"Content-Length": str(len(body))}
        sent = {"Host": url.netloc, **self._headers, **length, **headers}
        status = None
        try:
            with self._transport.exchange(url, egress, headers=sent, body=body, left_s=left_s) as response:
                status = response.status
                self._on_response(response)
                yield response
        except (PageBlocked, RateLimited) as error:
            record_refusal(self._pace, error, host=url.netloc, url=asked, egress=egress.label)
            raise
        except SiteUnavailable as error:
            if error.retry_after_s is not None:
                error.retry_after_s = self._pace.pause(
                    url.netloc, error.retry_after_s, reason=error.code, egress=egress.label
                )
            raise
        finally:
            self._pace.note_response(url.netloc, status)

    def _read_page(self, asked: str, response: Response, hops: Sequence[Hop], *, is_page: bool = True) -> Page:
        fetched_at = self._now()
        check_status(response, now=fetched_at)
        body, encoding, is_broken = to_utf8(read_body(response, is_page=is_page), response.value("content-type"))
        if is_broken:
            log.warning("some characters of the page are broken", url=response.url.url, encoding=encoding)
        return Page(
            url=asked,
            final_url=response.url.url,
            status=response.status,
            body=body,
            encoding=encoding,
            fetched_at=fetched_at,
            egress=hops[-1][1],
            redirects=tuple(hops[:-1]),
        )

    def _obey_robots(self, url: SafeUrl) -> None:
        if self._robots is not None:
            self._robots.check(url, self._read_robots)

    def _read_robots(self, url: str) -> str:
        """The text of a robots.txt; a host that refuses to show one has no rules (RFC 9309, 2.3.1.3)."""

        def read(response: Response, _hops: Sequence[Hop]) -> str:
            if 400 <= response.status < 500 and response.status != 429:
                return ""
            check_status(response, now=self._now())
            data = read_beginning(response, MAX_ROBOTS_BYTES)
            if len(data) == MAX_ROBOTS_BYTES:  # a rule cut in two would forbid more than it says
                data = data.rpartition(b"\n")[0]
            return data.decode("utf-8-sig", errors="replace")

        try:
            return self._follow(url, read, for_robots=True)
        except Redirected:
            return ""
