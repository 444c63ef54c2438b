"""Pages made to keep their reader busy or to fill its memory, and what reading one of them costs.

Each is read in a process of its own, which the system ends when it computes for too long. Run as a program it reads
those that are named and prints of each what became of it.
"""

from __future__ import annotations

import os
import re
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from offers_cli.errors import OffersError
from offers_cli.marketplaces.base import Marketplace
from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.marketplaces.schema_org import SchemaOrg

CPU_S = 4
"""Processor time that no page may take, several times what it takes where nothing else is to be done."""
MOST_MB = 150
MARKETS: tuple[Marketplace, ...] = (MercadoLivre(), SchemaOrg())
PRODUCT_URL, LISTING_URL = "https://www.mercadolivre.com.br/x/p/MLB1", "https://www.mercadolivre.com.br/ofertas"

H1 = '<html><body><h1 class="ui-pdp-title">x</h1>'
OWN = '<div class="ui-pdp-price ui-pdp-price--size-large">'
BOX = f'{OWN}<span class="andes-money-amount">R$ 1</span></div>'
LINE = '<div class="ui-pdp-price__second-line">'
AMOUNT = '<span class="andes-money-amount">R$ 1</span>'
META = '<meta itemprop="price" content="1">'
PROMISE = '<div class="ui-pdp-message">anúncio pausado '
LINK = '<a class="poly-component__title" href="/MLB-1">x</a>'
CARD = f'<div class="poly-card">{LINK}<div class="poly-component__price">R$ 1</div></div>'
PRODUCT = '{"@type":"Product","name":"x","offers":{"price":"1","priceCurrency":"BRL"}}'
LONG_CLASS = "r" * 1900
ITEM = '<div itemscope itemtype="https://schema.org/Product">'


LISTED = '{"id":"x"}'


def state(text: str) -> str:
    return f"{H1}<script>_n.ctx.r={text};</script>"


def linked(*texts: str) -> str:
    return H1 + "".join(f'<script type="application/ld+json">{text}</script>' for text in texts)


def many(count: int, form: str) -> str:
    """That text for each number, with a comma between; the number stands where ``#`` does."""
    return ",".join(form.replace("#", str(number)) for number in range(count))


def card_in_state(count: int, text: str) -> str:
    price = f'{{"type":"price","price":{{"current_price":{{"value":1}},"x":[{text}]}}}}'
    card = f'{{"card":{{"metadata":{{"id":"MLB#","url":"/p/MLB1"}},"components":[{price}]}}}}'
    return state(f'{{"appProps":{{"pageProps":{{"data":{{"items":[{many(count, card)}]}}}}}}}}')


def of_product(components: str) -> str:
    return state(f'{{"pageState":{{"app":"pdp","components":{{{components}}}}}}}')


