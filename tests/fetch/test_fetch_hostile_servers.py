"""Servers that lie, flood, drip, loop and break off: each gives one declared error in time, and nothing else."""

from __future__ import annotations

import contextlib
import socket
import zlib
from collections.abc import Callable

import httpcore
import pytest
from fetch.free_pace import FreePace
from fetch.hostile_servers import (
    PAGE,
    Canary,
    RawServer,
    Respond,
    Visit,
    always,
    answer,
    bomb,
    chunk,
    head,
    once,
    packed,
    reset,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from waiting import NEVER_S

from offers_cli.errors import (
    ForbiddenUrl,
    NotHtml,
    OfferGone,
    OffersError,
    Outcome,
    PageBlocked,
    RateLimited,
    Redirected,
    SiteUnavailable,
    TooLarge,
    WorkError,
)
from offers_cli.fetch import response
from offers_cli.fetch.client import PoliteFetcher

pytestmark = pytest.mark.network

Serve = Callable[[Respond], RawServer]
Make = Callable[..., PoliteFetcher]


@pytest.fixture(params=["isal.isal_zlib", "zlib"], autouse=True)
def unpacker(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What bodies are unpacked with: on systems without a wheel of isal, zlib."""
    monkeypatch.setattr(response, "zlib", pytest.importorskip(request.param))


GZIP = "Content-Encoding: gzip"
CHUNKED = "Transfer-Encoding: chunked"


def endless(start: bytes, more: bytes) -> Respond:
    def respond(visit: Visit) -> None:
        visit.send(start)
        visit.flood(more)

    return respond


def dripping(start: bytes, more: bytes) -> Respond:
    def respond(visit: Visit) -> None:
        visit.send(start)
        visit.drip(more)

    return respond


def fall_silent(visit: Visit) -> None:
    visit.send(head(CHUNKED))
    visit.hang()


def half_close(visit: Visit) -> None:
    visit.conn.shutdown(socket.SHUT_WR)
    visit.hang()


def reset_mid_body(visit: Visit) -> None:
    visit.send(answer(PAGE, length=9999))
    reset(visit)


def redirect(location: str) -> bytes:
    return answer(b"", f"Location: {location}", status="302 Found")


def count_up(visit: Visit) -> None:
    visit.send(redirect(f"/{int(visit.path[1:] or 0) + 1}"))


CUT = packed()[:-20]
BAD_CHECKSUM = packed()[:-8] + b"\0" * 8
BARE = zlib.compressobj(9, zlib.DEFLATED, -15)
BARE_DEFLATE = BARE.compress(PAGE) + BARE.flush()

HOSTILE: dict[str, tuple[Respond, type[OffersError]]] = {
    # bombs and layers
    "gzip bomb": (always(answer(bomb("gzip"), GZIP)), TooLarge),
    "zlib bomb": (always(answer(bomb("zlib"), "Content-Encoding: deflate")), TooLarge),
    "bare deflate bomb": (always(answer(bomb("deflate"), "Content-Encoding: deflate")), TooLarge),
    "gzip declared twice": (always(answer(packed(packed()), "Content-Encoding: gzip, gzip")), NotHtml),
    "gzip declared in two headers": (always(answer(packed(packed()), GZIP, GZIP)), NotHtml),
    "gzip inside gzip": (always(answer(packed(packed()), GZIP)), NotHtml),
    "brotli nobody asked for": (always(answer(b"\x0b\x02\x80<p>\x03", "Content-Encoding: br")), NotHtml),
    "made-up coding": (always(answer(PAGE, "Content-Encoding: " + "x" * 5000)), NotHtml),
    "plain text called gzip": (always(answer(PAGE, GZIP)), NotHtml),
    "empty body called gzip": (always(answer(b"", GZIP)), SiteUnavailable),
    "gzip cut short": (always(answer(CUT, GZIP)), SiteUnavailable),
    "gzip with a wrong checksum": (always(answer(BAD_CHECKSUM, GZIP)), NotHtml),
    "gzip with a second body behind": (always(answer(packed() * 2, GZIP)), NotHtml),
    "gzip with rubbish behind": (always(answer(packed() + b"\0" * 9, GZIP)), NotHtml),
    # endless
    "endless chunks": (endless(head(CHUNKED), chunk(b"<p>" + b"x" * 65536)), TooLarge),
    "endless body without a length": (endless(head(), b"<p>" + b"x" * 65536), TooLarge),
    "endless white space": (endless(head(), b" " * 65536), TooLarge),
    "endless empty gzip blocks": (endless(head(GZIP) + packed()[:10], b"\x00\x00\x00\xff\xff" * 9999), TooLarge),
    "endless header": (endless(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 65536), SiteUnavailable),
    "header flood": (endless(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 9999), SiteUnavailable),
    "cookie flood": (endless(b"HTTP/1.1 200 OK\r\n", b"Set-Cookie: a=" + b"b" * 4000 + b"\r\n"), SiteUnavailable),
    "trailer flood": (endless(head(CHUNKED) + b"0\r\n", b"X: y\r\n" * 9999), SiteUnavailable),
    "endless chunk extension": (endless(head(CHUNKED) + b"5;", b"x" * 65536), SiteUnavailable),
    "1xx storm": (endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 2000), TooLarge),
    "103 storm with headers": (endless(b"", b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" * 2000), TooLarge),
    "a million tiny chunks": (endless(head(CHUNKED), chunk(b"<") * 10**4), TooLarge),
    "a length of a gigabyte": (endless(head(f"Content-Length: {2**30}"), b"<p>" * 9999), TooLarge),
    # broken connections and lengths
    "closed without an answer": (once(b""), SiteUnavailable),
    "half-closed": (half_close, SiteUnavailable),
    "reset in the middle": (reset_mid_body, SiteUnavailable),
    "shorter than its length": (once(answer(PAGE, length=len(PAGE) + 1)), SiteUnavailable),
    "chunks without an end": (once(head(CHUNKED) + chunk(PAGE)), SiteUnavailable),
    "chunk of no size": (always(head(CHUNKED) + b"zz\r\n" + PAGE), SiteUnavailable),
    "chunk of a negative size": (always(head(CHUNKED) + b"-5\r\n" + PAGE), SiteUnavailable),
    "two lengths": (always(answer(PAGE, "Content-Length: 5")), SiteUnavailable),
    "negative length": (always(answer(PAGE, length=-1)), SiteUnavailable),
    "length of letters": (always(head("Content-Length: many") + PAGE), SiteUnavailable),
    "unknown transfer coding": (always(head("Transfer-Encoding: gzip, chunked") + PAGE), SiteUnavailable),
    # not HTTP at all
    "HTTP/0.9": (once(PAGE), SiteUnavailable),
    "binary rubbish": (once(bytes(range(256)) * 9), SiteUnavailable),
    "another protocol": (once(b"SSH-2.0-OpenSSH_9.9\r\n\r\n"), SiteUnavailable),
    "HTTP/2 preface": (once(b"\0\0\x12\x04\0\0\0\0\0" + b"\0" * 18), SiteUnavailable),
    "status of letters": (once(b"HTTP/1.1 abc OK\r\n\r\n"), SiteUnavailable),
    "status of four digits": (once(b"HTTP/1.1 2000 OK\r\n\r\n"), SiteUnavailable),
    "zero byte in a header": (always(head("X: a\0b", "Content-Length: 0")), SiteUnavailable),
    "switching protocols": (once(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), SiteUnavailable),
    # answers that are no page
    "an image": (always(answer(b"\x89PNG\r\n", content_type="image/png")), NotHtml),
    "an image called html": (always(answer(b"\x89PNG\r\n\x1a\n" + b"\0" * 99)), NotHtml),
    "an image without a type": (always(answer(b"\xff\xd8\xff\xe0" + b"\0" * 99, content_type=None)), NotHtml),
    "a PDF in gzip": (always(answer(packed(b"%PDF-1.7"), GZIP)), NotHtml),
    "plain text": (always(answer(b"hello", content_type="text/plain")), NotHtml),
    "nothing": (always(answer(b"")), NotHtml),
    "only spaces": (always(answer(b" \r\n\t " * 99)), NotHtml),
    "no content": (always(head(status="204 No Content")), NotHtml),
    "a part of a page": (always(answer(PAGE, "Content-Range: bytes 0-9/99", status="206 Partial")), SiteUnavailable),
    # statuses
    "401": (always(answer(PAGE, status="401 Unauthorized")), PageBlocked),
    "403": (always(answer(PAGE, status="403 Forbidden")), PageBlocked),
    "404": (always(answer(PAGE, status="404 Not Found")), OfferGone),
    "410": (always(answer(PAGE, status="410 Gone")), OfferGone),
    "429": (always(answer(PAGE, status="429 Too Many Requests")), RateLimited),
    "500": (always(answer(PAGE, status="500 Oops")), SiteUnavailable),
    "503": (always(answer(PAGE, status="503 Later")), SiteUnavailable),
    "304 to an unconditional request": (always(head(status="304 Not Modified")), SiteUnavailable),
    "status 999": (always(answer(PAGE, status="999 Denied")), SiteUnavailable),
    # redirects
    "redirect to itself": (always(redirect("/")), Redirected),
    "redirect in a circle": (lambda visit: visit.send(redirect("/b" if visit.path == "/a" else "/a")), Redirected),
    "redirect without end": (count_up, Redirected),
    "redirect without an address": (always(answer(b"", status="302 Found")), Redirected),
    "redirect to two addresses": (always(answer(b"", "Location: /a", "Location: /b", status="302 Found")), Redirected),
    "redirect to no address": (always(redirect("http://[")), Redirected),
    "redirect to a file": (always(redirect("file:///etc/passwd")), Redirected),
    "redirect to a script": (always(redirect("javascript:alert(1)")), Redirected),
    "redirect to the metadata service": (always(redirect("http://169.254.169.254/latest/")), Redirected),
    "redirect with a password": (always(redirect("//user:secret@127.0.0.1/")), Redirected),
    "redirect with back-slashes": (always(redirect("\\\\evil.com\\x")), Redirected),
    "redirect to a login": (always(redirect("https://www.mercadolivre.com/jms/mlb/lgz/msl/login?go=x")), PageBlocked),
    "redirect to a verification": (always(redirect("/gz/account-verification?go=x&tid=y")), PageBlocked),
    "redirect to a captcha": (always(redirect("/captcha/?x")), PageBlocked),
}
"""Refused for what they send, however long they would go on."""

SLOW: dict[str, Respond] = {
    "silence": lambda visit: visit.hang(),
    "silence after the head": fall_silent,
    "dripping status line": lambda visit: visit.drip(answer()),
    "dripping headers": lambda visit: visit.drip(answer(PAGE, *["X-Y: z"] * 99)),
    "dripping body": dripping(head(), PAGE * 99),
    "dripping chunks": dripping(head(CHUNKED), chunk(b"<") * 99),
    "dripping 1xx": lambda visit: visit.drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 99, every_s=0.001),
}
"""Given up when their time is over: nothing else is wrong with what they send."""


def test_the_tables_are_as_long_as_promised() -> None:
    assert len(HOSTILE) + len(SLOW) >= 25


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_server_gives_one_declared_error(name: str, serve: Serve, make_fetcher: Make) -> None:
    """A limit of its own ends each of them; the deadline never comes."""
    respond, error = HOSTILE[name]
    server = serve(respond)
    with pytest.raises(error) as raised:
        make_fetcher(server, timeout_s=NEVER_S).get(server.url)
    assert type(raised.value) is error
    assert not isinstance(raised.value.__cause__, httpcore.TimeoutException)
    assert len(server.heads) <= 6, "at most five redirects are followed"
    assert len(raised.value.message) < 400


@pytest.mark.parametrize("name", SLOW)
def test_a_server_that_keeps_us_waiting_is_given_up_at_the_deadline(
    name: str, serve: Serve, make_fetcher: Make
) -> None:
    """Although each of them would go on for far longer, most with a byte now and then."""
    server = serve(SLOW[name])
    with pytest.raises(SiteUnavailable, match="within") as raised:
        make_fetcher(server, timeout_s=0.4).get(server.url)
    assert isinstance(raised.value.__cause__, httpcore.TimeoutException)
    assert len(server.heads) <= 1


SOUND: dict[str, Respond] = {
    "gzip": always(answer(packed(), GZIP)),
    "x-gzip": always(answer(packed(), "Content-Encoding: X-GZIP")),
    "deflate as zlib": always(answer(zlib.compress(PAGE), "Content-Encoding: deflate")),
    "bare deflate": always(answer(BARE_DEFLATE, "Content-Encoding: deflate")),
    "identity": always(answer(PAGE, "Content-Encoding: identity")),
    "gzip in one-byte chunks": always(
        head(CHUNKED, GZIP) + b"".join(chunk(packed()[i : i + 1]) for i in range(len(packed()))) + b"0\r\n\r\n"
    ),
    "one byte at a time": lambda visit: visit.drip(answer(), every_s=0.0001),
    "without a length": once(head() + PAGE),
    "HTTP/1.0": once(head().replace(b"1.1", b"1.0") + PAGE),
    "some early hints": always(b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" * 3 + answer()),
    "without a type": always(answer(content_type=None)),
    "both length and chunks": always(answer(chunk(PAGE) + b"0\r\n\r\n", CHUNKED)),
    "white space before the page": always(answer(b" \r\n\t" * 50 + PAGE)),
}


@pytest.mark.parametrize("name", SOUND)
def test_an_odd_but_sound_answer_is_read(name: str, serve: Serve, make_fetcher: Make) -> None:
    server = serve(SOUND[name])
    page = make_fetcher(server).get(server.url)
    assert page.text.strip() == PAGE.decode()


def test_the_deadline_counts_all_redirects_together(serve: Serve, make_fetcher: Make) -> None:
    """Hops that each take most of the time allowed do not add up: there is no time for a fourth, nor for the sixth
    that would be one too many.
    """

    def slow(visit: Visit) -> None:
        visit.stopping.wait(0.25)
        count_up(visit)

    server = serve(slow)
    with pytest.raises(SiteUnavailable, match="within"):
        make_fetcher(server, timeout_s=0.6).get(server.url)
    assert len(server.heads) <= 3


def test_what_lies_behind_a_body_is_never_taken_for_the_next_answer(serve: Serve, make_fetcher: Make) -> None:
    """A server that sends more than it announced cannot plant the answer of the next request."""
    planted = answer(b"<html>planted</html>")
    server = serve(lambda visit: visit.send(answer() + (planted if visit.path == "/first" else b"")))
    fetcher = make_fetcher(server)
    assert fetcher.get(f"{server.url}first").text == PAGE.decode()
    assert fetcher.get(f"{server.url}second").text == PAGE.decode()
    assert server.connections == 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_packet_reaches_a_forbidden_address(status: int, serve: Serve, make_fetcher: Make, canary: Canary) -> None:
    where = f"Location: http://{canary.netloc}/x"
    server = serve(always(answer(b"", where, f"Refresh: 0; url=http://{canary.netloc}/", status=f"{status} Go")))
    with pytest.raises(Redirected, match="is not allowed") as redirected:
        make_fetcher(server).get(server.url)
    assert redirected.value.outcome is not Outcome.FINAL, "the offer's own address is none the worse for it"
    with pytest.raises(ForbiddenUrl):
        make_fetcher(server).get(f"http://{canary.netloc}/")
    assert not canary.touched


SECRET = "canary-7f3a"


def test_no_secret_travels_to_another_host(serve: Serve, make_fetcher: Make) -> None:
    """Cookies and tokens given for one host, and those it sets, are not seen by the host it redirects to."""
    other = serve(always(answer()))
    first = serve(always(answer(b"", f"Location: {other.url}", f"Set-Cookie: {SECRET}=1; Path=/", status="302 Found")))

    def headers_for(url: object) -> dict[str, str]:
        own = getattr(url, "netloc", "") == first.netloc
        return {"Cookie": f"ssid={SECRET}", "X-CSRF-Token": SECRET, "Authorization": SECRET} if own else {}

    page = make_fetcher(first, other, headers_for=headers_for).get(f"{first.url}?token={SECRET}#{SECRET}")
    assert page.text == PAGE.decode()
    assert SECRET.encode() in first.heads[0]
    assert SECRET.encode() not in b"".join(other.heads)
    assert b"referer" not in b"".join(other.heads).lower()


def test_each_hop_awaits_its_own_turn(serve: Serve, make_fetcher: Make, pace: FreePace) -> None:
    other = serve(always(answer()))
    first = serve(lambda visit: visit.send(redirect("/next" if visit.path == "/" else other.url)))
    assert make_fetcher(first, other).get(first.url).final_url == other.url
    assert [host for host, _ in pace.turns] == [first.netloc, first.netloc, other.netloc]


def test_a_relative_redirect_with_odd_letters_is_followed_and_keeps_the_fragment(
    serve: Serve, make_fetcher: Make
) -> None:
    def respond(visit: Visit) -> None:
        location = "Location: maçã de dez?q=é".encode().decode("latin-1")
        visit.send(answer(b"", location, status="301 Moved") if visit.path == "/p/x" else answer())

    server = serve(respond)
    page = make_fetcher(server).get(f"{server.url}p/x#wid=MLB1")
    assert page.final_url == f"{server.url}p/ma%C3%A7%C3%A3%20de%20dez?q=%C3%A9#wid=MLB1"


SOUND_ANSWERS = (
    answer(packed(), GZIP),
    head(CHUNKED) + chunk(PAGE) + b"0\r\n\r\n",
    redirect("/elsewhere?x=1"),
    answer(b"", "Retry-After: Mon, 23 Nov 2026 12:00:42 GMT", status="503 Later"),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.sampled_from(SOUND_ANSWERS),
    cuts=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 3), st.binary(max_size=6)), min_size=1, max_size=4),
)
def test_mutated_answers_give_a_page_or_a_declared_error(
    data: bytes, cuts: list[tuple[int, int, bytes]], fuzzed: tuple[PoliteFetcher, RawServer, list[bytes]]
) -> None:
    """Bytes changed, removed and put in anywhere in an answer: nothing but declared errors comes out."""
    fetcher, server, answers = fuzzed
    for at, removed, put in cuts:
        data = data[: at % len(data)] + put + data[at % len(data) + removed :]
    answers[:] = [data]
    with contextlib.suppress(WorkError):
        assert fetcher.get(server.url).status in range(200, 300)


@pytest.fixture
def fuzzed(serve: Serve, make_fetcher: Make) -> tuple[PoliteFetcher, RawServer, list[bytes]]:
    answers: list[bytes] = []

    def respond(visit: Visit) -> None:
        visit.send(answers[0])
        raise ConnectionAbortedError

    server = serve(respond)
    return make_fetcher(server, timeout_s=0.3), server, answers
