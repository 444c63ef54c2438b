"""What a stranger writes into the keys of the queue, the pace and the drift: worked round, named, never lost."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import redis
from fuzz.target import Target
from queue_fakes import make_job
from queue_foreign import FIELDS, NAMES, SHOP, SOURCE, URL, WORDS, ask_everything
from servers import RedisServer

from offers_cli.cli.stats import stats_blocks
from offers_cli.drift.detect import FieldCounts
from offers_cli.drift.store import DriftStore
from offers_cli.errors import HostPaused, PageBlocked, PageChanged
from offers_cli.fetch.pace import SharedPace
from offers_cli.queue.enqueue import EnrichmentQueue
from offers_cli.queue.job import JobFailure
from offers_cli.queue.keys import QueueKeys, job_id_of
from offers_cli.queue.leases import JobLeases
from offers_cli.queue.registries import Registries
from offers_cli.queue.retry_policy import FINISHED, GIVEN_BACK, JobOutcome, JobStatus
from offers_cli.text import json_text

KEYS = QueueKeys("enrichment")
WORKER = "w4"
OFFERS = ("o1", "o2", "o3")
LIKELY = ("job_key", "worker_key", "pace", "page", "recent", "day", "execution_key", "executions_key", "read")
STATUSES = ("queued", "started", "scheduled", "deferred", "finished", "failed", "canceled", "stopped", "x")
NUMBERS = (0, 1, -1, 2**31, 2**53, 2**63, 2**64, 1e300, -1e300, 10**30, 0.5)
ARGUMENTS: tuple[Any, ...] = ("o3", URL, 1000, None, True, -1, 10**400, 1e308, "\ud800", "\x1b]0;x\x07", [], {})
FAILED = JobOutcome(status=JobStatus.FAILED, failure=JobFailure(code=PageChanged.code, message="no price", attempts=1))
PUT_OFF = JobOutcome(status=JobStatus.SCHEDULED, delay_s=60, failure=FAILED.failure)

Command = tuple[str | bytes, ...]


@dataclass(frozen=True)
class Case:
    """What is written before the jobs are claimed, and while they run; how each of them ends."""

    before: Sequence[Command]
    meanwhile: Sequence[Command]
    outcomes: Sequence[JobOutcome]


def make(source: random.Random) -> Case:
    return Case(
        before=[_command(source) for _ in range(source.randint(1, 6))],
        meanwhile=[_command(source) for _ in range(source.randint(0, 4))],
        outcomes=source.choices((FINISHED, FAILED, PUT_OFF, GIVEN_BACK), k=len(OFFERS)),
    )


def _command(source: random.Random) -> Command:
    name = source.choice(LIKELY if source.random() < 0.6 else sorted(NAMES))
    key = NAMES[name]
    kind = source.choice(("HSET", "HSET", "HSET", "SET", "LPUSH", "SADD", "ZADD", "XADD"))
    match kind:
        case "HSET":
            fields = source.sample(sorted(FIELDS, key=str), source.randint(1, 8))
            return ("HSET", key, *(word for field in fields for word in (field, _value(source))))
        case "ZADD":
            return ("ZADD", key, source.choice(("-inf", "0", "1", "2e9", "9e15", "inf")), _value(source))
        case "XADD":
            return ("XADD", key, "*", "type", _value(source), "exc_string", _value(source))
        case _:
            return (kind, key, _value(source))


def _value(source: random.Random) -> str | bytes:
    failure = {name: source.choice(ARGUMENTS) for name in ("code", "message", "attempts", "x")}
    page = json.dumps([source.choice(ARGUMENTS), {"price_cents": {"state": source.choice(ARGUMENTS)}}])
    values: tuple[str | bytes, ...] = (
        source.choice(WORDS),
        source.choice(STATUSES),
        source.randbytes(source.randint(0, 40)),
        repr(source.choice(NUMBERS)),
        json.dumps(["offers_cli.jobs.enrich_offer_job", None, source.choices(ARGUMENTS, k=3), {}]),
        json.dumps(source.choice((failure, [failure], {"code": "page_changed", "x": failure}))),
        page[: source.randint(0, 2 * len(page))],
    )
    return source.choice(values)


def _read(connection: redis.Redis, case: Case) -> None:
    connection.flushall()
    _plant(connection, case.before)
    EnrichmentQueue(connection).enqueue(map(make_job, OFFERS))
    _plant(connection, case.before)
    leases = JobLeases(connection, queue_name="enrichment", worker=WORKER)
    leases.recover()
    claimed = leases.claim(len(OFFERS), held=0).jobs
    for _ in claimed:
        _work(connection)
    _plant(connection, case.meanwhile)
    leases.heartbeat([execution.composite for execution in claimed])
    Registries(connection).workers()
    leases.settle(list(zip(claimed, case.outcomes, strict=False)))
    leases.give_back_unknown(())
    leases.next_due_in_s()
    leases.recover()
    figures = ask_everything(connection)
    stats_blocks(figures)
    json_text(figures.data()).encode()
    Registries(connection).requeue_failed()
    EnrichmentQueue(connection).enqueue(map(make_job, OFFERS))
    waiting = [*connection.lrange(KEYS.queue, 0, -1), *connection.zrange(KEYS.scheduled, 0, -1)]
    lost = [offer_id for offer_id in OFFERS if job_id_of(offer_id).encode() not in waiting]
    assert not lost, f"jobs are lost: {lost}"


def _plant(connection: redis.Redis, commands: Sequence[Command]) -> None:
    for command in commands:
        with suppress(redis.ResponseError):  # the key is of another type by now
            connection.execute_command(*command)  # type: ignore[no-untyped-call]


def _work(connection: redis.Redis) -> None:
    pace = SharedPace(connection, delay_s=0, first_pause_s=0.001)
    with suppress(HostPaused):
        pace.reserve(SHOP)
    pace.note_refusal(SHOP, URL, None, reason=PageBlocked.code)
    DriftStore(lambda: connection).record(SOURCE, [FieldCounts.of_page(1, {"price_cents": {"state": 1}})])


@contextmanager
def opened() -> Iterator[Target]:
    with RedisServer() as server, server.connect() as connection:

        def read(case: Any) -> None:
            _read(connection, case)

        yield Target(make, read, declared=())
