"""What is kept of alerts, in Redis beside the queue whose workers send them: rules, what was told, and each delivery.

A delivery is reserved in the step that notes what is told, and taken by one worker in the next. What dies in between is
told later; what was being sent when its worker died may have arrived, and is never sent again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, NamedTuple
from uuid import uuid4

from offers_cli.alerts.rule import Rule, Told
from offers_cli.redis.scripts import Clock, Scripts, query
from offers_cli.redis.values import as_json, as_text

if TYPE_CHECKING:
    import redis

SEND_S = 120
"""A worker that has not said for so long what became of a delivery is taken for dead."""
DIED = "its worker died while it was sent"
CURSOR = ":cursor"
"""A field beside those of offers, whose ids hold no colon."""
TEXT_LIMIT = 4000

State = Literal["reserved", "sending", "sent", "unknown", "refused"]
STATES: tuple[State, ...] = ("reserved", "sending", "sent", "unknown", "refused")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is told: by which rule, or of which trouble, and of which offer if any."""

    title: str
    text: str
    about: str
    offer_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message on its way to one address.

    Attributes:
        channel: the address's place among the operator's and its kind: ``1 tgram``.
        state: ``reserved``, ``sending``, then ``sent``, ``unknown`` (nobody knows whether it arrived) or ``refused``.
        note: why it was refused or is unknown.
        at: when it was reserved; once it has ended, when it did; None while it is sent.
    """

    id: str
    channel: str
    message: Message
    state: State
    note: str = ""
    at: datetime | None = None


class _Change(NamedTuple):
    """A field of a hash: what was seen in it, and what it becomes; empty for nothing."""

    key: str
    field: str
    seen: bytes
    value: str


def _encode(channel: str, message: Message) -> str:
    facts = {"channel": channel, "about": message.about, "offer_id": message.offer_id}
    return json.dumps(facts | {"title": message.title[:TEXT_LIMIT], "text": message.text[:TEXT_LIMIT]})


def _decode(delivery_id: str, text: bytes, state: State) -> Delivery | None:
    """Read what `_encode` wrote; None for whatever it cannot have written."""
    match as_json(text):
        case {
            "channel": str(channel),
            "about": str(about),
            "offer_id": None | str() as offer_id,
            "title": str(title),
            "text": str(body),
        }:
            message = Message(title=title[:TEXT_LIMIT], text=body[:TEXT_LIMIT], about=about[:100], offer_id=offer_id)
            return Delivery(id=delivery_id, channel=channel[:40], message=message, state=state)
        case _:
            return None


class AlertKeys:
    """The keys of the alerts beside one queue."""

    def __init__(self, queue_name: str) -> None:
        self.rules = f"offers:alerts:{queue_name}"
        self.troubles = f"{self.rules}:troubles"
        self.deliveries = f"{self.rules}:deliveries"
        self.waiting = f"{self.rules}:waiting"
        self.sending = f"{self.rules}:sending"
        self.ended = f"{self.rules}:ended"
        self.leader = f"{self.rules}:leader"

    def told_by(self, rule: str) -> str:
        """What one rule has told, by offer, and how far it has looked."""
        return f"{self.rules}:told:{rule}"


class AlertStore:
    """The alerts beside one queue. Every method raises `QueueUnavailable` or `QueueRefused`.

    Args:
        clock: seconds since 1970 for tests; None is Redis's own clock.
    """

    def __init__(self, connection: redis.Redis, *, queue_name: str, clock: Clock | None = None) -> None:
        self._connection = connection
        self._scripts = Scripts(connection, package="offers_cli.alerts", clock=clock)
        self._queue_scripts = Scripts(connection, clock=clock)
        self.keys = AlertKeys(queue_name)

    def now(self) -> datetime:
        """The time by Redis's clock, in UTC."""
        return datetime.fromtimestamp(self._scripts.now(), UTC)

    def lead(self, worker: str, *, seconds: int) -> bool:
        """Make that worker the one that watches and sends, if no other is; 0 seconds: no longer."""
        return bool(self._queue_scripts.run("schedule_lead", (self.keys.leader,), worker, seconds))

    def has_leader(self) -> bool:
        """Whether some worker watches and sends."""
        [there] = query(self._connection, ("EXISTS", self.keys.leader))
        return bool(there)

    # Rules

    def rules(self) -> tuple[list[Rule], list[str]]:
        """The rules by name, and the names under which stands what is none."""
        [found] = query(self._connection, ("HGETALL", self.keys.rules))
        texts = {as_text(name): text for name, text in zip(found[::2], found[1::2], strict=True)}
        rules = {name: Rule.decode(name, text) for name, text in sorted(texts.items())}
        return [rule for rule in rules.values() if rule], [name for name, rule in rules.items() if rule is None]

    def add_rule(self, rule: Rule) -> bool:
        """Add a rule, which has told nothing yet; False if there is one of that name."""
        [added] = query(self._connection, ("HSETNX", self.keys.rules, rule.name, rule.encode()))
        if added:
            query(self._connection, ("DEL", self.keys.told_by(rule.name)))
        return bool(added)

    def remove_rule(self, name: str) -> None:
        """Remove a rule and what it has told; a delivery that is reserved is sent all the same."""
        query(self._connection, ("HDEL", self.keys.rules, name), ("DEL", self.keys.told_by(name)))

    def cursor(self, rule: Rule) -> datetime:
        """Up to which change of a price a rule has looked; at first up to when it was added."""
        try:
            return max(rule.added_at, datetime.fromisoformat(as_text(self._cursor(rule))).astimezone(UTC))
        except (ValueError, OverflowError):
            return rule.added_at

    def move_cursor(self, rule: Rule, moment: datetime) -> bool:
        """Note up to where a rule has looked; False if the rule is no more, or somebody else noted it meanwhile."""
        return self._note(rule, CURSOR, seen=self._cursor(rule), value=moment.isoformat())

    def _cursor(self, rule: Rule) -> bytes:
        [text] = query(self._connection, ("HGET", self.keys.told_by(rule.name), CURSOR))
        return text or b""

    def told(self, rule: Rule, offer_ids: Sequence[str]) -> dict[str, bytes]:
        """What a rule has told of offers, as `Told.decode` reads it; of those of which it told nothing, nothing."""
        if not offer_ids:
            return {}
        [found] = query(self._connection, ("HMGET", self.keys.told_by(rule.name), *offer_ids))
        return {offer_id: text for offer_id, text in zip(offer_ids, found, strict=True) if text}

    def tell(
        self, rule: Rule, offer_id: str, *, seen: bytes, told: Told, message: Message, channels: Sequence[str]
    ) -> bool:
        """Note what a rule tells of an offer, and reserve its deliveries.

        Returns:
            False if the rule is no more, or what it told of the offer has changed since it was seen.
        """
        return self._note(rule, offer_id, seen=seen, value=told.encode(), message=message, channels=channels)

    def _note(
        self,
        rule: Rule,
        field: str,
        *,
        seen: bytes,
        value: str,
        message: Message | None = None,
        channels: Sequence[str] = (),
    ) -> bool:
        guard = (self.keys.rules, rule.name, rule.encode())
        change = _Change(key=self.keys.told_by(rule.name), field=field, seen=seen, value=value)
        return self._reserve(guard, change, message, channels)

    # Troubles

    def troubles(self) -> dict[str, bytes]:
        """The operator's troubles that are known, by name, as `offers_cli.alerts.troubles` writes them."""
        [found] = query(self._connection, ("HGETALL", self.keys.troubles))
        return {as_text(name): text for name, text in zip(found[::2], found[1::2], strict=True)}

    def note_trouble(
        self, name: str, *, seen: bytes, value: str, message: Message | None = None, channels: Sequence[str] = ()
    ) -> bool:
        """Note how a trouble stands (an empty value: it is over) and reserve what is told of it.

        Returns:
            False if it has changed since it was seen.
        """
        guard = (self.keys.rules, "", "")
        change = _Change(key=self.keys.troubles, field=name, seen=seen, value=value)
        return self._reserve(guard, change, message, channels)

    # Deliveries

    def _reserve(
        self, guard: tuple[str, str, str], change: _Change, message: Message | None, channels: Sequence[str]
    ) -> bool:
        guarding, guard_field, held = guard
        texts = [_encode(channel, message) for channel in channels] if message else []
        deliveries = [part for text in texts for part in (uuid4().hex, text)]
        keys = (guarding, change.key, self.keys.deliveries, self.keys.waiting)
        changed = (change.field, change.seen, change.value)
        return bool(self._scripts.run("reserve", keys, guard_field, held, *changed, *deliveries))

    def take(self, worker: str) -> Delivery | None:
        """Take the delivery that waits longest, to be sent by that worker; None where none waits."""
        keys = (self.keys.deliveries, self.keys.waiting, self.keys.sending, self.keys.ended)
        while found := self._scripts.run("take", keys, worker, SEND_S, DIED):
            delivery = _decode(as_text(found[0]), found[1], "sending")
            if delivery:
                return delivery
            self.settle(as_text(found[0]), worker, "refused", "it is no message of ours")
        return None

    def settle(self, delivery_id: str, worker: str, state: State, note: str = "") -> bool:
        """Write what became of a delivery; False if that worker did not send it."""
        keys = (self.keys.deliveries, self.keys.sending, self.keys.ended)
        return bool(self._scripts.run("settle", keys, delivery_id, worker, state, note))

    def deliveries(self) -> list[Delivery]:
        """Those that wait or are sent, and the last ones that ended, newest first."""
        found, *places = query(
            self._connection,
            ("HGETALL", self.keys.deliveries),
            *(("ZRANGE", key, 0, -1, "WITHSCORES") for key in (self.keys.waiting, self.keys.sending, self.keys.ended)),
        )
        fields = {as_text(name): text for name, text in zip(found[::2], found[1::2], strict=True)}
        moments = {as_text(name): _moment(score) for place in (places[0], places[2]) for name, score in _pairs(place)}
        deliveries = []
        for name, text in fields.items():
            state = as_text(fields.get(f"{name}:state"))
            if state in STATES and (delivery := _decode(name, text, state)):
                note = as_text(fields.get(f"{name}:note"))
                deliveries.append(replace(delivery, note=note, at=moments.get(name)))
        latest = datetime.max.replace(tzinfo=UTC)
        return sorted(deliveries, key=lambda each: (each.at or latest, each.id), reverse=True)


def _pairs(flat: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    return list(zip(flat[::2], flat[1::2], strict=True))


def _moment(score: bytes) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(score), UTC)
    except (ValueError, OverflowError, OSError):
        return None
