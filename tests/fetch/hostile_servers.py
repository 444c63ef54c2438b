"""Servers on raw loopback sockets that answer exactly what a test wants, right or wrong."""

from __future__ import annotations

import contextlib
import gzip
import socket
import ssl
import struct
import threading
import zlib
from collections.abc import Callable
from typing import Self

from waiting import NEVER_S

PAGE = b"<!doctype html><html><head><title>ok</title></head><body>" + b"x" * 200 + b"</body></html>"


class Visit:
    """One request and the connection it came on."""

    def __init__(self, conn: socket.socket, head: bytes, stopping: threading.Event) -> None:
        self.conn = conn
        self.head = head
        self.stopping = stopping

    @property
    def path(self) -> str:
        return self.head.split(b" ")[1].decode()

    def send(self, data: bytes) -> None:
        self.conn.sendall(data)

    def drip(self, data: bytes, *, every_s: float = 0.02) -> None:
        """Send one byte after another, until the other side goes."""
        for position in range(len(data)):
            if self.stopping.wait(every_s):
                return
            self.send(data[position : position + 1])

    def flood(self, data: bytes) -> None:
        """Send the same again and again, until the other side goes."""
        while not self.stopping.is_set():
            self.send(data)

    def hang(self) -> None:
        self.stopping.wait(NEVER_S)


Respond = Callable[[Visit], None]


class RawServer:
    """Accepts connections, each in its thread; every request head is recorded and given to `respond`."""

    def __init__(self, respond: Respond, *, tls: ssl.SSLContext | None = None) -> None:
        self._respond = respond
        self._tls = tls
        self._stopping = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._connections: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.heads: list[bytes] = []
        self.connections = 0
        self.port: int = self._listener.getsockname()[1]
        self.netloc = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.netloc}/"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        _end(self._listener)
        for conn in self._connections:
            _end(conn)
        for thread in self._threads:
            thread.join(5)

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                conn, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._connections.append(conn)
            self._start(lambda conn=conn: self._serve(conn))  # type: ignore[misc]

    def _serve(self, conn: socket.socket) -> None:
        try:
            if self._tls is not None:
                conn = self._tls.wrap_socket(conn, server_side=True)
                self._connections.append(conn)
            waiting = b""
            while True:
                while b"\r\n\r\n" not in waiting:
                    data = conn.recv(65536)
                    if not data:
                        return
                    waiting += data
                head, _, waiting = waiting.partition(b"\r\n\r\n")
                self.heads.append(head)
                self._respond(Visit(conn, head, self._stopping))
        except OSError:
            return
        finally:
            _end(conn)


def _end(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()


class Canary:
    """A listening socket that counts who touches it."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0)
        self.port: int = self._listener.getsockname()[1]
        self.netloc = f"127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    @property
    def touched(self) -> bool:
        """Whether a connection was made; the kernel completes it and queues it, accepted or not."""
        try:
            conn, _ = self._listener.accept()
        except BlockingIOError:
            return False
        conn.close()
        return True


def answer(
    body: bytes = PAGE,
    *headers: str,
    status: str = "200 OK",
    content_type: str | None = "text/html; charset=utf-8",
    length: int | None = None,
) -> bytes:
    """A whole HTTP answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    if content_type is not None:
        lines.append(f"Content-Type: {content_type}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def head(*headers: str, status: str = "200 OK") -> bytes:
    """The head of an answer whose body follows as the test likes."""
    return "\r\n".join([f"HTTP/1.1 {status}", "Content-Type: text/html", *headers]).encode("latin-1") + b"\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def always(data: bytes) -> Respond:
    return lambda visit: visit.send(data)


def once(data: bytes) -> Respond:
    """Answer, then end the connection."""

    def respond(visit: Visit) -> None:
        visit.send(data)
        raise ConnectionAbortedError

    return respond


def reset(visit: Visit) -> None:
    """End the connection with a TCP reset."""
    visit.conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    visit.conn.close()
    raise ConnectionAbortedError


def bomb(coding: str) -> bytes:
    """A gigabyte of blanks after a page's first bytes, packed."""
    window = {"gzip": 31, "zlib": 15, "deflate": -15}[coding]
    packer = zlib.compressobj(9, zlib.DEFLATED, window)
    start = packer.compress(b"<html>") + packer.flush(zlib.Z_FULL_FLUSH)
    megabyte = packer.compress(b" " * 2**20) + packer.flush(zlib.Z_FULL_FLUSH)  # refers to nothing before it
    return start + megabyte * 1024


def packed(data: bytes = PAGE) -> bytes:
    return gzip.compress(data)
