"""Photograph the dashboard in a real browser, as pictures for the docs: `python docs/photograph.py`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import sync_playwright

from offers_cli.demo.catalogue import Catalogue
from offers_cli.demo.inventory import Inventory
from offers_cli.demo.run import BRISK
from offers_cli.demo.shop import DemoShop
from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.offer import Offer
from offers_cli.redis.embedded import stop_server
from offers_cli.storage.sqlite.storage import open_sqlite
from offers_cli.times import utc_now

FOLDER = Path(__file__).parent / "recordings"
WIDE: dict[str, Any] = {"viewport": {"width": 1200, "height": 900}}
LOOKS: dict[str, dict[str, Any]] = {
    "light": WIDE,
    "dark": {**WIDE, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}},
}
PAGES = {
    "overview": "/",
    "failures": "/failures/",
    "offers": "/offers/?min-discount=40&sort=-discount",
    "deals": "/deals/?class=proved&class=young",
    "runs": "/runs/",
}
LISTED = 3
"""Pages of the shop's offers that are scraped."""
PAST_DAYS = (60, 47, 33, 21, 12, 5)
PAST_PCT = (118, 112, 125, 110, 131, 94, 116, 105)
"""What an offer cost on those days, of what it costs today; each offer begins at another place of it."""
MOST_HEIGHT = 1500
"""Of a picture: what stands further down is more of the same."""
COMMANDS = (
    ["scrape", "ofertas", "--pages", str(LISTED)],
    ["worker", "--burst"],
    ["schedule", "add", "--every", "30m", "--", "scrape", "ofertas", "--pages", str(LISTED)],
    ["schedule", "add", "--cron", "30 7 * * mon-fri", "--", "deals"],
)


def remember(shop: DemoShop, path: Path) -> None:
    """Save what the shop's offers cost before today."""
    storage, marketplace, now = open_sqlite(path), MercadoLivre(base_url=shop.url), utc_now()
    pages = [f"{shop.url}/ofertas?page={number}" for number in range(1, LISTED + 1)]
    offers = [
        offer for url in pages for offer in marketplace.read_listing(httpx.get(url).text, url, source="ofertas").offers
    ]
    shares = deque(PAST_PCT)
    for days in PAST_DAYS:
        storage.save_offers(list(map(dearer, offers, cycle(shares))), seen_at=now - timedelta(days=days))
        shares.rotate()
    storage.close()


def dearer(offer: Offer, pct: int) -> Offer:
    """The offer at that share of its price, without anything struck."""
    return replace(offer, price_cents=offer.price_cents * pct // 100, old_price_cents=None, discount_pct=None)


@contextmanager
def serving(env: dict[str, str]) -> Iterator[str]:
    """The address of a dashboard, which is stopped at the end."""
    program = str(Path(sys.executable).with_name("offers"))
    for words in COMMANDS:
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
            page.goto(f"{url}/deals/")
            one = page.locator("td.title a", has_text="Fone De Ouvido").first.get_attribute("href")
            for name, address in {**PAGES, "offer": one}.items():
                page.goto(f"{url}{address}")
                if name == "overview":
                    page.locator("[data-live-state]", has_text="Live").wait_for()
                height = page.evaluate("document.documentElement.scrollHeight")
                page.screenshot(
                    path=FOLDER / f"dashboard-{name}-{look}.png",
                    full_page=True,
                    clip={"x": 0, "y": 0, "width": options["viewport"]["width"], "height": min(height, MOST_HEIGHT)},
                )
        browser.close()


def main() -> None:
    """Photograph a dashboard over a shop and a home of its own."""
    with tempfile.TemporaryDirectory() as home, DemoShop(Inventory(Catalogue(40))) as shop:
        env = {**os.environ, **BRISK, "OFFERS_HOME": home, "ML_BASE_URL": shop.url, "OFFERS_TZ": "America/Sao_Paulo"}
        env["OFFERS_ALLOW_PRIVATE_HOSTS"] = "true"
        try:
            remember(shop, Path(home) / "offers.db")
            with serving(env) as url:
                photograph(url)
        finally:
            stop_server(Path(home))


if __name__ == "__main__":
    main()
