"""Jobs that were put off for one reason, due at once: the reason is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offers_cli.log import get_log
from offers_cli.queue.failure import read_meta
from offers_cli.queue.keys import QueueKeys, job_key
from offers_cli.redis.errors import translate
from offers_cli.redis.scripts import ask

if TYPE_CHECKING:
    import redis

BATCH = 1000

log = get_log("queue")


def hasten(connection: redis.Redis, *, queue_name: str, code: str) -> int:
    """Make the scheduled jobs that were put off with that failure code due now; returns how many.

    A job that leaves the registry meanwhile is left alone. Raises `QueueUnavailable` or `QueueRefused`.
    """
    scheduled = QueueKeys(queue_name).scheduled
    [ids] = ask(connection, ("ZRANGE", scheduled, 0, -1))
    with translate():
        hastened = sum(_hasten(connection, scheduled, ids[at : at + BATCH], code) for at in range(0, len(ids), BATCH))
    if hastened:
        log.info("due again", code=code, jobs=hastened)
    return hastened


def _hasten(connection: redis.Redis, scheduled: str, ids: list[bytes], code: str) -> int:
    with connection.pipeline(transaction=False) as pipe:
        for job_id in ids:
            pipe.hget(job_key(job_id.decode(errors="replace")), "meta")
        metas = pipe.execute(raise_on_error=False)
        ours = [job_id for job_id, meta in zip(ids, metas, strict=True) if read_meta(meta).code == code]
        if ours:
            pipe.zadd(scheduled, dict.fromkeys(ours, 0), xx=True)
            pipe.execute()
    return len(ours)
