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
from offers_cli.queue.job import DATA_LIMIT, JobFailure
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
from offers_cli.queue.scripts import Clock, Scripts
from offers_cli.redis.connection import READ_TIMEOUT_S
from offers_cli.redis.errors import translate
from offers_cli.redis.scripts import ask
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One attempt at one job, held by this worker.

    Attributes:
        data: the job's data as it stands in Redis, not yet checked; `forbidden`: see `admission.decode_job`.
        attempt: from 1; snoozed and given-back attempts do not count.
        exclusive: it was running when its worker died before, and must have the process for itself.
    """

    job_id: str
    id: str
    attempt: int
    exclusive: bool
    data: bytes
    forbidden: str
    claimed_at: datetime

    @property
    def composite(self) -> str:
        """How RQ names it."""
        return f"{self.job_id}:{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one call took from the queue. When `suspended` (by `rq suspend`), nothing."""

    executions: tuple[Execution, ...]
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
            *(keys.hosts, keys.read, keys.waiting_of("")),
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
        [first] = ask(self._scripts.connection, ("ZRANGE", self.keys.scheduled, 0, 0, "WITHSCORES"))
        with translate():
            seconds, micros = self._scripts.connection.time()
        return float(first[1]) - (seconds + micros / 1e6) if first else None

    def claim(self, places: int, *, held: int, hosts: Mapping[str, int] | None = None) -> Claim:
        """Take and start at most `places` jobs, after queueing the scheduled ones that are due.

        Args:
            held: how many jobs this worker already runs; a job that must be alone is only given to an idle worker.
            hosts: how many of its places each host holds; the next place is for a host that holds fewer than the first
                job's does, if such a host waits.
        """
        keys = self.keys
        answer = self._scripts.run(
            "claim",
            (
                *(keys.queue, keys.scheduled, keys.started, keys.leases, keys.failed),
                *(*self._own_keys, keys.hosts, keys.read),
            ),
            self.worker,
            held,
            self._lease_s,
            KEEP_S,
            json.dumps(hosts or {}),
            keys.waiting_of(""),
            DATA_LIMIT,
            *(uuid4().hex for _ in range(places)),
        )
        time, suspended, left, *jobs = answer
        claimed_at = datetime.fromtimestamp(float(time), UTC)
        executions = tuple(_execution(job, claimed_at) for job in jobs)
        return Claim(executions=executions, left=left, suspended=bool(suspended))

    def settle(self, outcomes: Sequence[tuple[Execution, JobOutcome]]) -> list[bool]:
        """End the executions; False for each that was no longer ours. Safe to repeat."""
        return self._settle([_as_json(execution, outcome) for execution, outcome in outcomes])

    def _settle(self, items: Sequence[str]) -> list[bool]:
        keys = self.keys
        answer = self._scripts.run(
            "settle",
            (keys.queue, keys.scheduled, keys.started, keys.leases, keys.finished, keys.failed, self._own_keys[0]),
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
        [held] = ask(self._scripts.connection, ("SMEMBERS", self._own_keys[1]))
        unknown = [composite for composite in sorted(map(as_text, held)) if composite not in known and ":" in composite]
        back = {"status": GIVEN_BACK.status, "spent": False}
        parts = (composite.split(":", 1) for composite in unknown)
        self._settle([json.dumps({"job": job, "execution": execution, **back}) for job, execution in parts])
        return len(unknown)

    def expire_leases(self, worker: str) -> None:
        """Let another worker's leases run out now: it is dead."""
        self._scripts.run("expire_leases", (self.keys.leases, worker_executions_key(worker)))

    def recover(self) -> Recovery:
        """Put back what dead workers held."""
        keys = self.keys
        exc_string = JobFailure(code="bug", message=CRASH_MESSAGE, attempts=JOB_CRASHES_ALLOWED).as_exc_string()
        limits = (JOB_CRASHES_ALLOWED, RECOVERED_AT_ONCE, INTERMEDIATE_GRACE_S, FAILURE_TTL_S)
        requeued, failed = self._scripts.run(
            "recover",
            (keys.queue, keys.started, keys.leases, keys.failed, keys.intermediate, keys.orphans),
            *limits,
            CRASH_MESSAGE,
            exc_string,
        )
        return Recovery(requeued=requeued, failed=failed)


def _execution(answer: Sequence[Any], claimed_at: datetime) -> Execution:
    job_id, execution_id, attempt, exclusive, data, forbidden = answer
    return Execution(
        job_id=job_id.decode(),
        id=execution_id.decode(),
        attempt=attempt,
        exclusive=bool(exclusive),
        data=data,
        forbidden=forbidden.decode(),
        claimed_at=claimed_at,
    )


def _as_json(execution: Execution, outcome: JobOutcome) -> str:
    item: dict[str, Any] = {
        "job": execution.job_id,
        "execution": execution.id,
        "status": outcome.status,
        "spent": outcome.spent,
        "delay_s": outcome.delay_s,
    }
    if outcome.failure:
        item |= {"meta": outcome.failure.as_meta(), "exc_string": outcome.failure.as_exc_string()}
    return json.dumps(item)


log = get_log("worker")


def recover(connection: redis.Redis, leases: JobLeases) -> Recovery:
    """Put back at once what workers of this machine held whose process is gone, and all whose lease ran out.

    Raises:
        QueueUnavailable, QueueRefused: Redis does not answer or says no.
    """
    dead = find_dead_workers(connection, leases.keys)
    for worker in dead:
        leases.expire_leases(worker)
    recovery = leases.recover()
    for worker in dead:
        unregister(connection, worker, leases.keys)
    if recovery.requeued or recovery.failed:
        log.warning("recovered jobs of dead workers", requeued=recovery.requeued, failed=recovery.failed)
    return recovery
