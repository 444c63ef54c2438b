"""Prices written at random, as shops write them and as they lie, are read as what they are or refused, never otherwise.

The oracle is the writer: it knows the amount and writes it by its country's marks, or as machines do, without any code
of the readers. ``nox -s fuzz`` tries a million.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from offers_cli.errors import PageError
from offers_cli.marketplaces.base import ProductReading
from offers_cli.marketplaces.json_ld import read_price
from offers_cli.marketplaces.schema_org import SchemaOrg
from offers_cli.money import MoneyError, WrittenNumber, cents_from_number, cents_from_parts, parse_cents

EXAMPLES = int(os.environ.get("OFFERS_EXAMPLES", "2000"))
SEED = random.randrange(2**32) if "OFFERS_EXAMPLES" in os.environ else 20261126
PAGES = max(EXAMPLES // 100, 100)
SHOP, URL = SchemaOrg(), "https://shop.example/p/1"

COUNTRIES = {
    "BRL": ("R$", ".", ","),
    "ARS": ("$", ".", ","),
    "CLP": ("$", ".", ","),
    "COP": ("$", ".", ","),
    "UYU": ("$", ".", ","),
    "PYG": ("₲", ".", ","),
    "EUR": ("€", ".", ","),
    "USD": ("US$", ",", "."),
    "MXN": ("$", ",", "."),
}
"""Symbol, thousands mark, decimal mark."""
WITHOUT_CENTS = {"CLP", "COP", "PYG"}
MISLEADING = (
    "a partir de {}", "desde {}", "{} a {}", "{} - {}", "{}+", "-{}", "({})", "{}%", "10x {}", "{}/kg", "{} ou {}",
    "{}{}", "{} {}", "{}e3", "{},", "por {}", "{} off",
)  # fmt: skip


def draw_cents(source: random.Random, currency: str) -> int:
    """Every number of digits as likely; whole amounts often, and always where the currency has no cents."""
    cents = source.randrange(1, 10 ** source.randint(1, 11))
    return max(1, cents // 100) * 100 if currency in WITHOUT_CENTS or source.random() < 0.4 else cents


def grouped(units: int, mark: str) -> str:
    digits = str(units)
    groups: list[str] = []
    while digits:
        groups.insert(0, digits[-3:])
        digits = digits[:-3]
    return mark.join(groups)


def by_hand(cents: int, currency: str) -> Iterator[str]:
    """As people of the country write it."""
    symbol, thousands, decimal = COUNTRIES[currency]
    units, rest = divmod(cents, 100)
    for whole in {grouped(units, thousands), str(units)}:
        for text in [f"{whole}{decimal}{rest:02}"] + [whole] * (rest == 0):
            yield from (text, f"{symbol} {text}", f"{symbol}{text}", f"\n {text} ")


def by_machine(cents: int) -> Iterator[str]:
    """As programs write it, with more or fewer zeros."""
    units, rest = divmod(cents, 100)
    yield from (f"{units}.{rest:02}", f"{units}.{rest:02}0", f"{units}.{rest:02}0000", f" {units}.{rest:02}\n")
    if rest % 10 == 0:
        yield f"{units}.{rest // 10}"
    if rest == 0:
        yield str(units)


def is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), int | float)
    except ValueError:
        return False


def as_number(text: str) -> object:
    return json.loads(text, parse_float=WrittenNumber)


def write(source: random.Random, cents: int, currency: str) -> object:
    """One way to write an amount in a field for machines, as a text or as a number of JSON."""
    texts = [*by_machine(cents), *by_hand(cents, currency)]
    numbers = [as_number(text) for text in texts if is_json(text)]
    shortened = cents // 100 / 1000  # what is left of 15.990 where a program took it for a number
    if currency in WITHOUT_CENTS and 1000 <= cents // 100 < 1_000_000 and cents // 100 % 1000:
        numbers += [as_number(str(shortened)), shortened]
    return source.choice(source.choice((texts, numbers, [cents / 100])))


def outcome(read: Callable[..., int], *args: object, **more: Any) -> int | None:
    try:
        return read(*args, **more)
    except MoneyError:
        return None


def test_amounts_are_read_as_they_were_meant_or_refused() -> None:
    source, counts = random.Random(SEED), Counter[str]()
    for _ in range(EXAMPLES):
        currency = source.choice(list(COUNTRIES))
        cents = draw_cents(source, currency)
        amount = write(source, cents, currency)
        shown = source.choice(((), (cents,), (cents, source.randrange(1, 10**9))))
        readings = {
            "schema": outcome(read_price, amount, currency, shown),
            "number": outcome(cents_from_number, amount.strip() if isinstance(amount, str) else amount),
        }
        symbol, thousands, decimal = COUNTRIES[currency]
        text = source.choice(list(by_hand(cents, currency)))
        readings["text"] = outcome(parse_cents, text, currency=currency)
        whole, _, rest = text.replace(symbol, "").strip().partition(decimal)
        readings["parts"] = outcome(cents_from_parts, whole, rest or None) if thousands in whole or rest else None
        if currency in WITHOUT_CENTS and not isinstance(amount, str):
            del readings["number"]  # nothing tells it the currency
        for reader, reading in readings.items():
            assert reading in {None, cents}, (
                f"seed {SEED}: {reader} reads {amount!r} or {text!r} {currency} as {reading}"
            )
            counts[reader] += reading is not None
    assert min(counts[reader] for reader in ("schema", "number", "text")) > EXAMPLES / 4, counts


def test_what_is_not_one_amount_is_refused() -> None:
    source = random.Random(SEED)
    for _ in range(EXAMPLES):
        currency = source.choice(list(COUNTRIES))
        first, second = (source.choice(list(by_hand(draw_cents(source, currency), currency))).strip() for _ in range(2))
        text = source.choice(MISLEADING).format(first, second)
        for read in (read_price, lambda text, currency: parse_cents(text, currency=currency)):
            reading = outcome(read, text, currency)
            assert reading is None or text == f"{first}{second}", (
                f"seed {SEED}: {text!r} {currency} is read as {reading}"
            )


# Whole pages


def page_of(source: random.Random, price: object, currency: str, visible: str) -> str:
    """A page whose data for machines name that price, in one of their forms."""
    text = price if isinstance(price, str) else str(price)
    literal = json.dumps(price) if isinstance(price, str) else text
    linked = f'{{"@type": "Product", "name": "X", "offers": {{"price": {literal}, "priceCurrency": "{currency}"}}}}'
    metas = {"amount": text, "currency": currency}
    open_graph = "".join(f'<meta property="product:price:{name}" content="{value}">' for name, value in metas.items())
    offer = f'<meta itemprop="priceCurrency" content="{currency}"><meta itemprop="price" content="{text}">'
    product, offered = (f'itemscope itemtype="https://schema.org/{kind}"' for kind in ("Product", "Offer"))
    markup = f'<div {product}><p itemprop="offers" {offered}>{offer}</p></div>'
    forms = (f'<script type="application/ld+json">{linked}</script>', open_graph, markup)
    return f"<html><body><h1>X</h1>{source.choice(forms)}{visible}</body></html>"


def shown_by_hand(cents: int, currency: str) -> str:
    symbol, thousands, decimal = COUNTRIES[currency]
    units, rest = divmod(cents, 100)
    return f"{symbol} {grouped(units, thousands)}" + (f"{decimal}{rest:02}" if currency not in WITHOUT_CENTS else "")


def read_page(html: str) -> ProductReading | None:
    try:
        return SHOP.read_product(html, URL)
    except PageError:
        return None


@pytest.mark.parametrize("lie", ["none", "list price", "instalment", "hundredfold", "thousandth", "other product"])
def test_pages_are_read_as_they_show_or_refused(lie: str) -> None:
    source, counts = random.Random(f"{SEED} {lie}"), Counter[str]()
    for _ in range(PAGES):
        currency = source.choice(list(COUNTRIES))
        cents = max(draw_cents(source, currency), 2000)
        step = 100 if currency in WITHOUT_CENTS else 1
        old, each, other = (cents + cents // 4) // step * step, cents // 10 // step * step, cents * 3 + 700 * step
        price, struck = shown_by_hand(cents, currency), shown_by_hand(old, currency)
        parts = [
            source.choice((f"<s>{struck}</s><p>{price}</p>", f'<p class="old-price">{struck}</p><b>{price}</b>')),
            f"<p>10x de {shown_by_hand(each, currency)} sem juros</p>",
            f'<a href="/p/2">{shown_by_hand(other, currency)}</a>',
            f"<p>Frete grátis acima de {shown_by_hand(9900, currency)}</p>",
        ]
        visible = "".join([parts[0], *source.sample(parts[1:], source.randint(0, 3))])
        lies = {"list price": old, "instalment": each, "hundredfold": cents * 100, "other product": other}
        named: object = write(source, lies.get(lie, cents), currency)
        if lie == "thousandth":
            named = f"{cents / 100_000:.2f}"
        reading = read_page(page_of(source, named, currency, visible))
        counts["read"] += reading is not None
        if reading is not None:
            told = f"seed {SEED}: {named!r} with {visible!r} is read as {reading.price_cents}"
            assert reading.price_cents == cents, told
            assert reading.old_price_cents in {None, old}, told
    assert (counts["read"] > PAGES / 4) is (lie == "none"), counts
