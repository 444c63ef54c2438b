"""waitress, with a bound on how long a client may take.

waitress itself closes only what is silent for minutes, and at its limit accepts nobody: a hundred connections that send
a byte now and then would keep everybody else out. Here each has a time to send its request whole and to take its
answer, and where there are too many the one that has taken longest makes way. A stream may go on for as long as its
client takes what comes.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import MultiSocketServer, TcpWSGIServer
from waitress.task import ErrorTask, ThreadedTaskDispatcher

from offers_cli.web.live import STREAMS
from offers_cli.web.security import HEADERS

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

PATIENCE_S = 20.0
CONNECTIONS = 100
THREADS = 8
"""For everything but streams, which have threads of their own number besides."""
MAX_HEADER_BYTES = 2**15
MAX_BODY_BYTES = 2**16


class _Refusal(ErrorTask):
    """The server's own answer to a request that is none, or too large."""

    def execute(self) -> None:
        self.response_headers = [*self.response_headers, *HEADERS.items()]
        super().execute()


class Connection(HTTPChannel):
    """A connection that knows since when it waits for its client."""

    error_task_class = _Refusal

    def __init__(self, server: Server, *args: Any, **kwargs: Any) -> None:
        self._clock = server.clock
        self._is_served = False
        self.waits_since = self.taken_at = self._clock()
        super().__init__(server, *args, **kwargs)

    def service(self) -> None:
        """Answer what this connection asked for; called in a thread of its own."""
        self._is_served = True  # the list of its requests is empty a moment before the end
        super().service()
        self.waits_since = self._clock()
        self._is_served = False

    @property
    def waits(self) -> bool:
        """Whether it is the client's turn: to send, or to take what was answered."""
        return not (self._is_served or self.requests or self.will_close)

    @property
    def is_stuck_since(self) -> float:
        """Since when the client owes something: a request, or to take what was sent; now for one that owes nothing."""
        if self.total_outbufs_len == 0 or not self._is_served:
            self.taken_at = self._clock()
        return self.waits_since if self.waits else self.taken_at

    def cut(self) -> None:
        """End it without asking whether its client takes what is left."""
        self.will_close = True
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]  # else it stays until the client reads on


class Server(TcpWSGIServer):
    """One listening socket."""

    channel_class = Connection
    clock: Callable[[], float] = staticmethod(time.monotonic)

    def handle_accept(self) -> None:
        """Take a new connection; where there are too many, cut the one that has waited longest."""
        super().handle_accept()
        waiting = [connection for connection in self._connections() if connection.waits]
        if len(waiting) > CONNECTIONS:
            min(waiting, key=lambda connection: connection.waits_since).cut()

    def maintenance(self, _now: int) -> None:
        """Called about every second."""
        patient_since = self.clock() - PATIENCE_S
        for connection in self._connections():
            if connection.is_stuck_since < patient_since:
                connection.cut()

    def _connections(self) -> list[Connection]:
        return list(self.active_channels.values())  # type: ignore[attr-defined]


def listen(app: WSGIApplication, host: str, port: int, *, server_class: type[Server] = Server) -> MultiSocketServer:
    """Listen at every address that a host has; `run()` serves.

    Raises:
        OSError: nothing can listen there.
        ValueError: the host is no address of this machine.
    """
    threads = THREADS + STREAMS
    settings: Any = Adjustments(
        host=host,
        port=port,
        threads=threads,
        channel_request_lookahead=1,  # so that a client that leaves its stream is noticed
        ident=None,
        max_request_header_size=MAX_HEADER_BYTES,
        max_request_body_size=MAX_BODY_BYTES,
        connection_limit=4 * CONNECTIONS,
        cleanup_interval=1,
        asyncore_use_poll=True,
    )
    settings.send_bytes = 1  # a stream's pieces are small, and go at once; as an argument it warns of its end
    dispatcher = ThreadedTaskDispatcher()
    dispatcher.set_thread_count(threads)
    sockets: dict[int, Any] = {}
    servers: list[Any] = [
        server_class(app, sockets, dispatcher=dispatcher, adj=settings, sockinfo=info) for info in settings.listen
    ]
    places = [(server.effective_host, server.effective_port) for server in servers]
    return MultiSocketServer(sockets, settings, places, dispatcher)
