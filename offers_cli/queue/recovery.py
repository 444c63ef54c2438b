"""Recovery: what dead workers held goes back to the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offers_cli.log import get_log
from offers_cli.queue.ledger import Ledger, Recovery
from offers_cli.queue.presence import find_dead_workers, unregister

if TYPE_CHECKING:
    import redis

log = get_log("worker")


def recover(connection: redis.Redis, ledger: Ledger) -> Recovery:
    """Put back at once what workers of this machine held whose process is gone, and all whose lease ran out.

    Raises:
        QueueUnavailable, QueueRefused: Redis does not answer or says no.
    """
    dead = find_dead_workers(connection, ledger.keys)
    for worker in dead:
        ledger.expire_leases(worker)
    recovery = ledger.recover()
    for worker in dead:
        unregister(connection, worker, ledger.keys)
    if recovery.requeued or recovery.failed:
        log.warning("recovered jobs of dead workers", requeued=recovery.requeued, failed=recovery.failed)
    return recovery