PAGES: dict[str, Callable[[], str]] = {
    # the parser's own work
    "paragraphs of 16 MB": lambda: "<p>x" * 4_000_000,
    "paragraphs": lambda: H1 + "<p>x" * 99_000,
    "elements within each other": lambda: H1 + "<div>" * 9900,
    "options of a choice": lambda: f"{H1}<select>" + "<option>x" * 80_000,
    "lists within lists": lambda: H1 + "<ul><li>" * 4900,
    "bold text that is taken up again": lambda: H1 + ("<b>" * 8 + "<div>" * 8 + "</b>" * 8) * 3000,
    "bold text in tables": lambda: H1 + "<table><b>x" * 5000,
    "attributes": lambda: H1 + ("<p" + "".join(f' a{n}="1"' for n in range(99)) + ">") * 2700,
    "attributes in one tag": lambda: H1 + "<p" + "".join(f" a{n}" for n in range(100_000)) + ">",
    "strokes in tags": lambda: H1 + f"<p{'/' * 4000}>" * 2000,
    "a giant attribute": lambda: H1 + ('<div class="' + "a " * 200_000 + '">') * 20 + BOX,
    "a giant comment": lambda: f"{H1}<!--" + "- " * 5_000_000 + "-->",
    "a comment of dashes": lambda: f"{H1}<!--" + "-" * 9_900_000,
    "a comment without an end": lambda: H1 + "<!--" * 2_000_000,
    "a giant title": lambda: "<title>" + "just a momen " * 700_000 + "</title>" + BOX,
    "entities": lambda: H1 + "&CounterClockwiseContourIntegral;" * 30_000,
    "a script in a comment in a script": lambda: H1 + "<script>" + "<!--<script " * 80_000,
    "drawings": lambda: H1 + ("<svg>" + "<path/>" * 8) * 1000,
    "drawings full of links": lambda: H1 + ("<svg>" + '<a href="x">' * 1200) * 8 + "</svg>" * 8,
    "wide characters": lambda: f"{H1}<script>\U0001f600" + "x" * 9_900_000 + "</script>",
    "all that is allowed": lambda: (
        f'{H1}{"<p a=1 b=2>x" * 90_000}<script>_n.ctx.r={{"a":["{"x" * 3_000_000}"]}}</script>'
    ),
    # embedded state
    "a deep state": lambda: state('{"a":' * 100_000),
    "a wide state": lambda: state('{"a":[' + "{}," * 230_000 + "{}]}"),
    "a state of numbers": lambda: state('{"a":[' + ("9" * 4299 + ",") * 2200 + "1]}"),
    "a giant text in the state": lambda: state('{"a":"\U0001f600' + "x" * 9_900_000 + '"}'),
    "marks without a state": lambda: H1 + "_n.ctx.r={" * 900_000,
    "states": lambda: state('{"a":[' + "{}," * 11_000 + "{}]}") * 20,
    "scripts": lambda: H1 + '<script>_n.ctx.r={"a":1};</script>' * 40_000,
    "components": lambda: of_product(f'"z":[{many(70_000, LISTED)}]'),
    "a giant text at the price": lambda: of_product(
        f'"price":{{"price":{{"value":1}},"a":["{"a partir " * 900_000}"]}},"header":{{"title":"x"}}'
    ),
    "cards in the state": lambda: card_in_state(12_000, ""),
    "texts in the cards of the state": lambda: card_in_state(200, many(400, '"' + "y" * 100 + '"')),
    "giant texts in the cards of the state": lambda: card_in_state(500, '"' + "a partir de " * 1600 + '"'),
    "giant addresses in the cards of the state": lambda: card_in_state(500, "").replace(
        "/p/MLB1", "/p?" + "a=1&" * 4000
    ),
    # price boxes
    "price boxes": lambda: H1 + BOX * 30_000,
    "price boxes within each other": lambda: H1 + OWN * 9900,
    "amounts within each other": lambda: H1 + '<s class="ui-pdp-price--size-large andes-money-amount">' * 9900 + "R$ 1",
    "price boxes full of amounts": lambda: H1 + f"{OWN}{LINE * 3}{AMOUNT * 90}</div></div></div></div>" * 500,
    "a price box full of amounts": lambda: H1 + OWN + AMOUNT * 45_000,
    "lines within each other": lambda: H1 + OWN + LINE * 9000 + AMOUNT * 400,
    "price boxes of long classes": lambda: H1 + f'<div class="ui-pdp-price--size-large {LONG_CLASS}">' * 4000,
    "offers within each other": lambda: H1 + '<div itemprop="offers" class="x">' * 9900,
    "offers within others' offers": lambda: '<div itemprop="offers" class="carousel x y">' * 9900,
    "offers of long classes": lambda: H1 + f'<div itemprop="offers" class="{LONG_CLASS}">' * 4000,
    "prices for machines": lambda: H1 + META * 90_000,
    "prices for machines, deep": lambda: H1 + '<div class="a b c d e f g">' * 150 + META * 80_000,
    "messages": lambda: H1 + BOX + (PROMISE + "</div>") * 45_000,
    "messages within each other": lambda: H1 + BOX + PROMISE * 9000 + "anúncio pausado " * 60_000,
    "texts within each other": lambda: H1 + "<span>" * 150 + "<span>anúncio pausado </span>" * 45_000,
    "headings within each other": lambda: "<h1 class=ui-pdp-title>" * 9900 + "x",
    "a giant address": lambda: f'{H1}<link rel=canonical href="https://x.example/?{"a=b&" * 100_000}">{BOX}',
    # cards
    "cards": lambda: CARD * 20_000,
    "cards within each other": lambda: '<div class="poly-card">' * 140 + CARD * 15_000,
    "cards full of amounts": lambda: (
        f'<div class="poly-card">{LINK}<div class="poly-component__price">{AMOUNT * 90}</div></div>' * 400
    ),
    "a card, deep": lambda: f'<div class="poly-card">{LINK}<div class="poly-component__price">' + "<div>R$ 1" * 9000,
    "labels of cards": lambda: (
        f'<div class="poly-card">{LINK}<div class="poly-component__price">R$ 1</div>'
        + '<div class="poly-price__labels">' * 8000
        + '<s class="andes-money-amount">1</s>' * 500
    ),
    "pictures of cards": lambda: (f'<div class="poly-card">{LINK}' + '<img src="x">' * 190 + "</div>") * 500,
    # linked data and microdata
    "scripts of linked data": lambda: linked(*[PRODUCT] * 4000),
    "things in linked data": lambda: linked(*["[" + many(29, "{}") + "]"] * 500),
    "offers of offers": lambda: linked(
        '{"@type":"Product","name":"x","offers":[' + many(450, '{"offers":[' + many(40, '{"price":"1"}') + "]}") + "]}"
    ),
    "deep linked data": lambda: linked('{"@graph":[{},{"@graph":[' * 9000),
    "items": lambda: H1 + f"{ITEM}<i itemprop=name>x</i><i itemprop=price>1</i></div>" * 12_000,
    "properties": lambda: H1 + ITEM + '<i itemprop="price">1</i>' * 45_000,
    "properties, deep": lambda: H1 + f'<div class="{LONG_CLASS}">' * 300 + "<i itemprop=price content=1></i>" * 3000,
    "properties of many names": lambda: H1 + ITEM + ('<i itemprop="' + "price " * 600 + '" content=1></i>') * 2000,
    "names within each other": lambda: H1 + ITEM + "<div itemprop=name>" * 3000 + "x " * 100_000,
    # amounts that are shown
    "amounts": lambda: linked(PRODUCT) + "<del>R$ 2,00</del> R$ 1,00 " * 40_000,
    "numbers": lambda: linked(PRODUCT) + "1.000.000.000 " * 80_000,
    "hidden amounts": lambda: linked(PRODUCT) + '<div style="display:none">R$ 1,00</div>' * 45_000,
    "names of prices": lambda: linked(PRODUCT) + f'<div class="{LONG_CLASS}" style="{LONG_CLASS}">1,00</div>' * 2300,
    # JSON
    "a wide answer": lambda: '{"a":[' + "{}," * 230_000 + "{}]}",
    "a deep answer": lambda: '{"a":' + "[" * 1_000_000,
}


