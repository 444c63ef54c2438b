"""Names of the Redis keys, as RQ 3.0 writes them, and the few of our own.

Written out here because importing `rq` costs 120 ms. Source: `rq/registry.py`, `rq/queue.py`, `rq/executions.py`,
`rq/worker_registration.py`, `rq/results.py`, `rq/suspension.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

JOB_FUNCTION = "offers_cli.jobs.enrich_offer_job"
"""The only function that our workers accept; its path stands in every queued job."""

JOB_ID_PREFIX = "enrich-"

WORKERS = "rq:workers"
SUSPENDED = "rq:suspended"

WAITS_FOR = "offers_waits_for"
"""Ours, a field of a worker's registration: the service that is away, and why."""

WORKER_TTL_S = 60
"""How long a worker's registration outlives its last heartbeat."""
RESULT_TTL_S = 500
"""How long RQ keeps a finished job."""
FAILURE_TTL_S = 31_536_000
"""How long RQ keeps a failed job; its score in the failed registry is the time it failed plus this."""


def job_id_of(offer_id: str) -> str:
    """The RQ job id of an offer's job."""
    return JOB_ID_PREFIX + offer_id


def job_key(job_id: str) -> str:
    return f"rq:job:{job_id}"


def results_key(job_id: str) -> str:
    return f"rq:results:{job_id}"


def execution_key(composite: str) -> str:
    """Of one execution, named ``<job id>:<execution id>``."""
    return f"rq:execution:{composite}"


def executions_key(job_id: str) -> str:
    """Of all executions of one job."""
    return f"rq:executions:{job_id}"


def worker_key(worker: str) -> str:
    return f"rq:worker:{worker}"


def worker_executions_key(worker: str) -> str:
    return f"rq:worker:{worker}:executions"


def command_channel(worker: str) -> str:
    return f"rq:pubsub:{worker}"


@dataclass(frozen=True, slots=True)
class QueueKeys:
    """The keys of one queue."""

    name: str

    @property
    def queue(self) -> str:
        return f"rq:queue:{self.name}"

    @property
    def intermediate(self) -> str:
        """Where RQ's own workers keep an id between taking it and starting it."""
        return f"rq:queue:{self.name}:intermediate"

    @property
    def started(self) -> str:
        return f"rq:wip:{self.name}"

    @property
    def scheduled(self) -> str:
        return f"rq:scheduled:{self.name}"

    @property
    def deferred(self) -> str:
        return f"rq:deferred:{self.name}"

    @property
    def finished(self) -> str:
        return f"rq:finished:{self.name}"

    @property
    def failed(self) -> str:
        return f"rq:failed:{self.name}"

    @property
    def canceled(self) -> str:
        return f"rq:canceled:{self.name}"

    @property
    def workers(self) -> str:
        return f"rq:workers:{self.name}"

    @property
    def leases(self) -> str:
        """Ours: executions scored by when they count as abandoned."""
        return f"offers:leases:{self.name}"

    @property
    def hosts(self) -> str:
        """Ours: the hosts whose jobs wait in the queue, scored by when they were last served."""
        return f"offers:hosts:{self.name}"

    def waiting_of(self, host: str) -> str:
        """Ours: the ids of one host's waiting jobs, as far as the queue was read."""
        return f"offers:waiting:{self.name}:{host}"

    @property
    def read(self) -> str:
        """Ours: how many jobs at the front of the queue were read into those lists."""
        return f"offers:read:{self.name}"

    @property
    def orphans(self) -> str:
        """Ours: ids seen in `intermediate`, scored by when they were first seen there."""
        return f"offers:strays:{self.name}"
