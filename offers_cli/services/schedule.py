"""The schedule: commands on a clock, added, listed and removed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from offers_cli.errors import NotFound, UsageError
from offers_cli.queue.schedule import (
    COMMAND_LIMIT,
    LEAST_EVERY_S,
    MOST_EVERY_S,
    NAME,
    Entry,
    Run,
    Schedule,
    ScheduledCommand,
    ScheduleState,
    find_command,
)
from offers_cli.report import WHEN_DONE, Problem, Report

NAME_LENGTH = 40
CRON_HINT = "offers schedule add --cron '30 7 * * mon-fri' -- scrape ofertas"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleEntry:
    """One entry, as people and programs see it.

    Attributes:
        status: ``waiting`` (for its time), ``queued`` (for a worker) or ``running``.
        last_run: its status is ``ok``, ``partial``, ``failed``, ``stopped``, ``killed`` or ``running``.
        skipped_at: when a run was left out because the one before it had not ended, unless one began since.
    """

    name: str
    command: tuple[str, ...]
    every_s: int | None
    cron: str | None
    time_zone: str
    jitter_s: int
    added_at: datetime
    status: str
    next_run_at: datetime
    last_run: Run | None
    skipped_at: datetime | None

    @classmethod
    def of(cls, command: ScheduledCommand) -> ScheduleEntry:
        """What is shown of an entry."""
        entry = command.entry
        return cls(
            name=entry.name,
            command=entry.command,
            every_s=entry.every_s,
            cron=entry.cron,
            time_zone=entry.time_zone,
            jitter_s=entry.jitter_s,
            added_at=entry.added_at,
            status=command.status,
            next_run_at=command.clock.next_at,
            last_run=command.last_run,
            skipped_at=command.skipped_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleReport(Report):
    """Entries: all, the one that was added, or those that were removed.

    Attributes:
        has_worker: whether a worker is there that runs them.
    """

    entries: tuple[ScheduleEntry, ...] = ()
    has_worker: bool = field(default=False, metadata=WHEN_DONE)


def list_schedule(schedule: Schedule) -> ScheduleReport:
    """All entries, by name.

    Raises:
        QueueUnavailable, QueueRefused: Redis does not answer or says no.
    """
    state = schedule.look()
    problems = tuple(
        Problem(
            code="config_invalid",
            message=f"the entry {name!r} of the schedule cannot be read, and does not run",
            hint="offers schedule remove NAME, then add it again",
        )
        for name in state.unreadable
    )
    return _report(state, state.commands, problems)


def add_entry(
    schedule: Schedule,
    command: Sequence[str],
    *,
    name: str | None,
    every_s: float | None,
    cron: str | None,
    time_zone: str,
    jitter_s: float | None,
) -> ScheduleReport:
    """Add an entry.

    Args:
        command: its words behind ``offers``, which were found right.
        name: None for one made of the command.

    Raises:
        UsageError: no clock or two, one that cannot be kept, a name that is no name or is taken.
        QueueUnavailable, QueueRefused: Redis does not answer or says no.
    """
    if (every_s is None) == (cron is None):
        raise UsageError(
            "a command needs one clock: --every or --cron", hint="offers schedule add --every 30m -- scrape ofertas"
        )
    if every_s is not None and not LEAST_EVERY_S <= every_s <= MOST_EVERY_S:
        raise UsageError(f"--every: from 1m to 366d, not {every_s:g} s", hint="--every 30m")
    if name is not None and not NAME.fullmatch(name):
        raise UsageError(
            f"--name {name!r}: small letters, digits and -, 50 at the most", hint="offers schedule add --name morning …"
        )
    if sum(map(len, command)) > COMMAND_LIMIT:
        raise UsageError(f"the command has more than {COMMAND_LIMIT} characters", hint="offers schedule add --help")
    now = schedule.now()
    entry = Entry(
        name=name or _name_of(command),
        command=tuple(command),
        every_s=None if every_s is None else round(every_s),
        cron=cron and " ".join(cron.split()),
        time_zone=time_zone,
        jitter_s=round(jitter_s or 0),
        added_at=now,
    )
    added = _put(schedule, entry, is_named=name is not None)
    state = schedule.look()
    command_added = find_command(state.commands, added)
    return _report(state, [command_added] if command_added else [])


def _put(schedule: Schedule, entry: Entry, *, is_named: bool) -> str:
    """Write an entry under its name, or under the next free one like it; returns the name."""
    from dataclasses import replace

    from offers_cli.queue.cron import check_cron, first_clock, shortest_gap

    now = entry.added_at
    if entry.cron is not None and (problem := check_cron(entry.cron, entry.time_zone, now=now)):
        raise UsageError(f"--cron {entry.cron[:80]!r}: {problem}", hint=CRON_HINT)
    if entry.jitter_s and timedelta(seconds=entry.jitter_s) >= (gap := shortest_gap(entry, now)):
        raise UsageError(
            f"--jitter of {entry.jitter_s} s: less than from one run to the next, {gap.total_seconds():g} s",
            hint="--jitter 1m",
        )
    clock = first_clock(entry, now, lambda most: Random().uniform(0, most))  # noqa: S311 (jitter)
    number, first = 1, entry.name
    while not schedule.add(entry, clock):
        if is_named:
            raise UsageError(
                f"there is an entry {entry.name} already",
                hint=f"offers schedule remove {shlex.quote(entry.name)}, or another --name",
            )
        number += 1
        entry = replace(entry, name=f"{first}-{number}")
    return entry.name


def _name_of(command: Sequence[str]) -> str:
    """A name made of a command's words up to its first option: ``scrape-ofertas``."""
    options = (place for place, word in enumerate(command) if word.startswith("-"))
    words = " ".join(command[: next(options, len(command))]).lower()
    return re.sub(r"[^a-z0-9]+", "-", words)[:NAME_LENGTH].strip("-")


def remove_entries(schedule: Schedule, names: Sequence[str]) -> ScheduleReport:
    """Remove entries by name; a run that goes on is not ended.

    Raises:
        NotFound: there is none of these names, and nothing was removed.
        QueueUnavailable, QueueRefused: Redis does not answer or says no.
    """
    state = schedule.look()
    known = {command.entry.name for command in state.commands} | set(state.unreadable)
    if missing := [name for name in names if name not in known]:
        raise NotFound(f"there is no entry {missing[0][:80]!r} in the schedule", hint="offers schedule list")
    for name in names:
        schedule.remove(name)
    return _report(state, [command for command in state.commands if command.entry.name in names])


def _report(
    state: ScheduleState, commands: Sequence[ScheduledCommand], problems: tuple[Problem, ...] = ()
) -> ScheduleReport:
    entries = tuple(map(ScheduleEntry.of, commands))
    return ScheduleReport(entries=entries, has_worker=state.has_worker, problems=problems)
