"""The post: sends what is reserved, one delivery after the other, and writes what became of each."""

from __future__ import annotations

from collections.abc import Callable

from offers_cli.alerts.channels import Channels
from offers_cli.alerts.store import AlertStore
from offers_cli.log import get_log

log = get_log("alerts")


def send_waiting(
    store: AlertStore, channels: Channels, *, worker: str, is_stopping: Callable[[], bool] = lambda: False
) -> int:
    """Send all that waits, until asked to stop; returns how many deliveries were tried.

    Raises:
        QueueUnavailable, QueueRefused: what was sent last is shown as unknown when it cannot be written.
    """
    tried = 0
    while not is_stopping() and (delivery := store.take(worker)):
        state, note = channels.send(delivery.channel, delivery.message)
        store.settle(delivery.id, worker, state, note)
        tried += 1
        tell = log.info if state == "sent" else log.warning
        tell("alert delivered", channel=delivery.channel, about=delivery.message.about, state=state, note=note or None)
    return tried
