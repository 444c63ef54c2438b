"""Pages read per second: `offers` against parsel, BeautifulSoup and plain lxml, on the same real pages, in one run.

The others do the same work as far as they go: embedded state and linked data decoded, the own price box
found, price, previous price, discount, title and item id read, without the cross-checks that `offers` adds.
Every reader's answers are compared with what a human reads on the page before anything is timed.

    pip install -e . --group bench; OFFERS_REAL_PAGES=... python bench/reading.py [--seconds 2] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

from offers_cli.marketplaces.mercado_livre import MercadoLivre

Answer = tuple[int | None, int | None, int | None, str | None, str | None]
Reader = Callable[[str], Answer]
BOX = "ui-pdp-price--size-large"
STATE = re.compile(r"(?:_n\.ctx\.r|__PRELOADED_STATE__)\s*=\s*(?=\{)")
GOAL_MS = 6.0


def pages_folder() -> Path:
    beside = Path(__file__).resolve().parents[2] / "shared" / "real-pages"
    return Path(os.environ.get("OFFERS_REAL_PAGES") or beside)


def load_pages() -> dict[str, tuple[str, Answer]]:
    """The whole product pages with an own price, and what a human reads on each."""
    folder = pages_folder()
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    keys = ("price_cents", "old_price_cents", "discount_label", "title", "item_id")
    return {
        name: ((folder / name).read_text(encoding="utf-8"), tuple(wanted[key] for key in keys))
        for name, wanted in expected.items()
        if re.search(r"_pdp_\d+\.html$", name)
    }


def with_offers() -> Reader:
    market = MercadoLivre()

    def read(html: str) -> Answer:
        reading = market.read_product(html, "")
        label = reading.winners.get("discount_pct") not in {None, "arithmetic"}
        discount = reading.discount_pct if label else None
        return reading.price_cents, reading.old_price_cents, discount, reading.title, reading.item_id

    return read


def cents(fraction: str | None, rest: str | None) -> int | None:
    return None if not fraction else int(re.sub(r"\D", "", fraction)) * 100 + int(rest or 0)


def percent(text: str | None) -> int | None:
    found = re.search(r"(\d+)\s?%", text or "")
    return int(found[1]) if found else None


def decode_data(html: str, scripts: list[str]) -> None:
    """The work that every reader has to do besides: decode the state and the linked data."""
    if found := STATE.search(html):
        json.JSONDecoder().raw_decode(html, found.end())
    for script in scripts:
        json.loads(script)


def with_parsel() -> Reader:
    from parsel import Selector

    def amount(node: Selector) -> int | None:
        return cents(
            node.css(".andes-money-amount__fraction::text").get(), node.css(".andes-money-amount__cents::text").get()
        )

    def read(html: str) -> Answer:
        page = Selector(html)
        decode_data(html, page.css('script[type="application/ld+json"]::text').getall())
        box = page.css(f".{BOX}")
        return (
            amount(box.css(".ui-pdp-price__second-line .andes-money-amount")[0]),
            amount(box.css("s.ui-pdp-price__original-value")),
            percent(box.css(".andes-money-amount__discount::text").get()),
            page.css("h1.ui-pdp-title::text").get(),
            page.css("input[name=item_id]::attr(value)").get(),
        )

    return read


def with_beautiful_soup(parser: str) -> Reader:
    from bs4 import BeautifulSoup, Tag

    def amount(node: Tag | None) -> int | None:
        if node is None:
            return None
        rest = node.select_one(".andes-money-amount__cents")
        return cents(node.select_one(".andes-money-amount__fraction").text, rest.text if rest else None)

    def read(html: str) -> Answer:
        page = BeautifulSoup(html, parser)
        decode_data(html, [script.string for script in page.select('script[type="application/ld+json"]')])
        box = page.select_one(f".{BOX}")
        label = box.select_one(".andes-money-amount__discount")
        return (
            amount(box.select_one(".ui-pdp-price__second-line .andes-money-amount")),
            amount(box.select_one("s.ui-pdp-price__original-value")),
            percent(label.text if label else None),
            page.select_one("h1.ui-pdp-title").text,
            page.select_one("input[name=item_id]")["value"],
        )

    return read


def with_lxml() -> Reader:
    from lxml import etree
    from lxml import html as lxml_html

    def has_class(name: str) -> str:
        return f'contains(concat(" ", @class, " "), " {name} ")'

    box_path = etree.XPath(f"//div[{has_class(BOX)}]")
    now = etree.XPath(f".//div[{has_class('ui-pdp-price__second-line')}]//span[{has_class('andes-money-amount')}]")
    before = etree.XPath(f".//s[{has_class('ui-pdp-price__original-value')}]")
    fraction = etree.XPath(f"string(.//span[{has_class('andes-money-amount__fraction')}])")
    rest = etree.XPath(f"string(.//span[{has_class('andes-money-amount__cents')}])")
    label = etree.XPath(f"string(.//span[{has_class('andes-money-amount__discount')}])")
    title = etree.XPath(f"string(//h1[{has_class('ui-pdp-title')}])")
    item = etree.XPath('string(//input[@name="item_id"]/@value)')
    data = etree.XPath('//script[@type="application/ld+json"]/text()')

    def amount(nodes: list[etree._Element]) -> int | None:
        return cents(fraction(nodes[0]), rest(nodes[0])) if nodes else None

    def read(html: str) -> Answer:
        page = lxml_html.document_fromstring(html)
        decode_data(html, data(page))
        box = box_path(page)[0]
        return amount(now(box)), amount(before(box)), percent(label(box)), title(page), item(page)

    return read


def time_reader(read: Reader, pages: list[str], seconds: float) -> float:
    """Pages read per second of CPU, in whole rounds over all pages."""
    count, started = 0, time.process_time()
    while time.process_time() - started < seconds:
        for html in pages:
            read(html)
        count += len(pages)
    return count / (time.process_time() - started)


def check(name: str, read: Reader, pages: dict[str, tuple[str, Answer]]) -> None:
    for page, (html, wanted) in pages.items():
        got = read(html)
        if got != wanted:
            sys.exit(f"{name} reads {got} on {page}, not {wanted}")


def per_page(read: Reader, pages: dict[str, tuple[str, Answer]]) -> list[tuple[str, int, float]]:
    """Name, size in kB and the best of five times in ms of each page."""
    return [(name, len(html) // 1000, min(_ms(read, html) for _ in range(5))) for name, (html, _) in pages.items()]


def _ms(read: Reader, html: str) -> float:
    started = time.process_time()
    read(html)
    return (time.process_time() - started) * 1000


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=2.0, help="CPU time for each reader")
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    pages = load_pages()
    readers: dict[str, Reader] = {
        "offers": with_offers(),
        "lxml": with_lxml(),
        "parsel": with_parsel(),
        "BeautifulSoup (lxml)": with_beautiful_soup("lxml"),
        "BeautifulSoup (html.parser)": with_beautiful_soup("html.parser"),
    }
    for name, read in readers.items():
        check(name, read, pages)
    texts = [html for html, _ in pages.values()]
    rates = {name: time_reader(read, texts, chosen.seconds) for name, read in readers.items()}
    detail = per_page(readers["offers"], pages)
    show(rates, detail, as_json=chosen.json)


def show(rates: dict[str, float], detail: list[tuple[str, int, float]], *, as_json: bool) -> None:
    if as_json:
        print(
            json.dumps({"pages_per_s": rates, "ms": {name: ms for name, _, ms in detail}, "goal_ms": GOAL_MS}, indent=2)
        )
        return
    print(f"{'reader':<30}{'pages/s':>10}{'ms/page':>10}{'offers is':>12}")
    for name, rate in rates.items():
        print(f"{name:<30}{rate:>10.0f}{1000 / rate:>10.2f}{rates['offers'] / rate:>11.1f}x")
    print(f"\n{'page':<34}{'kB':>6}{'ms':>8}   goal {GOAL_MS:g} ms")
    for name, kilobytes, ms in detail:
        print(f"{name:<34}{kilobytes:>6}{ms:>8.2f}   {'ok' if ms < GOAL_MS else 'MISSED'}")


if __name__ == "__main__":
    main()
