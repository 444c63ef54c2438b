"""Pages that the operator's own browser saved, in the forms that a real Chromium writes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from acceptance.program import PROGRAM, Program, Result, at_shop
from shop import Shop
from waiting import NEVER_S

from offers_cli.demo.catalogue import CatalogueOffer, UrlKind

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = os.environ.get("OFFERS_TEST_CHROMIUM") or shutil.which("chromium")
WALL = Path(__file__).parents[1] / "reading" / "pages" / "wall_captcha" / "page.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM:
        pytest.skip("no chromium here: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=("--no-sandbox", "--disable-gpu"))
        yield browser
        browser.close()


@pytest.fixture
def program(offers: Program, calm_shop: Shop) -> Program:
    """Every offer is stored, none is enriched, and the shop forgets whom it has seen."""
    at_shop(offers, calm_shop)
    assert offers.json("scrape", "ofertas", "--pages", "20", "--no-enqueue").code == 0
    return offers


@pytest.fixture
def saved(folder: Path) -> Path:
    place = folder / "saved"
    place.mkdir()
    return place


def different(shop: Shop) -> list[CatalogueOffer]:
    """One offer of each kind of address."""
    return [next(each for each in shop.offers if each.url_kind is kind) for kind in UrlKind]


def save_mhtml(browser: Browser, url: str, path: Path) -> None:
    """As "Save as… web page, single file" does."""
    page = browser.new_page()
    page.goto(url)
    snapshot = page.context.new_cdp_session(page).send("Page.captureSnapshot", {"format": "mhtml"})
    path.write_bytes(snapshot["data"].encode())
    page.close()


def record_har(browser: Browser, urls: list[str], path: Path) -> None:
    """What the network tab saw of a walk through the shop, with its content."""
    context = browser.new_context(record_har_path=path, record_har_content="embed")
    page = context.new_page()
    for url in urls:
        answer = page.goto(url)
        assert answer is not None
        answer.body()  # a page that is left before its content was recorded is recorded without it
    context.close()


def read_to_the_truth(program: Program, offers: list[CatalogueOffer]) -> None:
    for offer in offers:
        stored = program.json("show", offer.item_id).data["offer"]
        assert stored["enriched_at"], offer
        assert (stored["price_cents"], stored["old_price_cents"], stored["discount_pct"]) == (
            offer.page.price_cents,
            offer.page.old_price_cents,
            offer.page.discount_pct,
        ), offer


def pipe(program: Program, content: bytes, *words: str) -> Result:
    done = subprocess.run(
        [str(PROGRAM), "ingest", "-", "--json", *words],
        input=content,
        env=program.environment(),
        capture_output=True,
        timeout=NEVER_S,
        check=False,
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def test_mhtml_of_a_real_browser_enriches_its_offers(
    program: Program, calm_shop: Shop, browser: Browser, saved: Path
) -> None:
    offers = different(calm_shop)
    for number, offer in enumerate(offers):
        save_mhtml(browser, f"{calm_shop.url}{offer.path}", saved / f"{number}.mhtml")
    asked = len(calm_shop.requests)
    done = program.json("ingest", str(saved))
    assert (done.code, done.data["enriched"], done.data["refused"]) == (0, 3, 0), done.err
    assert len(calm_shop.requests) == asked, "nothing is fetched"
    read_to_the_truth(program, offers)


def test_a_listing_saved_as_mhtml_is_scraped(offers: Program, calm_shop: Shop, browser: Browser, saved: Path) -> None:
    at_shop(offers, calm_shop)
    save_mhtml(browser, f"{calm_shop.url}/ofertas", saved / "ofertas.mhtml")
    done = offers.json("ingest", str(saved / "ofertas.mhtml"))
    assert (done.code, done.data["listings"], done.data["new"]) == (0, 1, 16), done.err
    assert done.data["enqueued"] > 0
    assert offers.json("worker", "--burst").data["failed"] == 0, "the addresses lead to the products"


def test_a_har_of_a_real_browser_holds_products_and_listings(
    program: Program, calm_shop: Shop, browser: Browser, saved: Path
) -> None:
    offers = different(calm_shop)
    urls = [
        f"{calm_shop.url}/ofertas",
        *(f"{calm_shop.url}{offer.path}" for offer in offers),
        f"{calm_shop.url}/social/a",
    ]
    har = saved / "walk.har"
    record_har(browser, urls, har)
    asked = len(calm_shop.requests)
    done = pipe(program, har.read_bytes())
    assert (done.code, done.data["enriched"], done.data["listings"]) == (0, 3, 1), done.err
    assert (done.data["new"], done.data["unchanged"], done.data["ignored"]) == (0, 16, 1)
    assert len(calm_shop.requests) == asked
    read_to_the_truth(program, offers)


def test_html_files_of_a_folder_enrich_and_add(
    program: Program, calm_shop: Shop, saved: Path, browser: Browser
) -> None:
    """Pages as "web page, complete" saves them: the frames and pictures beside them are left alone."""
    known, other = different(calm_shop)[:2]
    page = browser.new_page()
    for number, offer in enumerate((known, other)):
        page.goto(f"{calm_shop.url}{offer.path}")
        (saved / f"{number}.html").write_text(page.content(), encoding="utf-8")
    page.close()
    (saved / "0_files").mkdir()
    (saved / "0_files" / "frame.html").write_text("<html><p>advertisement</p></html>")
    (saved / "wall.html").write_bytes(WALL.read_bytes())
    (saved / "notes.txt").write_text("not a page")
    (saved / "empty.htm").write_text("")
    with_wall = program.json("ingest", str(saved))
    assert (with_wall.data["enriched"], with_wall.data["refused"], with_wall.code) == (2, 2, 1), with_wall.err
    assert sorted(with_wall.codes) == ["not_html", "page_blocked"]
    assert program.json("stats").data["paused"] == [], "a saved wall pauses nobody"
    read_to_the_truth(program, [known, other])


def test_a_product_that_is_not_stored_needs_add(offers: Program, calm_shop: Shop, saved: Path) -> None:
    at_shop(offers, calm_shop)
    offer = different(calm_shop)[0]
    kept = saved / "page.html"
    kept.write_text(fetch(offers, calm_shop, offer), encoding="utf-8")
    unknown = offers.json("ingest", str(kept))
    assert (unknown.code, unknown.codes, unknown.data["refused"]) == (1, ["not_found"], 1)
    assert "--add" in unknown.document["errors"][0]["hint"]
    added = offers.json("ingest", str(kept), "--add")
    assert (added.code, added.data["added"]) == (0, 1), added.err
    assert offers.json("show", offer.item_id).data["offer"]["source"] == "ingest"
    read_to_the_truth(offers, [offer])
    assert offers.json("scrape", "ofertas", "--pages", "20").data["new"] == len(calm_shop.offers) - 1


def fetch(program: Program, shop: Shop, offer: CatalogueOffer) -> str:
    from urllib.request import urlopen

    with urlopen(f"{shop.url}{offer.path}") as answer:
        return str(answer.read().decode())


def test_an_older_page_changes_nothing_and_a_future_one_is_of_now(
    program: Program, calm_shop: Shop, saved: Path
) -> None:
    offer = next(each for each in calm_shop.offers if each.url_kind is UrlKind.ITEM)
    page = saved / "page.html"
    page.write_text(fetch(program, calm_shop, offer), encoding="utf-8")
    program.json("enqueue-missing", "--limit", "1000")
    program.json("worker", "--burst")
    before = program.json("show", offer.item_id).data["offer"]
    os.utime(page, (1_500_000_000, 1_500_000_000))
    old = program.json("ingest", str(page))
    assert (old.code, old.data["known"], old.data["enriched"]) == (0, 1, 0)
    assert program.json("show", offer.item_id).data["offer"] == before
    os.utime(page, (4_000_000_000, 4_000_000_000))
    assert program.json("ingest", str(page)).data["enriched"] == 1
    after = program.json("show", offer.item_id).data["offer"]
    assert before["enriched_at"] < after["enriched_at"] < "2100"
    assert program.json("scrape", "ofertas", "--pages", "20").data["unchanged"] == len(calm_shop.offers)


def test_a_failed_job_is_forgotten_when_its_page_is_brought(program: Program, calm_shop: Shop, saved: Path) -> None:
    """The way in where a wall stands: the page that the program was refused, the operator's browser was shown."""
    offer = next(each for each in calm_shop.offers if each.url_kind is UrlKind.ITEM)
    page = saved / "page.html"
    page.write_text(fetch(program, calm_shop, offer), encoding="utf-8")
    calm_shop.rename_price_classes()
    program.json("enqueue-missing", "--limit", "1000")
    program.json("worker", "--burst")
    failed = program.json("stats").data["queue"]["failed"]
    assert failed
    os.utime(page)
    assert program.json("ingest", str(page)).data["enriched"] == 1
    assert program.json("stats").data["queue"]["failed"] == failed - 1


PICTURE = b"Content-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: image/png\r\n\r\nx\r\n"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("cut.har", b'{"log": {"version": "1.2", "entries": [{"request": {', "not_html"),
        ("no.har", b'{"log": {"version": "1.2"}}', "not_html"),
        ("huge.html", b"<html>" + b"x" * (10 * 2**20), "too_large"),
        ("picture.mhtml", PICTURE, "not_html"),
    ],
)
def test_what_is_no_page_is_refused_by_code(
    program: Program, saved: Path, name: str, content: bytes, code: str
) -> None:
    (saved / name).write_bytes(content)
    done = program.json("ingest", str(saved / name))
    assert (done.code, done.codes, done.data["refused"]) == (1, [code], 1)
    assert name in done.document["errors"][0]["message"]


def test_nothing_to_read_is_said(program: Program, saved: Path) -> None:
    for place in (saved, saved / "none.html"):
        missing = program.json("ingest", str(place))
        assert (missing.code, missing.codes) == (2, ["not_found"])
    assert json.loads(program.json("ingest").out)["errors"][0]["code"] == "usage"
