"""A pace without waiting."""

from __future__ import annotations

from collections.abc import Sequence

from offers_cli.fetch.pace import Refusal
from offers_cli.fetch.response import Page


class FreePace:
    """A pace that makes nobody wait (but for `wait_s`), and remembers what it was asked."""

    def __init__(self) -> None:
        self.wait_s = 0.0
        self.turns: list[tuple[str, str]] = []
        self.walls = 0
        self.responses: list[tuple[str, int | None]] = []
        self.served: list[str] = []
        self.refused: list[tuple[str, str]] = []
        self.pauses: list[tuple[str, float | None, str, str]] = []

    def reserve(self, host: str, egresses: Sequence[str] = ("direct",)) -> tuple[str, float]:
        egress = egresses[len(self.turns) % len(egresses)]
        self.turns.append((host, egress))
        return egress, self.wait_s

    def is_paused(self, host: str, egress: str = "direct") -> bool:  # noqa: ARG002 (the pace's form)
        return False

    def pause(self, host: str, seconds: float, *, reason: str, egress: str = "direct") -> float:
        self.pauses.append((host, seconds, reason, egress))
        return seconds

    def note_served(self, page: Page) -> None:
        self.served.append(page.url)

    def note_response(self, host: str, status: int | None) -> None:
        self.responses.append((host, status))

    def report(self) -> None:
        self.responses.append(("", 0))

    def note_refusal(
        self, host: str, url: str, seconds: float | None, *, reason: str, egress: str = "direct"
    ) -> Refusal:
        self.pauses.append((host, seconds, reason, egress))
        self.refused.append((host, url))
        return Refusal(wait_s=60.0 if seconds is None else seconds, walls=self.walls)
