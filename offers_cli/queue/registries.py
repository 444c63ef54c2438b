"""What stands in the queue and its registries, which worker runs what, and failed jobs back to the queue.

Read from RQ's own keys, without `rq`. Source: `rq/registry.py`, `rq/worker/base.py`, `rq/executions.py`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import accumulate, islice, pairwise
from typing import TYPE_CHECKING, Any

from offers_cli.errors import WORK_ERRORS, Bug
from offers_cli.log import get_log
from offers_cli.queue.job import MESSAGE_LIMIT, parse_stamp, parse_time, read_arguments, read_exc_string, read_meta
from offers_cli.queue.keys import (
    FAILURE_TTL_S,
    RESULT_TTL_S,
    SUSPENDED,
    WAITS_FOR,
    QueueKeys,
    execution_key,
    job_id_of,
    job_key,
    results_key,
    worker_executions_key,
    worker_key,
)
from offers_cli.queue.leases import JobLeases
from offers_cli.redis.errors import translate
from offers_cli.redis.quarantine import SetAside, find_set_aside
from offers_cli.redis.scripts import Clock, Scripts, query
from offers_cli.redis.values import as_number, as_text
from offers_cli.report import WHEN_DONE, Report

if TYPE_CHECKING:
    import redis

BATCH = 1000
LONGEST_LOOK = 20
"""So many batches are looked through for one page of failed jobs; where few are wanted, a page may be short."""
RATE_WINDOW_S = 300
"""How far back `rates` looks; less than RQ keeps finished jobs."""
IDLE_GAP_S = 60.0
OUTCOMES = frozenset({"finished", "failed", "retried", "snoozed", "given_back"})
LIMITS_S = ("0.25", "0.5", "1", "2", "5", "10", "30", "60", "300", "inf")
"""The limits by which `settle.lua` counts how long attempts took, as it writes them."""

log = get_log("queue")


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueCounts:
    """How many jobs stand where, and how many workers are registered and alive."""

    queued: int
    started: int
    scheduled: int
    deferred: int
    finished: int
    failed: int
    workers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRates:
    """How fast the queue moves.

    Attributes:
        jobs_per_minute: over the time that work was there, of the last `RATE_WINDOW_S` at the most; None when too
            little happened to say.
        time_to_empty_s: for all jobs, those that are put off included, and at the least until the last of these is due;
            None when the rate is not known.
        finished, failed: jobs that ended within the last `RATE_WINDOW_S`.
    """

    jobs_per_minute: float | None
    time_to_empty_s: float | None
    finished: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PutOff:
    """Jobs that wait for another attempt: why the last one failed, how many, and the message of one of them."""

    code: str
    jobs: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedJob:
    """One job of the failed registry; what cannot be read of a foreign job is None."""

    job_id: str
    offer_id: str | None
    url: str | None
    code: str
    message: str
    attempts: int | None
    failed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedJobs:
    """The failed jobs of one code: how many, and the one that failed last."""

    code: str
    jobs: int
    newest: FailedJob


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedPage:
    """Some failed jobs, newest first, and the rank at which the next ones begin; None where these are the last."""

    jobs: tuple[FailedJob, ...]
    following: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptTotals:
    """What became of the attempts of all workers, since the queue's Redis holds data.

    Attributes:
        ended: attempts by outcome (``finished``, ``failed``, ``retried``, ``snoozed``, ``given_back``) and failure
            code, which is empty where there was no failure.
        within_s: of those that finished or failed for good, how many took that long or less; ``inf`` counts all.
        seconds: how long they took together.
    """

    ended: Mapping[tuple[str, str], int]
    within_s: Mapping[float, int]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RequeueReport(Report):
    """`found = requeued + skipped`, unless nothing was to be changed.

    Attributes:
        skipped: had expired (or wait and run already) and left the registry.
        left: how many of which codes were left alone, because they are final and nobody asked for them.
    """

    found: int
    requeued: int
    skipped: int
    dry_run: bool = field(default=False, metadata=WHEN_DONE)
    left: Mapping[str, int] = field(default_factory=dict, metadata=WHEN_DONE)


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


class Registries:
    """One queue and its registries.

    Every method raises `QueueUnavailable` or `QueueRefused` when Redis does not answer or says no.
    """

    def __init__(self, connection: redis.Redis, *, name: str = "enrichment", clock: Clock | None = None) -> None:
        self.connection = connection
        self.keys = QueueKeys(name)
        self._scripts = Scripts(connection, clock=clock)

    def counts(self) -> QueueCounts:
        """Expired entries, which RQ removes when it next looks, are not counted."""
        keys = self.keys
        now = self._scripts.now()
        *found, workers = query(
            self.connection,
            ("LLEN", keys.queue),
            *(("ZCARD", registry) for registry in (keys.started, keys.scheduled, keys.deferred)),
            *(("ZCOUNT", registry, now, "+inf") for registry in (keys.finished, keys.failed)),
            ("SMEMBERS", keys.workers),
        )
        with translate():
            alive = int(self.connection.exists(*workers)) if workers else 0
        names = ("queued", "started", "scheduled", "deferred", "finished", "failed")
        return QueueCounts(**dict(zip(names, found, strict=True)), workers=alive)

    def rates(self) -> QueueRates:
        """Read from the registries' scores, which say to the second when each job ended."""
        now = self._scripts.now()
        keys = self.keys
        ended = ((keys.finished, RESULT_TTL_S), (keys.failed, FAILURE_TTL_S))
        second = math.floor(now)  # behind the point of a score stands no time
        windows = [(registry, now - RATE_WINDOW_S + ttl_s, f"({second + 1 + ttl_s}") for registry, ttl_s in ended]
        queued, started, scheduled, last_due, finished, failed, *newest = query(
            self.connection,
            ("LLEN", keys.queue),
            ("ZCARD", keys.started),
            ("ZCARD", keys.scheduled),
            ("ZRANGE", keys.scheduled, -1, -1, "WITHSCORES"),
            *(("ZCOUNT", *window) for window in windows),
            *(
                ("ZRANGE", registry, most, least, "BYSCORE", "REV", "LIMIT", 0, BATCH, "WITHSCORES")
                for registry, least, most in windows
            ),
        )
        both = zip(ended, newest, strict=True)
        ends = [math.floor(float(score)) - ttl_s for (_, ttl_s), found in both for score in found[1::2]]
        per_s = _rate(sorted(ends, reverse=True)[:BATCH], until=now if queued or started else None)
        left = queued + started + scheduled
        time_to_empty_s = 0.0 if not left else None
        if left and per_s:
            due_in_s = float(last_due[1]) - now if last_due else 0.0
            time_to_empty_s = round(max(left / per_s, due_in_s), 1)
        return QueueRates(
            jobs_per_minute=per_s and round(per_s * 60, 1),
            time_to_empty_s=time_to_empty_s,
            finished=finished,
            failed=failed,
        )

    def workers(self) -> list[RunningWorker]:
        """The living workers by name, each with its jobs, longest running first."""
        [members] = query(self.connection, ("SMEMBERS", self.keys.workers))
        names = sorted(as_text(key).removeprefix(worker_key("")) for key in members)
        with translate(), self.connection.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hmget(worker_key(name), "state", "hostname", "pid", "birth", "last_heartbeat", WAITS_FOR)
                pipe.smembers(worker_executions_key(name))
            answers = pipe.execute(raise_on_error=False)
        found = zip(names, answers[::2], answers[1::2], strict=True)
        return [
            _worker(name, fields, self._read_running(executions))
            for name, fields, executions in found
            if isinstance(fields, list) and fields[3] is not None
        ]

    def _read_running(self, executions: Any) -> list[RunningJob]:
        composites = [each.decode(errors="replace") for each in executions] if isinstance(executions, set) else []
        job_ids = [composite.rpartition(":")[0] for composite in composites]
        with translate(), self.connection.pipeline(transaction=False) as pipe:
            for composite, job_id in zip(composites, job_ids, strict=True):
                pipe.hget(execution_key(composite), "created_at")
                pipe.hget(job_key(job_id), "data")
            answers = pipe.execute(raise_on_error=False)
        jobs = []
        for job_id, created_at, data in zip(job_ids, answers[::2], answers[1::2], strict=True):
            offer_id, url = read_arguments(data if isinstance(data, bytes) else None)
            jobs.append(RunningJob(job_id=job_id, offer_id=offer_id, url=url, started_at=parse_stamp(created_at)))
        return jobs

    def totals(self) -> AttemptTotals:
        """Counters that only grow: a worker that is killed has counted what it settled."""
        [found] = query(self.connection, ("HGETALL", self.keys.totals))
        counts = {
            as_text(name): max(0, as_number(count) or 0) for name, count in zip(found[::2], found[1::2], strict=True)
        }
        ended: Counter[tuple[str, str]] = Counter()
        for name, count in counts.items():
            outcome, _, code = name.partition(" ")
            if outcome in OUTCOMES:
                ended[outcome, code if code in ("", *WORK_ERRORS) else "other"] += count
        limits = [math.inf if limit == "inf" else float(limit) for limit in LIMITS_S]
        within = accumulate(counts.get(f"le {limit}", 0) for limit in LIMITS_S)
        return AttemptTotals(
            ended=ended, within_s=dict(zip(limits, within, strict=True)), seconds=counts.get("ms", 0) / 1000
        )

    def suspended(self) -> bool:
        """Whether no job is started, by `rq suspend`."""
        with translate():
            return bool(self.connection.exists(SUSPENDED))

    def set_aside(self) -> list[SetAside]:
        """The keys of a wrong type that were set aside, the oldest first."""
        return find_set_aside(self.connection)

    def check_rights(self) -> None:
        """Raise `QueueRefused` for a Redis user who may not do all that a worker does."""
        JobLeases(self.connection, queue_name=self.keys.name, worker="rehearsal").rehearse()

    def put_off(self) -> list[PutOff]:
        """The scheduled jobs that were tried and put off, by why; first the reason of the one that is due first."""
        found: dict[str, PutOff] = {}
        [count] = query(self.connection, ("ZCARD", self.keys.scheduled))
        for first in range(0, count, BATCH):
            answer = self._scripts.run("put_off", [self.keys.scheduled], first, first + BATCH - 1)
            for name, jobs, meta in zip(answer[::3], answer[1::3], answer[2::3], strict=True):
                code = name.decode()
                before = found.get(code) or PutOff(code=code, jobs=0, message=read_meta(meta).message)
                found[code] = replace(before, jobs=before.jobs + jobs)
        return list(found.values())

    def failures(self) -> dict[str, int]:
        """Failed jobs by code, most frequent first; jobs failed by RQ itself count as ``bug``."""
        total, _ = self._count_failures()
        return dict(total.most_common())

    def failures_with_newest(self) -> list[FailedJobs]:
        """As `failures`, each code with the job that failed last."""
        total, newest = self._count_failures()
        codes = [code for code, _ in total.most_common()]
        jobs = self._read_failed([newest[code] for code in codes]) if codes else []
        return [FailedJobs(code=code, jobs=total[code], newest=job) for code, job in zip(codes, jobs, strict=True)]

    def _count_failures(self) -> tuple[Counter[str], dict[str, bytes]]:
        total: Counter[str] = Counter()
        newest: dict[str, bytes] = {}
        [count] = query(self.connection, ("ZCARD", self.keys.failed))
        for first in range(0, count, BATCH):
            answer = self._scripts.run("failures", [self.keys.failed], first, first + BATCH - 1)
            for code, number, job_id in zip(answer[::3], answer[1::3], answer[2::3], strict=True):
                total[code.decode()] += number
                newest[code.decode()] = job_id
        return total, newest

    def failed_jobs(self, *, reasons: Collection[str] = (), limit: int | None = None) -> list[FailedJob]:
        """The failed jobs, newest first; empty `reasons` means all."""
        found: list[FailedJob] = []
        first = 0
        while True:
            looked_at, ids = self._find_failed(reasons, first)
            found += self._read_failed(ids if limit is None else ids[: limit - len(found)])
            if looked_at < BATCH or len(found) == limit:
                return found
            first += BATCH

    def failed_page(self, *, reasons: Collection[str] = (), first: int = 0, size: int) -> FailedPage:
        """Some failed jobs, newest first, from that rank on; the cost is bounded, however many failed.

        Empty `reasons` means all. Ranks move with what fails or is requeued meanwhile.

        Args:
            size: the most jobs.
        """
        ids: list[bytes] = []
        following: int | None = first
        for _ in range(LONGEST_LOOK):
            looked_at, found = self._find_failed(reasons, first)
            ids, first = [*ids, *found], first + looked_at
            following = first if looked_at == BATCH else None
            if len(ids) > size or following is None:
                break
        if len(ids) > size:
            ids = ids[:size]
            [rank] = query(self.connection, ("ZREVRANK", self.keys.failed, ids[-1]))
            following = first if rank is None else rank + 1  # None: it was requeued meanwhile
        return FailedPage(jobs=tuple(self._read_failed(ids)), following=following)

    def _find_failed(self, reasons: Collection[str], first: int) -> tuple[int, list[bytes]]:
        """How many jobs the stretch from that rank on holds, newest first, and the ids of those wanted."""
        last = first + BATCH - 1
        looked_at, *ids = self._scripts.run("find_failed", [self.keys.failed], first, last, _codes(reasons))
        return looked_at, ids

    def _read_failed(self, found: Sequence[bytes]) -> list[FailedJob]:
        ids = [job_id.decode(errors="replace") for job_id in found]
        with translate(), self.connection.pipeline(transaction=False) as pipe:
            for job_id in ids:
                pipe.hmget(job_key(job_id), "data", "meta", "ended_at")
                pipe.xrevrange(results_key(job_id), count=1)
            answers = pipe.execute(raise_on_error=False)
        return [_failed_job(*facts) for facts in zip(ids, answers[::2], answers[1::2], strict=True)]

    def requeue_failed(
        self,
        *,
        reasons: Collection[str] = (),
        but_for: Collection[str] = (),
        offer_ids: Collection[str] = (),
        older_than_s: float | None = None,
        limit: int | None = None,
        dry_run: bool = False,
        on_progress: Callable[[int], None] | None = None,
    ) -> RequeueReport:
        """Put failed jobs back in the queue, oldest first, each as a new one (no attempt spent).

        Empty `reasons` and `offer_ids` mean all. A job that fails again meanwhile is not taken twice.

        Args:
            but_for: jobs that failed with these codes are left alone.
            older_than_s: only jobs that failed at least so long ago.
            on_progress: is given after each batch how many jobs were found so far.
        """
        failed_before = "" if older_than_s is None else f"{self._scripts.now() - older_than_s:.6f}"
        named = iter(sorted(map(job_id_of, offer_ids)))
        # What fails again meanwhile stands behind the registry's first length, and is not taken twice.
        [to_see] = query(self.connection, ("ZCARD", self.keys.failed))
        found = requeued = skipped = left_behind = 0
        while True:
            batch: list[Any] = list(islice(named, BATCH))
            if not offer_ids and to_see > 0:
                last = left_behind + min(BATCH, to_see) - 1
                [batch] = query(self.connection, ("ZRANGE", self.keys.failed, left_behind, last))
                to_see -= len(batch)
            if not batch:
                break
            most = BATCH if limit is None else limit - found
            matched, back, unusable, remaining = self._scripts.run(
                "requeue",
                (self.keys.failed, self.keys.queue),
                int(dry_run),
                failed_before,
                _codes(reasons),
                _codes(but_for),
                most,
                *batch,
            )
            found, requeued, skipped = found + matched, requeued + back, skipped + unusable
            left_behind += remaining
            if on_progress:
                on_progress(found)
            if found == limit:
                break
        if found and not dry_run:
            log.info("requeued", found=found, requeued=requeued, skipped=skipped)
        return RequeueReport(found=found, requeued=requeued, skipped=skipped, dry_run=dry_run)

    def forget_failed(self, offer_ids: Collection[str]) -> int:
        """Take the failed jobs of these offers away, for what they were for is done; returns how many there were."""
        ids = iter(sorted(map(job_id_of, offer_ids)))
        keys = (self.keys.failed, self.keys.started, self.keys.leases)
        forgotten = 0
        while batch := list(islice(ids, BATCH)):
            forgotten += int(self._scripts.run("forget", keys, *batch))
        return forgotten

    def run_scheduled_now(self, code: str) -> int:
        """Make the scheduled jobs that were put off with that failure code due now; returns how many.

        A job that leaves the registry meanwhile is left alone.
        """
        [ids] = query(self.connection, ("ZRANGE", self.keys.scheduled, 0, -1))
        due = 0
        with translate(), self.connection.pipeline(transaction=False) as pipe:
            for first in range(0, len(ids), BATCH):
                batch = ids[first : first + BATCH]
                for job_id in batch:
                    pipe.hget(job_key(job_id.decode(errors="replace")), "meta")
                metas = pipe.execute(raise_on_error=False)
                ours = [job_id for job_id, meta in zip(batch, metas, strict=True) if read_meta(meta).code == code]
                if ours:
                    pipe.zadd(self.keys.scheduled, dict.fromkeys(ours, 0), xx=True)
                    pipe.execute()
                due += len(ours)
        if due:
            log.info("due again", code=code, jobs=due)
        return due


