"""The shop's HTTP server: threads, keep-alive, gzip when asked, and no harm from hostile clients."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from offers_cli.demo.answer import Answer, Request, page

_MAX_CONNECTIONS = 512
_MAX_BODY_BYTES = 1_000_000
_LOGGED_HEADERS = (
    "host", "user-agent", "accept", "accept-encoding", "accept-language", "cookie", "referer", "origin",
    "content-type", "x-csrf-token",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRequest:
    """One request as the server saw it.

    Attributes:
        at: `time.monotonic()` when its head had been read.
        path: the request target, query included.
        headers: those of interest, names in lower case.
        connection: number of the connection it came by, in order of opening.
    """

    at: float
    method: str
    path: str
    headers: Mapping[str, str]
    status: int
    connection: int


class DemoServer(ThreadingHTTPServer):
    """Serves `answer` on a loopback port, one thread for each connection.

    Args:
        answer: makes the answer of one request; called from many threads.
        port: 0 for a free one.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, answer: Callable[[Request], Answer] | None = None, *, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.answer = answer
        self.seen: deque[SeenRequest] = deque(maxlen=200_000)
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
            if len(self._open) >= _MAX_CONNECTIONS:
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
                _hang_up(connection)
            self._changed.wait_for(lambda: not self._open, timeout_s)


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the client was quicker


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 30

    @property
    def _server(self) -> DemoServer:
        return cast("DemoServer", self.server)

    def do_GET(self) -> None:
        at = time.monotonic()
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self._answer(headers)
        if answer.delay_s:
            self._server.closing.wait(answer.delay_s)
        self._remember(at, headers, answer.status)
        self._send(answer, gzip="gzip" in headers.get("accept-encoding", ""))

    do_HEAD = do_POST = do_GET  # noqa: N815  named by the base class

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's signature
        """Nothing: what was asked stands in the server's `seen`."""

    def _answer(self, headers: dict[str, str]) -> Answer:
        body = self._read_body(headers)
        try:
            request = Request.parse(self.command, self.path, headers, body or b"")
        except ValueError:
            body = None
        if body is None or self._server.answer is None:
            self.close_connection = True
            return page("", status=400)
        return self._server.answer(request)

    def _read_body(self, headers: dict[str, str]) -> bytes | None:
        """The body as far as it is announced; None when it is announced absurdly."""
        length = headers.get("content-length", "0")
        if "transfer-encoding" in headers or not (length.isascii() and length.isdecimal()):
            return None
        return self.rfile.read(int(length)) if len(length) < 10 and int(length) <= _MAX_BODY_BYTES else None

    def _remember(self, at: float, headers: dict[str, str], status: int) -> None:
        seen = SeenRequest(
            at=at,
            method=self.command,
            path=self.path,
            headers={name: headers[name] for name in _LOGGED_HEADERS if name in headers},
            status=status,
            connection=self._server.connection_number(self.connection),
        )
        self._server.seen.append(seen)

    def _send(self, answer: Answer, *, gzip: bool) -> None:
        """Write head and body at once: two writes would cost a round trip."""
        gzip = gzip and answer.content_type.startswith(("text/", "application/json"))
        pieces = answer.body.gzipped if gzip else answer.body.plain
        lines = [
            f"HTTP/1.1 {answer.status} {_phrase(answer.status)}",
            f"Date: {self.date_time_string()}",
            f"Content-Type: {answer.content_type}",
            f"Content-Length: {sum(map(len, pieces))}",
            "Vary: Accept-Encoding",
            *(["Content-Encoding: gzip"] if gzip else []),
            *(["Connection: close"] if self.close_connection else []),
            *[f"{name}: {value}" for name, value in answer.headers],
        ]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        self.wfile.write(head if self.command == "HEAD" else b"".join((head, *pieces)))


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
