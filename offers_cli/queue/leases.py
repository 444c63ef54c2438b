"""Leases: which worker holds which job. Every step is one atomic call to Redis, in RQ's own keys.

A claimed job has an *execution* (one attempt by one worker) and a *lease*, which its worker renews. What a worker no
longer holds, it can no longer settle: a late result of an execution that was lost, or whose job was cancelled, deleted
or begun anew by RQ's own means, changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from offers_cli.errors import QueueRefused
from offers_cli.log import get_log
from offers_cli.queue.job import DATA_LIMIT, ClaimedJob, JobFailure
from offers_cli.queue.keys import (
    FAILURE_TTL_S,
    RESULT_TTL_S,
    WORKER_TTL_S,
    QueueKeys,
    command_channel,
    execution_key,
    executions_key,
    job_key,
    results_key,
    worker_executions_key,
    worker_key,
)
from offers_cli.queue.registration import find_dead_workers, unregister
from offers_cli.queue.retry_policy import GIVEN_BACK, JobOutcome
from offers_cli.redis.connection import READ_TIMEOUT_S
from offers_cli.redis.errors import translate
from offers_cli.redis.scripts import Clock, Scripts, query
from offers_cli.redis.values import as_text

if TYPE_CHECKING:
    import redis

LEASE_S = 20.0
"""A worker that did not renew for so long is taken for dead."""
KEEP_S = 7 * 86_400
"""How long RQ's own clean-up leaves our executions alone: it would declare abandoned jobs failed, we put them back."""
JOB_CRASHES_ALLOWED = 3
RECOVERED_AT_ONCE = 1000
INTERMEDIATE_GRACE_S = 30.0
CRASH_MESSAGE = f"the worker died {JOB_CRASHES_ALLOWED} times while it ran this job"

log = get_log("worker")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one call took from the queue, and how many jobs it left there. When `suspended` (by `rq suspend`), none."""

    jobs: tuple[ClaimedJob, ...]
    left: int
    suspended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatReply:
    """The answer to a heartbeat: is the worker still registered, and which executions it has lost."""

    registered: bool
    lost: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What was put back in the queue, and what failed because its workers died on it."""

    requeued: int
    failed: int


