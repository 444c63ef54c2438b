"""A model of the queue under any order of events: every job stands in exactly one place, and nothing is lost."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any, ClassVar

import pytest
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
from queue_fakes import fetch, make_job

from offers_cli.errors import PageBlocked, PageChanged, SiteUnavailable, WorkError
from offers_cli.queue.enqueue import EnrichmentQueue
from offers_cli.queue.keys import QueueKeys, job_key
from offers_cli.queue.ledger import DEATHS_ALLOWED, LEASE_S, Execution, Ledger
from offers_cli.queue.registries import Registries
from offers_cli.queue.verdicts import FINISHED, GIVEN_BACK, RetryPolicy, Verdict

OFFERS = [f"o{number}" for number in range(6)]
ENDINGS: list[WorkError | None] = [None, PageChanged("no price"), SiteUnavailable("503"), PageBlocked("wall")]
POLICY = RetryPolicy(jitter=0)
KEYS = QueueKeys("enrichment")

offers = st.lists(st.sampled_from(OFFERS), min_size=1, max_size=4)
workers = st.sampled_from([0, 1])


def verdict_on(error: WorkError | None, execution: Execution) -> Verdict:
    return POLICY.judge(error, attempt=execution.attempt, random=Random(0)) if error else FINISHED


class QueueMachine(RuleBasedStateMachine):
    connection: ClassVar[redis.Redis]

    def __init__(self) -> None:
        super().__init__()
        self.connection.flushall()
        self.now = 2_000_000_000.0
        self.known: set[str] = set()
        self.born = 0
        self.flushed = False
        self.workers = [self.new_worker(), self.new_worker()]
        self.held: list[list[Execution]] = [[], []]
        self.lost: list[tuple[Ledger, Execution]] = []

    @initialize()
    def enqueue_all(self) -> None:
        self.enqueue_some(OFFERS)

    def clock(self) -> float:
        return self.now

    def new_worker(self) -> Ledger:
        self.born += 1
        return Ledger(self.connection, queue_name="enrichment", worker=f"w{self.born}", clock=self.clock)

    @rule(offer_ids=offers)
    def enqueue(self, offer_ids: list[str]) -> None:
        self.enqueue_some(offer_ids)

    def enqueue_some(self, offer_ids: list[str]) -> None:
        EnrichmentQueue(self.connection, clock=self.clock).enqueue(map(make_job, offer_ids))
        self.known.update(offer_ids)

    @rule(worker=workers, places=st.integers(1, 3))
    def claim(self, worker: int, places: int) -> None:
        held = self.held[worker]
        if any(execution.alone for execution in held):
            return
        claim = self.workers[worker].claim(places, held=len(held))
        assert not (any(one.alone for one in claim.executions) and len(held) + len(claim.executions) > 1)
        assert len(claim.executions) <= places
        held.extend(claim.executions)

    def take_held(self, worker: int, count: int) -> tuple[Ledger, list[Execution]]:
        """Some of what one worker holds; of the other one, if this one holds nothing."""
        worker = worker if self.held[worker] else 1 - worker
        taken, self.held[worker] = self.held[worker][:count], self.held[worker][count:]
        return self.workers[worker], taken

    @precondition(lambda self: any(self.held))
    @rule(worker=workers, error=st.sampled_from(ENDINGS), count=st.integers(1, 3))
    def settle(self, worker: int, error: WorkError | None, count: int) -> None:
        ledger, taken = self.take_held(worker, count)
        ledger.settle([(execution, verdict_on(error, execution)) for execution in taken])

    @precondition(lambda self: any(self.held))
    @rule(worker=workers, count=st.integers(1, 3))
    def give_back(self, worker: int, count: int) -> None:
        ledger, taken = self.take_held(worker, count)
        ledger.settle([(execution, GIVEN_BACK) for execution in taken])

    @rule(worker=workers)
    def lose_the_answer_to_a_claim(self, worker: int) -> None:
        if not any(execution.alone for execution in self.held[worker]):
            self.workers[worker].claim(2, held=len(self.held[worker]))
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
        ledger, taken = self.take_held(worker, 99)
        self.lost += [(ledger, execution) for execution in taken]
        self.now += LEASE_S + 1
        if gone:
            self.workers[self.workers.index(ledger)] = self.new_worker()
        self.workers[0].recover()

    @precondition(lambda self: self.lost)
    @rule(error=st.sampled_from(ENDINGS))
    def settle_late(self, error: WorkError | None) -> None:
        """A worker that was taken for dead comes back with a result."""
        ledger, execution = self.lost.pop()
        ledger.settle([(execution, verdict_on(error, execution))])

    @rule(seconds=st.sampled_from([1, 15, 100]))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.workers[1].recover()

    @rule(offer=st.sampled_from(OFFERS))
    def cancel(self, offer: str) -> None:
        """With RQ's own means, whatever the job is doing."""
        job = fetch(self.connection, offer)
        if not job.is_canceled:
            job.cancel()

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
        places = self.places()
        assert Counter(dict.fromkeys(self.known, 1)) == Counter(offer for offer, _ in places)
        with self.connection.pipeline(transaction=False) as pipe:
            for offer, _ in places:
                pipe.hget(job_key(f"enrich-{offer}"), "status")
            assert [status.decode() for status in pipe.execute()] == [place for _, place in places]

    def places(self) -> list[tuple[str, str]]:
        registries = ("started", "scheduled", "finished", "failed", "canceled")
        with self.connection.pipeline(transaction=False) as pipe:
            pipe.lrange(KEYS.queue, 0, -1)
            for registry in registries:
                pipe.zrange(getattr(KEYS, registry), 0, -1)
            listed = pipe.execute()
        found = [
            (member.partition(b":")[0], registry)
            for registry, members in zip(("queued", *registries), listed, strict=True)
            for member in members
        ]
        return [(job_id.decode().removeprefix("enrich-"), place) for job_id, place in found]

    @invariant()
    def what_is_started_is_leased(self) -> None:
        started: Any = self.connection.zrange(KEYS.started, 0, -1)
        leased: Any = self.connection.zrange(KEYS.leases, 0, -1)
        assert set(started) <= set(leased)  # RQ's cancelling leaves the lease, until the end of the attempt

    @invariant()
    def attempts_and_deaths_stay_within_bounds(self) -> None:
        with self.connection.pipeline(transaction=False) as pipe:
            for offer in self.known:
                pipe.hmget(job_key(f"enrich-{offer}"), "attempts", "deaths")
            for attempts, deaths in pipe.execute():
                assert 0 <= int(attempts or 0) <= POLICY.attempts
                assert 0 <= int(deaths or 0) < DEATHS_ALLOWED

    def teardown(self) -> None:
        """Whatever happened: left alone, a last worker brings every job to an end."""
        last = self.new_worker()
        for _ in range(3 * len(OFFERS)):
            self.now += 100
            last.recover()
            claim = last.claim(10, held=0)
            last.settle([(execution, FINISHED) for execution in claim.executions])
        assert {place for _, place in self.places()} <= {"finished", "failed", "canceled"}
        self.every_job_stands_in_exactly_one_place()


@pytest.mark.parametrize(
    "examples", [pytest.param(150, id="short"), pytest.param(1500, id="long", marks=pytest.mark.slow)]
)
def test_every_job_stands_in_exactly_one_place(connection: redis.Redis, examples: int) -> None:
    QueueMachine.connection = connection
    run_state_machine_as_test(
        QueueMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
