"""A server that stands between the program and Supabase: it delays, breaks, lies and counts."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

Meddling = Callable[["Handler"], bool]
"""Handles the request itself and returns True, or returns False to pass it on."""


class Meddler(ThreadingHTTPServer):
    """Passes requests on to `upstream` unless `meddling` deals with them."""

    daemon_threads = True

    def __init__(self, upstream: str | None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream = httpx.Client(base_url=upstream or "http://127.0.0.1:1", timeout=60)
        self.meddling: Meddling = lambda _handler: False
        self.requests: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_: object) -> None:
        """A client that gave up is what the tests are about."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are sent apart; the second would wait 40 ms
    server: Meddler

    def do_POST(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.requests.append(self.path)
        if not self.server.meddling(self):
            self.answer(*self.forward())

    def forward(self) -> tuple[int, bytes]:
        headers = {
            name: value for name, value in self.headers.items() if name.lower() not in ("host", "content-length")
        }
        response = self.server.upstream.post(self.path, content=self.body, headers=headers)
        return response.status_code, response.content

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"content_type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def hang_up(self) -> bool:
        """Close without an answer."""
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)
        return True

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def meddler(upstream: str | None = None) -> Iterator[Meddler]:
    server = Meddler(upstream)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        server.upstream.close()


def answering(status: int, body: bytes = b"{}", **headers: str) -> Meddling:
    def meddle(handler: Handler) -> bool:
        handler.answer(status, body, **headers)
        return True

    return meddle


def dripping(piece_s: float, seconds: float) -> Meddling:
    """An answer of which a byte comes now and then."""

    def meddle(handler: Handler) -> bool:
        handler.send_response(200)
        handler.send_header("content-length", "100000")
        handler.end_headers()
        for _ in range(int(seconds / piece_s)):
            handler.wfile.write(b" ")
            time.sleep(piece_s)
        return handler.hang_up()

    return meddle


def silent(seconds: float) -> Meddling:
    def meddle(handler: Handler) -> bool:
        time.sleep(seconds)
        return handler.hang_up()

    return meddle
