"""How long a client of the dashboard may take, and how often an address may guess: by a clock that tests turn."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from threading import Event
from typing import Any

import pytest
from waiting import NEVER_S, wait_until
from waitress import wasyncore
from waitress.server import MultiSocketServer

from offers_cli.web import security
from offers_cli.web.security import ANOTHER_AFTER_S, AT_ONCE, Guesses
from offers_cli.web.server import CONNECTIONS, PATIENCE_S, Server, listen

HALF = b"GET / HTTP/1.1\r\nHost: x\r\n"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Scene:
    """A server whose loop is turned by hand."""

    def __init__(self, server: MultiSocketServer, clock: Clock) -> None:
        self.server = server
        self.clock = clock
        self.sockets: Any = server.map

    def turn(self) -> None:
        for each in list(self.sockets.values()):
            if isinstance(each, Server):
                each.next_channel_cleanup = 0  # what it does about every second it does now
        wasyncore.loop(timeout=0.01, use_poll=True, map=self.sockets, count=1)

    def connect(self, **options: int) -> socket.socket:
        (place,) = self.server.effective_listen
        client = socket.socket()
        for name, value in options.items():
            client.setsockopt(socket.SOL_SOCKET, getattr(socket, name), value)
        client.connect((place[0], int(place[1])))
        client.settimeout(0)
        before = self.connections()
        self.until(lambda: self.connections() != before, "accepted")
        return client

    def connections(self) -> int:
        return sum(1 for each in self.sockets.values() if not isinstance(each, Server)) - 1  # one is the trigger

    def until(self, condition: Callable[[], object], what: str) -> None:
        def turned() -> object:
            self.turn()
            return condition()

        wait_until(turned, what)

    def receive(self, client: socket.socket) -> bytes | None:
        """What has arrived; None for nothing yet, empty at the end."""
        self.turn()
        try:
            return client.recv(65536)
        except BlockingIOError:
            return None
        except ConnectionResetError:
            return b""

    def is_open(self, client: socket.socket) -> bool:
        return all(self.receive(client) is None for _ in range(3))

    def await_end(self, client: socket.socket) -> None:
        self.until(lambda: self.receive(client) == b"", "the end")


BEGUN, GO_ON = Event(), Event()


def answer(environ: Any, start_response: Any) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/slow":
        BEGUN.set()
        assert GO_ON.wait(NEVER_S)
    body = b"x" * (2**23 if environ["PATH_INFO"] == "/large" else 2)
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


@pytest.fixture
def scene() -> Iterator[Scene]:
    clock = Clock()

    class Clocked(Server):
        pass

    Clocked.clock = staticmethod(clock)
    server = listen(answer, "127.0.0.1", 0, server_class=Clocked)
    with closing(server):
        yield Scene(server, clock)


def test_a_request_has_a_time_in_which_it_must_be_whole(scene: Scene) -> None:
    """However often a byte comes."""
    with scene.connect() as slow, scene.connect() as idle:
        for _ in range(10):
            slow.send(HALF[:1])
            scene.clock.now += PATIENCE_S / 10 - 0.01
            assert scene.is_open(slow)
        assert scene.is_open(idle)
        scene.clock.now += 1
        scene.await_end(slow)
        scene.await_end(idle)
        assert scene.connections() == 0


def test_a_client_that_asks_again_and_again_keeps_its_connection(scene: Scene) -> None:
    with scene.connect() as client:
        for _ in range(5):
            scene.clock.now += PATIENCE_S - 1
            client.send(HALF + b"\r\n")
            scene.until(lambda: (scene.receive(client) or b"").endswith(b"xx"), "answered")


def test_an_answer_may_take_as_long_as_it_takes_to_make(scene: Scene) -> None:
    with scene.connect() as client:
        client.send(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        scene.until(BEGUN.is_set, "begun")
        scene.clock.now += 10 * PATIENCE_S
        assert scene.is_open(client)
        GO_ON.set()
        scene.until(lambda: (scene.receive(client) or b"").endswith(b"xx"), "answered")
        assert scene.is_open(client)


def test_a_client_that_does_not_take_its_answer_is_cut_off(scene: Scene) -> None:
    with scene.connect(SO_RCVBUF=4096) as client:
        client.send(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        (connection,) = [each for each in scene.sockets.values() if hasattr(each, "waits_since")]
        scene.until(lambda: connection.total_outbufs_len and not connection.requests, "answered")
        scene.clock.now += PATIENCE_S + 1
        scene.until(lambda: scene.connections() == 0, "cut off")


def test_where_there_are_too_many_the_slowest_makes_way(scene: Scene) -> None:
    clients = []
    for _ in range(CONNECTIONS):
        scene.clock.now += 0.01
        clients.append(scene.connect())
    clients[0].send(HALF + b"\r\n")
    scene.until(lambda: (scene.receive(clients[0]) or b"").endswith(b"xx"), "answered")
    kept = [each for each in scene.sockets.values() if hasattr(each, "waits_since")]
    scene.until(lambda: all(each.waits for each in kept), "its thread is done, so it waits for the next anew")
    clients.append(scene.connect())
    scene.await_end(clients[1])
    assert scene.is_open(clients[0])
    assert scene.is_open(clients[-1])
    assert scene.connections() == CONNECTIONS
    for client in clients:
        client.close()


def test_after_a_few_wrong_tokens_one_is_looked_at_every_few_seconds() -> None:
    clock = Clock()
    guesses = Guesses(clock)
    assert [guesses.begin("192.0.2.1") for _ in range(AT_ONCE)] == [0.0] * AT_ONCE
    assert guesses.begin("192.0.2.1") == pytest.approx(ANOTHER_AFTER_S)
    assert guesses.begin("192.0.2.1") == pytest.approx(ANOTHER_AFTER_S), "refused ones do not count"
    assert guesses.begin("192.0.2.2") == 0
    clock.now += ANOTHER_AFTER_S
    assert guesses.begin("192.0.2.1") == 0
    assert guesses.begin("192.0.2.1") > 0
    clock.now += AT_ONCE * ANOTHER_AFTER_S
    assert [guesses.begin("192.0.2.1") for _ in range(AT_ONCE)] == [0.0] * AT_ONCE


def test_right_tokens_are_not_limited() -> None:
    guesses = Guesses(Clock())
    for _ in range(1000):
        assert guesses.begin("192.0.2.1") == 0
        guesses.was_right("192.0.2.1")


def test_the_addresses_of_one_network_are_one() -> None:
    guesses = Guesses(Clock())
    for number in range(AT_ONCE):
        assert guesses.begin(f"2001:db8::{number:x}") == 0
    assert guesses.begin("2001:db8::ffff") > 0
    assert guesses.begin("2001:db8:0:1::1") == 0
    for _ in range(AT_ONCE):
        guesses.begin("::ffff:192.0.2.1")
    assert guesses.begin("192.0.2.1") > 0


def test_guesses_from_everywhere_take_no_more_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security, "ADDRESSES", 50)
    clock = Clock()
    guesses = Guesses(clock)
    told = [guesses.begin(f"192.0.{number // 256}.{number % 256}") for number in range(200)]
    assert told.count(0.0) == 50 + AT_ONCE, "those beyond the fiftieth share one count"
    assert len(guesses._forgotten_at) <= 51
    clock.now += 3600
    assert guesses.begin("198.51.100.1") == 0
    assert len(guesses._forgotten_at) == 1


class Streams:
    """An application whose answers go on until they are closed, or their client has left."""

    def __init__(self) -> None:
        self.ended = Event()

    def __call__(self, environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Type", "text/event-stream")])
        return self._pieces(environ["waitress.client_disconnected"], environ["PATH_INFO"])

    def _pieces(self, is_gone: Callable[[], bool], path: str) -> Iterator[bytes]:
        try:
            yield b"x"
            while not is_gone():
                if path != "/quiet":
                    yield b"x" * (2**16 if path == "/large" else 1)
                self.ended.wait(0.01)
        finally:
            self.ended.set()


@pytest.fixture
def streaming() -> Iterator[tuple[Scene, Streams]]:
    clock, streams = Clock(), Streams()

    class Clocked(Server):
        pass

    Clocked.clock = staticmethod(clock)
    server = listen(streams, "127.0.0.1", 0, server_class=Clocked)
    with closing(server):
        yield Scene(server, clock), streams


def test_a_stream_may_go_on_for_as_long_as_it_is_read_and_ends_when_its_client_leaves(
    streaming: tuple[Scene, Streams],
) -> None:
    """Else each visit of a page would keep a thread, until none is left."""
    scene, streams = streaming
    with scene.connect() as client:
        client.send(HALF + b"\r\n")
        for _ in range(5):
            scene.until(lambda: (scene.receive(client) or b"").endswith(b"x\r\n"), "a piece, without any other")
            scene.clock.now += PATIENCE_S / 2
        assert not streams.ended.is_set()
    scene.until(streams.ended.is_set, "ended")


def test_a_client_that_leaves_is_noticed_where_nothing_is_sent(streaming: tuple[Scene, Streams]) -> None:
    scene, streams = streaming
    with scene.connect() as client:
        client.send(b"GET /quiet HTTP/1.1\r\nHost: x\r\n\r\n")
        scene.until(lambda: (scene.receive(client) or b"").endswith(b"x\r\n"), "a piece")
    scene.until(streams.ended.is_set, "ended")


def test_a_stream_that_is_not_read_is_cut_off(streaming: tuple[Scene, Streams]) -> None:
    """Else it would fill the memory and keep its thread."""
    scene, streams = streaming
    with scene.connect(SO_RCVBUF=4096) as client:
        client.send(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        (connection,) = [each for each in scene.sockets.values() if hasattr(each, "waits_since")]
        scene.until(lambda: connection.total_outbufs_len > 2**17, "more than it takes")
        scene.clock.now += PATIENCE_S + 1
        scene.until(streams.ended.is_set, "cut off")
