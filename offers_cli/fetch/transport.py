"""Exchanges over connections to checked addresses, each ended by a deadline and a limit of bytes.

This is httpcore's connection pool (the transport under httpx) with a network backend of our own. The time-outs that
we hand to httpcore are moments on the monotonic clock, not durations: every single read turns the moment into what is
left, so that a server cannot stretch an exchange by sending a byte now and then, in headers or body.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import httpcore

from offers_cli.errors import NoAnswer, SiteUnavailable, TooLarge
from offers_cli.fetch.guard import SafeUrl
from offers_cli.fetch.proxies import Egress
from offers_cli.fetch.response import MAX_WIRE_BYTES, Response

MAX_HEAD_BYTES = 256 * 1024
"""Status, headers and all 1xx responses together; what the first read brings of the body counts too."""

KEEPALIVE_S = 30.0
ADDRESS_TIMEOUT_S = 5.0
"""How long an address may take to connect while another one of the same name is left to try."""
PROXY_PAUSE_S = 30.0
"""How long a host is left alone through a proxy that failed."""

Resolve = Callable[[str, int], Sequence[str]]
SocketOption = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]


def _left(deadline: float | None) -> float | None:
    if deadline is None:
        return None
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the deadline has passed")
    return left


class StaleConnection(Exception):
    """A kept connection turned out to be closed by the server before it responded: ask again on another one."""


class LimitedStream(httpcore.NetworkStream):
    """One connection. A write begins an exchange, and what may be read counts from there.

    The time-outs that it is given are moments of `time.monotonic`.
    """

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner
        self._bytes_left = MAX_HEAD_BYTES
        self._has_served = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What comes next; raises `TooLarge` beyond the limit, `StaleConnection` where another one is to be used."""
        # A kept connection that ends before the first byte of a response was closed by the server meanwhile.
        may_be_stale = self._has_served and self._bytes_left == MAX_HEAD_BYTES
        try:
            data = self._inner.read(max_bytes, _left(timeout))
        except httpcore.ReadError as exc:
            if may_be_stale:
                raise StaleConnection from exc
            raise
        if may_be_stale and not data:
            raise StaleConnection
        self._bytes_left -= len(data)
        if self._bytes_left < 0:
            raise TooLarge("the response is larger on the wire than a page may be")
        return data

    def expect_body(self) -> None:
        """The head has been read: from here a whole page may come."""
        self._bytes_left = MAX_WIRE_BYTES
        self._has_served = True

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send bytes of a request."""
        self._bytes_left = MAX_HEAD_BYTES
        self._inner.write(buffer, _left(timeout))

    def close(self) -> None:
        """Close the connection."""
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """The same connection, encrypted from here on."""
        secured = self._inner.start_tls(ssl_context, server_hostname, _left(timeout))
        return LimitedStream(secured)

    def get_extra_info(self, info: str) -> Any:
        """Facts about the connection, as httpcore names them."""
        return self._inner.get_extra_info(info)


class _CheckedBackend(httpcore.NetworkBackend):
    """Connects to the addresses that `resolve` checked, one after another until one answers."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,  # noqa: ARG002 - httpcore's interface
        socket_options: Iterable[SocketOption] | None = None,  # noqa: ARG002 - httpcore's interface
    ) -> httpcore.NetworkStream:
        *others, last = self._resolve(host, port)
        for address in others:
            soon = time.monotonic() + ADDRESS_TIMEOUT_S
            try:
                return self._connect(address, port, soon if timeout is None else min(timeout, soon))
            except (httpcore.ConnectError, httpcore.TimeoutException):
                continue
        return self._connect(last, port, timeout)

    def _connect(self, address: str, port: int, deadline: float | None) -> httpcore.NetworkStream:
        return LimitedStream(self._sockets.connect_tcp(address, port, _left(deadline)))


class _ProxyBackend(_CheckedBackend):
    """Connects to a proxy that the operator named; the proxy resolves the names of the pages."""

    def __init__(self) -> None:
        super().__init__(lambda host, _port: (host,))

    def _connect(self, address: str, port: int, deadline: float | None) -> httpcore.NetworkStream:
        try:
            return super()._connect(address, port, deadline)
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
            raise httpcore.ProxyError(str(exc)) from exc


