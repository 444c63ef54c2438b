"""Requeue: failed jobs go back to the queue, by reason, offer and age."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Protocol

from offers_cli.errors import WORK_ERRORS, UsageError
from offers_cli.report import Problem


class FailedQueue(Protocol):
    """The part of the queue that requeueing needs."""

    def requeue_failed(
        self,
        *,
        reasons: frozenset[str],
        offer_ids: frozenset[str],
        older_than_s: float | None,
        limit: int | None,
        dry_run: bool,
    ) -> Any:
        """Returns an object with `found`, `requeued` and `skipped`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RequeueFailedReport:
    """`found = requeued + skipped`, unless nothing was to be changed; `skipped` are jobs that have expired."""

    found: int = 0
    requeued: int = 0
    skipped: int = 0
    dry_run: bool = False
    problems: tuple[Problem, ...] = ()

    def data(self) -> dict[str, Any]:
        return {
            "found": self.found,
            "requeued": self.requeued,
            "skipped": self.skipped,
            "dry_run": self.dry_run,
        }


def check_reasons(reasons: Iterable[str]) -> frozenset[str]:
    """The reasons as a set; raises `UsageError` for one that is no failure code, naming the nearest."""
    for reason in reasons:
        if reason not in WORK_ERRORS:
            near = get_close_matches(reason, WORK_ERRORS, n=1, cutoff=0.3) or list(WORK_ERRORS)[:1]
            raise UsageError(f"{reason!r} is not a failure code", hint=f"--reason {near[0]}")
    return frozenset(reasons)


def requeue_failed(
    *,
    queue: FailedQueue,
    reasons: frozenset[str] = frozenset(),
    offer_ids: frozenset[str] = frozenset(),
    older_than_s: float | None = None,
    limit: int | None = None,
    dry_run: bool = False,
) -> RequeueFailedReport:
    """Put failed jobs back; empty `reasons` and `offer_ids` mean all."""
    done = queue.requeue_failed(
        reasons=reasons, offer_ids=offer_ids, older_than_s=older_than_s, limit=limit, dry_run=dry_run
    )
    return RequeueFailedReport(found=done.found, requeued=done.requeued, skipped=done.skipped, dry_run=dry_run)
