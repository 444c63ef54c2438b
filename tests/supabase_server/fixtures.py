"""One Supabase server for a whole test run, empty for each test."""

from __future__ import annotations

import os
from collections.abc import Iterator

import httpx
import pytest
from node_packages import node_is_missing
from supabase_server.lite import SupabaseProject, supabase_server
from waiting import NEVER_S

from offers_cli.storage.supabase import client

GIVEN = {
    "url": os.environ.get("OFFERS_TEST_SUPABASE_URL", ""),
    "service_key": os.environ.get("OFFERS_TEST_SUPABASE_KEY", ""),
    "anon_key": os.environ.get("OFFERS_TEST_SUPABASE_ANON_KEY", ""),
}


@pytest.fixture(scope="session")
def supabase_project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SupabaseProject]:
    """The project of `OFFERS_TEST_SUPABASE_URL`, which must hold no offers yet, or a local server of our own."""
    if GIVEN["url"]:
        given = SupabaseProject(**GIVEN)
        assert _is_empty(given), "the tests empty the tables: point them at a project without offers"
        yield given
    elif reason := node_is_missing():
        pytest.skip(f"no Supabase server here: {reason}")
    else:
        with supabase_server(tmp_path_factory.mktemp("supabase")) as started:
            yield started


@pytest.fixture(scope="session")
def tables(supabase_project: SupabaseProject) -> Iterator[httpx.Client]:
    """The project's tables, past our own functions; one client, for each loads the authorities anew."""
    address, headers = f"{supabase_project.url}/rest/v1/", {"apikey": supabase_project.service_key}
    with httpx.Client(base_url=address, headers=headers, timeout=NEVER_S) as client:
        yield client


@pytest.fixture
def supabase(
    supabase_project: SupabaseProject, tables: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SupabaseProject]:
    """That project; what a test leaves in it is deleted. It may be slow, for much may run beside it."""
    monkeypatch.setattr(client, "TIMEOUT_S", NEVER_S)
    yield supabase_project
    for table in ("offers", "scrape_runs"):
        tables.delete(table, params={"id": "not.is.null"}).raise_for_status()


def _is_empty(project: SupabaseProject) -> bool:
    address, params = f"{project.url}/rest/v1/offers", {"select": "id", "limit": "1"}
    answer = httpx.get(address, params=params, headers={"apikey": project.service_key}, timeout=NEVER_S)
    return answer.raise_for_status().text.strip() == "[]"
