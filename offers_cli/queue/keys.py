"""Names of the Redis keys, as RQ 3.0 writes them, and the few of our own.

Written out here because importing `rq` costs 120 ms. Source: `rq/registry.py`, `rq/queue.py`, `rq/executions.py`,
`rq/worker_registration.py`, `rq/results.py`, `rq/suspension.py`.
"""

from __future__ import annotations

JOB_FUNCTION = "offers_cli.jobs.enrich_offer_job"
"""The only function that our workers accept; its path stands in every queued job."""

JOB_ID_PREFIX = "enrich-"

SCHEDULED_FUNCTION = "offers_cli.jobs.run_scheduled_job"
"""What the jobs of `schedule_queue` call; the workers of that queue accept nothing else."""
SCHEDULED_ID_PREFIX = "schedule-"

WORKERS = "rq:workers"
SUSPENDED = "rq:suspended"

WAITS_FOR = "offers_waits_for"
"""Ours, a field of a worker's registration: the service that is away, and why."""

WORKER_TTL_S = 60
"""How long a worker's registration outlives its last heartbeat."""
RESULT_TTL_S = 500
"""How long RQ keeps a finished job."""
FAILURE_TTL_S = 31_536_000
"""How long RQ keeps a failed job; its score in the failed registry is the second it failed plus this, and
behind the point the number of its failure code."""


def job_id_of(offer_id: str) -> str:
    """The RQ job id of an offer's job."""
    return JOB_ID_PREFIX + offer_id


def schedule_queue(name: str) -> str:
    """The queue for commands on a clock, beside the queue of that name: they never take a slot of enrichment."""
    return f"{name}-schedule"


def job_key(job_id: str) -> str:
    """The hash of one job."""
    return f"rq:job:{job_id}"


def results_key(job_id: str) -> str:
    """The stream of one job's results, the newest last."""
    return f"rq:results:{job_id}"


def execution_key(composite: str) -> str:
    """Of one execution, named ``<job id>:<execution id>``."""
    return f"rq:execution:{composite}"


def executions_key(job_id: str) -> str:
    """Of all executions of one job."""
    return f"rq:executions:{job_id}"


def worker_key(worker: str) -> str:
    """The registration of one worker."""
    return f"rq:worker:{worker}"


def worker_executions_key(worker: str) -> str:
    """The executions that one worker holds."""
    return f"rq:worker:{worker}:executions"


def command_channel(worker: str) -> str:
    """Where one worker listens for RQ's commands."""
    return f"rq:pubsub:{worker}"


class QueueKeys:
    """The keys of one queue."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.queue = f"rq:queue:{name}"
        self.intermediate = f"rq:queue:{name}:intermediate"
        """Where RQ's own workers keep an id between taking it and starting it."""
        self.started = f"rq:wip:{name}"
        self.scheduled = f"rq:scheduled:{name}"
        self.deferred = f"rq:deferred:{name}"
        self.finished = f"rq:finished:{name}"
        self.failed = f"rq:failed:{name}"
        self.canceled = f"rq:canceled:{name}"
        self.workers = f"rq:workers:{name}"
        self.leases = f"offers:leases:{name}"
        """Ours: executions scored by when they count as abandoned."""
        self.hosts = f"offers:hosts:{name}"
        """Ours: the hosts whose jobs wait in the queue, scored by when they were last served."""
        self.read = f"offers:read:{name}"
        """Ours: how many jobs at the front of the queue were read into the lists of waiting jobs by host."""
        self.totals = f"offers:totals:{name}"
        """Ours: how many attempts ended how, since ever, and how long they took; see `Registries.totals`."""
        self.orphans = f"offers:strays:{name}"
        """Ours: ids seen in `intermediate`, scored by when they were first seen there."""
        self.schedule = f"offers:schedule:{name}"
        """Ours: the commands on a clock and what became of them, four fields each; see `offers_cli.queue.schedule`."""
        self.schedule_leader = f"offers:schedule:{name}:leader"
        """Ours: the worker that queues what is due."""

    def waiting_of(self, host: str) -> str:
        """Ours: the ids of one host's waiting jobs, as far as the queue was read."""
        return f"offers:waiting:{self.name}:{host}"
