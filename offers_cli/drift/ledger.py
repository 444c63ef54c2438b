"""The pages of the last days, in Redis: a list of the last pages of each source, and one hash for each day.

Keys: ``offers:drift:recent:<source>`` (JSON, newest first), ``offers:drift:day:<source>:<yyyy-mm-dd>``,
``offers:drift:sources`` (set). Everything expires by itself.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from offers_cli.drift.judge import RECENT_PAGES, DriftWarning, Tally, judge, observe, tally
from offers_cli.redis_errors import translate

if TYPE_CHECKING:
    import redis

PREFIX = "offers:drift:"
USUAL_DAYS = 7
KEPT_S = (USUAL_DAYS + 1) * 86400


def utc_now() -> datetime:
    return datetime.now(UTC)


class DriftLedger:
    """What was found on pages, by source, field and strategy."""

    def __init__(self, connection: redis.Redis, *, now: Callable[[], datetime] = utc_now) -> None:
        self._redis = connection
        self._now = now

    def record(self, source: str, pages: Iterable[Tally]) -> None:
        """Remember the pages of one source, in one round trip."""
        seen = list(pages)
        if not seen:
            return
        day, recent = self._day_key(source, 0), f"{PREFIX}recent:{source}"
        with translate(), self._redis.pipeline(transaction=True) as pipe:
            pipe.sadd(f"{PREFIX}sources", source)
            pipe.lpush(recent, *(_pack(page) for page in seen))
            pipe.ltrim(recent, 0, RECENT_PAGES - 1)
            pipe.expire(recent, KEPT_S)
            for name, count in _flat(tally(seen)).items():
                pipe.hincrby(day, name, count)
            pipe.expire(day, KEPT_S)
            pipe.execute()

    def warnings(self) -> list[DriftWarning]:
        """What is no longer found as it was, over all sources."""
        with translate():
            names: Any = self._redis.smembers(f"{PREFIX}sources")
            return [warning for name in sorted(_text(n) for n in names) for warning in self._judge(name)]

    def _judge(self, source: str) -> list[DriftWarning]:
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.lrange(f"{PREFIX}recent:{source}", 0, RECENT_PAGES - 1)
            for days_ago in range(USUAL_DAYS + 1):
                pipe.hgetall(self._day_key(source, days_ago))
            recent, *days = pipe.execute()
        newest_first = [_unpack(page) for page in recent]
        before = tally(_from_flat(day) for day in days)
        before.add(tally(newest_first), times=-1)
        return judge(source, newest_first=newest_first, before=before)

    def _day_key(self, source: str, days_ago: int) -> str:
        day = self._now() - timedelta(days=days_ago)
        return f"{PREFIX}day:{source}:{day:%Y-%m-%d}"


def _pack(page: Tally) -> str:
    return json.dumps([page.things, page.wins])


def _unpack(text: bytes | str) -> Tally:
    things, wins = json.loads(text)
    return observe(things, wins)


def _flat(total: Tally) -> dict[str, int]:
    wins = {f"{name} {strategy}": n for name, found in total.wins.items() for strategy, n in found.items()}
    return {"pages": total.pages, "things": total.things, **wins}


def _from_flat(counts: dict[bytes | str, bytes | str]) -> Tally:
    total = Tally()
    for key, count in counts.items():
        name, _, strategy = _text(key).partition(" ")
        if strategy:
            total.wins.setdefault(name, Counter())[strategy] += int(count)
        elif name == "pages":
            total.pages += int(count)
        else:
            total.things += int(count)
    return total


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
