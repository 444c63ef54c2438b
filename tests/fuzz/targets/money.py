"""Price texts, as shops and those who mean ill write them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from fuzz.target import Target

from offers_cli.money import STYLES, MoneyError, cents_from_number, parse_cents, spoken_cents

PIECES = (
    "R$",
    "$",
    "US$",
    "UF",
    " ",
    "\u00a0",
    ".",
    ",",
    "-",
    "−",
    "e",
    "reais",
    "Agora:",
    "com",
    "centavos",
    "10x",
    "%",
)
DIGITS = ("0", "1", "9", "٣", "１", "½", "1e9", "NaN", "inf", "9" * 400)


def make(source: random.Random) -> tuple[str, str]:
    pieces = source.choices(PIECES + DIGITS, k=source.randint(0, 12))
    return "".join(pieces) * source.choice((1, 1, 1, 5000)), source.choice(sorted(STYLES))


def read(case: tuple[str, str]) -> None:
    text, currency = case
    with suppress(MoneyError):
        parse_cents(text, currency=currency)
    with suppress(MoneyError):
        cents_from_number(text)
    with suppress(MoneyError):
        spoken_cents(text)


@contextmanager
def opened() -> Iterator[Target]:
    yield Target(make, read, declared=())
