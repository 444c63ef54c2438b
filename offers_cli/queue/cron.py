"""When commands on a clock are due, and RQ's own cron, which queues them.

RQ's scheduler keeps its state in its process and goes by the machine's clock and zone. Here a cron job is made of what
Redis holds, so that any worker can go on where another one died; it goes by Redis's clock, in a zone of its own.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from rq.cron import CronJob, CronScheduler, croniter  # type: ignore[attr-defined]  # RQ's own reader of cron lines
from rq.exceptions import SchedulerNotFound

from offers_cli.errors import QueueRefused
from offers_cli.log import get_log
from offers_cli.queue.keys import SCHEDULED_FUNCTION
from offers_cli.queue.schedule import RUN_LIMIT_S, Entry, EntryClock, Schedule, ScheduledCommand
from offers_cli.redis.errors import translate
from offers_cli.times import iso_utc

if TYPE_CHECKING:
    import redis

SET_BACK = timedelta(hours=3)
"""A clock set back by no more than this (and no more than from one run to the next) repeats no run; by more, the new
time counts. So cron does."""
CRON = re.compile(r"[0-9A-Za-z*/,# -]{9,200}", re.ASCII)
BY_CHANCE = re.compile(r"\b[hr]\b", re.IGNORECASE)
"""What croniter reads besides: another time at each look."""
LOOKED_AT = 50
"""Runs that are looked at for the shortest time between two of them."""
SHOW_EVERY_S = 30.0
"""RQ forgets a scheduler that gave no sign of life for two minutes."""

Random_s = Callable[[float], float]
"""Of so many seconds, a random part."""

log = get_log("worker")
_rq_log = logging.getLogger("rq.cron")
_rq_log.addHandler(logging.NullHandler())  # without one RQ gives it a handler of its own, to stderr
_rq_log.propagate = False


def check_cron(cron: str, zone: str, *, now: datetime) -> str | None:
    """What is wrong with a cron line; None when nothing is."""
    if len(cron.split()) != 5 or not CRON.fullmatch(cron) or BY_CHANCE.search(cron):
        return "expected five fields: minute, hour, day of the month, month, day of the week"
    try:
        next_run(Entry(name="x", command=("x",), cron=cron, time_zone=zone, added_at=now), now)
    except (ValueError, KeyError, OverflowError) as exc:
        return str(exc).partition("\n")[0][:120] or "it cannot be read"
    return None


def next_run(entry: Entry, after: datetime) -> datetime:
    """The first moment after that one at which an entry is due (UTC), without jitter.

    A cron line goes by the wall clock of its zone: what falls into an hour that is skipped in spring is due an hour
    later by that clock, what falls into an hour that comes twice in autumn is due in the first.

    Raises:
        ValueError, KeyError: its line or its zone cannot be read, or names no day that ever comes.
    """
    if entry.every_s is not None:
        return after + timedelta(seconds=entry.every_s)
    zone = ZoneInfo(entry.time_zone)
    wall_times = croniter(entry.cron, after.astimezone(zone).replace(tzinfo=None))
    while True:
        wall_time: datetime = wall_times.get_next(datetime)
        found = wall_time.replace(tzinfo=zone, fold=0).astimezone(UTC)
        if found > after:
            return found


def shortest_gap(entry: Entry, now: datetime) -> timedelta:
    """The shortest time from one of the next runs to the one after it; raises as `next_run`."""
    if entry.every_s is not None:
        return timedelta(seconds=entry.every_s)
    runs = [next_run(entry, now)]
    while len(runs) < LOOKED_AT:
        runs.append(next_run(entry, runs[-1]))
    return min(later - sooner for sooner, later in pairwise(runs))


def first_clock(entry: Entry, now: datetime, random_s: Random_s) -> EntryClock:
    """The clock of a new entry: with an interval it is due at once, with a cron line when that says so."""
    due = now if entry.every_s is not None else _with_jitter(entry, now, random_s)
    return EntryClock(next_at=due, set_at=now)


def turned(entry: Entry, now: datetime, random_s: Random_s) -> EntryClock:
    """The clock after a run that was queued now: what was missed meanwhile is missed."""
    return EntryClock(next_at=_with_jitter(entry, now, random_s), set_at=now, latest_at=now)


def corrected(entry: Entry, clock: EntryClock, now: datetime, random_s: Random_s) -> EntryClock:
    """The same clock, or another one where time was set back since it was set.

    With an interval the next run comes after one interval at the latest. A cron line repeats no run because of a small
    step (`SET_BACK`), and waits for no time that was never there because of a large one.
    """
    if clock.set_at <= now:
        return clock
    if entry.every_s is None and clock.set_at - now <= min(SET_BACK, next_run(entry, clock.set_at) - clock.set_at):
        return clock
    again = turned(entry, now, random_s)
    soonest = min(again.next_at, clock.next_at) if entry.every_s is not None else again.next_at
    return EntryClock(next_at=soonest, set_at=now, latest_at=clock.latest_at, text=clock.text)


def _with_jitter(entry: Entry, after: datetime, random_s: Random_s) -> datetime:
    return next_run(entry, after) + timedelta(seconds=random_s(entry.jitter_s))


class CronEntry(CronJob):
    """An entry as a cron job of RQ's, at one moment.

    Args:
        following: its clock once its run is queued; None where it is not due.
    """

    def __init__(self, schedule: Schedule, entry: Entry, clock: EntryClock, *, following: EntryClock | None) -> None:
        self._schedule, self._entry, self._clock, self._following = schedule, entry, clock, following
        super().__init__(
            queue_name=schedule.runs.name,
            func_name=SCHEDULED_FUNCTION,
            args=(entry.name,),
            interval=entry.every_s,
            cron=entry.cron,
            job_timeout=RUN_LIMIT_S,
            name=entry.name,
        )
        self._show_clock()

    def get_next_enqueue_time(self) -> datetime:
        """When it is due, as Redis holds it."""
        return self._clock.next_at

    def should_run(self) -> bool:
        """Whether it is due."""
        return self._following is not None

    def enqueue(self, connection: redis.Redis) -> Any:  # noqa: ARG002  (the schedule has its own)
        """Queue its run, unless the one before waits or runs still."""
        clock = self._following or self._clock
        became = self._schedule.enqueue(self._entry, self._clock, clock)
        self._clock = clock
        if became == "running":
            log.warning("skipped, the run before has not ended", entry=self._entry.name)
        elif became == "queued":
            log.info("queued by the clock", entry=self._entry.name, next=iso_utc(clock.next_at, timespec="seconds"))

    def set_enqueue_time(self, time: datetime) -> None:  # noqa: ARG002  (of this machine's clock)
        """Show when it was queued, and when it will be."""
        self._show_clock()

    def _show_clock(self) -> None:
        self.latest_enqueue_time, self.next_enqueue_time = self._clock.latest_at, self._clock.next_at


class Cron:
    """RQ's scheduler of one queue's entries, as RQ's tools see it; for the worker that queues what is due."""

    def __init__(self, connection: redis.Redis, schedule: Schedule, *, random_s: Random_s | None = None) -> None:
        self._schedule = schedule
        self._random_s = random_s or (lambda most: Random().uniform(0, most))  # noqa: S311 (jitter)
        self._scheduler = CronScheduler(connection)
        self._shown: list[dict[str, Any]] | None = None
        self._show_at = 0.0
        self._refused = False
        self._unusable: set[str] = set()

    def enqueue_due(self, commands: Sequence[ScheduledCommand], *, now: datetime) -> None:
        """Queue a run of each entry that is due, and turn its clock.

        Raises:
            QueueUnavailable, QueueRefused: Redis does not answer or says no.
        """
        jobs: list[CronJob] = self._scheduler.get_jobs()
        jobs[:] = [job for command in commands if (job := self._job(command, now))]
        self._scheduler.enqueue_jobs()
        self._show(jobs)

    def _job(self, command: ScheduledCommand, now: datetime) -> CronEntry | None:
        entry, clock = command.entry, command.clock
        try:
            right = corrected(entry, clock, now, self._random_s)
            following = turned(entry, now, self._random_s) if now >= clock.next_at else None
        except (ValueError, KeyError, OverflowError) as exc:  # planted, or a zone that this machine does not know
            if entry.name not in self._unusable:
                self._unusable.add(entry.name)
                log.warning("this entry of the schedule cannot run here", entry=entry.name, reason=str(exc)[:120])
            return None
        if right is not clock:
            log.warning("the clock was set back", entry=entry.name, next=iso_utc(right.next_at, timespec="seconds"))
            self._schedule.turn_clock(entry.name, clock, right)
            return None  # with what Redis holds by then, at the next look
        return CronEntry(self._schedule, entry, clock, following=following)

    def _show(self, jobs: Sequence[CronJob]) -> None:
        """Let RQ's tools see the scheduler; without that everything works as well."""
        facts = [job.to_dict() for job in jobs]
        try:
            with translate():
                if self._shown is None:
                    self._scheduler.register_birth()
                elif facts != self._shown:
                    self._scheduler.save()
                if time.monotonic() >= self._show_at:
                    self._scheduler.heartbeat()
                    self._show_at = time.monotonic() + SHOW_EVERY_S
                self._shown = facts
        except QueueRefused as error:
            if not self._refused:
                self._refused = True
                log.warning("RQ's tools do not see the schedule", reason=error.message, hint=error.hint or None)

    def close(self) -> None:
        """Take it off RQ's list."""
        if self._shown is None:
            return
        self._shown = None
        with suppress(QueueRefused, SchedulerNotFound), translate():
            self._scheduler.register_death()
