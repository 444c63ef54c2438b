"""A drift store without Redis."""

from __future__ import annotations

from collections.abc import Sequence

import redis

from offers_cli.drift.detect import DriftWarning, FieldCounts
from offers_cli.drift.store import DriftStore


class DriftMemory(DriftStore):
    """Remembers what is recorded, and warns of what it was given."""

    def __init__(self, *warnings: DriftWarning) -> None:
        super().__init__(self._never)
        self.recorded: list[tuple[str, int]] = []
        self._warnings = warnings

    @staticmethod
    def _never() -> redis.Redis:
        raise AssertionError

    def record(self, source: str, pages: Sequence[FieldCounts]) -> None:
        self.recorded.append((source, len(pages)))

    def warnings(self) -> list[DriftWarning]:
        return list(self._warnings)
