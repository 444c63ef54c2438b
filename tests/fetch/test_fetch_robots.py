"""robots.txt of every host is asked once and obeyed, however large, hostile or unwilling it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest
from fetch.free_pace import FreePace
from fetch.hostile_servers import PAGE, RawServer, Respond, Visit, answer, head, packed

from offers_cli.errors import OffersError, RateLimited, RobotsForbidden, SiteUnavailable
from offers_cli.fetch.client import PoliteFetcher
from offers_cli.fetch.robots import MAX_ROBOTS_BYTES, Robots, own_rules

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
    with pytest.raises(RobotsForbidden, match=r"robots\.txt") as refused:
        fetcher.get(f"{server.url}not-for-offers/x?secret=1")
    assert "secret" not in refused.value.message
    assert "OFFERS_IGNORE_ROBOTS" in refused.value.hint
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


def test_whoever_decided_so_does_not_ask(serve: Serve, make_fetcher: Make) -> None:
    server = serve(shop(answer(b"User-agent: *\nDisallow: /", content_type="text/plain")))
    make_fetcher(server, robots=None).get(server.url)
    assert paths(server) == ["/"]


def test_each_hop_of_a_redirect_is_asked_for(serve: Serve, make_fetcher: Make) -> None:
    def respond(visit: Visit) -> None:
        if visit.path == "/moved":
            visit.send(answer(b"", "Location: /private", status="302 Found"))
        else:
            shop(answer(b"User-agent: *\nDisallow: /private", content_type="text/plain"))(visit)

    server = serve(respond)
    with pytest.raises(RobotsForbidden):
        make_fetcher(server, robots=Robots()).get(f"{server.url}moved")
    with pytest.raises(RobotsForbidden):
        make_fetcher(server, robots=Robots()).locate(f"{server.url}private")
    assert "/private" not in paths(server)


def test_nobody_is_logged_in_while_robots_txt_is_asked(serve: Serve, make_fetcher: Make) -> None:
    server = serve(shop(answer(b"", content_type="text/plain")))
    make_fetcher(server, robots=Robots(), headers_for=lambda _url: {"Cookie": "ssid=secret"}).get(server.url)
    robots, page = server.heads
    assert b"secret" not in robots
    assert b"ssid=secret" in page


def test_many_threads_ask_once(serve: Serve, make_fetcher: Make) -> None:
    server = serve(shop(answer(b"", content_type="text/plain")))
    fetcher = make_fetcher(server, robots=Robots())
    threads = [Thread(target=fetcher.get, args=(f"{server.url}{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(paths(server)) == sorted(["/robots.txt", *(f"/{number}" for number in range(8))])


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
        (answer(b"rubbish", "Content-Encoding: gzip"), SiteUnavailable),
    ],
)
def test_a_shop_whose_rules_cannot_be_had_now_is_left_alone(
    robots: bytes, error: type[OffersError], serve: Serve, make_fetcher: Make
) -> None:
    server = serve(shop(robots))
    with pytest.raises(error):
        make_fetcher(server, robots=Robots()).get(server.url)
    assert set(paths(server)) == {"/robots.txt"}


@pytest.fixture
def broken() -> list[bool]:
    """Whether the shop below has no robots.txt to give."""
    return [True]


@pytest.fixture
def moody(broken: list[bool], serve: Serve) -> RawServer:
    def respond(visit: Visit) -> None:
        rules = answer(b"User-agent: *\nDisallow: /private", content_type="text/plain")
        shop(answer(b"", status="500 Oops") if broken[0] else rules)(visit)

    return serve(respond)


def test_a_robots_txt_that_cannot_be_had_is_named_and_asked_for_once_a_minute(
    moody: RawServer, broken: list[bool], make_fetcher: Make
) -> None:
    now = [0.0]
    fetcher = make_fetcher(moody, robots=Robots(clock=lambda: now[0]))
    for now[0] in (0.0, 1.0, 59.0):
        with pytest.raises(SiteUnavailable, match=r"robots\.txt cannot be had: .* answered 500") as refused:
            fetcher.get(moody.url)
        assert "OFFERS_IGNORE_ROBOTS" in refused.value.hint
    assert paths(moody) == ["/robots.txt"]
    broken[0] = False
    now[0] = 61.0
    fetcher.get(moody.url)
    assert paths(moody) == ["/robots.txt", "/robots.txt", "/"]


def test_a_host_that_was_not_reached_is_no_matter_of_its_robots_txt(moody: RawServer, make_fetcher: Make) -> None:
    """Offline: what helps is the network, not to pass over rules that nobody has seen."""
    fetcher = make_fetcher(moody, robots=Robots())
    moody.__exit__()
    for _ in range(2):
        with pytest.raises(SiteUnavailable, match=r"^127\.0\.0\.1:\d+ does not answer") as refused:
            fetcher.get(moody.url)
        assert refused.value.hint == "try again later"


def test_rules_that_cannot_be_renewed_hold_for_a_day(moody: RawServer, broken: list[bool], make_fetcher: Make) -> None:
    now = [0.0]
    fetcher = make_fetcher(moody, robots=Robots(clock=lambda: now[0]))
    broken[0] = False
    fetcher.get(moody.url)
    broken[0] = True
    now[0] = 86_000.0
    fetcher.get(moody.url)
    with pytest.raises(RobotsForbidden):
        fetcher.get(f"{moody.url}private")
    now[0] = 86_500.0
    with pytest.raises(SiteUnavailable):
        fetcher.get(moody.url)


def test_the_next_process_goes_by_the_rules_that_were_kept(
    moody: RawServer, broken: list[bool], make_fetcher: Make, tmp_path: Path
) -> None:
    broken[0] = False
    now = [1e9]

    def visit() -> list[str]:
        before = len(paths(moody))
        fetcher = make_fetcher(moody, robots=Robots(tmp_path / "robots", clock=lambda: now[0]))
        fetcher.get(moody.url)
        with pytest.raises(RobotsForbidden):
            fetcher.get(f"{moody.url}private")
        return paths(moody)[before:]

    assert visit() == ["/robots.txt", "/"]
    now[0] += 3599
    assert visit() == ["/"]
    now[0] += 2
    assert visit() == ["/robots.txt", "/"]
    now[0] -= 1e6
    assert visit() == ["/robots.txt", "/"], "a clock that was set back makes no rules of the future"
    [kept] = (tmp_path / "robots").iterdir()
    for text in ("", "# x y\nUser-agent: *\n", "\0\n", "# nan x\nUser-agent: *\n"):
        kept.write_text(text)
        assert visit() == ["/robots.txt", "/"]


def test_of_a_robots_txt_without_end_the_beginning_counts(serve: Serve, make_fetcher: Make) -> None:
    def respond(visit: Visit) -> None:
        if visit.path == "/robots.txt":
            visit.send(head("Content-Type: text/plain") + b"User-agent: *\nDisallow: /private\n")
            visit.flood(b"Disallow: /x\n" * 999)
        visit.send(answer())

    fetcher = make_fetcher(server := serve(respond), robots=Robots())
    fetcher.get(f"{server.url}fine")
    with pytest.raises(RobotsForbidden):
        fetcher.get(f"{server.url}private")


def test_a_rule_that_is_cut_in_two_does_not_count(serve: Serve, make_fetcher: Make) -> None:
    start = b"User-agent: *\n#"
    text = start.ljust(MAX_ROBOTS_BYTES - len(b"\nDisallow: /"), b"-") + b"\nDisallow: /private"
    server = serve(shop(answer(text, content_type="text/plain")))
    assert make_fetcher(server, robots=Robots()).get(f"{server.url}fine").text == PAGE.decode()


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"User-agent: bot{n}\n" for n in range(10_000)) + "Disallow: /x\n" * 10_000,
        "User-agent: *\n" * 10_000 + "Disallow: /x\n" * 10_000,
        "".join(f"User-agent: bot{n}\nDisallow: /\n" for n in range(10_000)),
    ],
    ids=["many names, many rules", "one name many times", "many groups"],
)
def test_what_a_hostile_file_makes_of_itself_is_no_longer_than_the_file(text: str) -> None:
    """A parser that gives each of many names each of many rules would hold a hundred million of them."""
    assert len(own_rules(text)) <= len(text)


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("User-agent: *\nDisallow: /a\nUser-agent: GPTBot\nDisallow: /", ["Disallow: /a"]),
        ("User-agent: GPTBot\nUser-agent: *\nDisallow: /a", ["Disallow: /a"]),
        ("user-agent: Offers/1.0\nAllow: /\n\nUser-agent: *\nDisallow: /", ["Allow: /"]),
        ("User-agent: offers\n\nUser-agent: *\nDisallow: /", ["Disallow: /"]),
        (
            "User-agent: *\nDisallow: /a\nUser-agent: x\nDisallow: /b\nUser-agent: *\nDisallow: /c",
            ["Disallow: /a", "Disallow: /c"],
        ),
        ("User-agent: *\nCrawl-delay: 9\nSitemap: https://x.test/s.xml\nDisallow: /a", ["Disallow: /a"]),
        ("Disallow: /nobody\nUser-agent: offersbot\nDisallow: /b", []),
    ],
)
def test_our_rules_are_those_for_our_name_or_else_for_everyone(text: str, rules: list[str]) -> None:
    assert own_rules(text).splitlines() == ["User-agent: *", *rules]
