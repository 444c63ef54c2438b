"""What every service returns: figures for people and programs, and what went wrong on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

from offers_cli.errors import ConfigError, ForbiddenUrl, OffersError


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that went wrong: its code, a message that names it, the next command, and the offer if any."""

    code: str
    message: str
    hint: str = ""
    exit_code: int = 1
    offer_id: str | None = None

    @classmethod
    def of(cls, error: OffersError, *, offer_id: str | None = None) -> Self:
        """The problem that an error tells of."""
        return cls(
            code=error.code, message=error.message, hint=error.hint, exit_code=error.exit_code, offer_id=offer_id
        )


def problems_of(error: OffersError) -> list[Problem]:
    """The problems that an error tells of: of wrong settings each is one of its own, the hint stands at the last."""
    if not isinstance(error, ConfigError):
        return [Problem.of(error)]
    *others, last = error.problems
    rest = [Problem(code=error.code, message=problem, exit_code=error.exit_code) for problem in others]
    return [*rest, replace(Problem.of(error), message=last)]


class Report(Protocol):
    """A service's result."""

    @property
    def problems(self) -> Sequence[Problem]:
        """What went wrong; empty when all is done."""
        ...

    def data(self) -> Mapping[str, Any]:
        """The figures, under the keys of the JSON contract."""
        ...


def problems_of_unqueued(refused: Mapping[str, str]) -> tuple[Problem, ...]:
    """The problems of stored offers whose jobs the queue refuses: why, by offer id."""
    return tuple(
        Problem(
            code=ForbiddenUrl.code,
            message=f"offer {offer_id} cannot be queued: {reason}",
            hint="offers db repair --dry-run",
            offer_id=offer_id,
        )
        for offer_id, reason in refused.items()
    )