class JobLeases:
    """The jobs of one queue, as one worker sees them.

    Every method raises `QueueUnavailable` or `QueueRefused` when Redis does not answer or says no.

    Args:
        worker: this worker's RQ name.
        clock: seconds since 1970 for tests; None is Redis's own clock.
    """

    crashes_allowed = JOB_CRASHES_ALLOWED
    crash_message = CRASH_MESSAGE

    def __init__(
        self,
        connection: redis.Redis,
        *,
        queue_name: str,
        worker: str,
        lease_s: float = LEASE_S,
        clock: Clock | None = None,
    ) -> None:
        self.keys = QueueKeys(queue_name)
        self.worker = worker
        self._lease_s = lease_s
        self._scripts = Scripts(connection, clock=clock)
        self._own_keys = (worker_key(worker), worker_executions_key(worker))

    def rehearse(self) -> None:
        """Raise `QueueRefused` for a Redis user who may not do all that a worker does; no job is touched."""
        keys = self.keys
        ours = (
            *(keys.queue, keys.scheduled, keys.started, keys.leases, keys.finished, keys.failed, *self._own_keys),
            *(keys.hosts, keys.read, keys.waiting_of(""), keys.totals),
        )
        of_a_job = (job_key, results_key, execution_key, executions_key)
        names = [f"{key}:rehearsal" for key in ours] + [name("rehearsal") for name in of_a_job]
        self._scripts.run("rehearse", names)
        self._rehearse_listening()

    def _rehearse_listening(self) -> None:
        """Users of Redis 7 have no channels by default: such a worker would be deaf to `rq`'s commands."""
        listen: Any = self._scripts.connection.pubsub  # untyped in redis-py
        try:
            with translate(), listen() as commands:
                commands.subscribe(command_channel(self.worker))
                commands.get_message(timeout=READ_TIMEOUT_S)
        except QueueRefused as error:
            if error.temporary:
                raise
            message = f"{error.message}; no command to stop would be heard"
            raise QueueRefused(message, hint="redis-cli ACL SETUSER NAME '&rq:pubsub:*' +subscribe") from error

    def next_due_in_s(self) -> float | None:
        """Seconds until the next scheduled job is due, negative when it is overdue; None when none is scheduled."""
        [first] = query(self._scripts.connection, ("ZRANGE", self.keys.scheduled, 0, 0, "WITHSCORES"))
        return float(first[1]) - self._scripts.now() if first else None

    def claim(self, slots: int, *, held: int, hosts: Mapping[str, int] | None = None) -> Claim:
        """Take and start at most `slots` jobs, after queueing the scheduled ones that are due.

        Args:
            held: how many jobs this worker already runs; an exclusive job is only given to an idle worker.
            hosts: how many of its slots each host holds; the next slot is for a host that holds fewer than the first
                job's does, if such a host waits.
        """
        claimed_at, suspended, left, jobs = self._claim(slots, held=held, hosts=hosts or {})
        claimed = tuple(ClaimedJob.from_claim(job, claimed_at) for job in jobs)
        return Claim(jobs=claimed, left=left, suspended=suspended)

    def _claim(self, slots: int, *, held: int, hosts: Mapping[str, int]) -> tuple[datetime, bool, int, list[Any]]:
        """When jobs were taken, whether the queue is suspended, how many it still has, and what was taken."""
        keys = self.keys
        time, suspended, left, *jobs = self._scripts.run(
            "claim",
            (
                *(keys.queue, keys.scheduled, keys.started, keys.leases, keys.failed),
                *(*self._own_keys, keys.hosts, keys.read),
            ),
            self.worker,
            held,
            self._lease_s,
            KEEP_S,
            json.dumps(hosts),
            keys.waiting_of(""),
            DATA_LIMIT,
            *(uuid4().hex for _ in range(slots)),
        )
        return datetime.fromtimestamp(float(time), UTC), bool(suspended), left, jobs

    def settle(self, outcomes: Sequence[tuple[ClaimedJob, JobOutcome]]) -> list[bool]:
        """End the attempts; False for each that was no longer ours. Safe to repeat."""
        return self._settle([(job.job_id, job.execution_id, outcome) for job, outcome in outcomes])

    def _settle(self, outcomes: Sequence[tuple[str, str, JobOutcome]]) -> list[bool]:
        keys = self.keys
        items = []
        for job_id, execution_id, outcome in outcomes:
            item = {"job": job_id, "execution": execution_id, "status": outcome.status, "spent": outcome.spent}
            item["delay_s"] = outcome.delay_s
            if outcome.failure:
                item |= {"meta": outcome.failure.as_meta(), "exc_string": outcome.failure.as_exc_string()}
            items.append(json.dumps(item))
        answer = self._scripts.run(
            "settle",
            (
                *(keys.queue, keys.scheduled, keys.started, keys.leases, keys.finished, keys.failed),
                *(self._own_keys[0], keys.totals),
            ),
            self.worker,
            RESULT_TTL_S,
            FAILURE_TTL_S,
            *items,
        )
        return [bool(settled) for settled in answer]

    def heartbeat(self, composites: Sequence[str]) -> HeartbeatReply:
        """Renew this worker's registration and its leases."""
        keys = (*self._own_keys, self.keys.started, self.keys.leases)
        registered, *lost = self._scripts.run(
            "heartbeat", keys, self.worker, self._lease_s, WORKER_TTL_S, KEEP_S, *composites
        )
        return HeartbeatReply(registered=bool(registered), lost=frozenset(composite.decode() for composite in lost))

    def give_back_unknown(self, known: Collection[str]) -> int:
        """Put back what this worker holds in Redis and knows nothing of: the answer to a claim was lost."""
        [held] = query(self._scripts.connection, ("SMEMBERS", self._own_keys[1]))
        unknown = [composite for composite in sorted(map(as_text, held)) if composite not in known and ":" in composite]
        parts = (composite.partition(":") for composite in unknown)
        self._settle([(job_id, execution_id, GIVEN_BACK) for job_id, _, execution_id in parts])
        return len(unknown)

    def recover(self) -> Recovery:
        """Put back what crashed workers held: of this machine's at once, of others' when their leases run out."""
        keys, connection = self.keys, self._scripts.connection
        dead = find_dead_workers(connection, keys)
        for worker in dead:
            self._scripts.run("expire_leases", (keys.leases, worker_executions_key(worker)))
        message, crashes = self.crash_message, self.crashes_allowed
        exc_string = JobFailure(code="bug", message=message, attempts=crashes).as_exc_string()
        limits = (crashes, RECOVERED_AT_ONCE, INTERMEDIATE_GRACE_S, FAILURE_TTL_S)
        requeued, failed = self._scripts.run(
            "recover",
            (keys.queue, keys.started, keys.leases, keys.failed, keys.intermediate, keys.orphans),
            *limits,
            message,
            exc_string,
        )
        for worker in dead:
            unregister(connection, worker, keys)
        if requeued or failed:
            log.warning("recovered jobs of dead workers", requeued=requeued, failed=failed)
        return Recovery(requeued=requeued, failed=failed)
