"""How figures are shown to a person: money, percentages, times, durations, sizes."""

from __future__ import annotations

from datetime import datetime

from offers_cli.times import iso_utc


def format_money(cents: int | None, currency: str) -> str:
    """An amount as its country writes it; nothing for None."""
    from offers_cli.money import format_cents

    return "" if cents is None else format_cents(cents, currency)


def format_percent(pct: int | None) -> str:
    return "" if pct is None else f"{pct}%"


def format_time(time: datetime | None) -> str:
    """ISO 8601 in UTC, to the second; nothing for None."""
    return "" if time is None else iso_utc(time, timespec="seconds")


def format_duration(seconds: float | None) -> str:
    """A duration in its two largest units; a dash for None."""
    if seconds is None:
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


def format_size(count: int | None) -> str:
    """Bytes in MiB; a dash for None."""
    return "-" if count is None else f"{count / 2**20:.1f} MiB"
