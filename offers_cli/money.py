"""Money: text and numbers become integer hundredths of a currency, or are refused.

A wrong price is worse than no price: one amount, written as its country writes it, is read; everything else
(installments, ranges, two prices, signs, other digits) is a `MoneyError`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

MAX_CENTS = 10**13
"""A hundred thousand million units: dearer than any offer in any currency read here."""

NOISE_CENTS = Decimal("0.001")
"""How far a binary float may stand from whole cents: 104.9 is stored as 104.90000000000001 by some."""


class MoneyError(ValueError):
    """A text or number that is not certainly one amount of money."""


class AmbiguousAmount(MoneyError):
    """A number for machines that a shop may have written its own way: ``1.290`` is 1,29, or 1290.

    Args:
        readings: what it may be, in hundredths.
    """

    def __init__(self, message: str, *, readings: tuple[int, ...]) -> None:
        super().__init__(message)
        self.readings = readings


class WrittenNumber(float):
    """A number of JSON with a point, which knows how it is written: shops print their own thousands there."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Style:
    """How a currency is written.

    Attributes:
        symbol: before the amount, followed by a space.
        decimal_mark: ``,`` or ``.``; the other one stands between thousands.
        shows_cents: False where whole amounts are written without cents.
    """

    symbol: str
    decimal_mark: str
    shows_cents: bool = True

    @property
    def thousands_mark(self) -> str:
        """The other one of point and comma."""
        return "." if self.decimal_mark == "," else ","


STYLES = {
    "BRL": Style("R$", ","),
    "ARS": Style("$", ","),
    "BOB": Style("Bs", ","),
    "CLF": Style("UF", ","),
    "CLP": Style("$", ",", shows_cents=False),
    "COP": Style("$", ",", shows_cents=False),
    "CRC": Style("₡", ","),
    "CUP": Style("CUP", "."),
    "DOP": Style("RD$", "."),
    "EUR": Style("€", ","),
    "GTQ": Style("Q", "."),
    "HNL": Style("L", "."),
    "MXN": Style("$", "."),
    "NIO": Style("C$", "."),
    "PEN": Style("S/", ","),
    "PYG": Style("₲", ",", shows_cents=False),
    "USD": Style("US$", "."),
    "UYU": Style("$", ","),
    "VES": Style("Bs.", ","),
}
"""Source: the countries of Mercado Libre, as their pages write them (Peru's with a decimal comma).

CLF is Chile's unit of account, in which houses are priced: some forty thousand pesos.
"""

ALIASES = {"USD": ("U$S", "$"), "PEN": ("S/.",), "UYU": ("$U",), "VES": ("Bs",), "CRC": ("¢",)}
"""Other symbols that mean the same currency."""

CODES = {
    "R$": "BRL",
    "US$": "USD",
    "U$S": "USD",
    "€": "EUR",
    "£": "GBP",
    "S/": "PEN",
    "S/.": "PEN",
    "RD$": "DOP",
    "$U": "UYU",
    "₡": "CRC",
    "₲": "PYG",
}
"""Symbols that mean one currency alone, wherever they stand."""

AMOUNT = re.compile(
    r"(?:(?P<grouped>[1-9][0-9]{0,2}(?P<mark>[.,])[0-9]{3}(?:(?P=mark)[0-9]{3})*)|(?P<plain>0|[1-9][0-9]*))"
    r"(?:(?P<decimal>[.,])(?P<cents>[0-9]{2}))?"
)
FRACTION = re.compile(r"[1-9][0-9]{0,2}(?:\.[0-9]{3})+|[1-9][0-9]{0,2}(?:,[0-9]{3})+|0|[1-9][0-9]*")
MACHINE_NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,15})?")
THOUSANDS_OR_DECIMALS = re.compile(r"([1-9][0-9]{0,2})\.([0-9]{3})")
SPOKEN = re.compile(
    r"(?:(?:antes|agora|ahora|now|before|valor|pre[çc]i?o)(?: \w+)?: ?)?(?P<whole>[0-9]{1,13}) "
    r"(?:rea(?:is|l)|reales|pesos?|sol(?:es)?|d[óo]lar(?:es)?|bol[íi]var(?:es)?|bolivianos?|guaran[íi](?:es)?|col[óo]n(?:es)?"
    r"|quetzal(?:es)?|lempiras?|c[óo]rdobas?|balboas?|euros?)"
    r"(?: (?:mexicano|argentino|chileno|colombiano|uruguayo|dominicano|estadounidense|americano)s?)?"
    r"(?: co[mn] (?P<cents>[0-9]{1,2}) (?:centavo|c[ée]ntimo|cent[ée]simo)s?)?",
    re.IGNORECASE,
)
LONGEST_TEXT = 60


def currency_code(text: str) -> str | None:
    """The ISO 4217 code that a text means: ``BRL`` for ``"brl"`` and ``"R$"``; None for ``"$"``, which many are."""
    clean = text.strip().upper()
    return clean if re.fullmatch(r"[A-Z]{3}", clean) else CODES.get(clean)


def _style(currency: str) -> Style:
    return STYLES.get(currency) or Style(currency, ".")


def _bounded(cents: int, raw: object) -> int:
    if cents > MAX_CENTS:
        raise MoneyError(f"{str(raw)[:LONGEST_TEXT]!r} is absurdly large")
    return cents


def _without_symbol(text: str, currency: str) -> str:
    symbols = (_style(currency).symbol, currency, *ALIASES.get(currency, ()))
    for symbol in sorted(symbols, reverse=True):  # "S/." before "S/", with which it begins
        if text.startswith(symbol):
            return text.removeprefix(symbol).removeprefix(" ")
    return text


