"""Commands on a clock: the entries, kept in Redis beside the queue they belong to, and what became of their runs.

An entry has four fields in one hash: what it is (under its name), its clock (when it is due), its last run, and when a
run was skipped because the one before still ran. Each run is an RQ job of `schedule_queue`, with one job id for each
entry: so an entry never waits or runs twice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from offers_cli.queue.job import parse_time
from offers_cli.queue.keys import SCHEDULED_FUNCTION, SCHEDULED_ID_PREFIX, QueueKeys, schedule_queue
from offers_cli.redis.scripts import Clock, Scripts, query
from offers_cli.redis.values import as_json, as_text
from offers_cli.times import iso_utc

if TYPE_CHECKING:
    import redis

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?")
LEAST_EVERY_S = 60
MOST_EVERY_S = 366 * 86_400
COMMAND_LIMIT = 4000
"""Characters of a command, all its words together."""
RUN_LIMIT_S = 6 * 3600
"""How long a run may take; then it is stopped, so that the next one can begin."""
HISTORY_TTL_S = 31_536_000
"""How long RQ keeps the history of a cron job; `rq/defaults.py`."""
OWN_ENTRY: ContextVar[str | None] = ContextVar("OWN_ENTRY", default=None)
"""The name of the entry whose command this process runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A command on a clock.

    Attributes:
        command: its words, as they are typed behind ``offers``.
        every_s: seconds from one run to the next; None where `cron` says when.
        cron: five fields, of the wall clock in `time_zone`.
        jitter_s: each run begins so many seconds late at the most, at random.
    """

    name: str
    command: tuple[str, ...]
    every_s: int | None = None
    cron: str | None = None
    time_zone: str
    jitter_s: int = 0
    added_at: datetime

    def encode(self) -> str:
        """The text that Redis keeps; the name stands beside it."""
        facts = {"command": self.command, "every_s": self.every_s, "cron": self.cron, "time_zone": self.time_zone}
        return json.dumps(facts | {"jitter_s": self.jitter_s, "added_at": iso_utc(self.added_at)})

    @classmethod
    def decode(cls, name: str, text: bytes) -> Self | None:
        """Read what `encode` wrote; None for whatever it cannot have written."""
        match as_json(text):
            case {
                "command": [str(), *_] as command,
                "every_s": None | int() as every_s,
                "cron": None | str() as cron,
                "time_zone": str(time_zone),
                "jitter_s": int(jitter_s),
                "added_at": str(added_at),
            }:
                pass
            case _:
                return None
        moment = _moment(added_at)
        is_sound = (
            NAME.fullmatch(name)
            and all(isinstance(word, str) for word in command)
            and sum(map(len, command)) <= COMMAND_LIMIT
            and (every_s is None) != (cron is None)
            and (every_s is None or LEAST_EVERY_S <= every_s <= MOST_EVERY_S)
            and 0 <= jitter_s <= MOST_EVERY_S
        )
        if moment is None or not is_sound:
            return None
        return cls(
            name=name,
            command=tuple(command),
            every_s=every_s,
            cron=cron,
            time_zone=time_zone,
            jitter_s=jitter_s,
            added_at=moment,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryClock:
    """When an entry is due.

    Attributes:
        next_at: the next run is queued then, jitter included.
        set_at: when that was worked out.
        latest_at: when a run was queued, or skipped, for the last time.
        text: what Redis holds; empty for one that it does not hold yet.
    """

    next_at: datetime
    set_at: datetime
    latest_at: datetime | None = None
    text: bytes = b""

    def encode(self) -> str:
        """The text that Redis keeps."""
        latest = self.latest_at and self.latest_at.timestamp()
        return json.dumps({"next": self.next_at.timestamp(), "set": self.set_at.timestamp(), "latest": latest})

    @classmethod
    def decode(cls, text: bytes, *, now: datetime) -> Self:
        """Read what `encode` wrote; whatever it cannot have written is due now."""
        found = as_json(text)
        facts = found if isinstance(found, dict) else {}
        next_at, set_at, latest_at = (_at(facts.get(name)) for name in ("next", "set", "latest"))
        return cls(next_at=next_at or now, set_at=set_at or now, latest_at=latest_at, text=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of an entry.

    Attributes:
        exit_code: of the command; None where it has not ended, or was killed with its worker.
        result: in one line.
    """

    started_at: datetime
    ended_at: datetime | None = None
    exit_code: int | None = None
    result: str = ""
    status: str = ""

    def encode(self) -> str:
        """The text that Redis keeps."""
        facts: dict[str, Any] = {"started_at": iso_utc(self.started_at), "exit_code": self.exit_code}
        return json.dumps(
            facts | {"ended_at": self.ended_at and iso_utc(self.ended_at), "result": self.result, "status": self.status}
        )

    @classmethod
    def decode(cls, text: bytes) -> Self | None:
        """Read what `encode` wrote; None for whatever it cannot have written."""
        match as_json(text):
            case {
                "started_at": str(started_at),
                "ended_at": None | str() as ended_at,
                "exit_code": None | int() as exit_code,
                "result": str(result),
                "status": str(status),
            }:
                began = _moment(started_at)
            case _:
                return None
        if began is None or (exit_code is not None and abs(exit_code) > 1000):
            return None
        return cls(
            started_at=began,
            ended_at=_moment(ended_at),
            exit_code=exit_code,
            result=result[:1000],
            status=status[:20],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledCommand:
    """An entry with its clock and its last run.

    Attributes:
        status: ``waiting`` (for its time), ``queued`` (for a worker), ``running``; how often it ran stands nowhere.
        last_run: its status is ``ok``, ``partial``, ``failed``, ``stopped`` (with its worker; it is queued again),
            ``running``, or ``killed``: its worker died while it ran.
        skipped_at: when the last run was left out, because the one before it still ran.
    """

    entry: Entry
    clock: EntryClock
    status: str
    last_run: Run | None
    skipped_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleState:
    """All entries by name, at one moment.

    Attributes:
        at: that moment, by Redis's clock.
        has_worker: whether some worker queues what is due.
        unreadable: names under which stands what is no entry.
    """

    at: datetime
    has_worker: bool
    commands: tuple[ScheduledCommand, ...]
    unreadable: tuple[str, ...]


class Schedule:
    """The commands on a clock of one queue. Every method raises `QueueUnavailable` or `QueueRefused`.

    Args:
        queue_name: of the queue for enrichment, whose workers run them.
        clock: seconds since 1970 for tests; None is Redis's own clock.
    """

    def __init__(self, connection: redis.Redis, *, queue_name: str, clock: Clock | None = None) -> None:
        self._connection = connection
        self._scripts = Scripts(connection, clock=clock)
        self._keys = QueueKeys(queue_name)
        self.runs = QueueKeys(schedule_queue(queue_name))

    def now(self) -> datetime:
        """The time by Redis's clock, in UTC."""
        return datetime.fromtimestamp(self._scripts.now(), UTC)

    def look(self) -> ScheduleState:
        """All entries; those that cannot be read are named."""
        keys = (self._keys.schedule, self.runs.leases, self._keys.schedule_leader)
        at, has_worker, *found = self._scripts.run("schedule_look", keys, SCHEDULED_ID_PREFIX)
        now = datetime.fromtimestamp(float(at), UTC)
        commands: list[ScheduledCommand] = []
        unreadable: list[str] = []
        for place in range(0, len(found), 7):
            name, text, clock, run, skipped, status, lives = found[place : place + 7]
            entry = Entry.decode(as_text(name), text)
            if entry is None:
                unreadable.append(as_text(name))
                continue
            commands.append(
                ScheduledCommand(
                    entry=entry,
                    clock=EntryClock.decode(clock, now=now),
                    status="queued" if status == b"queued" else "running" if lives else "waiting",
                    last_run=_told(Run.decode(run), lives=bool(lives)),
                    skipped_at=parse_time(skipped),
                )
            )
        return ScheduleState(
            at=now, has_worker=bool(has_worker), commands=tuple(commands), unreadable=tuple(unreadable)
        )

    def add(self, entry: Entry, clock: EntryClock) -> bool:
        """Add an entry; False if there is one of that name."""
        fields = (entry.name, entry.encode(), f"{entry.name}:clock", clock.encode())
        return self._put(entry.name, "", *fields)

    def remove(self, name: str) -> bool:
        """Remove an entry, and its run that waits; what runs goes on to its end. False if there is none."""
        fields = [name, *(f"{name}:{field}" for field in ("clock", "run", "skipped"))]
        [there, _] = query(
            self._connection, ("HEXISTS", self._keys.schedule, name), ("HDEL", self._keys.schedule, *fields)
        )
        return bool(there)

    def turn_clock(self, name: str, seen: EntryClock, clock: EntryClock) -> bool:
        """Set when an entry is due, unless somebody else did since it was seen."""
        return self._put(f"{name}:clock", seen.text, f"{name}:clock", clock.encode())

    def enqueue(self, entry: Entry, seen: EntryClock, clock: EntryClock) -> str:
        """Queue a run and set when the next one is due.

        Returns:
            ``queued``; ``running``: the run before still waits or runs, and this one is skipped; ``changed``: somebody
            else turned the clock since it was seen.
        """
        runs, job_id = self.runs, SCHEDULED_ID_PREFIX + entry.name
        keys = (
            *(self._keys.schedule, runs.queue, runs.started, runs.leases),
            *(runs.scheduled, runs.finished, runs.failed, runs.canceled),
            *("rq:cron_jobs", f"rq:cron_job:{entry.name}:jobs"),
        )
        data = json.dumps((SCHEDULED_FUNCTION, None, (entry.name,), {}))
        job = (job_id, data, f"offers {' '.join(entry.command)}"[:200], RUN_LIMIT_S)
        facts = (entry.name, seen.text, clock.encode(), *job, HISTORY_TTL_S)
        return as_text(self._scripts.run("schedule_enqueue", keys, *facts))

    def begin(self, entry: Entry, run: Run) -> bool:
        """Write that a run has begun; False if the entry is no more, or another one now."""
        return self._put(entry.name, entry.encode(), f"{entry.name}:run", run.encode())

    def end(self, entry: Entry, begun: Run, ended: Run) -> bool:
        """Write how it ended; False if the entry is no more, or a later run has begun."""
        return self._put(f"{entry.name}:run", begun.encode(), f"{entry.name}:run", ended.encode())

    def lead(self, worker: str, *, seconds: int) -> bool:
        """Make that worker the one that queues what is due, if no other is; 0 seconds: no longer."""
        return bool(self._scripts.run("schedule_lead", (self._keys.schedule_leader,), worker, seconds))

    def _put(self, field: str, seen: str | bytes, *fields: str) -> bool:
        return bool(self._scripts.run("schedule_put", (self._keys.schedule,), field, seen, *fields))


def _told(run: Run | None, *, lives: bool) -> Run | None:
    """A run without an end whose worker is gone was killed with it."""
    if run is None or run.ended_at is not None:
        return run
    if lives:
        return replace(run, status="running")
    return replace(run, status="killed", result="its worker was killed, or the machine stopped")


def find_command(commands: Sequence[ScheduledCommand], name: str) -> ScheduledCommand | None:
    """The one of that name."""
    return next((command for command in commands if command.entry.name == name), None)


def _at(stamp: Any) -> datetime | None:
    if type(stamp) not in (int, float):
        return None
    try:
        return datetime.fromtimestamp(stamp, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _moment(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text or "").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
