"""Every form of one jar gives the same cookies; what is damaged is told, and no message quotes a value."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest

from offers_cli.affiliate import cookie_import
from offers_cli.affiliate.cookie_import import MAX_BYTES, MAX_REQUEST_CHARS, keep_own, parse_cookies
from offers_cli.affiliate.cookies import Cookie
from offers_cli.errors import UsageError

DOMAIN = "mercadolivre.com.br"
SECRET = "s3cr3t=value!'quoted'"
JAR = {"ssid": "ghy-1", "_csrf": SECRET, "orgnickp": "NICK", "empty": ""}
FAR = 4_000_000_000

CURL_HEADER = "; ".join(f"{name}={value}" for name, value in JAR.items())
QUOTED = CURL_HEADER.replace("'", "'\\''")
ANSI = CURL_HEADER.replace("'", "\\'").replace("!", "\\u0021")
CMD = CURL_HEADER.replace("%", "^%").replace("!", "^!")


def editor(**more: Any) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "value": value,
            "domain": f".{DOMAIN}",
            "path": "/",
            "secure": True,
            "httpOnly": name == "ssid",
            "hostOnly": False,
            "expirationDate": FAR + 0.5,
            "sameSite": "no_restriction",
            "session": False,
            "storeId": "0",
        }
        | more
        for name, value in JAR.items()
    ]


def playwright() -> dict[str, Any]:
    names = ("name", "value", "domain", "path", "secure", "httpOnly")
    return {"cookies": [{n: c[n] for n in names} | {"expires": -1, "sameSite": "Lax"} for c in editor()], "origins": []}


NETSCAPE = "# Netscape HTTP Cookie File\n# a comment\n\n" + "".join(
    f"{'#HttpOnly_' if name == 'ssid' else ''}.{DOMAIN}\tTRUE\t/\tTRUE\t{FAR}\t{name}\t{value}\n"
    for name, value in JAR.items()
)
FORMS = {
    "cookie-editor": json.dumps(editor()),
    "playwright": json.dumps(playwright()),
    "netscape": NETSCAPE,
    "netscape without its title, with Windows line ends": NETSCAPE.split("\n", 1)[1].replace("\n", "\r\n"),
    "header": CURL_HEADER,
    "header with its name": f"Cookie: {CURL_HEADER}\n",
    "header among others": f"Host: www.{DOMAIN}\nAccept: */*\ncookie: {CURL_HEADER}\nUser-Agent: x",
    "curl -b": f"curl 'https://www.{DOMAIN}/hub' \\\n  -H 'accept: */*' \\\n  -b '{QUOTED}' \\\n  --compressed",
    "curl -H": f"curl 'https://www.{DOMAIN}/' -H 'Cookie: {QUOTED}'",
    "curl $'…'": f"curl 'https://www.{DOMAIN}/' -H $'cookie: {ANSI}'",
    "curl of Windows": f'curl ^"https://www.{DOMAIN}/^" ^\r\n  -H ^"accept: */*^" ^\r\n  -b ^"{CMD}^"',
    "with a byte-order mark": "\ufeff" + json.dumps(editor()),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_of_a_jar_gives_the_same_cookies(form: str) -> None:
    found = keep_own(parse_cookies(FORMS[form].encode(), domain=DOMAIN), [DOMAIN])
    assert {cookie.name: cookie.value for cookie in found} == JAR
    assert {cookie.domain for cookie in found} == {DOMAIN}
    assert {(cookie.path, cookie.secure, cookie.host_only) for cookie in found} == {("/", True, False)}


def test_utf_16_as_windows_shells_write_it() -> None:
    found = parse_cookies(json.dumps(editor()).encode("utf-16"), domain=DOMAIN)
    assert [cookie.name for cookie in found] == list(JAR)


def test_expiry_and_flags() -> None:
    ssid, csrf, *_ = parse_cookies(NETSCAPE.encode(), domain=DOMAIN)
    assert (ssid.http_only, csrf.http_only, ssid.expires_at) == (True, False, FAR)
    (first, *_) = parse_cookies(json.dumps(editor(expirationDate=FAR * 1000)).encode(), domain=DOMAIN)
    assert first.expires_at == FAR, "some exporters count in milliseconds"
    (first, *_) = parse_cookies(json.dumps(playwright()).encode(), domain=DOMAIN)
    assert first.expires_at is None


def test_only_the_marketplace_s_domains_are_kept() -> None:
    others = ["google.com", "mercadolivre.com.br.evil.example", "notmercadolivre.com.br", "com.br", "br", ""]
    entries = editor() + [{"name": "ssid", "value": "ü;\n", "domain": domain} for domain in others]
    found = keep_own(parse_cookies(json.dumps(entries).encode(), domain=DOMAIN), [DOMAIN])
    assert {cookie.name: cookie.value for cookie in found} == JAR, "and what the others hold harms nothing"


def test_a_curl_command_for_another_site_brings_nothing() -> None:
    found = parse_cookies(b"curl 'https://www.google.com/' -b 'ssid=1'", domain=DOMAIN)
    assert keep_own(found, [DOMAIN]) == []


def test_of_two_by_one_name_the_later_one_counts() -> None:
    found = keep_own(parse_cookies(b"ssid=old; ssid=new", domain=DOMAIN), [DOMAIN])
    assert [cookie.value for cookie in found] == ["new"]


MALFORMED = {
    "empty": b"",
    "blank": b" \n\t ",
    "binary": bytes(range(256)),
    "zeros": b"ssid=\0\0",
    "not utf-8": b"ssid=\xff\xfe\xfa",
    "cut JSON": json.dumps(editor()).encode()[:-40],
    "JSON without cookies": b'{"origins": []}',
    "JSON with cookies that are none": b'{"cookies": {"ssid": "s3cr3t"}}',
    "a list of texts": b'["ssid=s3cr3t"]',
    "an entry without its name": json.dumps([{"value": SECRET, "domain": DOMAIN}]).encode(),
    "an entry without its domain": json.dumps([{"name": "ssid", "value": SECRET}]).encode(),
    "a value that is no text": json.dumps([{"name": "ssid", "value": 5, "domain": DOMAIN}]).encode(),
    "an expiry that is no time": json.dumps(editor(expirationDate=SECRET)).encode(),
    "an endless expiry": json.dumps(editor(expirationDate=1)).replace("1,", "Infinity,", 1).encode(),
    "nested to break a reader": b"[" * 100_000,
    "a web page": b"<!DOCTYPE html><title>Mercado Livre</title>",
    "cookies.txt with spaces for tabs": NETSCAPE.replace("\t", "    ").encode(),
    "cookies.txt with a field too many": NETSCAPE.replace("/\tTRUE", "/\tTRUE\tTRUE", 1).encode(),
    "cookies.txt with a bad expiry": NETSCAPE.replace(str(FAR), "soon", 1).encode(),
    "a header cut in the middle": b"Cookie: s3cr3t",
    "some prose": b"please use my cookies\nthey are good",
    "curl without cookies": b"curl 'https://www.mercadolivre.com.br/' -H 'accept: */*'",
    "curl with open quotes": f"curl 'https://www.{DOMAIN}/' -b 'ssid=s3cr3t".encode(),
    "too large": b"ssid=" + b"s" * MAX_BYTES,
    "a line break in a value": json.dumps([{"name": "ssid", "value": "s3cr3t\r\nX: y", "domain": DOMAIN}]).encode(),
    "a semicolon in a value": json.dumps([{"name": "ssid", "value": "s3cr3t; a=b", "domain": DOMAIN}]).encode(),
    "a name with a blank": json.dumps([{"name": "ss id", "value": "s3cr3t", "domain": DOMAIN}]).encode(),
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_a_damaged_export_is_told_without_quoting_it(kind: str) -> None:
    with pytest.raises(UsageError) as caught:
        keep_own(parse_cookies(MALFORMED[kind], domain=DOMAIN), [DOMAIN])
    error = caught.value
    assert error.message.startswith("the cookies cannot be read: ")
    assert error.hint
    told = f"{error.message} {error.hint} {error.__cause__ or ''}"
    assert "s3cr3t" not in told


def test_a_cookie_does_not_show_its_value() -> None:
    assert "s3cr3t" not in repr(Cookie(name="ssid", value=SECRET, domain=DOMAIN))


def test_more_than_any_browser_keeps_is_no_jar() -> None:
    """So that a session's file stays small, whatever is imported."""
    for name, data in {
        "larger": f"ssid={'x' * 4096}",
        "cookies of one site": "; ".join(f"c{n}=v" for n in range(1_001)),
        "more than 10000": "a=b;" * 20_000,
        "longer than any request": "ssid=" + "a" * MAX_REQUEST_CHARS,
    }.items():
        with pytest.raises(UsageError, match=name):
            keep_own(parse_cookies(data.encode(), domain=DOMAIN), [DOMAIN])


