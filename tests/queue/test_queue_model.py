"""A model of the queue under any order of events: every job stands in exactly one place, and nothing is lost.

The same histories in each run; `OFFERS_CHAOS=long` draws many others at random. Hypothesis wants a history to go the
same way each time: whatever Redis answers in no order is sorted.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any, ClassVar

import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from queue_fakes import fetch, make_job, rq_queue
from rq.job import JobStatus

from offers_cli.errors import PageBlocked, PageChanged, SiteUnavailable, WorkError
from offers_cli.queue.admin import QueueAdmin, Registry
from offers_cli.queue.enqueue import EnrichmentQueue
from offers_cli.queue.job import ClaimedJob, read_meta
from offers_cli.queue.keys import QueueKeys, job_key
from offers_cli.queue.leases import JOB_CRASHES_ALLOWED, LEASE_S, JobLeases
from offers_cli.queue.registries import Registries
from offers_cli.queue.retry_policy import FINISHED, GIVEN_BACK, JobOutcome, RetryPolicy

LONG = os.environ.get("OFFERS_CHAOS") == "long"
SETTINGS = settings(
    max_examples=1500 if LONG else 20,
    derandomize=not LONG,
    database=None,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
OFFERS = [f"o{number}" for number in range(4)]
HOST_OF = {offer: f"shop{number % 2}.test" for number, offer in enumerate(OFFERS)}
ENDINGS: list[WorkError | None] = [None, PageChanged("no price"), SiteUnavailable("503"), PageBlocked("wall")]
POLICY = RetryPolicy(jitter=0)
KEYS = QueueKeys("enrichment")
NEVER_EXPIRES_S = 10**9
"""For RQ, whose clock is not the model's."""
REGISTRIES = ("started", "scheduled", "finished", "failed", "canceled")

offers = st.lists(st.sampled_from(OFFERS), min_size=1, max_size=4)
workers = st.sampled_from([0, 1])


def host_of(execution: ClaimedJob) -> str:
    return HOST_OF[execution.job_id.removeprefix("enrich-")]


def verdict_on(error: WorkError | None, execution: ClaimedJob) -> JobOutcome:
    return POLICY.decide(error, attempt=execution.attempt, random=Random(0)) if error else FINISHED


