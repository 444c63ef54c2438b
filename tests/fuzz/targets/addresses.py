"""Addresses as pages, redirects and answers of name servers write them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from ipaddress import ip_address

from fuzz.target import Target

from offers_cli.errors import ForbiddenUrl, PageError, SiteUnavailable
from offers_cli.fetch.guard import Guard
from offers_cli.fetch.response import Response, redirect_target, retry_after_s
from offers_cli.log import without_query
from offers_cli.marketplaces.html import explain_command, join, split, without_tracking
from offers_cli.marketplaces.mercado_livre import MercadoLivre, urls
from offers_cli.marketplaces.schema_org.addresses import key_of

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SEEDS = (
    "https://www.mercadolivre.com.br/fone/p/MLB12345678?pdp_filters=item_id:MLB3000000001#wid=MLB3000000001&sid=search",
    "https://produto.mercadolivre.com.br/MLB-3000000001-fone-_JM",
    "https://click1.mercadolivre.com.br/mclics/clicks/external/MLB/count?a=https%3A%2F%2Fwww.mercadolivre.com.br",
    "https://127.0.0.1:8080/a", "https://[::ffff:169.254.169.254]/", "https://0x7f.1/", "http://user:pw@localhost/",
    "8.8.8.8", "fd00:ec2::254", "64:ff9b::a9fe:a9fe", "fe80::1%eth0",
    "120", "Wed, 21 Oct 2026 07:28:00 GMT", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
)  # fmt: skip
PIECES = (
    *":/?#[]@!$&'()*+,;=%.-_~ \\\t\r\n\0\x7f\x9b\u200b\u202e\ufeff\ud800\u3002\uff0fß٣é😀",
    *(
        "%00",
        "%2f",
        "%c0%af",
        "..",
        "//",
        "http://",
        "javascript:",
        "[::1]",
        "0x7f",
        "2130706433",
        "xn--",
        "9" * 5000,
        "a" * 9000,
    ),
    *("MLB", "MLB1", "wid=", "item_id:", "/p/", "-_JM", "@", "169.254.169.254", ":99999", ":0", ":٣", "-9999", "+2400"),
)


def make(source: random.Random) -> str:
    text = source.choice(SEEDS)
    for _ in range(source.randint(0, 5)):
        start, end = sorted((source.randrange(len(text) + 1), source.randrange(len(text) + 1)))
        piece = source.choice(PIECES)
        text = source.choice(
            (
                text[:start] + piece + text[start:],
                text[:start] + piece * source.choice((10, 1000)) + text[start:],
                text[:start] + text[end:],
                text[:end] + text[start:end] * source.choice((1, 100)) + text[end:],
            )
        )[:100_000]
    return text


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def read(text: str) -> None:
    resolved = [text] if _is_address(text) else []
    guard = Guard(["mercadolivre.com.br", "localhost", "127.0.0.1"], allow_private=True, lookup=lambda *_: resolved)
    market = MercadoLivre()
    for reader in (split, without_tracking, key_of, without_query, explain_command, urls.identify, urls.is_owned):
        reader(text)
    urls.canonical(text)
    market.link_url(text)
    market.fetch_url(text)
    join("https://www.mercadolivre.com.br/", text)
    retry_after_s(text, now=NOW)
    safe = guard.check_url("https://www.mercadolivre.com.br/a?b#c")
    header = (b"Location", text.encode("utf-8", "surrogatepass"))
    redirect = Response(url=safe, status=302, headers=(header,), chunks=())
    for ask in (
        lambda: guard.check_url(text),
        lambda: guard.resolve("mercadolivre.com.br", 443),
        lambda: guard.check_url(redirect_target(redirect, urls.is_wall) or ""),
    ):
        try:
            ask()
        except (ForbiddenUrl, SiteUnavailable, PageError):
            continue


@contextmanager
def opened() -> Iterator[Target]:
    yield Target(make, read, declared=(PageError,))
