"""Where we may go, proved address by address; nothing here touches a network."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from waiting import NEVER_S

from offers_cli.errors import ConfigError, ForbiddenUrl, SiteUnavailable
from offers_cli.fetch.guard import Guard, Lookup, embedded, is_reachable, look_up

ALLOWED = ("mercadolivre.com.br", "açaí.com.br")

HOSTILE = [
    # other schemes
    "http://www.mercadolivre.com.br/p/MLB1",
    "ftp://www.mercadolivre.com.br/",
    "file:///etc/passwd",
    "file://www.mercadolivre.com.br/etc/passwd",
    "javascript:alert(1)//www.mercadolivre.com.br",
    "data:text/html,<b>x</b>",
    "gopher://www.mercadolivre.com.br:443/_GET",
    "wss://www.mercadolivre.com.br/",
    "//www.mercadolivre.com.br/",
    "www.mercadolivre.com.br/p/MLB1",
    "/p/MLB1",
    "",
    "https:",
    "https://",
    "https:///p/MLB1",
    "https:www.mercadolivre.com.br",
    "https://?host=www.mercadolivre.com.br",
    # other hosts that look alike
    "https://evil.com/",
    "https://mercadolivre.com.br.evil.com/",
    "https://evilmercadolivre.com.br/",
    "https://mercadolivre.com/",
    "https://com.br/",
    "https://mercadolivre.com.br.",
    "https://www.mercadolivre.com.br./",
    "https://.mercadolivre.com.br/",
    "https://www..mercadolivre.com.br/",
    "https://www_.mercadolivre.com.br/",
    "https://-www.mercadolivre.com.br/",
    "https://mеrcadolivre.com.br/",  # its second letter is Cyrillic
    "https://mercadolivre。com。br.evil.com/",
    "https://mercadolivre.com.br․evil.com/",  # one dot leader
    "https://mercadolivre.com.br⁄evil.com/",  # fraction slash
    "https://evil.com／.mercadolivre.com.br/",  # full-width slash
    "https://evil.com＃.mercadolivre.com.br/",
    "https://evil.com＠mercadolivre.com.br/",
    "https://ⓔⓥⓘⓛ.com/",
    "https://xn--mrcadolivre-4kf.com.br/",
    "https://xn--.mercadolivre.com.br.evil.com/",
    f"https://{'a' * 64}.mercadolivre.com.br/",
    f"https://{'a.' * 130}mercadolivre.com.br/",
    # user-info
    "https://user@www.mercadolivre.com.br/",
    "https://user:password@www.mercadolivre.com.br/",
    "https://www.mercadolivre.com.br@evil.com/",
    "https://www.mercadolivre.com.br:443@evil.com/",
    "https://evil.com:x@www.mercadolivre.com.br/",
    "https://@www.mercadolivre.com.br/",
    "https://www.mercadolivre.com.br%40evil.com/",
    # ports
    "https://www.mercadolivre.com.br:80/",
    "https://www.mercadolivre.com.br:8443/",
    "https://www.mercadolivre.com.br:22/",
    "https://www.mercadolivre.com.br:0/",
    "https://www.mercadolivre.com.br:/",
    "https://www.mercadolivre.com.br:0443/",
    "https://www.mercadolivre.com.br:+443/",
    "https://www.mercadolivre.com.br:-1/",
    "https://www.mercadolivre.com.br:65536/",
    "https://www.mercadolivre.com.br:443:443/",
    "https://www.mercadolivre.com.br:４４３/",
    "https://www.mercadolivre.com.br:4 43/",
    # characters that programs read in different ways
    "https://www.mercadolivre.com.br\\@evil.com/",
    "https:\\\\www.mercadolivre.com.br\\",
    "https://evil.com\\.mercadolivre.com.br/",
    "https://www.mercadolivre.com.br/\r\nHost: evil.com",
    "https://www.mercadolivre.com.br/\nx",
    "https://www.mercadolivre.com.br/\tx",
    "https://www.mercadolivre.com.br\t.evil.com/",
    "https://www.mercadolivre.com.br/\x00",
    "https://www.mercadolivre.com.br/\x7f",
    "https://www.mercadolivre.com.br/\x85",
    "https://www.mercadolivre.com.br/a b",
    " https://www.mercadolivre.com.br/",
    "https://www.mercadolivre.com.br/\u200b",
    "https://www.mercadolivre.com.br/\u202egpj.exe",
    "https://www.mercadolivre.com.br/\ud800",
    "https://www.mercado\u00adlivre.com.br/",
    "https://www%2emercadolivre.com.br/",
    "https://%77ww.mercadolivre.com.br/",
    "https://evil.com%2f.mercadolivre.com.br/",
    "https://evil.com%00.mercadolivre.com.br/",
    "https://www.mercadolivre.com.br/" + "a" * 9000,
    # addresses instead of names
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://127.0.0.1.mercadolivre.com.br.1/",
    "https://①②⑦.0.0.1/",
    "https://0/",
    "https://localhost/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[fe80::1%25eth0]/",
    "https://[v1.mercadolivre.com.br]/",
    "https://[www.mercadolivre.com.br]/",
    "https://[::1/",
    "https://[::1]evil.com/",
    "https://8.8.8.8/",
]


def test_the_table_is_as_long_as_promised() -> None:
    assert len(set(HOSTILE)) == len(HOSTILE) >= 60


@pytest.mark.parametrize("url", HOSTILE, ids=ascii)
def test_a_hostile_address_is_refused_with_a_reason(url: str) -> None:
    with pytest.raises(ForbiddenUrl) as refused:
        Guard(ALLOWED).check_url(url)
    assert "may not be fetched: " in refused.value.message
    assert "password" not in refused.value.message
    assert all(c.isprintable() for c in refused.value.message)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://www%2emercadolivre.com.br/", "percent-encoded"),
        ("https:///p/MLB1", "has no host"),
        ("https://user@mercadolivre.com.br/", "carries a user name"),
        ("https://0x7f000001/", "in non-canonical form"),
        ("https://www_.mercadolivre.com.br/", "not a valid name"),
        ("https://mercadolivre.com.br:0443/", "port is malformed"),
        ("https://mercadolivre.com.br:8443/", "port 8443 is not allowed"),
        ("https://mercadolivre.com.br\\x", "backslash"),
        ("http://mercadolivre.com.br/", "only https"),
    ],
)
def test_the_reason_names_what_is_wrong(url: str, reason: str) -> None:
    with pytest.raises(ForbiddenUrl, match=reason):
        Guard(ALLOWED).check_url(url)


LOCAL = "for a local shop set OFFERS_ALLOW_PRIVATE_HOSTS=true"
ALLOW = "if you trust it, set OFFERS_ALLOWED_HOSTS to {} and all other hosts that you need"


@pytest.mark.parametrize(
    ("url", "reason", "hint"),
    [
        ("https://www%2emercadolivre.com.br/", "its host is percent-encoded", ""),
        ("https:///p/MLB1", "it has no host", "give the whole address, as your browser shows it"),
        ("https://açaí-.com.br/", "its international host name is not valid", ""),
        ("https://0x7f000001/", "its host is an IPv4 address in non-canonical form", ""),
        ("https://www_.mercadolivre.com.br/", "its host is not a valid name", ""),
        ("https://u:p@mercadolivre.com.br/", "it carries a user name", "give the address without `user:password@`"),
        ("https://evil.com/", "the host evil.com is not allowed", ALLOW.format("evil.com")),
        ("https://127.0.0.1/", "the address 127.0.0.1 is not public", LOCAL),
        ("http://mercadolivre.com.br/", "only https is fetched", f"use https://; {LOCAL}"),
        ("https://mercadolivre.com.br:0443/", "its port is malformed", ""),
        ("https://mercadolivre.com.br:8443/", "port 8443 is not allowed", f"leave the port out; {LOCAL}"),
        ("https://[::1", "it is not a valid address", ""),
        ("https://mercadolivre.com.br/ x", "it contains spaces, control or invisible characters", ""),
        ("https://mercadolivre.com.br/\\", "it contains a backslash, which parsers interpret differently", ""),
    ],
)
def test_a_refusal_says_why_and_what_to_change(url: str, reason: str, hint: str) -> None:
    with pytest.raises(ForbiddenUrl) as refused:
        Guard((*ALLOWED, "127.0.0.1")).check_url(url)
    assert refused.value.message.partition(" may not be fetched: ")[2] == reason
    assert refused.value.hint == hint


def test_an_empty_address_and_one_that_is_too_long_are_refused_in_words() -> None:
    with pytest.raises(ForbiddenUrl, match=r"^\(empty\) may not be fetched: only https is fetched$"):
        Guard(ALLOWED).check_url("")
    with pytest.raises(ForbiddenUrl, match=r"may not be fetched: it is longer than 8192 characters$"):
        Guard(ALLOWED).check_url("https://mercadolivre.com.br/" + "a" * 8192)


@pytest.mark.parametrize("url", HOSTILE, ids=ascii)
def test_private_hosts_open_nothing_but_http_and_ports(url: str) -> None:
    """With OFFERS_ALLOW_PRIVATE_HOSTS the same table stays closed, but for plain http and ports on allowed hosts."""
    try:
        safe = Guard(ALLOWED, allow_private=True).check_url(url)
    except ForbiddenUrl:
        return
    assert safe.host in {"www.mercadolivre.com.br", "mercadolivre.com.br"}
    assert safe.scheme == "http" or safe.port in {22, 80, 8443}


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("https://mercadolivre.com.br", "https://mercadolivre.com.br/"),
        ("https://www.mercadolivre.com.br/p/MLB1?a=b#c=d", "https://www.mercadolivre.com.br/p/MLB1?a=b#c=d"),
        ("HTTPS://Produto.MercadoLivre.COM.BR:443/x", "https://produto.mercadolivre.com.br/x"),
        ("https://AÇAÍ.com.br/maçã?q=açaí", "https://xn--aa-4iaz.com.br/ma%C3%A7%C3%A3?q=a%C3%A7a%C3%AD"),
        ("https://www.xn--aa-4iaz.com.br/", "https://www.xn--aa-4iaz.com.br/"),
        ("https://ｍercadolivre.com.br/", "https://mercadolivre.com.br/"),
        ("https://mercadolivre。com。br/", "https://mercadolivre.com.br/"),
        ("https://mercadolivre.com.br/a%2Fb%20c", "https://mercadolivre.com.br/a%2Fb%20c"),
        (
            "https://mercadolivre.com.br?pdp_filters=item_id%3AMLB1|x",
            "https://mercadolivre.com.br/?pdp_filters=item_id%3AMLB1|x",
        ),
        ("https://mercadolivre.com.br/<script>\"'", "https://mercadolivre.com.br/%3Cscript%3E%22'"),
    ],
)
def test_an_allowed_address_takes_its_normal_form(url: str, normal: str) -> None:
    safe = Guard((*ALLOWED, "xn--aa-4iaz.com.br")).check_url(url)
    assert safe.url == normal
    assert safe.url.isascii()
    assert Guard((*ALLOWED, "xn--aa-4iaz.com.br")).check_url(safe.url) == safe


@pytest.mark.parametrize(
    ("url", "normal", "netloc", "port"),
    [
        ("http://mercadolivre.com.br/", "http://mercadolivre.com.br/", "mercadolivre.com.br", 80),
        ("http://mercadolivre.com.br:80/", "http://mercadolivre.com.br/", "mercadolivre.com.br", 80),
        ("http://mercadolivre.com.br:443/", "http://mercadolivre.com.br:443/", "mercadolivre.com.br:443", 443),
        ("https://mercadolivre.com.br:80/", "https://mercadolivre.com.br:80/", "mercadolivre.com.br:80", 80),
        ("https://[0:0:0:0:0:0:0:1]:81/", "https://[::1]:81/", "[::1]:81", 81),
        ("https://mercadolivre.com.br/?a#b|c?d[e]#f/g", "https://mercadolivre.com.br/?a#b|c?d[e]#f/g", None, 443),
    ],
)
def test_only_the_usual_port_is_left_out(url: str, normal: str, netloc: str | None, port: int) -> None:
    safe = Guard((*ALLOWED, "[::1]"), allow_private=True).check_url(url)
    assert (safe.url, safe.netloc, safe.port) == (normal, netloc or "mercadolivre.com.br", port)


def test_what_may_stand_in_a_part_of_an_address_stays_and_all_else_is_encoded() -> None:
    path, query = "/a/%41:@!$&'()*+,;=~", "/%41:@!$&'()*+,;=~?[]|"
    safe = Guard(ALLOWED).check_url(f"https://mercadolivre.com.br{path}?{query}#{query}#")
    assert safe.target == f"{path}?{query}"
    assert safe.url == f"https://mercadolivre.com.br{path}?{query}#{query}#"
    assert Guard(ALLOWED).check_url("https://mercadolivre.com.br/[a]|?<b>#<c>").url == (
        "https://mercadolivre.com.br/%5Ba%5D%7C?%3Cb%3E#%3Cc%3E"
    )


def test_the_longest_address_and_the_longest_host_are_taken_one_more_is_not() -> None:
    guard = Guard(ALLOWED)
    start = "https://mercadolivre.com.br/"
    labels = ".".join(["a" * 63] * 3)
    longest_host = f"{'b' * (253 - len(labels) - len('..mercadolivre.com.br'))}.{labels}.mercadolivre.com.br"
    assert len(longest_host) == 253
    for good, bad in (
        (start + "a" * (8192 - len(start)), start + "a" * (8193 - len(start))),
        (f"https://{longest_host}/", f"https://b{longest_host}/"),
    ):
        assert guard.check_url(good).url == good
        with pytest.raises(ForbiddenUrl):
            guard.check_url(bad)


def test_a_refusal_shows_the_beginning_of_the_address_without_its_query() -> None:
    with pytest.raises(ForbiddenUrl) as refused:
        Guard(ALLOWED).check_url(f"https://evil.com/{'x' * 900}?token=hidden")
    assert refused.value.message.startswith(f"https://evil.com/{'x' * 183} may not be fetched: the host evil.com")
    with pytest.raises(ForbiddenUrl) as refused:
        Guard(ALLOWED).check_url("https://evil.com/x?token=hidden")
    assert "hidden" not in refused.value.message


def test_an_entry_with_a_port_opens_that_port_alone() -> None:
    guard = Guard(["localhost:8080", "[::1]:8080", "10.0.0.5"], allow_private=True)
    for url in ("http://localhost:8080/", "http://[::1]:8080/", "http://10.0.0.5:9/", "https://10.0.0.5/"):
        assert guard.check_url(url).url == url
    for url in ("http://localhost/", "http://localhost:8081/", "http://[::1]/", "http://1.10.0.0.5/", "http://0xa.5/"):
        with pytest.raises(ForbiddenUrl):
            guard.check_url(url)


def test_an_allowed_private_address_still_needs_the_private_switch() -> None:
    for address in ("127.0.0.1", "[::1]"):
        with pytest.raises(ForbiddenUrl, match="not public") as refused:
            Guard([address]).check_url(f"https://{address}/")
        assert "OFFERS_ALLOW_PRIVATE_HOSTS" in refused.value.hint


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "*",
        "*.shop.com",
        "https://shop.com",
        "shop.com/x",
        "u@shop.com",
        "a b",
        "shop.com:x",
        "0x7f",
        "a.0x1",
        "127.1",
    ],
)
def test_an_entry_that_is_no_host_is_a_configuration_error(entry: str) -> None:
    with pytest.raises(ConfigError, match="OFFERS_ALLOWED_HOSTS"):
        Guard([entry])


@pytest.mark.parametrize(
    ("entry", "why"),
    [("shop.com/x", "it contains more than a host name"), ("u@shop.com", "it contains more than a host name")],
)
def test_a_refused_entry_says_why_and_what_to_write(entry: str, why: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Guard([entry])
    assert refused.value.message == f"OFFERS_ALLOWED_HOSTS: '{entry}' is not a host: {why}"
    assert refused.value.hint == "name hosts such as shop.com.br (its subdomains are included) or localhost:8080"


def test_blanks_around_an_entry_do_not_count() -> None:
    assert Guard([" mercadolivre.com.br "]).check_url("https://mercadolivre.com.br/").host == "mercadolivre.com.br"


def test_an_entry_is_shown_without_its_control_characters() -> None:
    with pytest.raises(ConfigError) as refused:
        Guard(["shop.com\x1b[2J"])
    assert refused.value.message.isprintable()


PUBLIC = ("8.8.8.8", "2606:4700::1111")
PRIVATE = ("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "::1", "fd00::1", "::ffff:127.0.0.1", "64:ff9b::a00:1")
EDGES = ("127.255.255.255", "10.255.255.255", "172.31.255.255", "192.168.255.255", "fc00::1", "64:ff9b::7f00:1")
NEVER = (
    *("0.0.0.0", "169.254.169.254", "100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1"),
    *("255.255.255.255", "::", "fe80::1", "fe80::1%1", "fec0::1", "ff02::1", "ff0e::1", "2001:db8::1"),
    *("::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2"),
)  # fmt: skip


@pytest.mark.parametrize("address", [*PUBLIC, *PRIVATE, *EDGES, *NEVER])
def test_which_addresses_may_be_connected_to(address: str) -> None:
    assert is_reachable(address, allow_private=False) == (address in PUBLIC)
    assert is_reachable(address, allow_private=True) == (address not in NEVER)


@pytest.mark.parametrize(
    ("address", "carried"),
    [
        ("8.8.8.8", "8.8.8.8"),
        ("2606:4700::1111", "2606:4700::1111"),
        ("::ffff:8.8.4.5", "8.8.4.5"),
        ("64:ff9b::808:405", "8.8.4.5"),
        ("64:ff9b::ffff:ffff", "255.255.255.255"),
        ("2002:808:405::1", "8.8.4.5"),
    ],
)
def test_an_address_within_another_is_the_one_that_counts(address: str, carried: str) -> None:
    assert str(embedded(ip_address(address))) == carried


def test_the_system_s_resolver_is_asked_for_each_address_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def getaddrinfo(host: str, port: int, **options: object) -> list[tuple[object, ...]]:
        asked.append((host, port, options))
        return [(0, 0, 0, "", (address, port)) for address in ("8.8.8.8", "8.8.4.4", "8.8.8.8")]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    assert look_up("shop.com", 443) == ["8.8.8.8", "8.8.4.4"]
    assert asked == [("shop.com", 443, {"type": socket.SOCK_STREAM})]


def test_a_name_that_no_resolver_can_encode_is_not_resolved() -> None:
    def fail(_host: str, _port: int) -> list[str]:
        raise UnicodeError("label empty or too long")

    with pytest.raises(SiteUnavailable, match=r"cannot be resolved \(label empty or too long\)"):
        Guard(ALLOWED, lookup=fail).resolve("mercadolivre.com.br", 443)


def test_a_name_is_looked_up_as_it_is_asked_for_and_every_address_is_kept_in_order() -> None:
    asked: list[tuple[str, int]] = []

    def answer(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return ["8.8.8.8", "2606:4700::1111"]

    assert Guard(ALLOWED, lookup=answer).resolve("mercadolivre.com.br", 8443) == ("8.8.8.8", "2606:4700::1111")
    assert asked == [("mercadolivre.com.br", 8443)]


def unresolved(lookup: Lookup) -> tuple[str, str]:
    """What is said of a name that nothing is fetched from, and what to do."""
    with pytest.raises(SiteUnavailable) as refused:
        Guard(ALLOWED, lookup=lookup).resolve("mercadolivre.com.br", 443)
    return refused.value.message.removeprefix("mercadolivre.com.br "), refused.value.hint


def test_one_private_address_among_public_ones_refuses_the_name() -> None:
    told = unresolved(lambda _host, _port: ["8.8.8.8", "10.0.0.1"])
    assert told == ("resolves to 10.0.0.1, which is not a public address", LOCAL)


def test_a_name_that_leads_nowhere_is_unavailable_and_so_is_one_without_addresses() -> None:
    def fail(_host: str, _port: int) -> list[str]:
        raise OSError(-2, "Name or service not known")

    try_again = "check the network and the host's spelling, then try again"
    assert unresolved(fail) == ("cannot be resolved (Name or service not known)", try_again)
    assert unresolved(lambda _host, _port: []) == ("resolves to no address", LOCAL)


def test_a_resolver_that_never_answers_is_left_behind() -> None:
    import threading

    release = threading.Event()
    threads: list[threading.Thread] = []

    def hang(_host: str, _port: int) -> list[str]:
        threads.append(threading.current_thread())
        release.wait(NEVER_S)
        return []

    with pytest.raises(SiteUnavailable, match=r"cannot be resolved \(no answer within 0 s\)"):
        Guard(ALLOWED, lookup=hang).resolve("mercadolivre.com.br", 443, timeout_s=0.05)
    assert [thread.daemon for thread in threads] == [True], "a process can end without it"
    release.set()


ODD = "\u3002 \uff0f \u2044 \u0131 \u00df \u200d \u0130"
PIECES = "https: http: / // \\ @ : 443 %2e . ? # [ ] ::1 127.0.0.1 evil.com mercadolivre.com.br www. xn-- a " + ODD


@settings(max_examples=5 * settings().max_examples)
@given(st.lists(st.sampled_from(PIECES.split(" ")) | st.text(max_size=3), max_size=9).map("".join) | st.text())
def test_any_text_is_refused_or_leads_to_an_allowed_host(text: str) -> None:
    """Checked against another reader of addresses: httpx's."""
    try:
        safe = Guard(["mercadolivre.com.br"]).check_url(text)
    except ForbiddenUrl:
        return
    assert safe.host == "mercadolivre.com.br" or safe.host.endswith(".mercadolivre.com.br")
    for reader in (httpx.URL(safe.url).host, urlsplit(safe.url).hostname):
        assert reader == safe.host
    assert safe.url.startswith(f"https://{safe.host}/")
    assert safe.url.isascii()
