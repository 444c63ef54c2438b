"""What was found on the pages of the last days, in Redis: the last pages of each source, and one hash for each day.

Keys: ``offers:drift:recent:<source>`` (a list, JSON, newest first), ``offers:drift:day:<source>:<yyyy-mm-dd>``,
``offers:drift:sources`` (set). Everything expires by itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from offers_cli.drift.detect import RECENT_PAGES, DriftWarning, FieldCounts, find_broken, find_drift
from offers_cli.redis.scripts import query
from offers_cli.redis.values import as_json, as_number, as_text
from offers_cli.times import utc_now

if TYPE_CHECKING:
    import redis

PREFIX = "offers:drift:"
SOURCES = f"{PREFIX}sources"
USUAL_DAYS = 7
KEPT_S = (USUAL_DAYS + 1) * 86400
COUNT_LIMIT = 1_000_000
"""Of one page: a larger count was not counted on it."""


class DriftStore:
    """What was found on pages, by source, field and strategy.

    Args:
        connect: gives the connection; called when something is read or written, so that nothing needs Redis before.

    Raises (every method): `QueueUnavailable`, `QueueRefused` when Redis does not answer, or answers no.
    """

    def __init__(self, connect: Callable[[], redis.Redis], *, now: Callable[[], datetime] = utc_now) -> None:
        self._connect = connect
        self._now = now

    def record(self, source: str, pages: Sequence[FieldCounts]) -> None:
        """Remember the pages of one source, each by its own counts, in one round trip."""
        if not pages:
            return
        day, recent = self._day_key(source, 0), f"{PREFIX}recent:{source}"
        query(
            self._connect(),
            ("SADD", SOURCES, source),
            ("LPUSH", recent, *(json.dumps([page.things, page.wins]) for page in pages)),
            ("LTRIM", recent, 0, RECENT_PAGES - 1),
            ("EXPIRE", recent, KEPT_S),
            *(("HINCRBY", day, name, count) for name, count in _flat(FieldCounts.total(pages)).items()),
            ("EXPIRE", day, KEPT_S),
        )

    def warnings(self) -> list[DriftWarning]:
        """What is no longer found as it was, over all sources."""
        [names] = query(self._connect(), ("SMEMBERS", SOURCES))
        return [warning for name in sorted(map(as_text, names)) for warning in self._warnings_of(name)]

    def _warnings_of(self, source: str) -> list[DriftWarning]:
        recent, *days = query(
            self._connect(),
            ("LRANGE", f"{PREFIX}recent:{source}", 0, RECENT_PAGES - 1),
            *(("HGETALL", self._day_key(source, days_ago)) for days_ago in range(USUAL_DAYS + 1)),
        )
        newest_first = [counts for page in recent if (counts := _read_page(page))]
        before = FieldCounts.total(map(_read_day, days))
        before.add(FieldCounts.total(newest_first), times=-1)
        broken = find_broken(source, newest_first=newest_first)
        lost = {warning.field for warning in broken}
        drift = find_drift(source, newest_first=newest_first, before=before)
        return broken + [warning for warning in drift if warning.field not in lost]

    def _day_key(self, source: str, days_ago: int) -> str:
        day = self._now() - timedelta(days=days_ago)
        return f"{PREFIX}day:{source}:{day:%Y-%m-%d}"


def _read_page(page: bytes) -> FieldCounts | None:
    """A page as `record` wrote it; None for whatever else stands there."""
    match as_json(page):
        case [int(things), dict(wins)] if _are_counts([things]) and all(
            isinstance(found, dict) and _are_counts(found.values()) for found in wins.values()
        ):
            return FieldCounts.of_page(things, wins)
        case _:
            return None


def _are_counts(found: Iterable[Any]) -> bool:
    return all(type(count) is int and 0 <= count <= COUNT_LIMIT for count in found)


def _flat(total: FieldCounts) -> dict[str, int]:
    wins = {f"{name} {strategy}": n for name, found in total.wins.items() for strategy, n in found.items()}
    return {"pages": total.pages, "things": total.things, **wins}


def _read_day(counts: Sequence[bytes]) -> FieldCounts:
    """A day, from Redis's names and counts in turn; a count that is no number counts nothing."""
    total = FieldCounts()
    for key, text in zip(counts[::2], counts[1::2], strict=True):
        name, _, strategy = as_text(key).partition(" ")
        count = as_number(text) or 0
        if strategy:
            total.wins[name][strategy] += count
        elif name == "pages":
            total.pages += count
        elif name == "things":
            total.things += count
    return total
