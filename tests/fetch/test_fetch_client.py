"""How the client behaves with sound servers: connections, TLS, proxies, pauses, encodings, memory."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import textwrap
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pytest
import trustme
from fetch.free_pace import FreePace
from fetch.hostile_servers import PAGE, Canary, RawServer, Respond, Visit, always, answer, head, packed
from hypothesis import given
from hypothesis import strategies as st
from waiting import NEVER_S

from offers_cli.errors import (
    ConfigError,
    ForbiddenUrl,
    OffersError,
    PageBlocked,
    PageError,
    RateLimited,
    SiteUnavailable,
)
from offers_cli.fetch.client import PoliteFetcher
from offers_cli.fetch.guard import Guard
from offers_cli.fetch.proxies import parse_egresses
from offers_cli.fetch.response import retry_after_s
from offers_cli.fetch.robots import PRODUCT_TOKEN
from offers_cli.marketplaces.mercado_livre.urls import is_wall

pytestmark = pytest.mark.network

Serve = Callable[[Respond], RawServer]
Make = Callable[..., PoliteFetcher]
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_a_page_says_where_it_came_from_and_when(serve: Serve, make_fetcher: Make) -> None:
    server = serve(always(answer()))
    page = make_fetcher(server, now=lambda: NOW).get(f"{server.url}p/MLB1?a=b#wid=MLB2")
    assert page.url == page.final_url == f"{server.url}p/MLB1?a=b#wid=MLB2"
    assert (page.status, page.text, page.encoding) == (200, PAGE.decode(), "utf-8")
    assert (page.fetched_at, page.egress) == (NOW, "direct")
    request = server.heads[0].decode().lower()
    assert request.startswith("get /p/mlb1?a=b http/1.1\r\n")
    assert f"\r\nhost: {server.netloc}\r\n" in request
    assert "\r\naccept-encoding: gzip, deflate" in request
    assert "accept-language: pt-br" in request
    assert "cookie" not in request


def test_the_user_agent_names_the_program_and_no_browser(serve: Serve, make_fetcher: Make) -> None:
    server = serve(always(answer()))
    make_fetcher(server).get(server.url)
    assert f"User-Agent: Mozilla/5.0 (compatible; {PRODUCT_TOKEN}/{version('offers')})\r\n".encode() in server.heads[0]


def test_the_user_agent_can_be_chosen(serve: Serve, make_fetcher: Make) -> None:
    server = serve(always(answer()))
    make_fetcher(server, user_agent="shop-watch/1").get(server.url)
    assert b"User-Agent: shop-watch/1" in server.heads[0]


def test_one_connection_serves_many_pages(serve: Serve, make_fetcher: Make) -> None:
    server = serve(always(answer(packed(), "Content-Encoding: gzip")))
    fetcher = make_fetcher(server)
    for _ in range(20):
        fetcher.get(server.url)
    assert server.connections == 1


def test_a_connection_the_server_closed_is_not_used_again(serve: Serve, make_fetcher: Make) -> None:
    def respond(visit: Visit) -> None:
        visit.send(answer())
        raise ConnectionAbortedError

    server = serve(respond)
    fetcher = make_fetcher(server)
    for _ in range(5):
        fetcher.get(server.url)
    assert server.connections == 5


def test_threads_share_a_fetcher_without_mixing_answers(serve: Serve, make_fetcher: Make) -> None:
    server = serve(lambda visit: visit.send(answer(f"<p>{visit.path}</p>".encode())))
    fetcher = make_fetcher(server)
    with ThreadPoolExecutor(16) as threads:
        pages = list(threads.map(lambda number: fetcher.get(f"{server.url}{number}"), range(300)))
    assert [page.text for page in pages] == [f"<p>/{number}</p>" for number in range(300)]
    assert server.connections <= 16


# Names are resolved once, and the connection goes where the check looked.


def test_a_name_is_resolved_once_for_each_connection(serve: Serve, pace: FreePace, canary: Canary) -> None:
    """A name that answers differently the second time (rebinding) is not asked a second time."""
    server = serve(always(answer()))
    asked: list[str] = []

    def lookup(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    guard = Guard(["shop.test"], allow_private=True, lookup=lookup)
    fetcher = PoliteFetcher(guard=guard, pace=pace, is_wall=is_wall)
    for _ in range(3):
        fetcher.get(f"http://shop.test:{server.port}/")
    fetcher.close()
    assert asked == ["shop.test"]
    assert f"Host: shop.test:{server.port}".encode() in server.heads[0]
    assert not canary.touched


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::ffff:127.0.0.1"], ["0.0.0.0"]])
def test_a_public_name_that_leads_home_is_not_followed(
    addresses: list[str], pace: FreePace, canary: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    from offers_cli.fetch import guard as guard_module

    monkeypatch.setitem(guard_module.USUAL_PORTS, "https", canary.port)
    guard = Guard(["shop.test"], lookup=lambda _host, _port: addresses)
    fetcher = PoliteFetcher(guard=guard, pace=pace, is_wall=is_wall)
    with pytest.raises(SiteUnavailable, match="not a public address"):
        fetcher.get("https://shop.test/")
    fetcher.close()
    assert not canary.touched


def test_the_next_address_is_tried_when_one_does_not_answer(serve: Serve, pace: FreePace) -> None:
    server = serve(always(answer()))
    guard = Guard(["shop.test"], allow_private=True, lookup=lambda _host, _port: ["127.9.9.9", "127.0.0.1"])
    fetcher = PoliteFetcher(guard=guard, pace=pace, is_wall=is_wall)
    assert fetcher.get(f"http://shop.test:{server.port}/").text == PAGE.decode()
    fetcher.close()


# TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def trusting(authority: trustme.CA) -> Callable[[], ssl.SSLContext]:
    def make() -> ssl.SSLContext:
        context = ssl.create_default_context()
        authority.configure_trust(context)
        return context

    return make


def secure_server(authority: trustme.CA, name: str) -> RawServer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return RawServer(always(answer()), tls=context)


def fetch_securely(server: RawServer, pace: FreePace, **options: object) -> str:
    guard = Guard(["shop.test"], allow_private=True, lookup=lambda _host, _port: ["127.0.0.1"])
    fetcher = PoliteFetcher(**{"guard": guard, "pace": pace, "is_wall": is_wall, "timeout_s": NEVER_S, **options})  # type: ignore[arg-type]
    try:
        return fetcher.get(f"https://shop.test:{server.port}/").text
    finally:
        fetcher.close()


def test_tls_is_verified_against_the_name_and_not_the_address(authority: trustme.CA, pace: FreePace) -> None:
    with secure_server(authority, "shop.test") as server:
        assert fetch_securely(server, pace, make_tls_context=trusting(authority)) == PAGE.decode()


@pytest.mark.parametrize("name", ["other.test", "127.0.0.1"])
def test_a_certificate_for_another_name_is_refused(name: str, authority: trustme.CA, pace: FreePace) -> None:
    with secure_server(authority, name) as server, pytest.raises(SiteUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
        fetch_securely(server, pace, make_tls_context=trusting(authority))
    assert server.heads == []


def test_an_unknown_authority_is_refused(authority: trustme.CA, pace: FreePace) -> None:
    with secure_server(authority, "shop.test") as server, pytest.raises(SiteUnavailable, match="CERTIFICATE"):
        fetch_securely(server, pace)
    assert server.heads == []


def test_plain_http_on_a_tls_port_and_a_handshake_without_end_are_unavailable(serve: Serve, pace: FreePace) -> None:
    with pytest.raises(SiteUnavailable):
        fetch_securely(serve(always(answer())), pace, timeout_s=0.3)


# Proxies


def proxy_answer(visit: Visit) -> None:
    """A plain forwarding proxy: it is asked with the whole address."""
    visit.send(answer(b"<p>by proxy " + visit.head.split(b" ")[1] + b"</p>"))


def test_pages_go_through_the_proxies_in_turn(serve: Serve, make_fetcher: Make, pace: FreePace) -> None:
    first, second = serve(proxy_answer), serve(proxy_answer)
    egresses = parse_egresses(f"http://user:p%40ss@{first.netloc}, http://{second.netloc}")
    guard = Guard(["shop.test"], allow_private=True, lookup=lambda _host, _port: pytest.fail("the proxy resolves"))
    fetcher = make_fetcher(guard=guard, egresses=egresses)
    pages = [fetcher.get("http://shop.test/x") for _ in range(4)]
    assert {page.text for page in pages} == {"<p>by proxy http://shop.test:80/x</p>"}
    assert [page.egress for page in pages] == [first.netloc, second.netloc] * 2
    assert pace.turns == [("shop.test", page.egress) for page in pages]
    assert b"Proxy-Authorization: Basic dXNlcjpwQHNz" in first.heads[0]
    assert b"Authorization" not in second.heads[0]


def test_a_tunnel_ends_at_the_shop_with_tls(authority: trustme.CA, serve: Serve, pace: FreePace) -> None:
    with secure_server(authority, "shop.test") as shop:
        proxy = serve(lambda visit: tunnel(visit, shop.port))
        text = fetch_securely(
            shop, pace, make_tls_context=trusting(authority), egresses=parse_egresses(f"http://{proxy.netloc}")
        )
        assert text == PAGE.decode()
    assert proxy.heads[0].startswith(f"CONNECT shop.test:{shop.port} HTTP/1.1".encode())


def tunnel(visit: Visit, port: int) -> None:
    from threading import Thread

    with socket.create_connection(("127.0.0.1", port)) as shop:
        visit.send(b"HTTP/1.1 200 Connected\r\n\r\n")
        Thread(target=pump, args=(shop, visit.conn), daemon=True).start()
        pump(visit.conn, shop)
    raise ConnectionAbortedError


def pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        return


def test_a_proxy_that_refuses_is_paused_for_that_host(serve: Serve, make_fetcher: Make, pace: FreePace) -> None:
    guard = Guard(["shop.test"], allow_private=True)
    closed = socket.create_server(("127.0.0.1", 0))
    refusing = serve(always(answer(b"no", status="407 Proxy Authentication Required")))
    netlocs = [f"127.0.0.1:{closed.getsockname()[1]}", refusing.netloc]
    closed.close()
    for netloc in netlocs:
        fetcher = make_fetcher(guard=guard, egresses=parse_egresses(f"http://u:secret@{netloc}"))
        with pytest.raises(SiteUnavailable) as raised:
            fetcher.get("https://shop.test/")
        assert netloc in raised.value.message
        assert "secret" not in raised.value.message + raised.value.hint
    assert [(host, reason, egress) for host, _, reason, egress in pace.pauses] == [
        ("shop.test", "site_unavailable", netloc) for netloc in netlocs
    ]


def test_the_guard_checks_addresses_for_proxies_too(serve: Serve, make_fetcher: Make) -> None:
    proxy = serve(proxy_answer)
    fetcher = make_fetcher(guard=Guard(["shop.test"]), egresses=parse_egresses(f"http://{proxy.netloc}"))
    for url in ("https://evil.test/", "http://shop.test/", "https://169.254.169.254/"):
        with pytest.raises(ForbiddenUrl):
            fetcher.get(url)
    assert proxy.connections == 0


def test_proxies_are_named_without_their_passwords() -> None:
    egresses = parse_egresses("http://a:secret@gate.test:3128, https://[::1]:8, http://b:secret@gate.test:3128,")
    assert [egress.label for egress in egresses] == ["gate.test:3128", "[::1]:8", "gate.test:3128#2"]
    assert "secret" not in repr(egresses)
    assert [egress.label for egress in parse_egresses(None)] == ["direct"]
    for wrong in ("gate.test:3128", "socks5://gate.test:1", "http://u:secret@:1", "http://u:secret@h:x"):
        with pytest.raises(ConfigError, match="proxy number 2") as raised:
            parse_egresses(f"http://ok.test:1,{wrong}")
        assert "secret" not in str(raised.value)


# Pauses


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        ("0", 1.0),
        ("86400", 900.0),
        ("9" * 500, 900.0),
        ("Mon, 23 Nov 2026 12:00:42 GMT", 42.0),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 1.0),
        ("Mon, 23 Nov 2099 12:00:00 GMT", 900.0),
        ("Monday, 23-Nov-26 12:00:42 GMT", 42.0),
        ("-5", 1.0),
        ("1.5", 1.5),
        ("+7", 7.0),
        ("-" + "9" * 500, 1.0),
        ("900", 900.0),
        ("901", 900.0),
        ("1", 1.0),
        ("nan", None),
        ("inf", None),
        ("1e9", None),
        ("0x10", None),
        ("Mon Nov 23 12:00:42 2026", 42.0),
        ("Mon, 23 Nov 2026 09:00:42 -0300", 42.0),
        ("Mon, 23 Nov 2026 12:00:42", 42.0),
        ("Mon, 23 Nov 0001 12:00:42 GMT", 1.0),
        ("Mon, 23 Nov 99999 12:00:42 GMT", None),
        ("Mon, 99 Nov 2026 12:00:42 GMT", None),
        ("Mon, 23 Nov 2026 12:00:42 +99999999999999999999", None),
        ("Sat, 01 Jan 0001 00:00:00 +2300", 1.0),
        ("٣", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_read_and_clamped(text: str | None, seconds: float | None) -> None:
    assert retry_after_s(text, now=NOW) == seconds


WAITS = st.one_of(
    st.text(),
    st.integers().map(str),
    st.floats().map(str),
    st.builds(
        "{}, {} {} {} {}:{}:{} {}".format,
        *(st.sampled_from(["Mon", "Monday", "x"]), st.integers(-1, 40), st.sampled_from(["Nov", "Feb", "11", ""])),
        *(st.integers(-(10**5), 10**5), st.integers(-1, 30), st.integers(-1, 70), st.integers(-1, 70)),
        st.one_of(
            st.sampled_from(["GMT", "UTC", "EST", "", "Z"]), st.integers(-(10**25), 10**25).map("{:+05d}".format)
        ),
    ),
)


@given(WAITS)
def test_whatever_a_server_says_a_wait_lasts_from_a_second_to_a_quarter_of_an_hour(text: str) -> None:
    seconds = retry_after_s(text, now=NOW)
    assert seconds is None or 1 <= seconds <= 900


@pytest.mark.parametrize(
    ("status", "header", "error", "pauses"),
    [
        (403, None, PageBlocked, [(None, "page_blocked")]),
        (429, None, RateLimited, [(None, "rate_limited")]),
        (429, "Retry-After: 7", RateLimited, [(7.0, "rate_limited")]),
        (503, "Retry-After: 7", SiteUnavailable, [(7.0, "site_unavailable")]),
        (503, None, SiteUnavailable, []),
        (500, "Retry-After: 7", SiteUnavailable, []),
    ],
)
def test_a_host_that_says_stop_is_paused_for_everyone(
    status: int,
    header: str | None,
    error: type[OffersError],
    pauses: list[tuple[float | None, str]],
    serve: Serve,
    make_fetcher: Make,
    pace: FreePace,
) -> None:
    server = serve(always(answer(PAGE, *filter(None, [header]), status=f"{status} Stop")))
    with pytest.raises(error) as raised:
        make_fetcher(server).get(server.url)
    assert pace.pauses == [(server.netloc, seconds, reason, "direct") for seconds, reason in pauses]
    if pauses:
        assert getattr(raised.value, "retry_after_s", None) == (pauses[0][0] or 60.0)


def test_a_wall_pauses_the_host_that_sent_us_there(serve: Serve, make_fetcher: Make, pace: FreePace) -> None:
    walled = serve(always(answer(b"", "Location: https://elsewhere.test/captcha", status="302 Found")))
    first = serve(always(answer(b"", f"Location: {walled.url}", status="302 Found")))
    with pytest.raises(PageBlocked):
        make_fetcher(first, walled).get(first.url)
    assert pace.pauses == [(walled.netloc, None, "page_blocked", "direct")]


def test_waiting_for_a_turn_does_not_use_up_the_page_s_time(serve: Serve, make_fetcher: Make, pace: FreePace) -> None:
    waited: list[float] = []
    pace.wait_s = 9.0
    server = serve(always(answer()))
    make_fetcher(server, timeout_s=2.0, sleep=waited.append).get(server.url)
    assert waited == [9.0]


# Memory, each case in a process of its own

MEASURE = """
import sys
from pathlib import Path
from offers_cli.errors import OffersError
from offers_cli.fetch.client import PoliteFetcher
from offers_cli.fetch.guard import Guard
from fetch.free_pace import FreePace

