"""Check everything that can be wrong, all at once and within a deadline, and say what mends it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

from offers_cli.errors import Bug, OffersError
from offers_cli.report import Problem, Report

DEADLINE_S = 8.0
"""The whole command is to end within 10 s even when everything hangs."""


TITLES = {"exposure": "access", "row_level_security": "privacy"}
"""Names that say nothing to who does not run servers; programs know the findings by the others."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        evidence: what was seen.
        advice: the command that mends it, ready to be run; a sentence where no command can. Empty when all is well.
        code: for problems, the code of the error that commands would end with; `exit_code` likewise.
    """

    name: str
    state: Literal["ok", "warning", "problem", "unknown"]
    evidence: str
    advice: str = ""
    code: str = ""
    exit_code: int = 0

    @classmethod
    def of(cls, name: str, error: OffersError, *, advice: str = "") -> Self:
        """The problem that an error stands for; its hint is the advice unless another is given."""
        return cls(name, "problem", error.message, advice or error.hint, error.code, error.exit_code)

    @property
    def title(self) -> str:
        """What a person reads for the name."""
        return TITLES.get(self.name, self.name)

    @property
    def problem(self) -> Problem | None:
        """The finding as a report's problem, if it is one."""
        if self.state != "problem":
            return None
        message = f"{self.title}: {self.evidence}"
        return Problem(code=self.code, message=message, hint=self.advice, exit_code=self.exit_code)

    def data(self) -> dict[str, Any]:
        """The finding by key; what is empty is None."""
        return {key: getattr(self, key) or None for key in ("name", "state", "evidence", "advice", "code")}


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorReport(Report):
    """All findings, in the order of the checks."""

    findings: tuple[Finding, ...] = ()

    @classmethod
    def keys(cls) -> tuple[str, ...]:
        """As `Report.keys`."""
        return ("checks",)

    def data(self) -> dict[str, Any]:
        """The findings, each as its `data()`."""
        return {"checks": [finding.data() for finding in self.findings]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Something to look at, which may take long or break.

    Attributes:
        names: the findings that `look` gives, the one that the others depend on first.
        late: the error to report when `look` takes too long.
    """

    names: tuple[str, ...]
    look: Callable[[], Sequence[Finding]]
    late: type[OffersError] = Bug


def examine(checks: Sequence[Check], *, deadline_s: float = DEADLINE_S) -> DoctorReport:
    """Run the checks at the same time; one that hangs or breaks hides no other.

    A thread that hangs is left behind: it is a daemon, and ends with the program.
    """
    give_up_at = time.monotonic() + deadline_s
    running = [_RunningCheck(check) for check in checks]
    for each in running:
        each.join(max(0.0, give_up_at - time.monotonic()))
    findings = tuple(finding for each in running for finding in each.findings(deadline_s))
    problems = tuple(problem for finding in findings if (problem := finding.problem))
    return DoctorReport(findings=findings, problems=problems)


class _RunningCheck(threading.Thread):
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
        known = {finding.name for finding in seen}
        return [*seen, *(Finding(name, "unknown", f"not seen: {first} first") for name in names if name not in known)]
