"""The operator's troubles: what is wrong with the whole, told once when it begins and once when it is over."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from offers_cli.alerts.store import AlertStore, Message
from offers_cli.errors import OffersError, QueueRefused, QueueUnavailable
from offers_cli.log import get_log
from offers_cli.redis.values import as_json
from offers_cli.times import iso_utc

CALM = timedelta(minutes=10)
"""A trouble that was not seen for so long is over."""

log = get_log("alerts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that the operator should know of.

    Attributes:
        name: ``wall www.mercadolivre.com.br``; its first word is the kind, which is what is looked at.
        is_grave: whether it is worse than its first warning; one that becomes so is told again.
        after: for how long it must have lasted before it is told.
        over: what is told when it is over.
    """

    name: str
    title: str
    text: str
    over: str
    is_grave: bool = True
    after: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownTrouble:
    """A trouble as it is remembered.

    Attributes:
        told: what was told of it: nothing, ``warning`` or ``grave``.
        over: what is told when it is over.
    """

    name: str
    title: str
    over: str
    since: datetime
    seen_at: datetime
    told: str = ""

    def encode(self) -> str:
        """The text that Redis keeps; the name stands beside it."""
        facts = {"title": self.title, "over": self.over, "told": self.told}
        return json.dumps(facts | {"since": iso_utc(self.since), "seen_at": iso_utc(self.seen_at)})

    @classmethod
    def decode(cls, name: str, text: bytes) -> Self | None:
        """Read what `encode` wrote; None for whatever it cannot have written."""
        match as_json(text):
            case {
                "title": str(title),
                "over": str(over),
                "told": ("" | "warning" | "grave") as told,
                "since": str(since),
                "seen_at": str(seen_at),
            }:
                pass
            case _:
                return None
        try:
            moments = [datetime.fromisoformat(moment).astimezone(UTC) for moment in (since, seen_at)]
        except (ValueError, OverflowError):
            return None
        return cls(name=name, title=title[:200], over=over[:200], since=moments[0], seen_at=moments[1], told=told)


Look = Callable[[], Iterable[Trouble]]


class TroubleWatch:
    """Looks for troubles, and reserves what is to be told of them.

    Args:
        looks: by kind what finds the troubles of that kind; where one cannot look, its troubles stay as they are.
        channels: the names of the addresses that each alert goes to.
    """

    def __init__(
        self, store: AlertStore, looks: Mapping[str, Look], *, channels: Sequence[str], now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._looks = looks
        self._channels = channels
        self._now = now

    def look(self) -> None:
        """Look once for all troubles.

        Raises:
            QueueUnavailable, QueueRefused: Redis does not answer or says no.
        """
        known_texts = self._store.troubles()
        for kind, look in self._looks.items():
            try:
                found = {trouble.name: trouble for trouble in look()}
            except (QueueUnavailable, QueueRefused):
                raise
            except OffersError as error:
                log.debug("not looked at for alerts", kind=kind, reason=error.message)
                continue
            known = {name for name in known_texts if name.partition(" ")[0] == kind}
            for name in sorted(found.keys() | known):
                self._compare(name, found.get(name), known_texts.get(name, b""))

    def _compare(self, name: str, trouble: Trouble | None, text: bytes) -> None:
        now, known = self._now(), KnownTrouble.decode(name, text)
        if trouble is None:
            if known is None or now - known.seen_at >= CALM or now < known.seen_at:
                self._note(name, text, "", _over(known) if known and known.told else None)
            return
        since, told = (known.since, known.told) if known else (now, "")
        grade = "grave" if trouble.is_grave else "warning"
        is_news = told not in {"grave", grade} and now - since >= trouble.after
        now_known = KnownTrouble(
            name=name,
            title=trouble.title,
            over=trouble.over,
            since=since,
            seen_at=now,
            told=grade if is_news else told,
        )
        message = Message(title=trouble.title, text=trouble.text, about=name) if is_news else None
        self._note(name, text, now_known.encode(), message)

    def _note(self, name: str, seen: bytes, value: str, message: Message | None) -> None:
        if self._store.note_trouble(name, seen=seen, value=value, message=message, channels=self._channels) and message:
            log.info("alert", about=name, title=message.title)


def _over(known: KnownTrouble) -> Message:
    minutes = max(0, int((known.seen_at - known.since).total_seconds() // 60))
    lasted = f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours"
    return Message(title=known.over, text=f"It lasted {lasted}: {known.title}", about=known.name)
