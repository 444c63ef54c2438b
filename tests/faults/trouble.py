"""Trouble: what goes wrong during a run, in an order that a seed decides, and the hand that does it."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from random import Random
from urllib.parse import urlsplit

from faults.run import Run
from faults.service import Service, kill, wait_until
from rq.job import Job
from rq.serializers import JSONSerializer
from servers import RedisServer

from offers_cli.queue.enqueue import EnrichmentQueue
from offers_cli.queue.job import EnrichmentJob
from offers_cli.queue.keys import QueueKeys

LONGEST_OUTAGE_S = 2.0
LONGEST_DELAY_S = 0.05
STUCK_S = 240.0
"""Beside the wall nothing takes so long: who makes no progress meanwhile is stuck."""


class Fault(StrEnum):
    """One thing that goes wrong."""

    KILL_WORKER = "kill -9 of one worker process"
    KILL_SUPERVISOR = "kill -9 of a supervisor"
    KILL_FORK_SERVER = "kill -9 of what workers are forked from, and of one of them"
    KILL_BOTH = "kill -9 of a supervisor and its workers"
    KILL_ALL = "kill -9 of everything but Redis"
    KILL_REDIS = "kill -9 of Redis"
    WALL = "a wall"
    CANCEL = "cancelling jobs and queueing them again"
    DELETE = "deleting jobs and queueing them again"
    LOCK = "a locked database, and a kill meanwhile"
    SIGTERM = "SIGTERM"
    SIGTERM_TWICE = "SIGTERM, twice"
    SIGINT = "SIGINT"
    SIGINT_TWICE = "SIGINT, twice"


KILLS = {
    Fault.KILL_WORKER: 6,
    Fault.KILL_SUPERVISOR: 2,
    Fault.KILL_FORK_SERVER: 2,
    Fault.KILL_BOTH: 2,
    Fault.KILL_ALL: 1,
}
"""How likely each is beside the others."""
BEGUN_AT_ONCE = 5
"""How many jobs are cancelled or deleted at the most, in one go."""
OVERLAP_S = 0.3
"""How long a page takes meanwhile."""
STOPS = (Fault.SIGTERM, Fault.SIGTERM_TWICE, Fault.SIGINT, Fault.SIGINT_TWICE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """How much goes wrong during a run.

    Attributes:
        sold: offers in the shop; three in four lack something in the listing and become jobs.
        begun_anew: how often jobs are cancelled, and how often deleted, with RQ's own means, and queued again.
    """

    sold: int
    kills: int
    redis_restarts: int
    begun_anew: int
    wall_s: float
    lock_s: float

    def plan(self, jobs: int, dice: Random) -> list[tuple[int, Fault]]:
        """Each fault with the number of jobs that are done when it happens, so that kills lie all over the run."""
        kills = dice.choices(list(KILLS), weights=list(KILLS.values()), k=self.kills)
        anew = [Fault.CANCEL, Fault.DELETE] * self.begun_anew
        faults = [*kills, *[Fault.KILL_REDIS] * self.redis_restarts, *anew, Fault.WALL, Fault.LOCK, *STOPS]
        dice.shuffle(faults)
        moments = sorted(dice.sample(range(1, jobs * 9 // 10), len(faults)))
        return list(zip(moments, faults, strict=True))


class Saboteur:
    """Does what the plan says to a run, and tends its services as their manager would."""

    def __init__(
        self, scenario: Scenario, dice: Random, run: Run, *, services: Sequence[Service], server: RedisServer
    ) -> None:
        self._scenario = scenario
        self._dice = dice
        self._run = run
        self._services = services
        self._server = server
        self.killed = Counter[str]()
        self.begun_anew = Counter[str]()
        """How often the job of each product page was, by the page's path."""

    def work_through(self, plan: Sequence[tuple[int, Fault]]) -> None:
        for moment, fault in plan:
            self._await(moment)
            time.sleep(self._dice.uniform(0, LONGEST_DELAY_S))
            self._do(fault)

    def _await(self, moment: int) -> None:
        wait_until(
            lambda: self._run.tried() >= moment,
            f"{moment} jobs done",
            STUCK_S + 2 * self._scenario.wall_s,
            tending=self._services,
            tell=self._run.tried,
        )

    def _do(self, fault: Fault) -> None:
        for each in self._services:
            each.tend()
        service = self._dice.choice(self._services)
        match fault:
            case _ if fault in KILLS:
                self._kill(self._victims(fault, service))
            case Fault.KILL_REDIS:
                self._restart_redis()
            case Fault.WALL:
                self._run.shop.wall(self._scenario.wall_s)
            case Fault.CANCEL | Fault.DELETE:
                self._begin_anew(fault)
            case Fault.LOCK:
                self._lock_database()
            case _:
                number = signal.SIGTERM if "SIGTERM" in fault else signal.SIGINT
                wait_until(service.children, "a supervisor at work", tending=self._services)
                service.end(number, times=2 if "twice" in fault else 1)

    def _victims(self, fault: Fault, service: Service) -> list[int]:
        match fault:
            case Fault.KILL_SUPERVISOR:
                return [service.process.pid]
            case Fault.KILL_FORK_SERVER:
                server = service.fork_server()
                return [*([server] if server else []), *service.children()[:1]]
            case Fault.KILL_BOTH:
                return [service.process.pid, *service.children()]
            case Fault.KILL_ALL:
                return [pid for each in self._services for pid in (each.process.pid, *each.children())]
            case _:
                return self._any_worker()

    def _any_worker(self) -> list[int]:
        wait_until(self._workers, "a worker to be killed", tending=self._services)
        return [self._dice.choice(self._workers())]

    def _workers(self) -> list[int]:
        return [pid for service in self._services for pid in service.children()]

    def _kill(self, pids: Sequence[int]) -> None:
        for pid in pids:
            kill(pid)
        self.killed["processes"] += len(pids)

    def _restart_redis(self) -> None:
        self._server.kill()
        time.sleep(self._dice.uniform(0, LONGEST_OUTAGE_S))
        self._server.start()

    def _begin_anew(self, fault: Fault) -> None:
        """Cancel or delete some jobs that run, and queue them again at the front: old and new attempts overlap."""
        keys = QueueKeys("enrichment")
        self._run.shop.set_latency(OVERLAP_S)
        time.sleep(OVERLAP_S / 3)
        with self._server.connect() as connection:
            running = [composite.decode().partition(":")[0] for composite in connection.zrange(keys.started, 0, -1)]
            waiting = [job_id.decode() for job_id in connection.lrange(keys.queue, 0, BEGUN_AT_ONCE)]
            chosen = sorted(set(running or waiting))[:BEGUN_AT_ONCE]
            for job_id in chosen:
                job = Job.fetch(job_id, connection=connection, serializer=JSONSerializer)
                wait_until(partial(_is_ended, job, fault), f"RQ's {fault}")
                offer_id, url, price_cents = job.args
                anew = EnrichmentJob(offer_id=offer_id, url=url, current_price_cents=price_cents)
                self.begun_anew[urlsplit(url).path] += EnrichmentQueue(connection).enqueue([anew]).enqueued
                if connection.lrem(keys.queue, 1, job_id):
                    connection.lpush(keys.queue, job_id)
            ids = set(map(str.encode, chosen))
            wait_until(
                lambda: ids.isdisjoint(connection.lrange(keys.queue, 0, -1)),
                "new attempts",
                STUCK_S + 2 * self._scenario.wall_s,
                tending=self._services,
            )
        self._run.shop.set_latency(0)

    def _lock_database(self) -> None:
        """Hold the write lock; half-way a worker dies that cannot save."""
        with closing(self._run.open_database()) as db:
            db.execute("BEGIN EXCLUSIVE")
            time.sleep(self._scenario.lock_s / 2)
            self._kill(self._any_worker())
            time.sleep(self._scenario.lock_s / 2)


def _is_ended(job: Job, fault: Fault) -> bool:
    """Cancel or delete it; False when RQ stumbled over an attempt that ended at that moment."""
    try:
        job.cancel() if fault is Fault.CANCEL else job.delete()
    except ValueError:
        return False
    return True