class QueueMachine(RuleBasedStateMachine):
    connection: ClassVar[redis.Redis]

    def __init__(self) -> None:
        super().__init__()
        self.connection.flushall()
        self.now = 2_000_000_000.0
        self.known: set[str] = set()
        self.running: dict[str, str] = {}
        self.born = 0
        self.flushed = False
        self.workers = [self.new_worker(), self.new_worker()]
        self.held: list[list[ClaimedJob]] = [[], []]
        self.lost: list[tuple[JobLeases, ClaimedJob]] = []

    @initialize()
    def enqueue_all(self) -> None:
        self.enqueue_some(OFFERS)

    def clock(self) -> float:
        return self.now

    def new_worker(self) -> JobLeases:
        self.born += 1
        return JobLeases(self.connection, queue_name="enrichment", worker=f"w{self.born}", clock=self.clock)

    @rule(offer_ids=offers)
    def enqueue(self, offer_ids: list[str]) -> None:
        self.enqueue_some(offer_ids)

    def enqueue_some(self, offer_ids: list[str]) -> None:
        jobs = (replace(make_job(offer), url=f"https://{HOST_OF[offer]}/{offer}") for offer in offer_ids)
        EnrichmentQueue(self.connection, clock=self.clock).enqueue(jobs)
        self.known.update(offer_ids)

    @rule(worker=workers, places=st.integers(1, 3))
    def claim(self, worker: int, places: int) -> None:
        held = self.held[worker]
        if any(execution.exclusive for execution in held):
            return
        claim = self.workers[worker].claim(places, held=len(held), hosts=Counter(map(host_of, held)))
        assert not (any(one.exclusive for one in claim.jobs) and len(held) + len(claim.jobs) > 1)
        assert len(claim.jobs) <= places
        self.begin(claim.jobs)
        held.extend(claim.jobs)

    def begin(self, executions: Sequence[ClaimedJob]) -> None:
        """From now on these are the attempts that count."""
        self.running |= {execution.job_id: execution.execution_id for execution in executions}

    def end(self, leases: JobLeases, outcomes: Sequence[tuple[ClaimedJob, JobOutcome]]) -> None:
        """Settle; only the newest attempt at a job may say what becomes of it."""
        for (execution, _), ours in zip(outcomes, leases.settle(outcomes), strict=True):
            if ours:
                assert self.running.pop(execution.job_id) == execution.execution_id

    def take_held(self, worker: int, count: int) -> tuple[JobLeases, list[ClaimedJob]]:
        """Some of what one worker holds; of the other one, if this one holds nothing."""
        worker = worker if self.held[worker] else 1 - worker
        taken, self.held[worker] = self.held[worker][:count], self.held[worker][count:]
        return self.workers[worker], taken

    @precondition(lambda self: any(self.held))
    @rule(worker=workers, error=st.sampled_from(ENDINGS), count=st.integers(1, 3))
    def settle(self, worker: int, error: WorkError | None, count: int) -> None:
        leases, taken = self.take_held(worker, count)
        self.end(leases, [(execution, verdict_on(error, execution)) for execution in taken])

    @precondition(lambda self: any(self.held))
    @rule(worker=workers, count=st.integers(1, 3))
    def give_back(self, worker: int, count: int) -> None:
        leases, taken = self.take_held(worker, count)
        self.end(leases, [(execution, GIVEN_BACK) for execution in taken])

    @rule(worker=workers)
    def lose_the_answer_to_a_claim(self, worker: int) -> None:
        if not any(execution.exclusive for execution in self.held[worker]):
            self.begin(self.workers[worker].claim(2, held=len(self.held[worker])).jobs)
            self.workers[worker].give_back_unknown({execution.composite for execution in self.held[worker]})

    @rule(worker=workers)
    def heartbeat(self, worker: int) -> None:
        beat = self.workers[worker].heartbeat([execution.composite for execution in self.held[worker]])
        self.lost += [(self.workers[worker], one) for one in self.held[worker] if one.composite in beat.lost]
        self.held[worker] = [one for one in self.held[worker] if one.composite not in beat.lost]

    @precondition(lambda self: any(self.held))
    @rule(worker=workers, gone=st.booleans())
    def miss_heartbeats(self, worker: int, gone: bool) -> None:
        """A worker dies, or is so slow that it is taken for dead; another one takes its jobs over."""
        leases, taken = self.take_held(worker, 99)
        self.lost += [(leases, execution) for execution in taken]
        self.now += LEASE_S + 1
        if gone:
            self.workers[self.workers.index(leases)] = self.new_worker()
        self.workers[0].recover()

    @precondition(lambda self: self.lost)
    @rule(error=st.sampled_from(ENDINGS))
    def settle_late(self, error: WorkError | None) -> None:
        """A worker that was taken for dead comes back with a result."""
        leases, execution = self.lost.pop()
        self.end(leases, [(execution, verdict_on(error, execution))])

    @rule(seconds=st.sampled_from([1, 15, 100]))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.workers[1].recover()

    @rule(offer=st.sampled_from(OFFERS))
    def cancel(self, offer: str) -> None:
        """With RQ's own means, whatever the job is doing."""
        if offer in self.known and not fetch(self.connection, offer).is_canceled:
            fetch(self.connection, offer).cancel()

    @rule(offer=st.sampled_from(OFFERS))
    def delete(self, offer: str) -> None:
        """With RQ's own means, whatever the job is doing."""
        if offer in self.known:
            self.known.remove(offer)
            fetch(self.connection, offer).delete()

    @rule(offer=st.sampled_from(OFFERS), by_deleting=st.booleans())
    def begin_anew(self, offer: str, by_deleting: bool) -> None:
        (self.delete if by_deleting else self.cancel)(offer)
        self.enqueue_some([offer])

    @rule(offer=st.sampled_from(OFFERS))
    def requeue_by_rq(self, offer: str) -> None:
        """A failed or a cancelled job, as `rq requeue` and RQ Dashboard do it."""
        job = fetch(self.connection, offer) if offer in self.known else None
        if job and job.is_failed:
            job.requeue()
        elif job and job.is_canceled:
            rq_queue(self.connection).canceled_job_registry.remove(job)
            rq_queue(self.connection).enqueue_job(job)

    @rule(offer=st.sampled_from(OFFERS))
    def fail_by_rq(self, offer: str) -> None:
        """A job that waits, as RQ's own worker fails it; a code may be left of an attempt before."""
        job = fetch(self.connection, offer) if offer in self.known else None
        if job and job.is_queued:
            rq_queue(self.connection).remove(job)
            job.set_status(JobStatus.FAILED)
            rq_queue(self.connection).failed_job_registry.add(job, ttl=NEVER_EXPIRES_S, exc_string="")

    @rule(offer=st.sampled_from(OFFERS), button=st.sampled_from(["cancel", "delete", "requeue"]))
    def press(self, offer: str, button: str) -> None:
        """A button of the dashboard, whatever the job is doing."""
        done = getattr(QueueAdmin(self.connection, clock=self.clock), button)(f"enrich-{offer}".encode())
        if done and button == "delete":
            self.known.discard(offer)  # of a deleted one the lease may be left, which is deleted too

    @rule(registry=st.sampled_from(Registry))
    def empty(self, registry: Registry) -> None:
        places, _, _ = self.look()
        gone = {offer for (offer, _), place in places.items() if place == registry}
        assert QueueAdmin(self.connection, clock=self.clock).empty(registry) == len(gone)
        self.known = type(self.known)(offer for offer in self.known if offer not in gone)

    @rule(reasons=st.sampled_from([(), ("page_changed",), ("bug",)]))
    def requeue_failed(self, reasons: tuple[str, ...]) -> None:
        Registries(self.connection, clock=self.clock).requeue_failed(reasons=reasons)

    @precondition(lambda self: not self.flushed and self.lost)
    @rule()
    def flush(self) -> None:
        """Redis comes back empty, once; the database tells what to enqueue again."""
        self.connection.flushall()
        self.flushed = True
        self.enqueue_some(sorted(self.known))

    @invariant()
    def every_job_stands_in_exactly_one_place(self) -> None:
        """Where its status says; and what is started is leased, by the newest attempt."""
        places, leased, hashes = self.look()
        assert Counter(dict.fromkeys(self.known, 1)) == Counter(offer for offer, _ in places)
        for member, place in places.items():
            offer, execution = member
            status, attempts, deaths = hashes[offer]
            assert status.decode() == place
            assert 0 <= int(attempts or 0) <= POLICY.attempts
            assert 0 <= int(deaths or 0) < JOB_CRASHES_ALLOWED
            if place == "started":
                assert f"enrich-{offer}:{execution}".encode() in leased
                assert self.running[f"enrich-{offer}"] == execution

    @invariant()
    def failures_are_counted_as_the_failed_jobs_tell(self) -> None:
        """Whoever put them there or took them away."""
        ids: Any = self.connection.zrange(KEYS.failed, 0, -1)
        metas: Any = [self.connection.hget(job_key(job_id.decode()), "meta") for job_id in ids]
        counted = Registries(self.connection, clock=self.clock).failures()
        assert counted == Counter(read_meta(meta).code or "bug" for meta in metas)

    def look(self) -> tuple[dict[tuple[str, str], str], set[bytes], dict[str, Any]]:
        """Where each job stands, by offer and execution; the leases; status, attempts and deaths."""
        with self.connection.pipeline(transaction=False) as pipe:
            pipe.lrange(KEYS.queue, 0, -1)
            for registry in REGISTRIES:
                pipe.zrange(getattr(KEYS, registry), 0, -1)
            pipe.zrange(KEYS.leases, 0, -1)
            for offer in OFFERS:
                pipe.hmget(job_key(f"enrich-{offer}"), "status", "attempts", "deaths")
            queued, *answers = pipe.execute()
        places: dict[tuple[str, str], str] = {}
        for place, members in zip(("queued", *REGISTRIES), (queued, *answers), strict=False):
            for number, member in enumerate(members):
                job_id, _, execution = member.decode().partition(":")
                places[job_id.removeprefix("enrich-"), execution or f"{place} {number}"] = place
        leases, *hashes = answers[len(REGISTRIES) :]
        return places, set(leases), dict(zip(OFFERS, hashes, strict=True))

    def teardown(self) -> None:
        """Whatever happened: left alone, a last worker brings every job to an end."""
        last = self.new_worker()
        for _ in range(3 * len(OFFERS)):
            self.now += 100
            last.recover()
            claim = last.claim(10, held=0)
            last.settle([(execution, FINISHED) for execution in claim.jobs])
            if self.all_have_ended():
                break
        self.every_job_stands_in_exactly_one_place()
        assert self.all_have_ended()

    def all_have_ended(self) -> bool:
        places, _, _ = self.look()
        return set(places.values()) <= {"finished", "failed", "canceled"}


def test_every_job_stands_in_exactly_one_place(connection: redis.Redis) -> None:
    QueueMachine.connection = connection
    run_state_machine_as_test(QueueMachine, settings=SETTINGS)
