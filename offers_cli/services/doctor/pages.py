"""The pages: whether their fields are still found as they were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from offers_cli.services.doctor.finding import Finding


class DriftWarning(Protocol):
    """One field of one source that is no longer found as it was."""

    @property
    def source(self) -> str: ...
    @property
    def message(self) -> str: ...


class DriftView(Protocol):
    """The part of the drift ledger that the doctor needs."""

    def warnings(self) -> Sequence[DriftWarning]: ...


def look_at_pages(drift: DriftView) -> Finding:
    """Whether a shop has changed its pages; for when Redis answers."""
    warnings = drift.warnings()
    if not warnings:
        return Finding(name="pages", state="ok", evidence="their fields are found as usual")
    told = "; ".join(f"{warning.source}: {warning.message}" for warning in warnings)
    return Finding(name="pages", state="warning", evidence=told, advice="offers failed --reason page_changed")
