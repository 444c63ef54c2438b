"""The thread beside a worker that watches and sends alerts; one such thread at a time does, over all workers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from uuid import uuid4

from offers_cli.alerts.channels import Channels
from offers_cli.alerts.post import Post
from offers_cli.alerts.store import AlertStore
from offers_cli.alerts.troubles import TroubleWatch
from offers_cli.alerts.watch import OfferWatch
from offers_cli.errors import ConfigError, OffersError
from offers_cli.log import get_log
from offers_cli.queue.outage import Backoff, Outage
from offers_cli.queue.signals import StopRequest

TICK_S = 15.0
TROUBLES_S = 60.0
LEAD_S = 120
"""A leader that gave no sign for so long is taken for dead; whoever goes on all the same tells nothing twice."""
CLOSE_S = 10.0
"""How long what is being sent may take when the worker stops."""

log = get_log("alerts")


class AlertThread(threading.Thread):
    """Watches and sends until it is closed; what goes wrong in it never ends its worker.

    Args:
        open_channels: opens the addresses, in this thread, for it takes a second; where they cannot be, that is logged
            and the thread ends.
        stop_request: of the worker; the alerts stop with it.
    """

    def __init__(
        self,
        store: AlertStore,
        *,
        open_channels: Callable[[], Channels],
        offers: OfferWatch,
        troubles: TroubleWatch,
        stop_request: StopRequest,
        tick_s: float = TICK_S,
    ) -> None:
        super().__init__(name="alerts", daemon=True)
        self.worker = f"offers-alerts-{uuid4().hex[:12]}"
        self._store = store
        self._open_channels = open_channels
        self._offers = offers
        self._troubles = troubles
        self._stop_request = stop_request
        self._tick_s = tick_s
        self._closing = threading.Event()
        self._troubles_at = 0.0
        self._outage = Outage("a service, for the alerts", Backoff(1.0, 60.0))

    def close(self) -> None:
        """End the thread; what is being sent has a moment to end, and is shown as unknown after that."""
        self._closing.set()
        self.join(CLOSE_S)

    def run(self) -> None:
        """Not called by anybody but the thread itself."""
        try:
            post = Post(self._store, self._open_channels(), worker=self.worker)
        except ConfigError as error:
            log.warning("no alert is sent", reason=error.message, hint=error.hint or None)
            return
        while not self._must_stop():
            pause_s = self._tick_s
            try:
                self.step(post)
                self._outage.ended()
            except OffersError as error:
                pause_s = max(pause_s, self._outage.failed(error))
            except Exception:
                log.error("unexpected error in the alerts", exc_info=True)  # noqa: G201 (not a Logger)
                pause_s = 60.0
            self._closing.wait(pause_s)
        with suppress(OffersError):
            self._store.lead(self.worker, seconds=0)

    def step(self, post: Post) -> None:
        """Watch and send once, if no other worker does; raises what Redis and the database answer."""
        if not self._store.lead(self.worker, seconds=LEAD_S):
            return
        # What is reserved goes out first: neither a slow database nor a trouble that cannot be seen keeps it waiting.
        post.send_waiting(is_stopping=self._must_stop)
        if time.monotonic() >= self._troubles_at:
            self._troubles.look()
            self._troubles_at = time.monotonic() + TROUBLES_S
            post.send_waiting(is_stopping=self._must_stop)
        self._offers.look(is_stopping=self._must_stop)
        post.send_waiting(is_stopping=self._must_stop)

    def _must_stop(self) -> bool:
        return self._closing.is_set() or self._stop_request.made
