"""The dashboard in a real browser: queues, a failed job and its error, requeue; hostile text stays text."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from acceptance.program import Program
from servers import RedisServer
from web.conftest import Served, serving

if TYPE_CHECKING:
    from playwright.sync_api import Page

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = os.environ.get("OFFERS_TEST_CHROMIUM") or shutil.which("chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no chromium here: apt-get install chromium")


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser.new_page(viewport={"width": 1100, "height": 800})
        browser.close()


def test_from_the_start_page_to_a_failed_job_and_back_into_the_queue(
    page: Page, dashboard: Served, failed_job: str, program: Program, tmp_path: Path
) -> None:
    page.goto(dashboard.url)
    assert "page_changed" in page.inner_text("main")
    page.click("text=Queues and jobs")
    row = page.locator("tr[data-role=queue]", has_text="enrichment")
    row.wait_for()
    assert row.locator("td.failed").first.inner_text() == "1"
    row.locator("td.failed a").first.click()
    page.click(f"text={failed_job}")
    page.locator("#job-data .exc_info").wait_for()
    told = page.inner_text("#job-data")
    assert "failed" in told
    assert "page_changed" in told
    page.screenshot(path=tmp_path / "job.png")

    with page.expect_response("**/requeue") as answer:
        page.click("#requeue-job-btn")
    assert answer.value.status == 200
    assert program.json("stats").data["queue"]["queued"] == 1
    worked = program.json("worker", "--burst").data
    assert (worked["succeeded"], worked["failed"]) == (0, 1), "it ran again, and its page is still broken"


def test_text_of_strangers_stays_text(page: Page, dashboard: Served, failed_job: str, redis: RedisServer) -> None:
    evil = "<img src=x onerror=\"document.title='owned'\">"
    with redis.connect() as connection:
        was = connection.hget(f"rq:job:{failed_job}", "description")
        connection.hset(f"rq:job:{failed_job}", "description", evil)
        page.goto(f"{dashboard.url}/rq/0/view/job/{failed_job}")
        page.locator("#job-data .exc_info").wait_for()
        page.wait_for_load_state("networkidle")
        assert evil in page.inner_text("#job-data")
        page.goto(f"{dashboard.url}/rq/0/view/jobs/enrichment/failed/8/asc/1")
        page.locator("tr[data-role=job]").wait_for()
        assert evil in page.inner_text("table")
        assert page.title() == "RQ dashboard"
        connection.hset(f"rq:job:{failed_job}", "description", was or b"")


def test_a_browser_asks_for_the_token(program: Program) -> None:
    with serving(program, OFFERS_DASHBOARD_TOKEN="s3same") as served, sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        credentials = {"username": "me", "password": "s3same"}
        page = browser.new_context(http_credentials=credentials).new_page()
        answer = page.goto(served.url)
        assert answer is not None
        assert answer.status == 200
        stranger = browser.new_context().new_page()
        with pytest.raises(sync_api.Error, match="ERR_INVALID_AUTH_CREDENTIALS"):
            stranger.goto(served.url)
        browser.close()