def peak_kb():
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])

good, bad = sys.argv[1:]
guard = Guard(["127.0.0.1"], allow_private=True)
fetcher = PoliteFetcher(guard=guard, pace=FreePace(), is_wall=lambda path: False, timeout_s=120)
for _ in range(3):
    fetcher.get(good)
before = peak_kb()
code = "read"
try:
    fetcher.get(bad)
except OffersError as error:
    code = error.code
print(code, peak_kb() - before)
"""


def _flood(start: bytes, more: bytes) -> Respond:
    def respond(visit: Visit) -> None:
        visit.send(start)
        visit.flood(more)

    return respond


def _page_of(size: int) -> bytes:
    return (b"<p>" + os.urandom(500).hex().encode() * (size // 1000 + 1))[:size]


HEAVY: dict[str, tuple[Callable[[], Respond], str]] = {
    "gzip bomb": (lambda: always(answer(_bomb("gzip"), "Content-Encoding: gzip")), "too_large"),
    "bare deflate bomb": (lambda: always(answer(_bomb("deflate"), "Content-Encoding: deflate")), "too_large"),
    "endless body": (lambda: _flood(head(), b"<p>" + b"x" * 65536), "too_large"),
    "endless chunk": (lambda: _flood(head("Transfer-Encoding: chunked") + b"FFFFFFFF\r\n<", b"x" * 65536), "too_large"),
    "just over the decoded limit": (lambda: always(answer(_slow_bomb(), "Content-Encoding: gzip")), "too_large"),
    "header flood": (lambda: _flood(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 9999), "site_unavailable"),
    "1xx storm": (lambda: _flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 999), "too_large"),
    "wrong checksum after 9 MB": (lambda: always(answer(_bad_end(), "Content-Encoding: gzip")), "not_html"),
}


def _bomb(coding: str) -> bytes:
    from fetch.hostile_servers import bomb

    return bomb(coding)


def _slow_bomb() -> bytes:
    return packed(_page_of(4 * 2**20) * 4 + b"<p>")


def _bad_end() -> bytes:
    return packed(_page_of(3 * 2**20) * 3)[:-8] + b"\0" * 8


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
@pytest.mark.parametrize("name", HEAVY)
def test_a_refused_page_grows_the_process_by_less_than_40_mb(
    name: str, serve: Serve, record_property: Callable[[str, object], None]
) -> None:
    make_respond, code = HEAVY[name]
    good, bad = serve(always(answer(packed(_page_of(400_000)), "Content-Encoding: gzip"))), serve(make_respond())
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(MEASURE), good.url, bad.url],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    seen_code, grown_kb = done.stdout.split()
    record_property("grown_mb", int(grown_kb) / 1024)
    print(json.dumps({"case": name, "grown_mb": round(int(grown_kb) / 1024, 1)}))
    assert seen_code == code
    assert int(grown_kb) < 40 * 1024


# What came of requests is counted.


def test_every_request_is_counted_once_by_the_host_that_was_asked(
    serve: Serve, make_fetcher: Make, pace: FreePace
) -> None:
    """Also one that is refused, redirects or says nothing: an operator sees what a host answers."""

    def respond(visit: Visit) -> None:
        if visit.path == "/silent":
            raise ConnectionAbortedError
        status = {"/wall": "403 Forbidden", "/gone": "404 Not Found", "/broken": "503 Away"}.get(visit.path)
        if visit.path == "/moved":
            visit.send(answer(b"", "Location: /page", status="302 Found"))
        elif status:
            visit.send(answer(status=status))
        else:
            visit.send(answer())

    server = serve(respond)
    fetcher = make_fetcher(server)
    for path in ("page", "moved", "wall", "gone", "broken", "silent"):
        with suppress(PageError):
            fetcher.get(f"{server.url}{path}")
    statuses = [status for host, status in pace.responses if host == server.netloc]
    assert statuses == [200, 302, 200, 403, 404, 503, None]
    fetcher.close()
    assert pace.responses[-1] == ("", 0), "the rest is written down at the end"
