"""What each registered worker does now, read from RQ's own keys. Source: `rq/worker/base.py`, `rq/executions.py`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from offers_cli.queue.admission import read_arguments
from offers_cli.queue.failure import parse_stamp, parse_time
from offers_cli.queue.keys import WAITS_FOR, QueueKeys, execution_key, job_key, worker_executions_key, worker_key
from offers_cli.redis.errors import translate
from offers_cli.redis.scripts import ask
from offers_cli.redis.values import as_number, as_text

if TYPE_CHECKING:
    import redis


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningJob:
    """One job that a worker runs; what cannot be read of a foreign job is None."""

    job_id: str
    offer_id: str | None
    url: str | None
    started_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningWorker:
    """One registered worker that is alive.

    Attributes:
        state: RQ's: started, idle, busy or suspended.
        waits_for: the service whose outage keeps it from working, and why; None when there is none.
    """

    name: str
    state: str
    waits_for: str | None
    hostname: str
    pid: int | None
    started_at: datetime | None
    seen_at: datetime | None
    jobs: tuple[RunningJob, ...]


def find_workers(connection: redis.Redis, keys: QueueKeys) -> list[RunningWorker]:
    """The living workers of one queue by name, with their jobs, longest running first.

    Raises:
        QueueUnavailable, QueueRefused: Redis does not answer, or says no.
    """
    with translate():
        [members] = ask(connection, ("SMEMBERS", keys.workers))
        names = sorted(as_text(key).removeprefix(worker_key("")) for key in members)
        with connection.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hmget(worker_key(name), "state", "hostname", "pid", "birth", "last_heartbeat", WAITS_FOR)
                pipe.smembers(worker_executions_key(name))
            answers = pipe.execute(raise_on_error=False)
        found = zip(names, answers[::2], answers[1::2], strict=True)
        return [
            _worker(name, fields, _read_jobs(connection, executions))
            for name, fields, executions in found
            if isinstance(fields, list) and fields[3] is not None
        ]


def _worker(name: str, fields: list[bytes | None], jobs: list[RunningJob]) -> RunningWorker:
    state, hostname, pid, birth, heartbeat, waits_for = fields
    return RunningWorker(
        name=name,
        state=as_text(state),
        waits_for=as_text(waits_for) or None,
        hostname=as_text(hostname),
        pid=as_number(pid),
        started_at=parse_time(birth),
        seen_at=parse_time(heartbeat),
        jobs=tuple(sorted(jobs, key=lambda job: (job.started_at is None, job.started_at or 0, job.job_id))),
    )


def _read_jobs(connection: redis.Redis, executions: Any) -> list[RunningJob]:
    composites = [each.decode(errors="replace") for each in executions] if isinstance(executions, set) else []
    job_ids = [composite.rpartition(":")[0] for composite in composites]
    with connection.pipeline(transaction=False) as pipe:
        for composite, job_id in zip(composites, job_ids, strict=True):
            pipe.hget(execution_key(composite), "created_at")
            pipe.hget(job_key(job_id), "data")
        answers = pipe.execute(raise_on_error=False)
    return [_job(*facts) for facts in zip(job_ids, answers[::2], answers[1::2], strict=True)]


def _job(job_id: str, created_at: Any, data: Any) -> RunningJob:
    offer_id, url = read_arguments(data if isinstance(data, bytes) else None)
    return RunningJob(job_id=job_id, offer_id=offer_id, url=url, started_at=parse_stamp(created_at))
