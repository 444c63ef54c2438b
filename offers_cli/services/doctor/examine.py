"""Look at everything that can be wrong, all at once and within a deadline, and say what mends it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from offers_cli.errors import Bug, OffersError
from offers_cli.report import Problem

State = Literal["ok", "warning", "problem", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        evidence: what was seen.
        advice: the command that mends it, ready to be run; a sentence where no command can. Empty when all is well.
        code: for problems, the code of the error that commands would end with; `exit_code` likewise.
    """

    name: str
    state: State
    evidence: str
    advice: str = ""
    code: str = ""
    exit_code: int = 0

    @classmethod
    def of(cls, name: str, error: OffersError, *, advice: str = "") -> Self:
        """The problem that an error tells of."""
        return cls(
            name=name,
            state="problem",
            evidence=error.message,
            advice=advice or error.hint,
            code=error.code,
            exit_code=error.exit_code,
        )

    @property
    def problem(self) -> Problem | None:
        """The finding as a report's problem, if it is one."""
        if self.state != "problem":
            return None
        message = f"{self.name}: {self.evidence}"
        return Problem(code=self.code, message=message, hint=self.advice, exit_code=self.exit_code)

    def data(self) -> dict[str, Any]:
        facts = asdict(self)
        return {key: facts[key] or None for key in ("name", "state", "evidence", "advice", "code")}


Look = Callable[[], Sequence[Finding]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Something to look at, which may take long or break.

    Attributes:
        names: the findings that `look` gives, the one that the others depend on first.
        late: the error to tell of when `look` takes too long.
    """

    names: tuple[str, ...]
    look: Look
    late: type[OffersError]


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
