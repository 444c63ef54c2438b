"""What a worker is asked to do, and what it tells about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from offers_cli.offer import Enrichment, EnrichmentFailure


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedJob:
    """One job that this worker holds.

    Attributes:
        attempt: from 1; snoozed and given-back attempts do not count.
        claimed_at: Redis's time at the claim (UTC): the fence of this attempt's writes.
    """

    job_id: str
    offer_id: str
    url: str
    current_price_cents: int | None
    attempt: int
    claimed_at: datetime


Enrich = Callable[[ClaimedJob], Enrichment]
"""Does the work of one job, in a thread; raises a `WorkError` whose `outcome` says what becomes of the job."""


class SaveReport(Protocol):
    """The parts of `storage.base.EnrichmentReport` that decide about a job."""

    @property
    def stale(self) -> frozenset[str]:
        """Offers to ask again about."""
        ...

    @property
    def unknown(self) -> frozenset[str]:
        """Offers that the database does not hold."""
        ...

    @property
    def refused(self) -> Mapping[str, str]:
        """Offers whose result cannot be stored, and why."""
        ...


Save = Callable[[Sequence[Enrichment], Sequence[EnrichmentFailure]], SaveReport]
"""Writes a group of results in one transaction; when it returns, they are durable.

Raises `StorageUnavailable` (the jobs are put off, the worker pauses) or `StorageRefused` (the worker gives everything
back and ends with it).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerReport:
    """What a worker did.

    Attributes:
        retried: attempts that failed and will be tried again.
        snoozed: jobs put off without spending an attempt.
        interrupted: it was told to stop by SIGINT (Ctrl-C).
    """

    succeeded: int = 0
    failed: int = 0
    retried: int = 0
    snoozed: int = 0
    duration_s: float = 0.0
    interrupted: bool = False

    @property
    def ended(self) -> int:
        """Attempts that came to an end."""
        return self.succeeded + self.failed + self.retried + self.snoozed

    @property
    def jobs_per_s(self) -> float:
        """Attempts that came to an end, per second."""
        return round(self.ended / self.duration_s, 2) if self.duration_s else 0.0
