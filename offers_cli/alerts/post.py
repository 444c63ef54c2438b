"""The post: sends what is reserved, one delivery after the other, and writes what became of each."""

from __future__ import annotations

from collections.abc import Callable

from offers_cli.alerts.channels import Channels
from offers_cli.alerts.store import AlertStore, State
from offers_cli.log import get_log

log = get_log("alerts")


class Post:
    """One worker's post.

    Args:
        worker: by whose name it takes deliveries.
    """

    def __init__(self, store: AlertStore, channels: Channels, *, worker: str) -> None:
        self._store = store
        self._channels = channels
        self._worker = worker
        self._unwritten: list[tuple[str, State, str]] = []
        """What became of a delivery that Redis did not take: the next time it is asked again."""

    def send_waiting(self, *, is_stopping: Callable[[], bool] = lambda: False) -> int:
        """Send all that waits, until asked to stop; returns how many deliveries were tried.

        Raises:
            QueueUnavailable, QueueRefused: Redis does not answer or says no.
        """
        self._write()
        tried = 0
        while not is_stopping() and (delivery := self._store.take(self._worker)):
            state, note = self._channels.send(delivery.channel, delivery.message)
            tell = log.info if state == "sent" else log.warning
            about = {"channel": delivery.channel, "about": delivery.message.about}
            tell("alert delivered", **about, state=state, note=note or None)
            self._unwritten.append((delivery.id, state, note))
            self._write()
            tried += 1
        return tried

    def _write(self) -> None:
        while self._unwritten:
            delivery_id, state, note = self._unwritten[0]
            self._store.settle(delivery_id, self._worker, state, note)
            del self._unwritten[0]
