"""A pace without waiting."""

from __future__ import annotations

from collections.abc import Sequence


class FreePace:
    """A pace that makes nobody wait (but for `wait_s`), and remembers what it was asked."""

    def __init__(self) -> None:
        self.wait_s = 0.0
        self.turns: list[tuple[str, str]] = []
        self.pauses: list[tuple[str, float | None, str, str]] = []

    def reserve(self, host: str, egresses: Sequence[str] = ("direct",)) -> tuple[str, float]:
        egress = egresses[len(self.turns) % len(egresses)]
        self.turns.append((host, egress))
        return egress, self.wait_s

    def is_paused(self, host: str, egress: str = "direct") -> bool:  # noqa: ARG002 (the pace's form)
        return False

    def pause(self, host: str, seconds: float | None, *, reason: str, egress: str = "direct") -> float:
        self.pauses.append((host, seconds, reason, egress))
        return 60.0 if seconds is None else seconds