def read(page: str, market: Marketplace, kind: str) -> str:
    """What becomes of a page: the name of what was read, or the code of the error; raises all that is not declared."""
    try:
        if kind == "listing":
            return type(market.read_listing(page, LISTING_URL, source="listing")).__name__
        return type(market.read_product(page, PRODUCT_URL)).__name__
    except OffersError as error:
        return error.code


def read_apart(page: str, market: Marketplace, kind: str) -> str:
    """The same in a process of its own, whose end is told where it was too dear."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGXCPU, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        before = peak_mb()
        try:
            became = read(page, market, kind)
        except BaseException as error:  # noqa: BLE001 - told, and then the process ends
            became = repr(error)
        grown = peak_mb() - before
        os.write(writing, (became if grown < MOST_MB else f"{became}, and {grown} MB").encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        became = told.read()
    os.waitpid(child, 0)
    return became or f"more than {CPU_S} s of processor time"


def peak_mb() -> int:
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text(encoding="ascii"))
    assert found
    return int(found[1]) // 1024


def main(names: list[str]) -> None:
    """Print a line for each page and reader: name, reader, kind and what became of it, with tabs between."""
    for market in MARKETS:
        for page in (BOX, CARD, linked(PRODUCT)):
            for kind in ("product", "listing"):
                read(page, market, kind)  # so that no page pays for what is loaded once
    for name in names:
        page = PAGES[name]()
        for market in MARKETS:
            for kind in ("product", "listing"):
                print(name, market.name, kind, read_apart(page, market, kind), sep="\t", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or [*PAGES])
