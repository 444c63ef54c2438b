"""Links: offers that need one gather from all threads into batches, and each batch is asked for in one call."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offers_cli.errors import Bug, ConfigError, OffersError, SessionExpired

if TYPE_CHECKING:
    from offers_cli.affiliate.link_builder import Link
    from offers_cli.affiliate.login import Login

    LinkResult = Link | OffersError

MOST_URLS = 20
"""Addresses in one call; batches of this size are known to be accepted."""
QUIET_S = 1.0
"""How long a batch stays open when everyone waits for it: the next jobs may come in a moment."""
MAX_WAIT_S = 30.0
"""How long an offer waits for its batch to fill while pages of others are still being read."""

AskForLinks = Callable[[Sequence[str]], Mapping[str, "LinkResult"]]
"""Asks for the links of some addresses in one call; raises when the call as a whole fails."""


@dataclass(slots=True, eq=False)
class _Order:
    url: str
    at: float
    outcome: LinkResult | None = None


class LinkBatcher:
    """Gathers the urls of many threads into calls; thread-safe. One of those who wait makes the call.

    A job stays in its own thread while its offer waits, so that it counts as running and fails, times out and is
    cancelled by itself. A batch goes when it is full, when everyone present has been waiting for a moment, or when its
    first offer has waited long enough.

    Args:
        ask: is given up to `size` addresses, each once.
        quiet_s, max_wait_s: see `QUIET_S`, `MAX_WAIT_S`.
    """

    def __init__(
        self,
        ask: AskForLinks,
        *,
        size: int = MOST_URLS,
        quiet_s: float = QUIET_S,
        max_wait_s: float = MAX_WAIT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._size = size
        self._quiet_s = quiet_s
        self.max_wait_s = max_wait_s
        self._clock = clock
        self._changed = threading.Condition()
        self._present = 0
        self._waiting: list[_Order] = []
        self._changed_at = clock()

    @contextmanager
    def present(self) -> Iterator[None]:
        """Around the work of one offer, from its beginning: until it is over, others may wait for its order."""
        self._arrive(1)
        try:
            yield
        finally:
            self._arrive(-1)

    def _arrive(self, count: int) -> None:
        with self._changed:
            self._present += count
            self._note_change()

    def _note_change(self) -> None:
        self._changed_at = self._clock()
        self._changed.notify_all()

    def get(self, url: str) -> Link:
        """The link of one product address; waits for its batch.

        Raises:
            LinkRefused: the programme says no.
            WorkError: what became of the call, or of this address in its response.
        """
        order = _Order(url, self._clock())
        with self._changed:
            self._waiting.append(order)
            self._note_change()
        while order.outcome is None:
            if batch := self._next_batch(order):
                self._fill(batch)
        if isinstance(order.outcome, OffersError):
            raise order.outcome
        return order.outcome

    def _next_batch(self, order: _Order) -> list[_Order]:
        """The orders to ask for now; after waiting for a change, none."""
        with self._changed:
            if order.outcome is not None:
                return []
            wait_s = self._wait_s()
            if wait_s > 0:
                self._changed.wait(wait_s)
                return []
            batch, self._waiting = self._waiting[: self._size], self._waiting[self._size :]
            return batch

    def _wait_s(self) -> float:
        """Seconds until a batch goes if nothing happens; infinite waits are woken by changes."""
        if len(self._waiting) >= self._size:
            return 0.0
        if not self._waiting:
            return self.max_wait_s
        now = self._clock()
        longest = self._waiting[0].at + self.max_wait_s - now
        everyone_waits = len(self._waiting) >= self._present
        return min(longest, self._changed_at + self._quiet_s - now) if everyone_waits else longest

    def _fill(self, batch: Sequence[_Order]) -> None:
        """Ask for a batch; every order gets an outcome, whatever happens."""
        urls = list(dict.fromkeys(order.url for order in batch))
        outcomes: Mapping[str, LinkResult] = {}
        failure: OffersError = Bug("the call for links was interrupted")
        try:
            outcomes = self._ask(urls)
        except OffersError as error:
            failure = error
        finally:
            with self._changed:
                for order in batch:
                    order.outcome = outcomes.get(order.url, failure)
                self._note_change()


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """The links of offers, as the label and the session allow them.

    Attributes:
        label: whom the links credit; None where none are wanted.
        batches: gathers what is asked for and asks for it.
        link_url: a product's address as links are asked for; None for what the programme does not sell.
    """

    label: str | None
    login: Login
    batches: LinkBatcher
    link_url: Callable[[str], str | None]

    @property
    def are_wanted(self) -> bool:
        """Whether there is a label and a session, be it one that has ended: what is wrong with it `get` says."""
        if self.label is None:
            return False
        try:
            return self.login.find() is not None
        except ConfigError:
            return True

    def slots(self, *, request_delay_s: float) -> int:
        """How many jobs a worker may hold, beside those that read pages, to fill one call with links.

        No more than have their turn at the site while one waits for its batch: waiting counts as running.
        """
        return 0 if self.label is None else min(MOST_URLS, int(self.batches.max_wait_s / max(request_delay_s, 0.01)))

    def get(self, product_url: str) -> Link | None:
        """The link of one product; None for what the programme does not sell. Waits for its batch.

        Raises:
            SessionExpired: no session that can be used, or it was refused lately.
            LinkRefused: the programme says no.
            WorkError: what became of the call, or of this address in its response.
        """
        address = self.link_url(product_url)
        if address is None:
            return None
        try:
            self.login.get()
        except ConfigError as error:
            raise SessionExpired(error.message, hint=error.hint) from error
        return self.batches.get(address)
