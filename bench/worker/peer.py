"""What the bench knows of each set-up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Job:
    offer_id: str
    url: str
    price_cents: int


@dataclass(frozen=True, slots=True)
class Peer:
    """One set-up.

    Attributes:
        enqueue: puts the jobs in its queue, before its workers start.
        commands: what to start, given how many jobs one process is to run at once.
        processes: that run jobs.
        places: jobs that one of its processes runs at once; None is what the bench is asked for.
        share: of the bench's jobs; the slow ones get fewer.
    """

    name: str
    enqueue: Callable[[Sequence[Job]], None]
    commands: Callable[[int], list[list[str]]]
    processes: int = 2
    places: int | None = None
    share: float = 1.0
