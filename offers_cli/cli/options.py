"""Options that several commands share, declared once."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from offers_cli.errors import UsageError

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
VerboseOption = Annotated[int, typer.Option("--verbose", "-v", count=True, help="Tell more on stderr.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Tell only errors on stderr.")]
IgnoreRobotsOption = Annotated[
    bool, typer.Option("--ignore-robots", help="Do not ask a shop's robots.txt: you have its consent.")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Tell what would be done, and change nothing.")]


def examples(*lines: str) -> str:
    """The examples that stand at the end of a command's help, one a line."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def parse_age(text: str | None, option: str) -> float | None:
    """Seconds of an age such as ``90s``, ``10m``, ``12h`` or ``7d``; raises `UsageError` naming the option.

    A bare number is refused: who writes 400 rarely means seconds.
    """
    if text is None:
        return None
    if re.fullmatch(r"\s*[0-9.]+\s*", text):
        raise UsageError(f"{option} {text!r}: the unit is missing: s, m, h or d", hint=f"{option} {text.strip()}d")
    from offers_cli.config.values import parse_duration

    try:
        return parse_duration(text)
    except ValueError as exc:
        raise UsageError(f"{option} {text!r}: {exc}", hint=f"{option} 7d") from exc


def parse_since(text: str | None, option: str, *, now: datetime) -> datetime | None:
    """A moment given as an age (``7d``) or as an ISO date or time; raises `UsageError` naming the option."""
    if text is None:
        return None
    if re.fullmatch(r"[0-9.]+[smhd]", text):
        return now - timedelta(seconds=parse_age(text, option) or 0)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise UsageError(
            f"{option} {text!r}: expected an age such as 7d, or a date such as 2026-01-31", hint=f"{option} 7d"
        ) from exc
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
