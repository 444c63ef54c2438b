"""Options that several commands share, declared once."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from offers_cli.errors import UsageError
from offers_cli.files import parse_path

IgnoreRobotsOption = Annotated[
    bool, typer.Option("--ignore-robots", help="Ignore robots.txt (only with the shop's consent).")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what would be done without changing anything.")]


MOST = 10**9
"""The largest number that an option may be given: more than any database or queue holds."""
LONGEST_S = 100 * 365 * 86400


def parse_path_option(text: str) -> Path:
    """A path as an argument or option gives it; raises `UsageError` when no file can have that name."""
    try:
        return parse_path(text)
    except ValueError as exc:
        raise UsageError(f"{text}: {exc}", hint="give another path") from exc


def parse_age(text: str | None, option: str) -> float | None:
    """Seconds of an age such as ``90s``, ``10m``, ``12h``, ``7d`` or ``2w``; raises `UsageError` naming the option.

    A bare number is refused: who writes 400 rarely means seconds.
    """
    if text is None:
        return None
    if re.fullmatch(r"\s*[0-9.]+\s*", text):
        raise UsageError(f"{option} {text!r}: the unit is missing: s, m, h, d or w", hint=f"{option} {text.strip()}d")
    from offers_cli.config.values import parse_duration

    try:
        seconds = parse_duration(text)
    except ValueError as exc:
        raise UsageError(f"{option}: {exc}", hint=f"{option} 7d") from exc
    if seconds > LONGEST_S:
        raise UsageError(f"{option} {text!r}: longer than a hundred years", hint=f"{option} 7d")
    return seconds


def parse_since(text: str | None, option: str, *, now: datetime) -> datetime | None:
    """A moment given as an age (``7d``), an ISO date or time, or a date as Brazil writes it (``31/01/2026``).

    A time without zone is a local one.

    Raises:
        UsageError: none of them; the message names the option.
    """
    if text is None:
        return None
    if re.fullmatch(r"[0-9.]+[smhdw]", text):
        return now - timedelta(seconds=parse_age(text, option) or 0)
    try:
        moment = datetime.fromisoformat(re.sub(r"^([0-9]{2})/([0-9]{2})/([0-9]{4})$", r"\3-\2-\1", text))
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as exc:  # also a day at the edge of the calendar, in whatever zone
        raise UsageError(
            f"{option} {text!r}: expected an age such as 7d, or a date such as 2026-01-31 or 31/01/2026",
            hint=f"{option} 7d",
        ) from exc


def parse_amount(text: str | None, option: str) -> int | None:
    """Hundredths of an amount as Brazil writes it, ``200``, ``199,90`` or ``1.299,90``; raises `UsageError`.

    With a point before two digits it is refused, for one who writes 1.50 may as well mean 150.
    """
    if text is None:
        return None
    from offers_cli.money import MoneyError, parse_cents

    try:
        cents = parse_cents(text.strip(), currency="BRL")
    except MoneyError as exc:
        raise UsageError(
            f"{option} {text!r}: expected an amount such as 200 or 199,90", hint=f"{option} 199,90"
        ) from exc
    if not cents:
        raise UsageError(f"{option} {text!r}: no offer costs nothing", hint=f"{option} 199,90")
    return cents


def parse_rating(text: str | None, option: str) -> int | None:
    """Hundredths of a rating from 0 to 5, such as ``4.5``, ``4,5`` or ``4``; raises `UsageError`."""
    if text is None:
        return None
    found = re.fullmatch(r"([0-5])(?:[.,]([0-9]{1,2}))?", text.strip(), re.ASCII)
    hundredths = int(found[1]) * 100 + int((found[2] or "").ljust(2, "0")) if found else 501
    if hundredths > 500:
        raise UsageError(f"{option} {text!r}: expected stars from 0 to 5, such as 4.5", hint=f"{option} 4.5")
    return hundredths
