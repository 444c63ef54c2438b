"""Moments: one clock, one way to write them for programs, the zone in which people see them; durations in words."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def utc_now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)


def to_utc(moment: datetime) -> datetime:
    """The moment in UTC; raises `ValueError` for a time without zone, whose meaning would be a guess."""
    if moment.tzinfo is None:
        raise ValueError(f"a time without zone: {moment.isoformat()}")
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


def iso_utc(moment: datetime, *, timespec: str = "auto") -> str:
    """ISO 8601 in UTC with a ``Z``; with a fixed `timespec`, such as ``microseconds``, text order is time order.

    Raises `ValueError` as `to_utc` does.
    """
    return to_utc(moment).isoformat(timespec=timespec).removesuffix("+00:00") + "Z"


def use_time_zone(name: str) -> None:
    """Make that zone, such as ``America/Sao_Paulo``, the local one of this process and of those that it starts."""
    os.environ["TZ"] = name
    time.tzset()


def local_zone_name() -> str | None:
    """The local zone's name, such as ``America/Sao_Paulo``; None where the system does not tell it."""
    name = os.environ.get("TZ", "").removeprefix(":")
    if not name:
        name = os.path.realpath("/etc/localtime").partition("zoneinfo/")[2].removeprefix("posix/")
    try:
        return ZoneInfo(name).key if name else "UTC" if not time.timezone and not time.daylight else None
    except (ZoneInfoNotFoundError, OSError, ValueError):  # a rule such as EST5EDT,M3.2.0, or a path
        return None


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
