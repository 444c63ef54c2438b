"""The forms in which cookies leave a browser, read into one: text in, cookies out.

    [{"name": …, "expirationDate": …}, …]           Cookie-Editor, EditThisCookie
    {"cookies": [{"name": …, "expires": …}, …]}     Playwright's storage state
    domain TAB flag TAB path TAB secure TAB expiry TAB name TAB value    Netscape's cookies.txt
    curl 'https://…' -H 'cookie: …' | -b '…'        "Copy as cURL" of the developer tools, for bash or Windows
    Cookie: a=1; b=2                                the header itself, with its name or without

No message quotes a value: the cookie at fault is named, or its number.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice, pairwise
from typing import Any

from offers_cli.affiliate.cookies import MAX_CHARS, MAX_KEPT, Cookie, is_sendable, is_within
from offers_cli.errors import UsageError
from offers_cli.text import printable

MAX_BYTES = 4 * 2**20
MAX_REQUEST_CHARS = 2**19
"""No browser sends a request of that size: a Cookie header, or the command of one."""
MAX_COOKIES = 10_000
"""Browsers keep some three thousand, of all sites together."""
MILLISECONDS_FROM = 1e11
"""No expiry in seconds is that far (the year 5138): it is in milliseconds."""

HINT = (
    "export the cookies of the marketplace's tab with Cookie-Editor (JSON) or as cookies.txt, "
    'or use "Copy as cURL"; see docs/session.md'
)
_HEADER_LINE = re.compile(r"^[^\S\n]*cookie[^\S\n]*:[^\S\n]*(.+)$", re.IGNORECASE | re.MULTILINE)
_NETSCAPE_MARK = re.compile(r"^# (?:Netscape )?HTTP Cookie File", re.IGNORECASE)
_CURL = re.compile(r"(?:\$ )?curl(?:\.exe)?\s")
_HOST = re.compile(r"https?://([^/:?#\s]+)", re.IGNORECASE)
_PIECE = re.compile(
    r"""(?P<blank>(?:\s|\\\n)++) | \\(?P<escaped>.) | (?P<plain>(?:[^\s'"\\$]|\$(?!'))++)
    | '(?P<quoted>[^']*+)' | "(?P<double>(?:[^"\\]|\\.)*+)" | \$'(?P<ansi>(?:[^'\\]|\\.)*+)'""",
    re.DOTALL | re.VERBOSE,
)
"""A piece of a shell's word, as far as browsers write them; found without ever looking back, so that time is linear."""
_ANSI_ESCAPE = re.compile(r"\\(?:u([0-9a-f]{1,4})|x([0-9a-f]{1,2})|(.))", re.DOTALL | re.IGNORECASE)
_ANSI_SIGNS = {"n": "\n", "r": "\r", "t": "\t"}
_CURL_COOKIES = ("-b", "--cookie")
_CURL_HEADERS = ("-H", "--header")


def parse_cookies(data: bytes, *, domain: str, secure: bool = True) -> list[Cookie]:
    """Every cookie of an export, whatever its form.

    Args:
        domain: whose cookies they are where the form does not say (a header).
        secure: whether those are for encrypted connections alone.

    Raises:
        UsageError: none of the forms, or one that is damaged.
    """
    found = list(islice(_read(_text(data).strip(), domain=domain, secure=secure), MAX_COOKIES + 1))
    if len(found) > MAX_COOKIES:
        raise _unreadable(f"more than {MAX_COOKIES} cookies are more than any browser keeps")
    return found


def _read(text: str, *, domain: str, secure: bool) -> Iterator[Cookie]:
    if not text:
        raise _unreadable("it is empty")
    if text[0] in "[{":
        return _from_json(text)
    if text[0] == "<":
        raise _unreadable("it is a web page")
    if _NETSCAPE_MARK.match(text) or _is_netscape(text):
        return _from_netscape(text)
    if len(text) > MAX_REQUEST_CHARS:
        raise _unreadable("it is longer than any request")
    if _CURL.match(text):
        return _from_curl(text, domain=domain, secure=secure)
    return _from_header(_header(text), domain=domain, secure=secure)


def keep_own(cookies: Sequence[Cookie], domains: Sequence[str]) -> list[Cookie]:
    """The cookies of those domains; of two by one name, domain and path the later one.

    Raises:
        UsageError: one of them cannot stand in a header, or is larger than browsers keep, or they are too many.
    """
    own = {cookie.key: cookie for cookie in cookies if any(is_within(cookie.domain, domain) for domain in domains)}
    for cookie in own.values():
        if not is_sendable(cookie.name, cookie.value):
            raise _unreadable(f"the cookie {_shown(cookie.name)} contains characters that are not allowed in cookies")
        if len(cookie.name) + len(cookie.value) > MAX_CHARS:
            raise _unreadable(f"the cookie {_shown(cookie.name)} is larger than any browser keeps")
    if len(own) > MAX_KEPT:
        raise _unreadable(f"{len(own)} cookies of one site are more than any browser keeps")
    return list(own.values())


def _unreadable(why: str) -> UsageError:
    return UsageError(f"the cookies cannot be read: {why}", hint=HINT)


def _text(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise _unreadable(f"{len(data) / 2**20:.0f} MB is more than any browser exports")
    is_utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError as exc:
        raise _unreadable("it is not text") from exc
    if "\0" in text:
        raise _unreadable("it is not text")
    return text


def _from_json(text: str) -> Iterator[Cookie]:
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise _unreadable("it begins as JSON, but is damaged") from None  # the cause would quote it
    entries = found.get("cookies") if isinstance(found, dict) else found
    if not isinstance(entries, list):
        raise _unreadable('it is JSON without a list of "cookies"')
    for number, entry in enumerate(entries, start=1):
        yield _from_entry(entry, number)


def _from_entry(entry: Any, number: int) -> Cookie:
    if not isinstance(entry, dict):
        raise _unreadable(f"entry {number} is not a cookie")
    name, value, domain = entry.get("name"), entry.get("value"), entry.get("domain")
    if not isinstance(name, str) or not isinstance(value, str) or not isinstance(domain, str):
        raise _unreadable(f"entry {number} lacks its name, value or domain")
    path = entry.get("path")
    return _cookie(
        name,
        value,
        domain=domain,
        path=path if isinstance(path, str) and path.startswith("/") else "/",
        expires_at=_expiry(entry.get("expirationDate", entry.get("expires")), name),
        secure=entry.get("secure") is True,
        http_only=entry.get("httpOnly") is True,
        host_only=entry.get("hostOnly") is True if "hostOnly" in entry else not domain.startswith("."),
    )


def _expiry(value: object, name: str) -> float | None:
    """Seconds since 1970; None for a cookie of the browser's session (absent, 0 or -1)."""
    if value is None or value == "":
        return None
    try:
        moment = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        moment = math.nan
    if not math.isfinite(moment):
        raise _unreadable(f"the expiry of {_shown(name)} is not a time")
    if moment <= 0:
        return None
    return moment / 1000 if moment > MILLISECONDS_FROM else moment


def _is_netscape(text: str) -> bool:
    return any(line.count("\t") == 6 for line in text.splitlines())


def _from_netscape(text: str) -> Iterator[Cookie]:
    for number, raw in enumerate(text.splitlines(), start=1):
        http_only = raw.startswith("#HttpOnly_")
        line = raw.removeprefix("#HttpOnly_")
        if not line.strip() or (line.startswith("#") and not http_only):
            continue
        fields = line.split("\t")
        if len(fields) not in {6, 7}:  # editors drop the tab before an empty value
            raise _unreadable(f"line {number} of cookies.txt has {len(fields)} fields instead of 7, split by tabs")
        domain, subdomains, path, secure, expiry, name, *value = fields
        yield _cookie(
            name,
            *(value or [""]),
            domain=domain,
            path=path if path.startswith("/") else "/",
            expires_at=_expiry(expiry, name),
            secure=secure.upper() == "TRUE",
            http_only=http_only,
            host_only=subdomains.upper() == "FALSE",
        )


def _header(text: str) -> str:
    if found := _HEADER_LINE.search(text):
        return found[1]
    if "=" not in text or len(text.splitlines()) > 1:
        raise _unreadable("it is neither JSON, nor cookies.txt, nor a Cookie header, nor a curl command")
    return text


def _from_curl(text: str, *, domain: str, secure: bool) -> Iterator[Cookie]:
    words = _shell_words(text)
    host = next((found[1].lower() for word in words if (found := _HOST.match(word))), domain)
    for cookie in _from_header(_curl_cookies(words), domain=domain, secure=secure):
        yield cookie if is_within(host, domain) else replace(cookie, domain=host)


def _shell_words(text: str) -> list[str]:
    """The words of a command as bash, or Windows' cmd with its carets, would see them."""
    if re.search(r'\^"|\^\s*$', text, re.MULTILINE):
        text = re.sub(r"\^(\s*\n|.)", lambda found: "" if found[1].isspace() else found[1], text)
    words: list[list[str]] = [[]]
    start = 0
    while start < len(text):
        piece = _PIECE.match(text, start)
        if piece is None:
            raise _unreadable("the curl command has an unclosed quote")
        start = piece.end()
        if piece["blank"] is None:
            words[-1].append(_meaning(piece))
        elif words[-1]:
            words.append([])
    return ["".join(pieces) for pieces in words if pieces]


def _meaning(piece: re.Match[str]) -> str:
    """What a piece stands for, without its quotes and escapes."""
    if piece["double"] is not None:
        return re.sub(r'\\(["\\$`])', r"\1", piece["double"])
    if piece["ansi"] is not None:
        return _ANSI_ESCAPE.sub(_ansi_sign, piece["ansi"])
    return piece["plain"] or piece["quoted"] or piece["escaped"] or ""


def _ansi_sign(escape: re.Match[str]) -> str:
    code, sign = escape[1] or escape[2], escape[3]
    return chr(int(code, 16)) if code else _ANSI_SIGNS.get(sign, sign)


def _curl_cookies(words: Sequence[str]) -> str:
    for option, argument in pairwise(words):
        if option in _CURL_COOKIES:
            return argument
        if option in _CURL_HEADERS and (found := _HEADER_LINE.match(argument)):
            return found[1]
    raise _unreadable("the curl command sends no cookies; copy it from a request to the site while logged in")


def _from_header(header: str, *, domain: str, secure: bool) -> Iterator[Cookie]:
    for pair in filter(str.strip, header.split(";")):
        name, equals, value = pair.strip().partition("=")
        if not equals:
            raise _unreadable("a part of the Cookie header has no name; it may be truncated")
        yield _cookie(name.strip(), value.strip(), domain=domain, secure=secure)


def _cookie(name: str, value: str, *, domain: str, **rest: Any) -> Cookie:
    return Cookie(name=name, value=value, domain=domain.strip().lstrip(".").lower(), **rest)


def _shown(name: str) -> str:
    return repr(printable(name)[:40])
