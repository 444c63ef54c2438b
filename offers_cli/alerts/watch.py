"""The watch: looks which prices have changed, and reserves an alert for what a rule has to tell of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

from offers_cli.alerts.rule import Rule, Told, is_news, write_message
from offers_cli.alerts.store import AlertStore, Message
from offers_cli.deals.record import Record
from offers_cli.log import get_log
from offers_cli.storage.base import Storage, StoredOffer

BATCH = 200
"""So many histories are read at once."""
OVERLAP = timedelta(minutes=15)
"""How far each look goes back behind the last one: a price is saved some time after it was seen, and what a filter asks
for may be learnt later still."""

log = get_log("alerts")


class OfferWatch:
    """Looks after every rule at what has changed since it looked last.

    Args:
        channels: the names of the addresses that each alert goes to.
    """

    def __init__(
        self,
        store: AlertStore,
        *,
        storage: Storage,
        channels: Sequence[str],
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._storage = storage
        self._channels = channels
        self._now = now
        self._judged: dict[tuple[str, str], datetime] = {}
        """The change that was judged last, by rule and offer, as far back as the overlap."""

    def look(self, *, is_stopping: Callable[[], bool] = lambda: False) -> int:
        """Look after every rule; returns how many alerts were reserved.

        Args:
            is_stopping: asked before each batch; what was not looked at is the next time.

        Raises:
            StorageUnavailable, StorageRefused, QueueUnavailable, QueueRefused: what was not looked at is the next time.
        """
        rules, _ = self._store.rules()
        return sum(self._look(rule, is_stopping) for rule in rules)

    def _look(self, rule: Rule, is_stopping: Callable[[], bool]) -> int:
        cursor, told = self._store.cursor(rule), 0
        since = max(rule.added_at, cursor - OVERLAP)
        offers = (offer for offer in self._changed(rule, since) if self._is_new(rule, offer))
        while not is_stopping() and (batch := list(islice(offers, BATCH))):
            told += self._judge(rule, batch)
            if (reached := max(offer.price_changed_at for offer in batch)) > cursor:
                self._store.move_cursor(rule, reached)
                cursor = reached
            self._judged |= {(rule.name, offer.id): offer.price_changed_at for offer in batch}
        ago = cursor - OVERLAP
        self._judged = {key: at for key, at in self._judged.items() if key[0] != rule.name or at >= ago}
        return told

    def _changed(self, rule: Rule, since: datetime) -> Iterator[StoredOffer]:
        if rule.offer_id is None:
            wanted = replace(rule.matching, status="active", changed=True, changed_since=since, sort="price_changed")
            return iter(self._storage.find_offers(wanted))
        offer = self._storage.find_offer(rule.offer_id)
        is_there = offer is not None and offer.status == "active" and offer.price_changed_at >= since
        return iter([offer] if offer and is_there else [])

    def _is_new(self, rule: Rule, offer: StoredOffer) -> bool:
        return self._judged.get((rule.name, offer.id)) != offer.price_changed_at

    def _judge(self, rule: Rule, offers: Sequence[StoredOffer]) -> int:
        ids = [offer.id for offer in offers]
        prices, told_of, told = self._storage.recorded_prices(ids), self._store.told(rule, ids), 0
        for offer in offers:
            record, seen = Record.of(offer, prices.get(offer.id, ()), now=self._now()), told_of.get(offer.id, b"")
            before = Told.decode(seen)
            if not is_news(rule, record, before):
                continue
            title, text = write_message(rule, record)
            message = Message(title=title, text=text, about=rule.name, offer_id=offer.id)
            if self._store.tell(
                rule, offer.id, seen=seen, told=before.with_low(record), message=message, channels=self._channels
            ):
                told += 1
                log.info("alert", rule=rule.name, offer_id=offer.id, price_cents=offer.price_cents)
        return told
