"""Pages read per second: `offers` against parsel, BeautifulSoup and plain lxml, on the same real pages, in one run.

The others do the same work as far as they go: embedded state and linked data decoded, the own price box
found, price, previous price, discount, title and item id read, without the cross-checks that `offers` adds.
Every reader's answers are compared with what a human reads on the page before anything is timed.

    pip install -e . --group bench; OFFERS_REAL_PAGES=... python bench/reading.py [--seconds 2] [--json]
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import statistics
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from program import installed, run
from ratios import record

from offers_cli.fetch.guard import SafeUrl
from offers_cli.fetch.response import Response, read_body, to_utf8
from offers_cli.marketplaces.mercado_livre import MercadoLivre

Answer = tuple[int | None, int | None, int | None, str | None, str | None]
Reader = Callable[[str], Answer]
BOX = "ui-pdp-price--size-large"
STATE = re.compile(r"(?:_n\.ctx\.r|__PRELOADED_STATE__)\s*=\s*(?=\{)")
GOAL_MS = 6.0
PIECE = 65_536
T = TypeVar("T")


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


def _cpu_ms(work: Callable[[T], object], page: T) -> float:
    started = time.process_time()
    work(page)
    return (time.process_time() - started) * 1000


def _ms(read: Reader, html: str) -> float:
    return _cpu_ms(read, html)


def bench_whole(pages: list[str], rounds: int = 15) -> None:
    """A page as the network brings it, from its packed bytes to what is read; beside unpacking and parsing it alone."""
    from selectolax.lexbor import LexborHTMLParser

    market, packed = MercadoLivre(), [gzip.compress(html.encode(), 6) for html in pages]
    kind = "text/html; charset=utf-8"
    headers = ((b"content-type", kind.encode()), (b"content-encoding", b"gzip"))
    host = "produto.mercadolivre.com.br"
    url = SafeUrl(url=f"https://{host}/MLB-1", scheme="https", host=host, port=443, target="/MLB-1")

    def whole(body: bytes) -> None:
        pieces = (body[start : start + PIECE] for start in range(0, len(body), PIECE))
        data = read_body(Response(url=url, status=200, headers=headers, chunks=pieces))
        market.read_product(to_utf8(data, kind)[0], "")

    def bare(body: bytes) -> None:
        LexborHTMLParser(zlib.decompress(body, 31))

    shares = []
    for _ in range(rounds):
        ours, alone = (sum(_cpu_ms(work, body) for body in packed) for work in (whole, bare))
        shares.append(ours / alone)
    median = statistics.median(shares)
    print(f"\nunpacked, decoded and read: {median:.2f} × unpacking and parsing alone")
    record("reading_floor", *shares)
    record("page_packed", statistics.mean(map(len, packed)) / 1000)


HOSTILE = {
    "tags": "<p>x" * 4_190_000,
    "offers within offers": '<div itemprop="offers" class="x">' * 14_900,
    "price boxes": f'<div class="{BOX}">' * 5_000,
    "nested": "<div>" * 14_999,
    "strokes": ("<p" + "/" * 4_000 + ">") * 2_000,
    "dashes": "<p><!--" + "-" * 9_900_000,
    "prices for machines": '<meta itemprop="price" content="1">' * 90_000,
    "prices for machines, deep": '<div class="a b c d e f g">' * 150 + '<meta itemprop="price" content="1">' * 80_000,
}


def bench_hostile() -> None:
    """What the worst of some pages takes that are made to cost much, refused or not: memory, and CPU beside a page's of
    one word.
    """
    used = {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        command = [installed("offers"), "explain", str(file), "--url", "https://produto.mercadolivre.com.br/MLB-1"]
        for name, html in {"one word": "<p>x", **HOSTILE}.items():
            file.write_text(html)
            used[name] = run(command, {"OFFERS_HOME": folder}, may_refuse=True)
    start = used.pop("one word")
    print(f"\n{'hostile page':<24}{'CPU ms':>8}{'RSS MB':>8}")
    for name, each in used.items():
        print(f"{name:<24}{each.cpu_ms - start.cpu_ms:>8.0f}{each.rss_mb:>8.0f}")
    record("hostile_memory", max(each.rss_mb for each in used.values()))
    record("hostile_cpu", max(each.cpu_ms - start.cpu_ms for each in used.values()))


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
    if not chosen.json:
        record("reading_cpu", 1000 / rates["offers"])
        record("reading_peer", rates["offers"] / max(rate for name, rate in rates.items() if name != "offers"))
        bench_whole(texts)
        bench_hostile()


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