def filled(start: str, part: str, end: str, size: int = MAX_REQUEST_CHARS) -> str:
    return start + part * ((size - len(start) - len(end)) // len(part)) + end


ENDLESS = {
    "back-slashes in $'…": filled("curl $'", "\\", ""),
    "quotes": filled("curl ", "''", ""),
    "quotes that follow each other": filled("curl ", "$'a' $\"\"", ""),
    "an open quote after many": filled("curl ", "'a'", '"'),
    "dollars": filled("curl ", "$", ""),
    "one word": filled("curl -b 'a=b", "x", "'"),
    "carets": filled("curl ", "^", '^"'),
    "carets and blanks": filled("curl ", "^ ", '^"'),
    "escapes": filled("curl -b $'a=", "\\u0041", "'"),
    "lines": filled("x=1", "\n", "y"),
    "lines of blanks": filled("x", "\n \n", "y"),
    "headers that end too early": filled("cookie", "\ncookie", ""),
    "tabs": filled("x", "\t", "y", MAX_BYTES),
    "lines of tabs": filled("x", "\t\t\t\t\t\t\n", "y", MAX_BYTES),
    "entries": filled("[{}", ",{}", "]", MAX_BYTES),
    "semicolons": filled("", ";", "="),
    "a JSON text that is never closed": filled('["', "\\", "", MAX_BYTES),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_reading_takes_a_time_that_grows_no_faster_than_the_text(kind: str) -> None:
    """A reader that looks back for each sign would need minutes; the run's own time limit would end it."""
    text = ENDLESS[kind].encode()
    assert MAX_REQUEST_CHARS - 10 <= len(text) <= MAX_BYTES
    with suppress(UsageError):
        parse_cookies(text, domain=DOMAIN)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("curl 'a b'c\"d\\\"e$f\\g\" $'\\u0041\\x42\\n\\'\\q' \\x", ["curl", 'a bcd"e$f\\g', "AB\n'q", "x"]),
        ("curl ''  \"\" \\\n -b $x", ["curl", "", "", "-b", "$x"]),
    ],
)
def test_words_of_a_shell_are_read_as_a_shell_reads_them(text: str, words: list[str]) -> None:
    assert cookie_import._shell_words(text) == words
