"""One Supabase server for a whole test run, empty for each test."""

from __future__ import annotations

import os
from collections.abc import Iterator

import httpx
import pytest
from supabase_server.lite import SupabaseProject, node_is_missing, supabase_server
from waiting import NEVER_S

from offers_cli.storage import supabase_client


@pytest.fixture(scope="session")
def supabase_project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SupabaseProject]:
    """The project of `OFFERS_TEST_SUPABASE_URL`, which must hold no offers yet, or a local server of our own."""
    if url := os.environ.get("OFFERS_TEST_SUPABASE_URL"):
        given = SupabaseProject(
            url=url,
            service_key=os.environ["OFFERS_TEST_SUPABASE_KEY"],
            anon_key=os.environ.get("OFFERS_TEST_SUPABASE_ANON_KEY", ""),
        )
        assert _is_empty(given), "the tests empty the tables: point them at a project without offers"
        yield given
    elif reason := node_is_missing():
        pytest.skip(f"no Supabase server here: {reason}")
    else:
        with supabase_server(tmp_path_factory.mktemp("supabase")) as started:
            yield started


@pytest.fixture
def supabase(supabase_project: SupabaseProject, monkeypatch: pytest.MonkeyPatch) -> Iterator[SupabaseProject]:
    """That project; what a test leaves in it is deleted. It may be slow, for much may run beside it."""
    monkeypatch.setattr(supabase_client, "TIMEOUT_S", NEVER_S)
    yield supabase_project
    for table in ("offers", "scrape_runs"):
        _ask(supabase_project, "DELETE", table, {"id": "not.is.null"})


def _is_empty(project: SupabaseProject) -> bool:
    return _ask(project, "GET", "offers", {"select": "id", "limit": "1"}).text.strip() == "[]"


def _ask(project: SupabaseProject, method: str, table: str, params: dict[str, str]) -> httpx.Response:
    address = f"{project.url}/rest/v1/{table}"
    answer = httpx.request(method, address, params=params, headers={"apikey": project.service_key}, timeout=NEVER_S)
    return answer.raise_for_status()
