"""robots.txt is asked once per shop, honoured, and never asked of exempt hosts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fetch.free_pace import FreePace
from fetch.hostile_servers import PAGE, RawServer, Respond, Visit, answer, head, packed

from offers_cli.errors import ForbiddenUrl, NotHtml, OffersError, RateLimited, SiteUnavailable, TooLarge
from offers_cli.fetch.client import PoliteFetcher
from offers_cli.fetch.robots import Robots

pytestmark = pytest.mark.network

Serve = Callable[[Respond], RawServer]
Make = Callable[..., PoliteFetcher]
RULES = b"User-agent: *\nDisallow: /private\nAllow: /private/open\n\nUser-agent: offers\nDisallow: /not-for-offers\n"


def shop(robots: bytes) -> Respond:
    def respond(visit: Visit) -> None:
        visit.send(robots if visit.path == "/robots.txt" else answer())

    return respond


def paths(server: RawServer) -> list[str]:
    return [line.split(b" ")[1].decode() for line in server.heads]


def test_rules_are_honoured_and_asked_once(serve: Serve, make_fetcher: Make, pace: FreePace) -> None:
    server = serve(shop(answer(RULES, content_type="text/plain")))
    fetcher = make_fetcher(server, robots=Robots())
    assert fetcher.get(f"{server.url}private").text == PAGE.decode(), "the group that names us is ours, not *"
    with pytest.raises(ForbiddenUrl, match=r"robots\.txt") as refused:
        fetcher.get(f"{server.url}not-for-offers/x?secret=1")
    assert "secret" not in refused.value.message
    assert "--ignore-robots" in refused.value.hint
    fetcher.get(f"{server.url}fine")
    assert paths(server) == ["/robots.txt", "/private", "/fine"]
    assert len(pace.turns) == 3, "robots.txt awaits its turn too"


def test_rules_are_asked_again_after_an_hour(serve: Serve, make_fetcher: Make) -> None:
    server = serve(shop(answer(b"", content_type="text/plain")))
    now = [0.0]
    fetcher = make_fetcher(server, robots=Robots(clock=lambda: now[0]))
    for now[0] in (0.0, 3599.0, 3601.0):
        fetcher.get(server.url)
    assert paths(server).count("/robots.txt") == 2


def test_exempt_hosts_are_not_asked(serve: Serve, make_fetcher: Make) -> None:
    server = serve(shop(answer(b"User-agent: *\nDisallow: /", content_type="text/plain")))
    make_fetcher(server, robots=Robots(exempt_hosts=[server.netloc])).get(server.url)
    make_fetcher(server, robots=None).get(server.url)
    assert paths(server) == ["/", "/"]


@pytest.mark.parametrize(
    "robots",
    [
        answer(b"", status="404 Not Found"),
        answer(b"", status="403 Forbidden"),
        answer(b""),
        answer(PAGE),
        answer(b"\xff\xfe\0rubbish" * 99, content_type="text/plain"),
        answer(packed(b"User-agent: *\nDisallow: /x"), "Content-Encoding: gzip"),
        answer(b"", "Location: http://elsewhere.test/robots.txt", status="302 Found"),
        answer(b"", "Location: /robots.txt", status="302 Found"),
    ],
)
def test_a_shop_without_readable_rules_has_none(robots: bytes, serve: Serve, make_fetcher: Make) -> None:
    server = serve(shop(robots))
    assert make_fetcher(server, robots=Robots()).get(server.url).text == PAGE.decode()


@pytest.mark.parametrize(
    ("robots", "error"),
    [
        (answer(b"", status="500 Oops"), SiteUnavailable),
        (answer(b"", status="429 Slow"), RateLimited),
        (b"rubbish\r\n\r\n", SiteUnavailable),
        (answer(b"x" * 600_000, content_type="text/plain"), TooLarge),
        (answer(b"rubbish", "Content-Encoding: gzip"), NotHtml),
    ],
)
def test_a_shop_whose_rules_cannot_be_had_now_is_left_alone(
    robots: bytes, error: type[OffersError], serve: Serve, make_fetcher: Make
) -> None:
    server = serve(shop(robots))
    with pytest.raises(error):
        make_fetcher(server, robots=Robots()).get(server.url)
    assert set(paths(server)) == {"/robots.txt"}


def test_a_robots_txt_without_end_is_refused(serve: Serve, make_fetcher: Make) -> None:
    def endless(visit: Visit) -> None:
        visit.send(head())
        visit.flood(b"Disallow: /x\n" * 999)

    server = serve(endless)
    with pytest.raises(TooLarge):
        make_fetcher(server, robots=Robots()).get(server.url)