def parse_cents(text: str, *, currency: str = "BRL", decimal_mark: str | None = None) -> int:
    """Read one written amount: ``"R$ 1.234,56"`` is 123456, ``"R$ 1.234"`` is 123400.

    Args:
        decimal_mark: ``,`` or ``.`` where the page writes otherwise than the currency's own country.

    Raises:
        MoneyError: not exactly one amount, or not written as that currency is.
    """
    clean = " ".join(text.split()) if len(text) <= LONGEST_TEXT else ""
    mark = decimal_mark or _style(currency).decimal_mark
    found = AMOUNT.fullmatch(_without_symbol(clean, currency))
    if found is None or found["mark"] == mark or found["decimal"] not in {None, mark}:
        raise MoneyError(f"{text[:LONGEST_TEXT]!r} is not one amount in {currency}")
    whole = (found["plain"] or found["grouped"]).replace(".", "").replace(",", "")
    return _bounded(int(whole) * 100 + int(found["cents"] or 0), text)


def cents_from_parts(fraction: str, cents: str | None, *, decimal_mark: str | None = None) -> int:
    """Join the whole part and the cents of one price node: ``("1.949", "05")`` is 194905, ``("1.949", None)`` 194900.

    Args:
        decimal_mark: ``,`` or ``.`` where it is known; a whole part never holds it.

    Raises:
        MoneyError: a whole part with wrong grouping, or cents of other than two digits.
    """
    whole, hundredths = fraction.strip(), (cents or "00").strip()
    is_whole = len(whole) <= LONGEST_TEXT and FRACTION.fullmatch(whole) and decimal_mark not in {*whole}
    if not is_whole or not re.fullmatch(r"[0-9]{2}", hundredths):
        raise MoneyError(f"{fraction[:LONGEST_TEXT]!r} and {(cents or '')[:LONGEST_TEXT]!r} are not one amount")
    return _bounded(int(re.sub(r"[.,]", "", whole)) * 100 + int(hundredths), fraction)


def cents_from_number(value: object, *, currency: str | None = None) -> int:
    """Read a number of JSON or of a machine-readable attribute: ``104.9`` and ``"104.90"`` are 10490.

    Args:
        currency: what it is in, where the page says so.

    Raises:
        AmbiguousAmount: exactly three decimals (``1.290``), unless the currency has no thousands with a point.
        MoneyError: not a finite number of zero or more, or finer than cents.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise MoneyError(f"{str(value)[:LONGEST_TEXT]!r} is not a number")
    if isinstance(value, str) and not MACHINE_NUMBER.fullmatch(value):
        raise MoneyError(f"{value[:LONGEST_TEXT]!r} is not a plain number")
    if isinstance(value, int) and not 0 <= value <= MAX_CENTS:
        raise MoneyError("a number below zero or absurdly large")
    if isinstance(value, str | WrittenNumber):
        _refuse_ambiguous(str(value), currency)
    return _whole_cents(_decimal(value), value)


def _refuse_ambiguous(text: str, currency: str | None) -> None:
    found = THOUSANDS_OR_DECIMALS.fullmatch(text)
    if found is None or (currency in STYLES and STYLES[currency].decimal_mark == "."):
        return
    thousands = int(found[1] + found[2]) * 100
    readings = (thousands // 1000, thousands) if text.endswith("0") else (thousands,)  # the rest is finer than cents
    raise AmbiguousAmount(f"{text!r} can be read two ways", readings=readings)


def _decimal(value: float | str | Decimal) -> Decimal:
    try:
        number = Decimal(str(value)) * 100
    except InvalidOperation as exc:
        raise MoneyError(f"{value!r} is not a number") from exc
    if not number.is_finite() or not 0 <= number <= MAX_CENTS:
        raise MoneyError(f"{value!r} is not an amount")
    return number


def _whole_cents(exact: Decimal, raw: object) -> int:
    cents = int(exact.to_integral_value())
    if abs(exact - cents) > NOISE_CENTS:
        raise MoneyError(f"{str(raw)!r} is finer than cents")
    return cents


def spoken_cents(label: str) -> int:
    """Read what a screen reader says: ``"Antes: 1000 reais com 70 centavos"`` is 100070.

    Raises:
        MoneyError: not exactly one spoken amount.
    """
    clean = " ".join(label.split()) if len(label) <= 2 * LONGEST_TEXT else ""
    found = SPOKEN.fullmatch(clean)
    if found is None:
        raise MoneyError(f"{label[:LONGEST_TEXT]!r} is not one spoken amount")
    return _bounded(int(found["whole"]) * 100 + int(found["cents"] or 0), label)


def format_cents(cents: int, currency: str = "BRL") -> str:
    """Write an amount as its country reads it: ``R$ 1.234,56``, ``$ 71.492`` (Colombia)."""
    style = _style(currency)
    whole, rest = divmod(abs(cents), 100)
    text = f"{whole:,}".replace(",", style.thousands_mark)
    if rest or style.shows_cents:
        text += f"{style.decimal_mark}{rest:02}"
    return f"{'-' if cents < 0 else ''}{style.symbol} {text}"


def discount_pct(old_price_cents: int, price_cents: int) -> int | None:
    """The whole percent by which the price fell, rounded down as Mercado Livre shows it; None when it did not fall."""
    if price_cents <= 0 or old_price_cents <= price_cents:
        return None
    return (old_price_cents - price_cents) * 100 // old_price_cents
