"""The pages of offers in a real browser, over 5,000 offers with hostile titles: found, filtered, paged, queued."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from acceptance.program import Program
from servers import RedisServer
from storage.cases import card
from web.conftest import serving
from web.test_dashboard_browser import WHAT_A_PAGE_HOLDS, StrangeSite, browser, payloads, pytestmark, strange_site

from offers_cli.offer import PriceCondition
from offers_cli.storage.sqlite.storage import open_sqlite
from offers_cli.times import utc_now

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["browser", "pytestmark", "strange_site"]

OFFERS = 5_000


def stock(path: Path, texts: list[str], *, offers: int = OFFERS) -> None:
    """Offers of hostile titles, every second of which costs less since two days ago."""
    storage, now = open_sqlite(path), utc_now()
    cards = [
        card(
            number,
            title=f"{texts[number % len(texts)]} Fone {number}",
            price_cents=10_000 + number,
            price_condition=PriceCondition.ANY,
            image_url="https://img.test/x.png",
        )
        for number in range(offers)
    ]
    storage.save_offers(cards, seen_at=now - timedelta(days=60))
    cheaper = [
        card(
            number,
            title="x",
            price_cents=7_000 + number,
            price_condition=PriceCondition.ANY,
            old_price_cents=10_000 + number,
            discount_pct=30,
        )
        for number in range(0, offers, 2)
    ]
    storage.save_offers(cheaper, seen_at=now - timedelta(days=2))
    storage.close()


def test_an_operator_finds_sorts_pages_and_queues_offers_whatever_their_titles_try(
    browser: Browser, strange_site: StrangeSite, tmp_path: Path
) -> None:
    """Without JavaScript as with it; no title runs, loads or changes anything."""
    program = Program(tmp_path / "home")
    stock(tmp_path / "home" / "offers.db", payloads(strange_site.url))
    with RedisServer() as server, server.connect() as redis, serving(program, REDIS_URL=server.url) as served:
        page = browser.new_context(bypass_csp=True).new_page()
        loaded: list[str] = []
        page.on("request", lambda request: loaded.append(request.url))

        def look() -> None:
            found = page.evaluate(WHAT_A_PAGE_HOLDS)
            assert "owned" not in found["title"]
            own_drawings = [html for html in found["active"] if html.startswith('<svg class="')]
            assert found["active"] == own_drawings
            assert set(found["links"]) <= {served.url.replace("//", ""), "https:produto.example", "https:img.test"}

        page.goto(served.url)
        page.click("nav >> text=Offers")
        look()
        page.fill("input[name=search]", "fone 77")
        page.select_option("select[name=sort]", "price")
        page.click("text=Filters")
        page.fill("input[name=max-price]", "140,00")
        page.click("button >> text=Show")
        look()
        assert page.url.endswith("/offers/?search=fone+77&sort=price&max-price=140%2C00")
        first = page.locator("td.title").count()
        assert 1 < first <= 50
        page.fill("input[name=search]", "")
        page.click("button >> text=Show")
        page.click("text=Next page")
        look()
        assert page.locator("td.title").count() == 50
        page.click("td.title a >> nth=0")
        look()
        assert page.locator("svg.chart path.line").count() == 1
        page.click("text=365 days")
        page.click("button >> text=Queue it")
        page.wait_for_selector("text=queued")
        look()
        assert redis.llen("rq:queue:enrichment") == 1
        page.click("nav >> text=Deals")
        page.click("table summary >> nth=0")
        look()
        assert "the lowest price of the 30 days before" in page.inner_text(".why >> nth=0")
        assert {url for url in loaded if not url.startswith(served.url)} == set()

        plain = browser.new_context(java_script_enabled=False).new_page()
        plain.goto(f"{served.url}/offers/")
        plain.fill("input[name=id]", "MLB77")
        plain.click("button >> text=Open")
        assert "MLB77" in plain.inner_text("main")
    assert strange_site.asked == []
