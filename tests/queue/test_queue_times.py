"""The times that the scripts write, as RQ writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

from offers_cli.redis.scripts import load_script


def moments_of_change() -> list[datetime]:
    """The full hours of a day; the last microsecond of each month and the first hours of the next one, 1970 to 2200."""
    hours = [datetime(2026, 5, 18, hour, tzinfo=UTC) for hour in range(24)]
    firsts = [datetime(year, month, 1, tzinfo=UTC) for year in range(1970, 2200) for month in range(1, 13)]
    later = timedelta(hours=1, minutes=2, seconds=3, microseconds=40)
    return hours + [moment for first in firsts[1:] for moment in (first - timedelta(microseconds=1), first + later)]


def written(connection: redis.Redis, function: str, moments: list[datetime]) -> list[str]:
    """What a function of the scripts makes of these moments."""
    prelude = load_script("offers_cli.queue", "failures").partition("-- Counts")[0]
    loop = f"local found = {{}} for i = 2, #ARGV do found[i - 1] = {function}(tonumber(ARGV[i])) end return found"
    microseconds = [(moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) for moment in moments]
    texts = [f"{each // 1_000_000}.{each % 1_000_000:06d}" for each in microseconds]
    found: Any = connection.eval(f"{prelude}\n{loop}", 0, "0", *texts)
    return [text.decode() for text in found]


def test_a_time_is_written_as_rq_writes_it(connection: redis.Redis) -> None:
    """To the microsecond or so: a Lua number holds no more. The last of a month is never the first of the next."""
    moments = moments_of_change()
    for moment, text in zip(moments, written(connection, "iso", moments), strict=True):
        read = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
        assert abs(read - moment) <= timedelta(microseconds=2), (moment, text)


def test_a_number_of_seconds_keeps_its_microseconds(connection: redis.Redis) -> None:
    moments = moments_of_change()
    for moment, text in zip(moments, written(connection, "stamp", moments), strict=True):
        assert float(text) == pytest.approx(moment.timestamp(), abs=2e-6)
        assert len(text.partition(".")[2]) == 6
