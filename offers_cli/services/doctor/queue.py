"""The queue: Redis answers, keeps what it is given, is ours alone; its clock; somebody works."""

from __future__ import annotations

import re
from collections.abc import Callable

from offers_cli.errors import ConfigError, QueueRefused, QueueUnavailable
from offers_cli.queue.registries import Registries
from offers_cli.redis.health import RedisHealth
from offers_cli.redis.programs import install_command
from offers_cli.services.doctor.examine import Finding

NAMES = ("redis", "eviction", "persistence", "exposure", "clock", "rights", "keys", "workers")
LEAST_REDIS = (6, 2)
"""The first with LMOVE, with which a job is never out of Redis's hands."""
NOTABLE_SKEW_S = 2.0
WRONG_SKEW_S = 30.0


def look_at_queue(*, read_health: Callable[[], RedisHealth], queue: Registries, address: str | None) -> list[Finding]:
    """Everything about Redis; one that does not answer is a finding too.

    Args:
        address: where Redis is to be, without its password; None for the embedded one.
    """
    try:
        health = read_health()
    except QueueUnavailable as error:
        return [Finding.of("redis", error, advice=_start_command(address))]
    redis = _redis(health, address)
    if health.is_cluster:
        return [redis]
    setup = [_eviction(health), _persistence(health), _exposure(health), _clock(health)]
    return [redis, *setup, _rights(queue), _keys(queue), _workers(queue)]


def _start_command(address: str | None) -> str:
    """How to start a Redis that is missing on this machine; elsewhere the error's own hint stands."""
    local = re.fullmatch(r"redis://(?:127\.0\.0\.1|localhost)(?::(\d+))?(?:/\d*)?", address or "")
    if not local:
        return ""
    port = local[1] or "6379"
    return f"redis-server --bind 127.0.0.1 --port {port} --appendonly yes --maxmemory-policy noeviction --daemonize yes"


def _redis(health: RedisHealth, address: str | None) -> Finding:
    where = address or "its private socket (embedded)"
    if health.version is None:
        return Finding("redis", "ok", f"a Redis answers at {where}; what it is, its user may not ask")
    evidence = f"{health.server} answers at {where}"
    if health.is_cluster:
        hint = "set REDIS_URL to one that is no cluster"
        evidence = f"{evidence}, but it is a Redis Cluster, which RQ cannot use"
    elif health.primary:
        hint = f"set REDIS_URL to its primary, {health.primary}"
        evidence = f"{evidence}, but it is a read-only replica"
    elif health.version < LEAST_REDIS:
        evidence, hint = f"{evidence}: too old, 6.2 is needed", install_command()
    else:
        return Finding("redis", "ok", evidence)
    return Finding.of("redis", QueueRefused(evidence, hint=hint))


def _eviction(health: RedisHealth) -> Finding:
    policy, limit = health.eviction_policy, health.max_memory_bytes
    if policy is None:
        return Finding("eviction", "unknown", "this Redis does not show its eviction policy")
    if policy == "noeviction":
        return Finding("eviction", "ok", "noeviction: nothing is dropped")
    advice = f"{health.command} CONFIG SET maxmemory-policy noeviction"
    evidence = f"{policy}: jobs are dropped when memory runs out"
    if limit:
        return Finding.of("eviction", QueueRefused(f"{evidence}, at {limit / 2**20:.0f} MiB", hint=advice))
    return Finding("eviction", "warning", f"{evidence}; no limit is set yet", advice)


def _persistence(health: RedisHealth) -> Finding:
    advice = f"{health.command} CONFIG SET appendonly yes"
    if not health.writes_succeed:
        error = QueueRefused("Redis could not write to its disk lately", hint="free space on the disk of Redis")
        return Finding.of("persistence", error)
    if health.appends:
        return Finding("persistence", "ok", "append-only file on")
    if health.snapshots:
        return Finding("persistence", "warning", "snapshots only: a crash loses the jobs of the last minutes", advice)
    if health.snapshots is None or health.appends is None:
        return Finding("persistence", "unknown", "this Redis does not show whether it writes to disk")
    return Finding.of("persistence", QueueRefused("nothing is written to disk: a restart loses the queue", hint=advice))


def _exposure(health: RedisHealth) -> Finding:
    if health.open_to is None:
        return Finding("exposure", "unknown", "this Redis does not show where it listens")
    if not health.open_to:
        return Finding("exposure", "ok", "no stranger gets in without a password")
    where = " ".join(health.open_to)
    advice = f'{health.command} CONFIG SET bind "127.0.0.1 -::1"'
    evidence = f"Redis listens on {where} without a password: whoever reaches it owns the queue"
    return Finding.of("exposure", QueueRefused(evidence, hint=advice))


def _clock(health: RedisHealth) -> Finding:
    skew_s = abs(health.ahead_s)
    evidence = f"{skew_s:.1f} s {'behind' if health.ahead_s > 0 else 'ahead of'} the clock of Redis"
    if skew_s < NOTABLE_SKEW_S:
        return Finding("clock", "ok", "agrees with Redis")
    advice = "sudo timedatectl set-ntp true"
    if skew_s < WRONG_SKEW_S:
        return Finding("clock", "warning", evidence, advice)
    return Finding.of("clock", ConfigError(f"{evidence}: newer data may be taken for older", hint=advice))


def _rights(queue: Registries) -> Finding:
    try:
        queue.check_rights()
    except QueueRefused as error:
        if error.temporary:
            return Finding("rights", "unknown", error.message, error.hint)
        return Finding.of("rights", error)
    return Finding("rights", "ok", "this Redis user may do all that a worker does")


def _keys(queue: Registries) -> Finding:
    found = queue.set_aside()
    if not found:
        return Finding("keys", "ok", "none was of a wrong type")
    newest = found[-1]
    evidence = f"{len(found)} of a wrong type were set aside, the newest {newest.key} (a {newest.kind})"
    return Finding("keys", "warning", evidence, newest.look)


def _workers(queue: Registries) -> Finding:
    counts = queue.counts()
    waiting = counts.queued + counts.scheduled
    if queue.suspended():
        evidence = f"the queue is suspended: no job is started, {waiting} wait"
        return Finding("workers", "warning", evidence, "rq resume")
    if waiting and not counts.workers:
        return Finding("workers", "warning", f"{waiting} jobs wait and no worker runs", "offers worker --burst")
    return Finding("workers", "ok", f"{counts.workers} running, {waiting} jobs wait")
