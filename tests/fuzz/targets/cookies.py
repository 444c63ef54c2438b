"""Exports of cookies, cookies that answers set, and session files, mutated; and what becomes of a session then."""

from __future__ import annotations

import base64
import json
import os
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from affiliate.test_cookie_import import DOMAIN, FORMS
from fuzz.target import Target

from offers_cli.affiliate.cookies import cookie_header, read_set_cookie
from offers_cli.affiliate.session import SessionFile, SessionKeeper, with_cookies
from offers_cli.errors import ConfigError, SessionExpired, UsageError
from offers_cli.fetch.guard import Guard
from offers_cli.marketplaces.mercado_livre import MercadoLivre

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
URL = Guard([DOMAIN]).check_url(f"https://www.{DOMAIN}/hub")
NUMBERS = ("0", "-1", "1e400", "NaN", "Infinity", "1" * 400, "9" * 5000, "253402300800", "null", "true", '"x"', "[]")
PIECES = (
    *"'\"\\^\n\t ;=,[{}]:\0\ufeff\ud800\u202e٣é",
    *("$'", "\r\n", "cookie:", "curl ", "-b ", "-H ", "#HttpOnly_", "Expires=", "Max-Age=", "Domain=", "Path=", "ssid"),
    *("\\u00", "\\x", "Mon, 01 Jan 99999999999 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 -9999"),
)
SET_COOKIE = f"ssid=v; Domain=.{DOMAIN}; Path=/; Expires=Mon, 23 Nov 2026 12:01:00 GMT; Max-Age=60; Secure; HttpOnly"
SAVED = json.dumps(
    {
        "id": "a",
        "imported_at": NOW.isoformat(),
        "refused_at": None,
        "cookies": [
            {"name": "ssid", "value": "v", "domain": DOMAIN, "path": "/", "expires_at": 4e9, "secure": True,
             "http_only": True, "host_only": False}
        ],
    }
)  # fmt: skip
SEEDS = {
    "export": [*FORMS.values(), *(f"ssid={number}" for number in NUMBERS)],
    "answer": [SET_COOKIE],
    "file": [SAVED],
}


def make(source: random.Random) -> tuple[str, bytes]:
    kind = source.choice(sorted(SEEDS))
    text = source.choice(SEEDS[kind])
    for _ in range(source.randint(0, 6)):
        text = _mutated(text, source)
    if source.random() < 0.2:
        claims = base64.urlsafe_b64encode(f'{{"exp": {source.choice(NUMBERS)}}}'.encode()).decode().rstrip("=")
        text = text.replace("ssid=", f"ssid=eyJ9.{claims}.x; a=", 1)
    data = text.encode("utf-8", "surrogatepass")
    return kind, data[:-1] + b"\xff" if source.random() < 0.05 else data


def _mutated(text: str, source: random.Random) -> str:
    start, end = sorted(source.randrange(len(text) + 1) for _ in range(2))
    piece = source.choice(PIECES + NUMBERS)
    return source.choice(
        (
            text[:start] + piece + text[start:],
            text[:start] + piece * (source.choice((1_000, 2**20)) // len(piece)) + text[start:],
            text[:start] + text[end:],
            text[:end] + text[start:end] * source.choice((1, 2**20 // (end - start + 1))) + text[end:],
            text[:start],
        )
    )[: 5 * 2**20]


def read(case: tuple[str, bytes], *, keeper: SessionKeeper) -> None:
    kind, data = case
    file = keeper.file
    if kind == "export":
        keeper.import_cookies(data, resume=lambda: 0)
    elif kind == "answer":
        header = data.decode("latin-1")
        told = read_set_cookie(header, URL, domains=[DOMAIN], now_s=NOW.timestamp())
        fresh = file.replace([], imported_at=NOW)
        file.change(fresh.id, partial(with_cookies, cookies=[told] if told else [], now_s=NOW.timestamp()))
    else:
        file.path.write_bytes(data)
    keeper.check()
    if session := file.load():
        cookie_header(session.cookies, URL, now_s=NOW.timestamp())


@contextmanager
def opened() -> Iterator[Target]:
    with tempfile.TemporaryDirectory() as folder:
        file = SessionFile(Path(folder, "session.json"))
        os.close(os.open(file.path, os.O_CREAT, 0o600))
        keeper = SessionKeeper(file, MercadoLivre(), now=lambda: NOW)
        yield Target(make, partial(read, keeper=keeper), declared=(UsageError, ConfigError, SessionExpired))
