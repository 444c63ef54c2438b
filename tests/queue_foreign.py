"""Every key that the queue, the pace and the drift read, and what strangers may put there."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import redis

from offers_cli.alerts.store import AlertStore
from offers_cli.drift.store import PREFIX as DRIFT
from offers_cli.drift.store import SOURCES, DriftStore
from offers_cli.fetch import pace
from offers_cli.fetch.pace import SharedPace
from offers_cli.fetch.proxies import DIRECT
from offers_cli.queue import keys as keys_module
from offers_cli.queue.admin import QueueAdmin, Registry
from offers_cli.queue.keys import QueueKeys
from offers_cli.queue.registries import Registries
from offers_cli.queue.schedule import Schedule
from offers_cli.redis.scripts import QUARANTINE
from offers_cli.services.stats import StatsReport, collect_stats
from offers_cli.storage.base import OfferCounts, StoredOffer

SHOP, SOURCE, URL = "shop.test", "shop product", "https://shop.test/o3"
NO_KEYS = {"job_id_of": "an id", "command_channel": "a channel", "schedule_queue": "a queue"}
ARGUMENTS = {"job_id": "enrich-o3", "composite": "enrich-o3:e1", "worker": "w4", "host": SHOP}


def every_key() -> dict[str, str]:
    """All that the queue, the pace and the drift read, of one queue, one job, one worker, one shop.

    A new key of the queue joins by itself; one with a new kind of parameter asks for an entry in `ARGUMENTS`.
    """
    own = QueueKeys("enrichment")
    named = {name: key for name, key in vars(own).items() if name != "name"}
    makers = inspect.getmembers(own, inspect.ismethod) + inspect.getmembers(keys_module, inspect.isfunction)
    for name, make in makers:
        if make.__module__ == keys_module.__name__ and not name.startswith("_") and name not in NO_KEYS:
            named[name] = make(*(ARGUMENTS[parameter] for parameter in inspect.signature(make).parameters))
    return named | {
        "WORKERS": keys_module.WORKERS,
        "queues": "rq:queues",
        "quarantine": QUARANTINE,
        "dependents": "rq:job:enrich-o3:dependents",
        "dependencies": "rq:job::enrich-o3:dependencies",
        "pace": pace._key(SHOP, DIRECT),
        "page": pace._page_key(SHOP, DIRECT, URL),
        "paused": pace.PAUSED,
        "sources": SOURCES,
        "recent": f"{DRIFT}recent:{SOURCE}",
        "day": DriftStore(redis.Redis)._day_key(SOURCE, 0),
    }


NAMES = every_key()
BYTES, DIGITS, DEEP = b"\xff\xfe", "9" * 5000, "[" * 100_000
WORDS = (
    BYTES,
    DIGITS,
    DEEP,
    "nan",
    "-1",
    "1.5",
    ":",
    "enrich-x1:e1",
    "enrich-x2",
    "rq:worker:evil1",
    f"{SHOP}|{DIRECT}",
    SHOP,
)
FIELDS: dict[str | bytes, str | bytes] = {
    "status": BYTES,
    "data": DEEP,
    "meta": '{"code": NaN, "message": ["\\ud800"], "attempts": -1}',
    "origin": BYTES,
    "attempts": "nan",
    "deaths": DIGITS,
    "result_ttl": "nan",
    "failure_ttl": "1e400",
    "created_at": "nan",
    "birth": BYTES,
    "pid": DIGITS,
    "offers_process": f"h|{DIGITS}|1",
    "worker_name": BYTES,
    "state": BYTES,
    "successful_job_count": "x",
    "total_working_time": "nan",
    "ended_at": BYTES,
    "last_heartbeat": BYTES,
    "until": "nan",
    "turn": DIGITS,
    "strikes": "-inf",
    "lone": "x",
    "forgotten_at": "1e400",
    "reason": BYTES,
    "pages": "x",
    "things": DIGITS,
    "price_cents state": "1.5",
    BYTES: BYTES,
}
SCORES: dict[str | bytes, float] = dict(zip(WORDS, (float("-inf"), 0, 1, 2e9, float("inf")) * 3, strict=False))
PLANTS: dict[str, Callable[[redis.Redis, str], Any]] = {
    "string": lambda client, key: client.set(key, BYTES),
    "list": lambda client, key: client.rpush(key, *WORDS),
    "set": lambda client, key: client.sadd(key, *WORDS),
    "zset": lambda client, key: client.zadd(key, SCORES),  # type: ignore[type-var]
    "hash": lambda client, key: client.hset(key, mapping=FIELDS),  # type: ignore[arg-type]
    "stream": lambda client, key: client.xadd(key, {"type": "nan", "exc_string": BYTES}),
    "number": lambda client, key: client.set(key, "1.5"),
    "digits": lambda client, key: client.set(key, DIGITS),
    "deep": lambda client, key: client.lpush(key, '[1, {"a": {"b": NaN}}]', "[" * 5000, '[1, {"a": 7}]', "null"),
}


def ask_everything(connection: redis.Redis) -> StatsReport:
    """What stats, doctor, failed, the dashboard and the session ask; none may crash."""
    registries = Registries(connection)
    registries.put_off()
    registries.failed_jobs()
    registries.requeue_failed(dry_run=True)
    registries.run_scheduled_now("session_expired")
    jobs = QueueAdmin(connection)
    for registry in Registry:
        for job in jobs.page(registry).jobs[:1]:
            jobs.find(job.id)
    return collect_stats(
        storage=NoStorage(),  # type: ignore[arg-type]
        queue=registries,
        pace=SharedPace(connection, delay_s=0, first_pause_s=1),
        drift=DriftStore(lambda: connection),
        schedule=Schedule(connection, queue_name="enrichment"),
        alerts=AlertStore(connection, queue_name="enrichment"),
    )


class NoStorage:
    """An empty database."""

    def offers_by_id(self, ids: Sequence[str]) -> list[StoredOffer]:  # noqa: ARG002 - `Storage` has it
        return []

    def counts(self) -> OfferCounts:
        return OfferCounts(
            total=0, enriched=0, gone=0, missing_old_price=0, missing_discount=0, missing_affiliate_link=0
        )
