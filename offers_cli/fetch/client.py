"""One polite HTTP client: guarded, paced, limited in bytes and time. Redirects are followed by hand."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

import httpcore

from offers_cli.errors import ForbiddenUrl, PageBlocked, RateLimited, Redirected, SessionExpired, SiteUnavailable
from offers_cli.fetch.guard import Guard, SafeUrl
from offers_cli.fetch.pace import Pace, heed_refusal
from offers_cli.fetch.proxies import DIRECTLY, Egress
from offers_cli.fetch.response import (
    Page,
    Response,
    check_content_type,
    check_length,
    check_status,
    content_coding,
    decode,
    read_body,
    redirect_target,
)
from offers_cli.fetch.robots import MAX_ROBOTS_BYTES, PRODUCT_TOKEN, Robots
from offers_cli.fetch.transport import MAX_WIRE_BYTES, Pools, begin_exchange, deadline_extensions, end_exchange
from offers_cli.log import get_log
from offers_cli.times import utc_now

T = TypeVar("T")
Hop = tuple[str, str]
"""One request on the way to a page: the host and the label of its way out."""
MAX_REDIRECTS = 5
PAGE_TIMEOUT_S = 30.0
PROXY_PAUSE_S = 30.0
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """How an address is asked.

    Attributes:
        body: what is sent; None for a request without a body.
    """

    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


GET = Request()


class Fetcher(Protocol):
    """One polite HTTP client; thread-safe."""

    def get(self, url: str) -> Page:
        """Fetch one page, redirects followed and checked, its turn awaited.

        Raises (all from `offers_cli.errors`): `ForbiddenUrl`, `PageBlocked` (403 and known wall addresses),
            `RateLimited` (429), `OfferGone` (404, 410), `SiteUnavailable` (time-out, 5xx, connection), `NotHtml`,
            `TooLarge`, `Redirected` (too many hops); `HostPaused` from the pace.
        """

    def close(self) -> None: ...


class PoliteFetcher:
    """Fetches pages; thread-safe, connections are kept and shared by all threads.

    It holds no cookies: what a server sets is shown to `on_response` and forgotten, and `headers_for` is asked anew at
    each hop, so nothing of one host ever travels to another.

    Args:
        guard: where we may go.
        pace: when we may go.
        is_wall: whether the path of an address is that of a wall (login, captcha): who redirects there refuses us.
        egresses: ways out; with several, the one whose turn is nearest is taken.
        robots: whose rules are honoured; None ignores robots.txt.
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
        egresses: Sequence[Egress] = DIRECTLY,
        robots: Robots | None = None,
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
        self._headers_for = headers_for
        self._on_response = on_response
        self._headers = {"User-Agent": user_agent or own_user_agent(), **HEADERS}
        self._timeout_s = timeout_s
        self._pools = Pools(guard.resolve, make_tls_context=make_tls_context)
        self._sleep = sleep
        self._now = now

    def get(self, url: str) -> Page:
        """Fetch one page (see `offers_cli.fetch.client.Fetcher.get` for what it raises)."""
        if self._robots is not None:
            self._robots.check(self._guard.check_url(url), self._read_robots)
        return self._follow(url, lambda response, hops: self._read_page(url, response, hops))

    def post_json(self, url: str, body: object, *, headers: Mapping[str, str] | None = None) -> Page:
        """Send one JSON body and give the answer, of whatever type; it may be sent twice when a connection breaks.

        Raises (beside what `get` raises):
            SessionExpired: 403, which here refuses the sender, not the address we come from; nobody is paused.
            Redirected: a body is never sent on to another address.
        """
        sent = {"Accept": "application/json", "Content-Type": "application/json", **(headers or {})}
        request = Request(method="POST", headers=sent, body=json.dumps(body).encode())
        return self._follow(url, lambda response, hops: self._read_call(url, response, hops), request)

    def locate(self, url: str) -> str:
        """Where an address redirects to, which is not asked; the address itself when it does not redirect."""
        safe = self._guard.check_url(url)
        egress = self._await_turn(safe.netloc)
        with (
            self._pausing(safe.netloc, url, egress),
            self._exchange(safe, egress, GET, timeout_s=self._timeout_s) as response,
        ):
            target = redirect_target(response, self._is_wall)
            if target is None:
                check_status(response, now=self._now())
            return target or safe.url

    def close(self) -> None:
        """Close all connections."""
        self._pools.close()

    def _read_page(self, asked_url: str, response: Response, hops: Sequence[Hop], *, is_page: bool = True) -> Page:
        fetched_at = self._now()
        check_status(response, now=fetched_at)
        content_type = response.value("content-type")
        if is_page:
            check_content_type(content_type)
        check_length(response.value("content-length"), max_bytes=MAX_WIRE_BYTES)
        body = read_body(response.chunks, content_coding(response.values("content-encoding")), is_page=is_page)
        text, encoding = decode(body, content_type)
        if "\N{REPLACEMENT CHARACTER}" in text:
            log.warning("some characters of the page are broken", url=response.url.url, encoding=encoding)
        return Page(
            url=asked_url,
            final_url=response.url.url,
            status=response.status,
            text=text,
            encoding=encoding,
            fetched_at=fetched_at,
            egress=hops[-1][1],
            redirects=tuple(hops[:-1]),
        )

    def _read_call(self, url: str, response: Response, hops: Sequence[Hop]) -> Page:
        if response.status == 403:
            raise SessionExpired(f"{response.url.netloc} refuses the call (403)")
        return self._read_page(url, response, hops, is_page=False)

    def _read_robots(self, url: str) -> str:
        """The text of a robots.txt; a host that refuses to show one has no rules (RFC 9309, 2.3.1.3)."""

        def read(response: Response, _hops: Sequence[Hop]) -> str:
            if 400 <= response.status < 500 and response.status != 429:
                return ""
            check_status(response, now=self._now())
            coding = content_coding(response.values("content-encoding"))
            body = read_body(response.chunks, coding, max_bytes=MAX_ROBOTS_BYTES, is_page=False)
            return body.decode("utf-8", errors="replace")

        try:
            return self._follow(url, read)
        except Redirected:
            return ""

    def _follow(self, asked: str, read: Callable[[Response, Sequence[Hop]], T], request: Request = GET) -> T:
        """Follow redirects to an answer and read it; every hop is checked and awaits its own turn."""
        url = self._guard.check_url(asked)
        left_s = self._timeout_s
        visited = {url.url}
        hops: list[Hop] = []
        for _ in range(1 + MAX_REDIRECTS):
            egress = self._await_turn(url.netloc)
            hops.append((url.netloc, egress.label))
            started = time.monotonic()
            with (
                self._pausing(url.netloc, asked, egress),
                self._exchange(url, egress, request, timeout_s=left_s) as response,
            ):
                target = redirect_target(response, self._is_wall)
                if target is None:
                    return read(response, hops)
                if request.body is not None:
                    raise Redirected(f"{url.netloc} redirects a call")
            left_s -= time.monotonic() - started
            url = self._check_target(url, target)
            if url.url in visited:
                raise Redirected(f"{url.netloc} redirects in a circle")
            visited.add(url.url)
        raise Redirected(f"{url.netloc}: more than {MAX_REDIRECTS} redirects")

    def _check_target(self, url: SafeUrl, target: str) -> SafeUrl:
        """Where a redirect leads, checked. What a server answers never makes the address we asked a forbidden one."""
        try:
            return self._guard.check_url(target)
        except ForbiddenUrl as error:
            raise Redirected(f"{url.netloc} redirects: {error.message}", hint=error.hint) from error

    def _await_turn(self, host: str) -> Egress:
        """Wait for the nearest turn. One whose host was paused meanwhile is given up; another way out may be open.

        Raises:
            HostPaused: no way out is open; nothing was sent.
        """
        while True:
            label, wait_s = self._pace.reserve(host, tuple(self._egresses))
            if wait_s > 0:
                self._sleep(wait_s)
            if wait_s == 0 or not self._pace.is_paused(host, label):
                return self._egresses[label]

    @contextmanager
    def _pausing(self, host: str, asked: str, egress: Egress) -> Iterator[None]:
        """Pause the host for everyone when it says so; the error then tells how long."""
        try:
            yield
        except (PageBlocked, RateLimited) as error:
            heed_refusal(self._pace, error, host=host, url=asked, egress=egress.label)
            raise
        except SiteUnavailable as error:
            if error.retry_after_s is not None:
                error.retry_after_s = self._pace.pause(
                    host, error.retry_after_s, reason=error.code, egress=egress.label
                )
            raise

    @contextmanager
    def _exchange(self, url: SafeUrl, egress: Egress, request: Request, *, timeout_s: float) -> Iterator[Response]:
        """Send one request and give its answer, body unread; what the network does wrong becomes `SiteUnavailable`."""
        length = {} if request.body is None else {"Content-Length": str(len(request.body))}
        sent = httpcore.Request(
            request.method,
            httpcore.URL(scheme=url.scheme, host=url.host, port=url.port, target=url.target),
            headers=list(
                {"Host": url.netloc, **self._headers, **request.headers, **length, **self._headers_for(url)}.items()
            ),
            content=request.body,
            extensions=deadline_extensions(time.monotonic() + timeout_s, timeout_s),
        )
        try:
            received = begin_exchange(self._pools.pool(url.scheme, egress), sent)
            try:
                response = Response(
                    url=url,
                    status=received.status,
                    headers=tuple(received.headers),
                    chunks=received.iter_stream(),
                )
                self._on_response(response)
                yield response
            finally:
                end_exchange(received)
        except httpcore.TimeoutException as exc:
            raise SiteUnavailable(
                f"{url.netloc} did not give a whole page within {self._timeout_s:.0f} s", hint="try again later"
            ) from exc
        except httpcore.ProxyError as exc:
            raise SiteUnavailable(
                f"the proxy {egress.label} does not let us through ({exc})",
                hint="check OFFERS_HTTP_PROXY",
                retry_after_s=PROXY_PAUSE_S,
            ) from exc
        except (httpcore.NetworkError, httpcore.ProtocolError) as exc:
            raise SiteUnavailable(f"{url.netloc} does not answer properly ({exc})", hint="try again later") from exc
