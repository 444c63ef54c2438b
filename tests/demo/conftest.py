"""A running shop and a client connected to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from demo.shop_client import Client
from shop import Shop

from offers_cli.demo.catalogue import Catalogue


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop(Catalogue(offers=40, seed=1), slow_s=0.05) as running:
        yield running


@pytest.fixture
def client(shop: Shop) -> Iterator[Client]:
    found = Client(shop.url)
    yield found
    found.close()
