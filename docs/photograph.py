"""Photograph the dashboard in a real browser, as pictures for the docs: `python docs/photograph.py`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from offers_cli.demo.catalogue import Catalogue
from offers_cli.demo.inventory import Inventory
from offers_cli.demo.run import BRISK
from offers_cli.demo.shop import DemoShop
from offers_cli.redis.embedded import stop_server

FOLDER = Path(__file__).parent / "recordings"
WIDE: dict[str, Any] = {"viewport": {"width": 1200, "height": 900}}
LOOKS: dict[str, dict[str, Any]] = {
    "light": WIDE,
    "dark": {**WIDE, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}},
}
PAGES = {"overview": "/", "failures": "/failures/"}
BEFORE = (
    ["scrape", "ofertas", "--pages", "3"],
    ["worker", "--burst"],
    ["schedule", "add", "--every", "30m", "--", "scrape", "ofertas", "--pages", "3"],
    ["schedule", "add", "--cron", "30 7 * * mon-fri", "--", "deals"],
)


@contextmanager
def serving(env: dict[str, str]) -> Iterator[str]:
    """The address of a dashboard, which is stopped at the end."""
    program = str(Path(sys.executable).with_name("offers"))
    for words in BEFORE:
        subprocess.run([program, *words], env=env, capture_output=True, check=False)  # a job may fail
    process = subprocess.Popen([program, "dashboard", "--port", "0"], env=env, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    try:
        told = re.search(r"url=(\S+)", process.stderr.readline())
        assert told
        yield told[1]
    finally:
        process.terminate()
        process.communicate()


def photograph(url: str) -> None:
    """Write every page in every look."""
    with sync_playwright() as playwright:
        path = os.environ.get("OFFERS_TEST_CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        for look, options in LOOKS.items():
            page = browser.new_context(**options).new_page()
            for name, address in PAGES.items():
                page.goto(url + address)
                if name == "overview":
                    page.locator("[data-live-state]", has_text="Live").wait_for()
                page.screenshot(path=FOLDER / f"dashboard-{name}-{look}.png", full_page=True)
        browser.close()


def main() -> None:
    """Photograph a dashboard over a shop and a home of its own."""
    with tempfile.TemporaryDirectory() as home, DemoShop(Inventory(Catalogue(40))) as shop:
        env = {**os.environ, **BRISK, "OFFERS_HOME": home, "ML_BASE_URL": shop.url, "OFFERS_TZ": "America/Sao_Paulo"}
        env["OFFERS_ALLOW_PRIVATE_HOSTS"] = "true"
        try:
            with serving(env) as url:
                photograph(url)
        finally:
            stop_server(Path(home))


if __name__ == "__main__":
    main()
