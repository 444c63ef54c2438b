"""What a check says, and what a check is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from offers_cli.errors import OffersError
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
