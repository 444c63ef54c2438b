"""Listings, captured or made, mutated as product pages are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fuzz.target import Target
from fuzz.targets.pages import make

from offers_cli.errors import PageError
from offers_cli.fetch.response import decode
from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.marketplaces.schema_org import SchemaOrg

URL = "https://lista.mercadolivre.com.br/fone"


def read(body: bytes) -> None:
    text, _ = decode(body, None)
    market = (MercadoLivre(), SchemaOrg())[len(body) % 2]
    market.read_listing(text, URL, source="fuzz")


@contextmanager
def opened() -> Iterator[Target]:
    yield Target(lambda source: make(source, kind="listing"), read, declared=(PageError,))
