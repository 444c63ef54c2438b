"""Slots for pages: as many as the pace needs, whatever the pages, the ways out and other processes do."""

from __future__ import annotations

import heapq
import threading

import pytest

from offers_cli.fetch.page_slots import FEWEST, MOST, PageSlots


class Site:
    """A host and the jobs of one process, on a clock of its own: a turn every `delay_s` for each way out."""

    def __init__(self, slots: PageSlots, *, delay_s: float, page_s: float, ways: int = 1) -> None:
        self.slots = slots
        self.delay_s = delay_s
        self.page_s = page_s
        self.now = 0.0
        self._turns = [0.0] * ways
        self._ends: list[float] = []

    def serve(self, pages: int, *, jobs: int = 10**6) -> float:
        """Fetch so many pages, at most `jobs` at once; returns the pages per second."""
        began = self.now
        for _ in range(pages):
            while len(self._ends) >= min(self.slots.number, jobs):
                self.now = max(self.now, heapq.heappop(self._ends))
                self.slots.__exit__()
            self.slots.__enter__()
            way = self._turns.index(min(self._turns))
            turn = max(self.now, self._turns[way])
            self._turns[way] = turn + self.delay_s
            self.slots.note_turn(turn - self.now)
            heapq.heappush(self._ends, turn + self.page_s)
        return pages / (self.now - began)


@pytest.mark.parametrize("ways", [1, 3])
@pytest.mark.parametrize(("delay_s", "page_s"), [(0.5, 0.1), (0.5, 2.0), (0.1, 2.0), (2.0, 1.0)])
def test_the_allowed_pace_is_reached(delay_s: float, page_s: float, ways: int) -> None:
    slots = PageSlots("auto", delay_s=delay_s)
    site = Site(slots, delay_s=delay_s, page_s=page_s, ways=ways)
    site.serve(200)
    assert site.serve(400) >= 0.98 * ways / delay_s
    needed = ways * page_s / delay_s
    assert FEWEST <= slots.number <= max(FEWEST, needed + ways + 3), "and not many more than are needed"


def test_a_fixed_number_stays_and_says_that_it_is_too_small() -> None:
    slots = PageSlots(3, delay_s=0.5)
    site = Site(slots, delay_s=0.5, page_s=2.0)
    assert site.serve(100) == pytest.approx(1.5, rel=0.05)
    assert (slots.number, slots.are_too_few) == (3, True)
    site.page_s = 0.1
    site.serve(100)
    assert (slots.number, slots.are_too_few) == (3, False)


def test_too_few_slots_are_so_until_a_round_without_a_late_turn() -> None:
    """Else the figures would say so and take it back every few seconds."""
    slots = PageSlots(3, delay_s=0.5)
    said = []
    with slots, slots, slots:
        for waits in ((0, 0, 0.5), (0, 0.5, 0.5), (0.5, 0.5, 0.5), (0, 0.5, 0.5)):
            for waited_s in waits:
                slots.note_turn(waited_s)
            said.append(slots.are_too_few)
    assert said == [True, True, False, False]


def test_slots_that_slow_pages_needed_are_given_up_when_pages_are_quick_again() -> None:
    slots = PageSlots("auto", delay_s=0.5)
    site = Site(slots, delay_s=0.5, page_s=10.0)
    site.serve(200)
    assert slots.number >= 20
    site.page_s = 0.1
    site.serve(2000)
    assert slots.number <= FEWEST + 2
    assert not slots.are_too_few


def test_without_a_delay_there_is_no_pace_to_keep_up_with() -> None:
    slots = PageSlots("auto", delay_s=0)
    Site(slots, delay_s=0, page_s=1.0).serve(100)
    assert (slots.number, slots.are_too_few) == (FEWEST, False)


def test_a_queue_that_trickles_needs_no_more_slots() -> None:
    """Its turns are there at once, and no slot was missing."""
    slots = PageSlots("auto", delay_s=0.01)
    Site(slots, delay_s=0.01, page_s=1.0).serve(100, jobs=1)
    assert slots.number == FEWEST


def test_there_is_an_end_to_it() -> None:
    slots = PageSlots("auto", delay_s=0.01)
    Site(slots, delay_s=0.01, page_s=10.0).serve(1000)
    assert (slots.number, slots.are_too_few) == (MOST, True)


def test_no_more_pages_are_fetched_at_once_than_there_are_slots() -> None:
    slots = PageSlots(1, delay_s=0)
    entered = threading.Event()

    def enter() -> None:
        with slots:
            entered.set()

    with slots:
        waiting = threading.Thread(target=enter)
        waiting.start()
        assert not entered.wait(0.05)
    waiting.join()
    assert entered.is_set()
