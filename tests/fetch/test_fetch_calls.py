"""Calls of the account: JSON out, any answer in, under the same guard, pace and limits as pages."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import pytest
from fetch.free_pace import FreePace
from fetch.hostile_servers import RawServer, Respond, Visit

from offers_cli.demo.json_bodies import json_response
from offers_cli.demo.server import ShopRequest, ShopResponse, ShopServer
from offers_cli.errors import (
    ForbiddenUrl,
    OfferGone,
    PageBlocked,
    RateLimited,
    Redirected,
    SessionExpired,
    SiteUnavailable,
    TooLarge,
    WorkError,
)
from offers_cli.fetch.client import PoliteFetcher
from offers_cli.fetch.guard import Guard
from offers_cli.marketplaces.mercado_livre.urls import is_wall

Serve = Callable[[Respond], RawServer]
Make = Callable[..., PoliteFetcher]


def says(status: str, body: bytes = b"", *headers: str) -> Respond:
    def respond(visit: Visit) -> None:
        head = "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers))
        visit.send(f"{head}Connection: close\r\n\r\n".encode() + body)

    return respond


def test_a_call_carries_json_the_given_headers_and_the_cookies(pace: FreePace) -> None:
    asked: list[ShopRequest] = []

    def respond(request: ShopRequest) -> ShopResponse:
        asked.append(request)
        return json_response({"done": True})

    server = ShopServer(respond)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    guard = Guard([server.url.partition("//")[2]], allow_private=True)
    fetcher = PoliteFetcher(
        guard=guard, pace=pace, is_wall=is_wall, headers_for=lambda url: {"Cookie": f"at={url.host}"}
    )
    try:
        page = fetcher.post_json(f"{server.url}/call?x=1", {"urls": ["ü"]}, headers={"X-CSRF-Token": "t0ken"})
    finally:
        fetcher.close()
        server.stop()
        thread.join()
        server.server_close()
    (request,) = asked
    assert (page.status, json.loads(page.text)) == (200, {"done": True})
    assert (request.method, request.target, json.loads(request.body)) == ("POST", "/call?x=1", {"urls": ["ü"]})
    sent = {"content-type": "application/json", "x-csrf-token": "t0ken", "cookie": "at=127.0.0.1"}
    assert request.headers.items() >= sent.items()
    assert len(pace.turns) == 1


def test_an_answer_may_be_of_any_type(serve: Serve, make_fetcher: Make) -> None:
    server = serve(says("200 OK", b"eyJhIjogMX0=", "Content-Type: text/plain; charset=utf-8"))
    assert make_fetcher(server).post_json(server.url, {}).text == "eyJhIjogMX0="


@pytest.mark.parametrize(
    ("answer", "error", "pauses"),
    [
        (says("403 Forbidden", b"{}"), SessionExpired, 0),
        (says("401 Unauthorized", b"{}"), PageBlocked, 1),
        (says("429 Too Many Requests", b"", "Retry-After: 7"), RateLimited, 1),
        (says("500 Oops"), SiteUnavailable, 0),
        (says("404 Not Found"), OfferGone, 0),
        (says("307 Temporary Redirect", b"", "Location: /elsewhere"), Redirected, 0),
        (says("302 Found", b"", "Location: /gz/account-verification?go=x"), PageBlocked, 1),
        (says("200 OK", b"", "Content-Length: 99999999999"), WorkError, 0),
    ],
)
def test_what_a_call_is_told(
    answer: Respond, error: type[WorkError], pauses: int, serve: Serve, make_fetcher: Make, pace: FreePace
) -> None:
    server = serve(answer)
    with pytest.raises(error):
        make_fetcher(server).post_json(server.url, {})
    assert len(pace.pauses) == pauses
    assert len(server.heads) == 1, "no call is sent on"


def test_an_answer_without_end_is_too_large(serve: Serve, make_fetcher: Make) -> None:
    def respond(visit: Visit) -> None:
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        visit.flood(b"[" * 65_536)

    server = serve(respond)
    with pytest.raises(TooLarge):
        make_fetcher(server).post_json(server.url, {})


def test_calls_go_where_pages_may_go(make_fetcher: Make) -> None:
    with pytest.raises(ForbiddenUrl):
        make_fetcher().post_json("https://evil.example/", {})


def test_what_heeds_the_answers_sees_every_hop_and_can_end_it(serve: Serve, make_fetcher: Make, pace: FreePace) -> None:
    last = serve(says("200 OK", b"<html>end</html>", "Set-Cookie: b=2", "Content-Type: text/html"))
    first = serve(says("302 Found", b"", f"Location: {last.url}", "Set-Cookie: a=1"))
    seen: list[str | None] = []
    fetcher = make_fetcher(first, last, on_response=lambda answer: seen.append(answer.value("set-cookie")))
    fetcher.get(first.url)
    assert seen == ["a=1", "b=2"]

    def refuse(_answer: object) -> None:
        raise SessionExpired("no")

    with pytest.raises(SessionExpired):
        make_fetcher(first, last, on_response=refuse).get(first.url)
    assert pace.pauses == [], "a login that ends is nobody's wall"


def test_an_address_is_located_without_asking_for_where_it_leads(serve: Serve, make_fetcher: Make) -> None:
    server = serve(says("301 Moved", b"", "Location: /social/nick?matt_word=tag"))
    assert make_fetcher(server).locate(f"{server.url}sec/x") == f"{server.url}social/nick?matt_word=tag"
    assert len(server.heads) == 1
    stays = serve(says("200 OK", b"<html></html>"))
    assert make_fetcher(stays).locate(f"{stays.url}sec/x") == f"{stays.url}sec/x"
    gone = serve(says("404 Not Found"))
    with pytest.raises(OfferGone):
        make_fetcher(gone).locate(gone.url)