def _codes(codes: Collection[str]) -> str:
    """Failure codes as scripts take them; empty for none."""
    return f",{','.join(codes)}," if codes else ""


def _rate(ends: Sequence[float], *, until: float | None) -> float | None:
    """Jobs in a second of work, from the moments at which jobs ended, newest first; None for too few.

    A gap of `IDLE_GAP_S` and more between two ends was no work: nothing was queued, or its host was paused.

    Args:
        until: now, where work is there now: the time since the newest end counts as well.
    """
    if len(ends) < 2:
        return None
    moments = ends if until is None else [until, *ends]
    worked_s = sum(gap for later, before in pairwise(moments) if (gap := later - before) < IDLE_GAP_S)
    return (len(ends) - 1) / max(worked_s, 1.0)


def _failed_job(job_id: str, fields: Any, results: Any) -> FailedJob:
    """Foreign jobs may hold anything: an answer that is an error reads as nothing."""
    data, meta, ended_at = fields if isinstance(fields, list) else (None, None, None)
    failure = read_meta(meta)
    offer_id, url = read_arguments(data)
    message = failure.message
    if not message:  # one that RQ's own workers failed: the last line of its newest result
        try:
            message = read_exc_string(results[0][1][b"exc_string"]).splitlines()[-1][:MESSAGE_LIMIT]
        except (IndexError, KeyError, TypeError, ValueError):
            message = ""
    return FailedJob(
        job_id=job_id,
        offer_id=offer_id,
        url=url,
        code=failure.code or Bug.code,
        message=message,
        attempts=failure.attempts,
        failed_at=parse_time(ended_at),
    )


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
