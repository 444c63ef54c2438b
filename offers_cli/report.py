"""What every service returns: figures for people and programs, and what went wrong on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, Self

from offers_cli.errors import Bug, ConfigError, ForbiddenUrl, OffersError
from offers_cli.text import json_pieces
from offers_cli.times import iso_utc

INTERNAL: Final = {"json": "never"}
"""Metadata of a dataclass field that `--json` leaves out: `now: datetime = field(metadata=INTERNAL)`."""
WHEN_DONE: Final = {"json": "when done"}
"""Metadata of a report's field that the document of a command which failed altogether leaves out."""
VERSION: Final = 1
"""Of the JSON document; it grows when a key changes its meaning."""


class Sparse:
    """A dataclass that JSON shows without what is not known: of what may stand there little does."""

    __slots__ = ()


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
        """The problem that an error stands for."""
        return cls(
            code=error.code, message=error.message, hint=error.hint, exit_code=error.exit_code, offer_id=offer_id
        )


def problems_of(error: OffersError) -> list[Problem]:
    """The problems that an error stands for: each wrong setting is one of its own, the last has the hint."""
    if not isinstance(error, ConfigError):
        return [Problem.of(error)]
    *others, last = error.problems
    rest = [Problem(code=error.code, message=problem, exit_code=error.exit_code) for problem in others]
    return [*rest, replace(Problem.of(error), message=last)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A service's result. The fields of a subclass are the keys of the JSON contract, in their order.

    Attributes:
        problems: what went wrong; empty when all is done.
    """

    problems: tuple[Problem, ...] = field(default=(), metadata=INTERNAL)

    @classmethod
    def keys(cls) -> tuple[str, ...]:
        """The keys that stand in the document whatever happens: null in that of a command that failed."""
        return tuple(each.name for each in fields(cls) if "json" not in each.metadata)

    @property
    def exit_code(self) -> int:
        """The gravest of the problems' exit codes: 0 none, 1 items failed, 5 site, 4 service, 3 configuration."""
        codes = {problem.exit_code for problem in self.problems}
        return next((code for code in (130, 3, 4, 5, 2, Bug.exit_code) if code in codes), 0)

    def data(self) -> dict[str, Any]:
        """The figures by key, as JSON writes them."""
        return _facts(self)


def plain(value: Any) -> Any:
    """The value as JSON writes it: times as ISO 8601 in UTC, paths as text, dataclasses by field, however deep."""
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, datetime | Path):
        return iso_utc(value) if isinstance(value, datetime) else str(value)
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, Report):
        return value.data()
    return _facts(value) if is_dataclass(value) else value


@cache
def _shown(kind: type) -> list[str]:
    return [each.name for each in fields(kind) if each.metadata.get("json") != "never"]


def _facts(value: Any) -> dict[str, Any]:
    shown = _shown(value.__class__)
    if isinstance(value, Sparse):
        shown = [name for name in shown if getattr(value, name) is not None]
    return {name: plain(getattr(value, name)) for name in shown}


def document_of(command: str, report: Report) -> str:
    """The JSON document of a command that returned a report, as it is printed: with the line's end."""
    return "".join(document_pieces(command, report))


def document_pieces(command: str, report: Report) -> Iterator[str]:
    """The same piece by piece: one of many offers is never held as a whole."""
    data = report.data()
    nothing_done = report.exit_code != 0 and not _anything_done(data)
    data = {**dict.fromkeys(report.keys()), **data}  # those that every document has stand first
    yield from _envelope_pieces(command, data, report.problems, failed=nothing_done)
    yield "\n"


def failure_document(command: str, problems: Sequence[Problem], *, keys: Sequence[str]) -> str:
    """The JSON document of a command that did nothing, as it is printed; `keys` are those of its data, all null."""
    return envelope(command, dict.fromkeys(keys), problems, failed=True) + "\n"


def envelope(command: str, data: Mapping[str, Any], problems: Sequence[Problem], *, failed: bool) -> str:
    """The JSON document of a command, on success and on failure.

    Args:
        failed: nothing of what was asked is done; with problems and not failed, a part is.
    """
    return "".join(_envelope_pieces(command, data, problems, failed=failed))


def _envelope_pieces(
    command: str, data: Mapping[str, Any], problems: Sequence[Problem], *, failed: bool
) -> Iterator[str]:
    errors = [
        {"code": problem.code, "message": problem.message, "hint": problem.hint}
        | ({"offer_id": problem.offer_id} if problem.offer_id else {})
        for problem in problems
    ]
    status = "error" if failed else "partial" if problems else "ok"
    document = {"version": VERSION, "command": command, "status": status, "data": data, "errors": errors}
    return json_pieces(document, default=str)


def _anything_done(data: Mapping[str, Any]) -> bool:
    return any(value for key, value in data.items() if key not in ("run_id", "url", "dry_run", "duration_s"))


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
