"""Doctor: look at everything that can be wrong, all at once and within a deadline, and tell what mends it."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from offers_cli.errors import Bug, OffersError
from offers_cli.report import Problem
from offers_cli.services.doctor.finding import Check, Finding

DEADLINE_S = 8.0
"""The whole command is to end within 10 s even when everything hangs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorReport:
    """All findings, in the order of the checks."""

    findings: tuple[Finding, ...] = ()

    @property
    def problems(self) -> tuple[Problem, ...]:
        return tuple(problem for finding in self.findings if (problem := finding.problem))

    def data(self) -> dict[str, Any]:
        return {"checks": [finding.data() for finding in self.findings]}


def examine(checks: Sequence[Check], *, deadline_s: float = DEADLINE_S) -> DoctorReport:
    """Run the checks at the same time; one that hangs or breaks hides no other.

    A thread that hangs is left behind: it is a daemon, and ends with the program.
    """
    give_up_at = time.monotonic() + deadline_s
    looks = [_Look(check) for check in checks]
    for look in looks:
        look.join(max(0.0, give_up_at - time.monotonic()))
    return DoctorReport(findings=tuple(f for look in looks for f in look.findings(deadline_s)))


class _Look(threading.Thread):
    """One check on its way."""

    def __init__(self, check: Check) -> None:
        super().__init__(name=f"check {check.names[0]}", daemon=True)
        self._check = check
        self._seen: Sequence[Finding] | None = None
        self.start()

    def run(self) -> None:
        name = self._check.names[0]
        try:
            self._seen = tuple(self._check.look())
        except OffersError as error:
            self._seen = [Finding.of(name, error)]
        except Exception as exc:  # noqa: BLE001 (a check that breaks must hide no other)
            broken = Bug(f"the check itself broke: {type(exc).__name__}", hint="offers --debug doctor, and report it")
            self._seen = [Finding.of(name, broken)]

    def findings(self, deadline_s: float) -> Sequence[Finding]:
        """What was seen, and as unknown what was not."""
        first, *_ = names = self._check.names
        late = self._check.late(f"no answer within {deadline_s:g} s", hint="offers doctor")
        seen = self._seen if self._seen is not None else [Finding.of(first, late)]
        told = {finding.name for finding in seen}
        unseen = [name for name in names if name not in told]
        return [*seen, *(Finding(name=n, state="unknown", evidence=f"not seen: {first} first") for n in unseen)]
