"""A host that says stop: nothing more is sent by those who already hold a turn, in this process and in others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis
from fetch.free_pace import FreePace
from fetch.hostile_servers import RawServer, Respond, Visit, always, answer
from servers import RedisServer

from offers_cli.errors import WORK_ERRORS, HostPaused, PageBlocked, RateLimited, SiteUnavailable, WorkError
from offers_cli.fetch.client import PoliteFetcher
from offers_cli.fetch.guard import Guard
from offers_cli.fetch.pace import LocalPace, SharedPace
from offers_cli.fetch.proxies import parse_egresses
from offers_cli.marketplaces.mercado_livre.urls import is_wall

pytestmark = pytest.mark.network

Serve = Callable[[Respond], RawServer]
Make = Callable[..., PoliteFetcher]
WAITING = 6
"""Requests of each process that hold a turn when the refusal comes."""
ASK_MANY = "import sys; from fetch.test_fetch_refusal import *; ask_many_from_a_process(*sys.argv[1:])"


def open_pace(client: redis.Redis) -> SharedPace:
    """On a clock that stands still: however late a process starts, its turns lie in the future."""
    return SharedPace(client, delay_s=0.5, first_pause_s=600, clock=lambda: 1_800_000_000.0)


def ask_many(socket: str, netloc: str, wait: Callable[[float], None]) -> list[str]:
    """Fetch from many threads; returns what each ended with, the reason of a pause included."""
    client = redis.Redis(unix_socket_path=socket)
    pace = open_pace(client)
    fetcher = PoliteFetcher(guard=Guard([netloc], allow_private=True), pace=pace, is_wall=is_wall, sleep=wait)

    def ask(number: int) -> str:
        try:
            fetcher.get(f"http://{netloc}/{number}")
        except WorkError as error:
            return f"{type(error).__name__} {error.code}"
        return "served"

    with ThreadPoolExecutor(WAITING) as threads:
        ended = list(threads.map(ask, range(WAITING)))
    fetcher.close()
    return ended


def ask_many_from_a_process(socket: str, netloc: str) -> None:
    """Tells on standard output when a turn is waited for; the wait is over when standard input ends."""
    released = threading.Event()

    def release() -> None:
        sys.stdin.read()
        released.set()

    threading.Thread(target=release, daemon=True).start()

    def wait(_seconds: float) -> None:
        os.write(1, b"waiting\n")  # in one piece, whichever thread
        released.wait()

    print(json.dumps(ask_many(socket, netloc, wait)), flush=True)


@pytest.mark.parametrize(
    ("status", "header", "code"),
    [("429 Slow down", "Retry-After: 600", "rate_limited"), ("403 No", "X-None: 1", "page_blocked")],
)
def test_a_refusal_stops_every_turn_that_was_given_out(
    status: str, header: str, code: str, serve: Serve, connection: redis.Redis, pace_redis: RedisServer
) -> None:
    """The first request is refused while a dozen in two processes hold turns: the server never sees a second one."""
    asked, refuse = threading.Event(), threading.Event()

    def respond(visit: Visit) -> None:
        asked.set()
        refuse.wait()
        visit.send(answer(b"no", header, status=status))

    server = serve(respond)
    place = (str(pace_redis.socket), server.netloc)
    waiting, released = threading.Semaphore(0), threading.Event()

    def wait(_seconds: float) -> None:
        waiting.release()
        released.wait()

    def free_all() -> None:
        """So that a test that fails does not wait for its own threads."""
        refuse.set()
        released.set()

    with ThreadPoolExecutor(1) as threads, ExitStack() as stack:
        stack.callback(free_all)
        first = threads.submit(ask_many, *place, wait)
        assert asked.wait(30), "one of them is on the wire, the others wait"
        other = subprocess.Popen(
            [sys.executable, "-c", ASK_MANY, *place],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[1],
        )
        assert other.stdout
        assert [other.stdout.readline() for _ in range(WAITING)] == ["waiting\n"] * WAITING
        assert all(waiting.acquire(timeout=30) for _ in range(WAITING - 1))
        refuse.set()
        pace = open_pace(connection)
        while not pace.is_paused(server.netloc):
            assert not first.done(), first.result()
        released.set()
        told = other.communicate("")[0]
        ended = first.result()
    assert len(server.heads) == 1
    assert json.loads(told) == [f"HostPaused {code}"] * WAITING
    assert sorted(ended) == [*[f"HostPaused {code}"] * (WAITING - 1), f"{WORK_ERRORS[code].__name__} {code}"]


@pytest.mark.parametrize("ask", ["get", "locate", "post_json"])
def test_whatever_is_asked_looks_again_after_its_wait(ask: str, serve: Serve, make_fetcher: Make) -> None:
    server = serve(always(answer()))
    pace = LocalPace(delay_s=1, pause_s=60)
    pace.reserve(server.netloc)
    fetcher = make_fetcher(
        server, pace=pace, sleep=lambda _seconds: pace.pause(server.netloc, 30, reason="rate_limited")
    )
    with pytest.raises(HostPaused):
        fetcher.post_json(server.url, {}) if ask == "post_json" else getattr(fetcher, ask)(server.url)
    assert server.heads == []


def test_a_redirect_is_not_followed_into_a_pause(serve: Serve, make_fetcher: Make) -> None:
    server = serve(always(answer(b"", "Location: /next", status="302 Found")))
    pace = LocalPace(delay_s=1, pause_s=60)
    fetcher = make_fetcher(
        server, pace=pace, sleep=lambda _seconds: pace.pause(server.netloc, 30, reason="page_blocked")
    )
    with pytest.raises(HostPaused):
        fetcher.get(server.url)
    assert len(server.heads) == 1


def test_a_way_out_that_was_paused_meanwhile_is_left_for_an_open_one(serve: Serve, make_fetcher: Make) -> None:
    first, second = serve(always(answer())), serve(always(answer()))
    pace = LocalPace(delay_s=1, pause_s=60)
    for proxy in (first, second):
        pace.reserve("shop.test", (proxy.netloc,))
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        pace.pause("shop.test", 30, reason="page_blocked", egress=first.netloc)

    fetcher = make_fetcher(
        guard=Guard(["shop.test"], allow_private=True),
        egresses=parse_egresses(f"http://{first.netloc},http://{second.netloc}"),
        pace=pace,
        sleep=sleep,
    )
    assert fetcher.get("http://shop.test/").egress == second.netloc
    assert (len(first.heads), len(second.heads), len(slept)) == (0, 1, 2)


# What is noted of an answer, and for which page.


@pytest.mark.parametrize(
    "refusing",
    [
        answer(b"", status="403 No"),
        answer(b"", status="429 Slow down"),
        answer(b"", "Location: /jms/mlb/lgz/login?go=x", status="302 Found"),
    ],
)
def test_a_refusal_behind_a_redirect_is_noted_for_the_page_that_was_asked_for(
    refusing: bytes, serve: Serve, make_fetcher: Make, pace: FreePace
) -> None:
    """An age gate sends a stranger to the login: that is this page's affair, wherever the login stands."""
    last = serve(always(refusing))
    first = serve(always(answer(b"", f"Location: {last.url}", status="302 Found")))
    pace.walls = 3
    with pytest.raises((PageBlocked, RateLimited)) as refused:
        make_fetcher(first, last).get(f"{first.url}p/MLB1#x")
    assert pace.refused == [(last.netloc, f"{first.url}p/MLB1#x")]
    assert (refused.value.walls, refused.value.retry_after_s) == (3, 60.0)


def test_a_page_knows_which_hosts_sent_us_to_it(serve: Serve, make_fetcher: Make) -> None:
    last = serve(always(answer()))
    first = serve(always(answer(b"", f"Location: {last.url}", status="302 Found")))
    page = make_fetcher(first, last).get(first.url)
    assert (page.redirects, page.host) == (((first.netloc, "direct"),), last.netloc)
    assert make_fetcher(last).get(last.url).redirects == ()


def test_a_site_in_trouble_pauses_as_long_as_it_asks_and_no_page_is_counted(
    serve: Serve, make_fetcher: Make, pace: FreePace
) -> None:
    server = serve(always(answer(b"", "Retry-After: 7", status="503 Busy")))
    with pytest.raises(SiteUnavailable):
        make_fetcher(server).get(server.url)
    assert (pace.pauses, pace.refused) == ([(server.netloc, 7.0, "site_unavailable", "direct")], [])
