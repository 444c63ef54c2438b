"""The server: keep-alive, many at once, trouble that comes and goes, hostile clients, stopping."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from demo.shop_client import Client
from shop import Shop
from waiting import NEVER_S

from offers_cli.demo.catalogue import Behaviour, Catalogue

TESTS = Path(__file__).parents[1]


def offer_path(shop: Shop, behaviour: Behaviour) -> str:
    return next(o.path for o in shop.offers if o.behaviour is behaviour)


def test_one_connection_serves_many_requests_and_all_are_remembered(shop: Shop, client: Client) -> None:
    for offer in shop.offers[:5]:
        client.get(offer.path, user_agent="teste")
    assert [seen.path for seen in shop.requests] == [o.path for o in shop.offers[:5]]
    assert {seen.connection for seen in shop.requests} == {1}
    assert shop.requests[0].headers["user-agent"] == "teste"
    times = [seen.at for seen in shop.requests]
    assert times == sorted(times)


def test_head_tells_the_length_and_sends_nothing(client: Client) -> None:
    whole, head = client.get("/ofertas"), client.get("/ofertas", method="HEAD")
    assert head.body == b""
    assert head.headers["content-length"] == str(len(whole.body))


@pytest.mark.slow
def test_sixteen_clients_at_once_get_what_one_would(shop: Shop) -> None:
    paths = [o.path for o in shop.offers if o.behaviour is Behaviour.NORMAL]

    def read_all(_: int) -> list[str]:
        client = Client(shop.url)
        texts = [client.get(path, accept_encoding="gzip").text for path in paths]
        client.close()
        return texts

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(read_all, range(16)))
    assert all(answer == answers[0] for answer in answers)
    assert len(shop.requests) == 16 * len(paths)


def test_the_wall_of_one_offer_goes_away_after_the_first_request(shop: Shop, client: Client) -> None:
    path = offer_path(shop, Behaviour.WALL_ONCE)
    first = client.get(path)
    assert first.status == 302
    assert first.headers["retry-after"] == "1"
    assert "/gz/account-verification?go=" in first.headers["location"]
    landing = client.get(first.headers["location"])
    assert "Para continuar, acesse sua conta" in landing.text
    assert landing.headers["retry-after"] == "1"
    assert client.get(path).status == 200


def test_of_many_first_requests_exactly_one_meets_the_flaw(shop: Shop) -> None:
    path = offer_path(shop, Behaviour.FLAKY_500)
    together = threading.Barrier(16)

    def ask(_: int) -> int:
        client = Client(shop.url)
        together.wait(NEVER_S)
        status = client.get(path).status
        client.close()
        return status

    with ThreadPoolExecutor(16) as pool:
        assert sorted(pool.map(ask, range(16))) == [200] * 15 + [500]


def test_gone_is_404(shop: Shop, client: Client) -> None:
    assert client.get(offer_path(shop, Behaviour.GONE_404)).status == 404


def test_a_slow_page_comes_in_the_end(shop: Shop, client: Client) -> None:
    assert client.get(offer_path(shop, Behaviour.SLOW)).status == 200


def test_a_slow_page_is_overtaken_by_those_asked_for_after_it() -> None:
    with Shop(Catalogue(40, 1), slow_s=NEVER_S) as shop, socket.create_connection(address(shop)) as slow:
        slow.sendall(f"GET {offer_path(shop, Behaviour.SLOW)} HTTP/1.1\r\n\r\n".encode())
        client = Client(shop.url)
        assert client.get(offer_path(shop, Behaviour.NORMAL)).status == 200
        client.close()
        assert select.select([slow], [], [], 0)[0] == [], "nothing has come yet"


def test_a_wall_before_the_whole_shop_ends_with_its_time() -> None:
    now = [100.0]
    with Shop(Catalogue(8), clock=lambda: now[0]) as shop:
        client = Client(shop.url)
        shop.wall(seconds=20)
        assert client.get("/ofertas").status == 302
        shop.wall(seconds=20, kind="micro_landing", retry_after=3)
        landing = client.get(shop.offers[0].path)
        assert "_bm_skipml" in landing.text
        assert landing.headers["retry-after"] == "3"
        assert "fraction" not in landing.text
        now[0] += 20.0
        assert client.get("/ofertas").status == 200
        client.close()


def test_failures_are_counted_down_and_recovery_ends_them(shop: Shop, client: Client) -> None:
    shop.fail(429, retry_after=7, times=2)
    answers = [client.get("/ofertas") for _ in range(3)]
    assert [(a.status, a.headers.get("retry-after")) for a in answers] == [(429, "7"), (429, "7"), (200, None)]
    shop.fail(status=503)
    assert [client.get("/ofertas").status for _ in range(3)] == [503] * 3
    shop.recover()
    assert client.get("/ofertas").status == 200


HOSTILE = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET\r\n\r\n",
    b"GET http://[::1 HTTP/1.1\r\n\r\n",
    b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 500 + b"\r\n",
    b"GET /%ff%00%0d%0aSet-Cookie:x HTTP/1.1\r\nConnection: close\r\n\r\n",
    b"GET /ofertas?page=99999999999999999999 HTTP/1.1\r\nConnection: close\r\n\r\n",
    "GET /ofertas?page=٣ HTTP/1.1\r\nConnection: close\r\n\r\n".encode(),
    b"GET /x_Desde_0 HTTP/1.1\r\nConnection: close\r\n\r\n",
    b"GET /mclics/?a=%C2%B2 HTTP/1.1\r\nConnection: close\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n",
    b"BREW /cafe HTTP/1.1\r\n\r\n",
    b"GET /gz/account-verification?wait=%C2%B2&go=%22%3E%3Cscript%3E HTTP/1.1\r\nConnection: close\r\n\r\n",
]


def exchange(raw: socket.socket, data: bytes) -> bytes:
    """Send, and read to the end; a server that hangs up on unread nonsense is within its rights."""
    answer = b""
    with contextlib.suppress(ConnectionError):
        raw.sendall(data)
        raw.shutdown(socket.SHUT_WR)
        while piece := raw.recv(65536):
            answer += piece
    return answer


@pytest.mark.parametrize("data", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_requests_harm_nobody(
    shop: Shop, client: Client, capfd: pytest.CaptureFixture[str], data: bytes
) -> None:
    with socket.create_connection(address(shop), timeout=NEVER_S) as raw:
        answer = exchange(raw, data)
    assert b"Traceback" not in answer
    assert b"\r\nSet-Cookie:x" not in answer
    assert b'"><script>' not in answer
    assert client.get("/ofertas").status == 200
    assert capfd.readouterr().err == ""


def address(shop: Shop) -> tuple[str, int]:
    parts = urlsplit(shop.url)
    assert parts.hostname
    assert parts.port
    return parts.hostname, parts.port


def test_a_client_that_hangs_up_leaves_no_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    with Shop(Catalogue(8), page_bytes=4_000_000) as shop:
        for _ in range(5):
            raw = socket.create_connection(address(shop))
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            raw.sendall(f"GET {shop.offers[0].path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            raw.recv(10)
            raw.close()
        client = Client(shop.url)
        assert client.get("/ofertas").status == 200
        client.close()
    assert capfd.readouterr().err == ""


def test_closing_hangs_up_on_idle_and_waiting_clients() -> None:
    """Nobody is kept until the latency of their answer is over."""
    before = threading.active_count()
    shop = Shop(Catalogue(8)).start()
    shop.set_latency(3600)
    with socket.create_connection(address(shop)) as idle, socket.create_connection(address(shop)) as waiting:
        waiting.sendall(b"GET /ofertas HTTP/1.1\r\n\r\n")
        shop.close()
        shop.close()
        assert exchange(idle, b"") == b""
        with contextlib.suppress(ConnectionResetError):  # where its request had not been read yet
            waiting.recv(1)  # nothing; or an answer, where its thread was quicker than who closes
    assert threading.active_count() == before


def test_a_shop_that_never_opened_can_be_closed() -> None:
    Shop(Catalogue(0)).close()


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "shop", "--offers", "12", "--controls"]
    with subprocess.Popen(command, cwd=TESTS, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        yield running
        running.kill()


def test_alone_it_prints_its_address_obeys_controls_and_stops_on_sigterm(process: subprocess.Popen[str]) -> None:
    assert process.stdout
    assert process.stderr
    url = process.stdout.readline().strip()
    client = Client(url)
    offers = client.get("/__control__/offers").json()
    assert [o["external_id"] for o in offers] == [o.external_id for o in Catalogue(12)]
    assert client.post("/__control__/wall", {"seconds": 60}).status == 200
    assert client.get("/ofertas").status == 302
    assert client.post("/__control__/recover", {}).status == 200
    assert client.get("/ofertas").status == 200
    for name, data in [("wall", {"days": 1}), ("change_price", {"external_id": "x", "price_cents": 1}), ("close", {})]:
        assert client.post(f"/__control__/{name}", data).status in {400, 404}
    assert [seen["status"] for seen in client.get("/__control__/requests").json()] == [
        200,
        200,
        302,
        200,
        200,
        400,
        400,
        404,
    ]
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(NEVER_S) == 0
    assert process.stderr.read() == ""
    client.close()


def test_without_leave_nobody_controls_the_shop(shop: Shop, client: Client) -> None:
    assert client.post("/__control__/wall", {"seconds": 60}).status == 404
    assert client.get("/ofertas").status == 200
    assert json.dumps([seen.path for seen in shop.requests])
