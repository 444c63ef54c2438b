"""When a shop's pages count as changed. Pure: counts in, warnings out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from offers_cli.offer import FACTS, in_words

RECENT_PAGES = 200
LATEST_PAGES = 50
ENOUGH_PAGES = 50
"""Fewer pages before say nothing about what is usual."""
DROP = 0.8
"""A fill rate below this part of the usual one is drift."""
BROKEN_PAGES = 10
BROKEN_SHARE = 0.5
"""A price that is found on less of at least so many pages is lost, whatever was usual."""
MAIN_SHARE = 0.5
"""A strategy that found at least this part of a field's values was its main one."""
ENOUGH_FINDS = 20
"""Where a coin decides, fewer finds may all fall on one side by chance."""
VARYING = frozenset({*FACTS, "card_price_cents", "discount_kind"})
"""What some offers have and others lack: how many do depends on what is for sale, so that only its absence is drift."""


@dataclass(slots=True)
class FieldCounts:
    """Pages, things read on them (1 on a product page, cards on a listing), and by field the strategies that won."""

    pages: int = 0
    things: int = 0
    wins: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    @classmethod
    def of_page(cls, things: int, wins: Mapping[str, Mapping[str, int]]) -> Self:
        """The counts of one page: by field, how often each strategy won."""
        counts = cls(pages=1, things=things)
        for name, strategies in wins.items():
            counts.wins[name].update(strategies)
        return counts

    @classmethod
    def total(cls, several: Iterable[FieldCounts]) -> Self:
        """The sum of several."""
        total = cls()
        for counts in several:
            total.add(counts)
        return total

    def add(self, other: FieldCounts, *, times: int = 1) -> None:
        """Add other counts, or take them away with ``times=-1``."""
        self.pages += times * other.pages
        self.things += times * other.things
        for name, strategies in other.wins.items():
            for strategy, count in strategies.items():
                self.wins[name][strategy] += times * count

    def rate(self, name: str) -> float:
        """How often that field was found, from 0 to 1."""
        return self.wins[name].total() / self.things if self.things > 0 and name in self.wins else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftWarning:
    """One field of one source that is no longer found as it was.

    Attributes:
        is_broken: most pages of that source cannot be used at all.
    """

    source: str
    field: str
    message: str
    is_broken: bool = False


def find_drift(source: str, *, newest_first: Sequence[FieldCounts], before: FieldCounts) -> list[DriftWarning]:
    """Compare the last pages of a source with the days before; no warnings while too little is known.

    Args:
        newest_first: the counts of each of the last `RECENT_PAGES` pages.
        before: what was usual, those pages not counted.
    """
    if before.pages < ENOUGH_PAGES or not newest_first:
        return []
    recent, latest = (FieldCounts.total(newest_first[:pages]) for pages in (RECENT_PAGES, LATEST_PAGES))
    messages = {name: _drop(name, recent, before) or _lost_strategy(name, latest, before) for name in before.wins}
    return [DriftWarning(source=source, field=name, message=text) for name, text in sorted(messages.items()) if text]


def find_broken(source: str, *, newest_first: Sequence[FieldCounts]) -> list[DriftWarning]:
    """A source whose pages show no price any more: that needs no days before to be known."""
    latest = FieldCounts.total(newest_first[:LATEST_PAGES])
    share = latest.rate("price_cents")
    if latest.pages < BROKEN_PAGES or share >= BROKEN_SHARE:
        return []
    found = "none" if not share else f"{share:.0%}"
    message = f"price found on {found} of the last {latest.pages} pages"
    return [DriftWarning(source=source, field="price_cents", message=message, is_broken=True)]


def _drop(name: str, recent: FieldCounts, before: FieldCounts) -> str:
    usual, now = before.rate(name), recent.rate(name)
    if usual <= 0 or now >= DROP * usual:
        return ""
    if name in VARYING and (now > 0 or usual * recent.things < ENOUGH_FINDS):
        return ""
    return f"{in_words(name)} found on {now:.0%} of the last {recent.pages} pages, usually on {usual:.0%}"


def _lost_strategy(name: str, latest: FieldCounts, before: FieldCounts) -> str:
    usual, found = before.wins[name], latest.wins.get(name, Counter())
    main, wins = max(usual.items(), key=lambda item: item[1], default=("", 0))
    # A field that nothing found any more is a drop, and told as one.
    is_lost = latest.pages >= LATEST_PAGES and found.total() >= ENOUGH_FINDS and found[main] <= 0
    if wins <= 0 or wins < MAIN_SHARE * usual.total() or not is_lost:
        return ""
    instead = found.most_common(1)[0][0]
    return f"{in_words(name)} was found by {main}; in the last {latest.pages} pages only by others ({instead})"