class Transport:
    """Sends requests over connections that are kept, by scheme and egress; thread-safe.

    Args:
        resolve: gives the checked addresses of a host and port.
        timeout_s: network time that a whole page may take, for messages; each exchange has what is left of it.
        make_tls_context: called once, at the first https address: it costs tens of milliseconds.
    """

    def __init__(
        self,
        resolve: Resolve,
        *,
        timeout_s: float,
        make_tls_context: Callable[[], ssl.SSLContext] = httpcore.default_ssl_context,
    ) -> None:
        self._resolve = resolve
        self._timeout_s = timeout_s
        self._make_tls_context = make_tls_context
        self._tls_context: ssl.SSLContext | None = None
        self._pools: dict[tuple[str, str], httpcore.ConnectionPool] = {}
        self._lock = threading.Lock()

    @contextmanager
    def exchange(
        self, url: SafeUrl, egress: Egress, *, headers: Mapping[str, str], body: bytes | None, left_s: float
    ) -> Iterator[Response]:
        """Send a GET, or a POST where there is a body, and give the response with its body unread.

        It is sent again on a new connection when the server had closed the kept one (RFC 9112, 9.3.1).

        Raises:
            NoAnswer: no connection, or no whole response within `left_s` seconds; `retry_after_s` is set where it was
                the proxy that failed.
            SiteUnavailable: a response that is none by the rules of HTTP.
            TooLarge: more bytes than `MAX_HEAD_BYTES` before the body, or `MAX_WIRE_BYTES` in it.
        """
        deadline = time.monotonic() + left_s
        request = httpcore.Request(
            "GET" if body is None else "POST",
            httpcore.URL(scheme=url.scheme, host=url.host, port=url.port, target=url.target),
            headers=list(headers.items()),
            content=body,
            # The stream takes moments for time-outs; the pool itself, which never makes anyone wait, a duration.
            extensions={"timeout": {"connect": deadline, "read": deadline, "write": deadline, "pool": left_s}},
        )
        try:
            received = _begin_exchange(self._pool(url.scheme, egress), request)
            try:
                yield Response(
                    url=url,
                    status=received.status,
                    headers=tuple(received.headers),
                    chunks=received.iter_stream(),
                )
            finally:
                end_exchange(received)
        except httpcore.TimeoutException as exc:
            raise NoAnswer(
                f"{url.netloc} did not send a whole page within {self._timeout_s:.0f} s", hint="try again later"
            ) from exc
        except httpcore.ProxyError as exc:
            raise NoAnswer(
                f"proxy {egress.label} refused the connection ({exc})",
                hint="check OFFERS_HTTP_PROXY",
                retry_after_s=PROXY_PAUSE_S,
            ) from exc
        except httpcore.ConnectError as exc:
            raise NoAnswer(f"{url.netloc} does not answer ({exc})", hint="try again later") from exc
        except (httpcore.NetworkError, httpcore.ProtocolError) as exc:
            raise SiteUnavailable(f"no valid response from {url.netloc} ({exc})", hint="try again later") from exc

    def _pool(self, scheme: str, egress: Egress) -> httpcore.ConnectionPool:
        """The pool for addresses of that scheme through that egress, opened when first used."""
        with self._lock:
            if found := self._pools.get((scheme, egress.label)):
                return found
            backend: _CheckedBackend = _CheckedBackend(self._resolve)
            proxy = None
            if egress.proxy_url is not None:
                backend = _ProxyBackend()
                proxy_tls = self._tls() if egress.proxy_url.startswith("https:") else None
                proxy = httpcore.Proxy(egress.proxy_url, auth=egress.credentials, ssl_context=proxy_tls)
            pool = self._pools[scheme, egress.label] = httpcore.ConnectionPool(
                ssl_context=self._tls() if scheme == "https" else None,
                proxy=proxy,
                max_connections=None,  # the pace limits them
                max_keepalive_connections=64,
                keepalive_expiry=KEEPALIVE_S,
                network_backend=backend,
            )
            return pool

    def _tls(self) -> ssl.SSLContext:
        if self._tls_context is None:
            self._tls_context = self._make_tls_context()
        return self._tls_context

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            for pool in self._pools.values():
                pool.close()
            self._pools.clear()


def _begin_exchange(pool: httpcore.ConnectionPool, request: httpcore.Request) -> httpcore.Response:
    """Send a request, as often as a kept connection proves to be closed, and read the head of its response."""
    while True:
        try:
            response = pool.handle_request(request)
        except StaleConnection:
            continue  # the pool has dropped that connection; a new one is never stale
        response.extensions["network_stream"].expect_body()
        return response


def end_exchange(response: httpcore.Response) -> None:
    """Give the connection back for reuse, or close it when bytes came behind the response.

    h11 would take such bytes for the response to the next request. httpcore has no public way to ask for them; should
    its inner parts change, connections are closed instead of reused, which a test would notice.
    """
    inner = getattr(getattr(response.stream, "_stream", None), "_connection", None)
    state = getattr(inner, "_h11_state", None)
    if state is None or state.trailing_data[0]:
        response.extensions["network_stream"].close()
    response.close()
