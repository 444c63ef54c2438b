"""The shop's HTTP server: threads, keep-alive, gzip when asked, and no harm from hostile clients."""

from __future__ import annotations

import gzip
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from offers_cli.demo.markup import render

MAX_CONNECTIONS = 512
MAX_BODY_BYTES = 1_000_000

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopRequest:
    """One request; header names in lower case, the path without percent escapes.

    Attributes:
        target: the path as it was sent, with its query.
        connection: number of the connection it came by, in order of opening.
    """

    method: str
    target: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    connection: int


@dataclass(frozen=True)
class Body:
    """What a response holds, in pieces that are sent one after the other."""

    data: bytes = b""

    @property
    def plain(self) -> tuple[bytes, ...]:
        return (self.data,)

    @cached_property
    def gzipped(self) -> tuple[bytes, ...]:
        """The same as one gzip member."""
        return (gzip.compress(self.data, 6, mtime=0),)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopResponse:
    """One response."""

    status: int = 200
    body: Body = field(default_factory=Body)
    content_type: str = "text/html; charset=utf-8"
    headers: Headers = ()


def page(html: str, *, status: int = 200, headers: Headers = ()) -> ShopResponse:
    return ShopResponse(status=status, body=Body(html.encode()), headers=headers)


def not_found() -> ShopResponse:
    """The page of what is not there."""
    return page(render("errors.html", "not_found"), status=404)


def redirect(url: str, *, headers: Headers = ()) -> ShopResponse:
    return ShopResponse(status=302, headers=(("Location", url), *headers))


def retry_after(seconds: float | None) -> Headers:
    """The header that asks to wait; none for None. Whole seconds, as HTTP wants them."""
    return () if seconds is None else (("Retry-After", str(max(0, round(seconds)))),)


class ShopServer(ThreadingHTTPServer):
    """Serves `respond` on a loopback port, one thread for each connection.

    Args:
        respond: makes the response to one request; called from many threads.
        port: 0 for a free one.

    Attributes:
        closing: set when it stops; whoever lets a client wait waits for it.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, respond: Callable[[ShopRequest], ShopResponse], *, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.respond = respond
        self.closing = threading.Event()
        self._open: dict[socket.socket, int] = {}
        self._opened = 0
        self._changed = threading.Condition()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def connection_number(self, connection: socket.socket) -> int:
        return self._open.get(connection, 0)

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002  the base class's signature
        """Refuse the connection that is one too many."""
        with self._changed:
            if len(self._open) >= MAX_CONNECTIONS:
                return False
            self._opened += 1
            self._open[request] = self._opened
            return True

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._changed:
            self._open.pop(request, None)
            self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error of ours; anything else is a bug and shows itself."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    def stop(self, timeout_s: float = 5.0) -> None:
        """Stop serving, close every connection and wait for their threads."""
        self.closing.set()
        self.shutdown()
        self.server_close()
        with self._changed:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # the client was quicker
            self._changed.wait_for(lambda: not self._open, timeout_s)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 30

    def do_GET(self) -> None:
        request = self._read_request()
        if request is None:
            self.close_connection = True
            self._send(page("", status=400), may_gzip=False)
            return
        response = cast("ShopServer", self.server).respond(request)
        self._send(response, may_gzip="gzip" in request.headers.get("accept-encoding", ""))

    do_HEAD = do_POST = do_GET  # noqa: N815  named by the base class

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's signature
        """Nothing: stderr belongs to the program."""

    def _read_request(self) -> ShopRequest | None:
        """The request; None when its address is none, or its body is announced absurdly."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        length = headers.get("content-length", "0")
        if "transfer-encoding" in headers or not (length.isascii() and length.isdecimal()):
            return None
        if len(length) >= 10 or int(length) > MAX_BODY_BYTES:
            return None
        body = self.rfile.read(int(length))
        try:
            parts = urlsplit(self.path)
        except ValueError:
            return None
        return ShopRequest(
            method=self.command,
            target=self.path,
            path=unquote(parts.path),
            query=dict(parse_qsl(parts.query)),
            headers=headers,
            body=body,
            connection=cast("ShopServer", self.server).connection_number(self.connection),
        )

    def _send(self, response: ShopResponse, *, may_gzip: bool) -> None:
        """Write head and body at once: two writes would cost a round trip."""
        is_gzipped = may_gzip and response.content_type.startswith(("text/", "application/json"))
        pieces = response.body.gzipped if is_gzipped else response.body.plain
        known = {status.value: status.phrase for status in HTTPStatus}
        lines = [
            f"HTTP/1.1 {response.status} {known.get(response.status, 'Unknown')}",
            f"Date: {self.date_time_string()}",
            f"Content-Type: {response.content_type}",
            f"Content-Length: {sum(map(len, pieces))}",
            "Vary: Accept-Encoding",
            *(["Content-Encoding: gzip"] if is_gzipped else []),
            *(["Connection: close"] if self.close_connection else []),
            *[f"{name}: {value}" for name, value in response.headers],
        ]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        self.wfile.write(head if self.command == "HEAD" else b"".join((head, *pieces)))
