"""The two storages that the conformance suite runs on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from supabase_server.lite import SupabaseProject

from offers_cli.config import Secret
from offers_cli.storage.base import OfferCounts, Storage
from offers_cli.storage.sqlite.storage import open_sqlite
from offers_cli.storage.supabase.storage import open_supabase


@pytest.fixture
def sqlite_path(tmp_path: Path) -> Path:
    return tmp_path / "offers.db"


@pytest.fixture
def sqlite_storage(sqlite_path: Path) -> Iterator[Storage]:
    storage = open_sqlite(sqlite_path)
    yield storage
    storage.close()


@pytest.fixture
def supabase_storage(supabase: SupabaseProject) -> Iterator[Storage]:
    storage = open_supabase(supabase.url, Secret(supabase.service_key))
    yield storage
    storage.close()


@pytest.fixture(params=["sqlite", "supabase"])
def storage(request: pytest.FixtureRequest) -> Storage:
    """Each storage in turn, empty."""
    opened: Storage = request.getfixturevalue(f"{request.param}_storage")
    assert opened.counts() == OfferCounts(
        total=0, enriched=0, gone=0, missing_old_price=0, missing_discount=0, missing_affiliate_link=0
    )
    return opened
