"""What counts as drift. Pure: figures in, warnings out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

RECENT_PAGES = 200
LATEST_PAGES = 50
ENOUGH_PAGES = 50
"""Fewer pages before say nothing about what is usual."""
DROP = 0.8
"""A fill rate below this part of the usual one is drift."""
MAIN_SHARE = 0.5
"""A strategy that found at least this part of a field's values was its main one."""


@dataclass(slots=True)
class Tally:
    """Pages, things read on them (1 on a product page, cards on a listing), and by field the strategies that won."""

    pages: int = 0
    things: int = 0
    wins: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, other: Tally, *, times: int = 1) -> None:
        """Add another tally, or take it away with ``times=-1``."""
        self.pages += times * other.pages
        self.things += times * other.things
        for name, strategies in other.wins.items():
            mine = self.wins.setdefault(name, Counter())
            for strategy, count in strategies.items():
                mine[strategy] += times * count

    def rate(self, name: str) -> float:
        """How often that field was found, from 0 to 1."""
        return sum(self.wins.get(name, Counter()).values()) / self.things if self.things > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftWarning:
    """One field of one source that is no longer found as it was."""

    source: str
    field: str
    message: str


def tally(observations: Iterable[Tally]) -> Tally:
    """The sum of several tallies."""
    total = Tally()
    for one in observations:
        total.add(one)
    return total


def observe(things: int, wins: Mapping[str, Mapping[str, int]]) -> Tally:
    """The tally of one page."""
    return Tally(pages=1, things=things, wins={name: Counter(dict(found)) for name, found in wins.items()})


def judge(source: str, *, newest_first: list[Tally], before: Tally) -> list[DriftWarning]:
    """Compare the last pages of a source with the days before; no warnings while too little is known.

    Args:
        newest_first: the tallies of the last `RECENT_PAGES` pages.
        before: what was usual, those pages not counted.
    """
    if before.pages < ENOUGH_PAGES or not newest_first:
        return []
    recent, latest = tally(newest_first[:RECENT_PAGES]), tally(newest_first[:LATEST_PAGES])
    warnings = []
    for name in sorted(before.wins):
        message = _drop(name, recent, before) or _lost_strategy(name, latest, before)
        if message:
            warnings.append(DriftWarning(source=source, field=name, message=message))
    return warnings


def _drop(name: str, recent: Tally, before: Tally) -> str:
    usual, now = before.rate(name), recent.rate(name)
    if usual <= 0 or now >= DROP * usual:
        return ""
    return f"{name} found on {now:.0%} of the last {recent.pages} pages, usually on {usual:.0%}"


def _lost_strategy(name: str, latest: Tally, before: Tally) -> str:
    usual = before.wins[name]
    main, wins = max(usual.items(), key=lambda item: item[1], default=("", 0))
    found = latest.wins.get(name, Counter())
    is_lost = latest.pages >= LATEST_PAGES and found.total() > 0 and found[main] <= 0
    if wins <= 0 or wins < MAIN_SHARE * usual.total() or not is_lost:
        return ""
    instead = found.most_common(1)[0][0]
    return f"{name} was found by {main}; in the last {latest.pages} pages only by others ({instead})"
