"""Files that browsers save, and texts that hold links, mutated: whatever is in them, they are read or refused."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from fuzz.target import Target
from services.test_saved_pages import AT, PAGE, QUOTED, entry, har, mhtml

from offers_cli.errors import PageError
from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.services.add import links_in
from offers_cli.services.lookup import as_link, ids_in
from offers_cli.services.manual_links import given_links
from offers_cli.services.saved_pages import SavedPage, read_stream

SHOPS = (MercadoLivre(),)
SEEDS = (
    mhtml(QUOTED, "Content-Transfer-Encoding: quoted-printable"),
    mhtml(PAGE.encode(), "Content-Transfer-Encoding: base64", "Content-Type: text/html; charset=utf-16"),
    har(entry(PAGE), entry("%%%", content={"encoding": "base64"}), None),
    PAGE.encode(),
    b"Fone por R$ 99,90: https://meli.la/a, produto.mercadolivre.com.br/MLB-1-x-_JM;https://meli.la/b\r\n# x\n",
)
PIECES = (
    *(b"\r\n", b"\r\n\r\n", b"--", b"\0", b"\xff", b"{", b"[", b'"', b"\\", b"1e999", b"9" * 5_000, b"\xef\xbb\xbf"),
    *(b"Date: ", b"boundary=", b"Content-Type: text/html; charset=x", b"=?utf-8?Q?=E9?=", b"\xed\xa0\x80", b"/up/MLBU"),
    *(b"https://", b"0001-01-01T00:00:00+23:59", b"9999-12-31T23:59:59-23:59", b"[" * 100_000, b"a." * 50_000),
)


def make(source: random.Random) -> bytes:
    data = source.choice(SEEDS)
    for _ in range(source.randint(0, 5)):
        start, end = sorted(source.randrange(len(data) + 1) for _ in range(2))
        piece = source.choice(PIECES)
        data = source.choice((data[:start] + piece + data[start:], data[:start] + data[end:], data[:start], data[end:]))
    return data


def read(data: bytes) -> None:
    for page in read_stream(io.BufferedReader(io.BytesIO(data)), name="file", saved_at=AT):
        if isinstance(page, SavedPage):
            assert isinstance(page.saved_at, datetime)
            assert page.saved_at.tzinfo is not None
            assert not page.url or page.url.startswith(("http://", "https://"))
    text = data[:2_000].decode("utf-8", "replace")
    for word in (*links_in(text), *(given.link for given in given_links(text, SHOPS)), text):
        as_link(word, SHOPS)
        ids_in(word, SHOPS)


@contextmanager
def opened() -> Iterator[Target]:
    yield Target(make, read, declared=(PageError,))
