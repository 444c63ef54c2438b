"""The two storages that the conformance suite runs on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from supabase_server.lite import SupabaseProject, node_is_missing, supabase_server

from offers_cli.config import Secret
from offers_cli.storage.base import OfferCounts, Storage
from offers_cli.storage.sqlite import open_sqlite
from offers_cli.storage.supabase import open_supabase


@pytest.fixture(scope="session")
def supabase_project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SupabaseProject]:
    """The project of `OFFERS_TEST_SUPABASE_URL`, which must hold no offers yet, or a local server of our own."""
    if url := os.environ.get("OFFERS_TEST_SUPABASE_URL"):
        given = SupabaseProject(
            url=url,
            service_key=os.environ["OFFERS_TEST_SUPABASE_KEY"],
            anon_key=os.environ.get("OFFERS_TEST_SUPABASE_ANON_KEY", ""),
        )
        storage = open_supabase(given.url, Secret(given.service_key))
        assert storage.counts().total == 0, "the tests empty the tables: point them at a project without offers"
        storage.close()
        yield given
    elif reason := node_is_missing():
        pytest.skip(f"no Supabase server here: {reason}")
    else:
        with supabase_server(tmp_path_factory.mktemp("supabase")) as started:
            yield started


@pytest.fixture
def sqlite_path(tmp_path: Path) -> Path:
    return tmp_path / "offers.db"


@pytest.fixture
def sqlite_storage(sqlite_path: Path) -> Iterator[Storage]:
    storage = open_sqlite(sqlite_path)
    yield storage
    storage.close()


@pytest.fixture
def supabase_storage(supabase_project: SupabaseProject) -> Iterator[Storage]:
    storage = open_supabase(supabase_project.url, Secret(supabase_project.service_key))
    yield storage
    storage.close()
    _empty(supabase_project)


@pytest.fixture(params=["sqlite", "supabase"])
def storage(request: pytest.FixtureRequest) -> Storage:
    """Each storage in turn, empty."""
    opened: Storage = request.getfixturevalue(f"{request.param}_storage")
    assert opened.counts() == OfferCounts(
        total=0, enriched=0, gone=0, missing_old_price=0, missing_discount=0, missing_affiliate_link=0
    )
    return opened


def _empty(project: SupabaseProject) -> None:
    headers = {"apikey": project.service_key}
    for table in ("offers", "scrape_runs"):
        address = f"{project.url}/rest/v1/{table}"
        httpx.delete(address, params={"id": "not.is.null"}, headers=headers, timeout=30).raise_for_status()
