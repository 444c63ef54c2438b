"""How many pages one process fetches at once: as many as the allowed pace needs, and hardly more."""

from __future__ import annotations

from threading import Condition
from typing import Literal, Self

FEWEST, MOST = 3, 64


class PageSlots:
    """Slots for pages, held as a context manager; thread-safe. Their number follows the turns that are taken.

    A turn that is there at once while every slot is taken came late: with a free slot it would have been used before,
    so there are more. One is given up where every turn of a whole round was waited for so long that one slot less would
    have waited too. Slow pages, several ways out, other processes and a pause need no rule of their own.

    Args:
        wanted: a fixed number, or ``"auto"``.
        delay_s: how far the turns of a host lie apart; without a delay there is no pace to keep up with, and ``"auto"``
            stays at `FEWEST`.
    """

    def __init__(self, wanted: int | Literal["auto"], *, delay_s: float) -> None:
        self.number = FEWEST if wanted == "auto" else wanted
        self._fewest, self._most = (FEWEST, MOST) if wanted == "auto" and delay_s else (self.number, self.number)
        self._delay_s = delay_s
        self._taken = 0
        self._round: list[float] = []
        self._late = 0
        self._changed = Condition()
        self.are_too_few = False
        """Whether no more slots are allowed and half of a round's turns came late; until a round in which none did."""

    def __enter__(self) -> Self:
        with self._changed:
            self._changed.wait_for(lambda: self._taken < self.number)
            self._taken += 1
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._taken -= 1
            self._changed.notify()

    def note_turn(self, waited_s: float) -> None:
        """Note that a turn was taken which had to be waited for so long."""
        with self._changed:
            is_late = not waited_s and self._delay_s > 0 and self._taken >= self.number
            self._round.append(waited_s)
            self._late += is_late
            if is_late and self.number < self._most:
                # By half: turns come in bunches, and of a bunch that comes late only the first turn is late.
                self.number = min(self._most, self.number + max(1, self.number // 2))
                self._changed.notify_all()
            if len(self._round) >= self.number:
                self._end_round()

    def _end_round(self) -> None:
        if self.number < self._most or not self._late:
            self.are_too_few = False
        elif 2 * self._late >= len(self._round):
            self.are_too_few = True
        if min(self._round) >= 2 * self._delay_s and self.number > self._fewest:
            self.number -= 1
        self._round, self._late = [], 0
