"""Alerts: rules added, listed and removed, what became of each delivery, and one message to try the addresses."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from offers_cli.alerts.channels import Channels, is_installed
from offers_cli.alerts.rule import MOST_DAYS, NAME, Rule
from offers_cli.alerts.store import AlertStore, Delivery, Message
from offers_cli.alerts.troubles import KnownTrouble
from offers_cli.config.values import Secret
from offers_cli.errors import ConfigError, NotFound, SiteUnavailable, UsageError
from offers_cli.installation import extra_command
from offers_cli.report import INTERNAL, WHEN_DONE, Problem, Report
from offers_cli.storage.base import OfferFilter, StoredOffer

NAME_LENGTH = 40
MOST_RULES = 100
LATELY = timedelta(days=1)
LATE = timedelta(minutes=10)
"""An alert that waits for so long has nobody who sends it."""
NO_ADDRESS = "no alert is sent: OFFERS_ALERT_URLS is not set"
ADDRESS_HINT = "offers config set OFFERS_ALERT_URLS"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """A rule, as people and programs see it; of its three conditions one is given.

    Attributes:
        offer_id: of one offer; None for all that match.
        filters: what is asked of the offers, by name; empty for all of them.
    """

    name: str
    lowest_since_days: int | None
    below_cents: int | None
    drop_pct: int | None
    offer_id: str | None
    filters: Mapping[str, Any]
    added_at: datetime

    @classmethod
    def of(cls, rule: Rule) -> AlertRule:
        """What is shown of a rule."""
        return cls(
            name=rule.name,
            lowest_since_days=rule.lowest_since_days,
            below_cents=rule.below_cents,
            drop_pct=rule.drop_pct,
            offer_id=rule.offer_id,
            filters=rule.filters,
            added_at=rule.added_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertDelivery:
    """One alert on its way to one address.

    Attributes:
        channel: the address's place in `OFFERS_ALERT_URLS` and its kind.
        about: the rule, or the trouble: ``wall www.mercadolivre.com.br``.
        at: when it was reserved, or when it ended; None while it is sent.
        state: ``reserved``, ``sending``, ``sent``, ``unknown`` or ``refused``.
        note: why it is unknown, or was refused.
    """

    at: datetime | None
    channel: str
    about: str
    offer_id: str | None
    title: str
    state: str
    note: str

    @classmethod
    def of(cls, delivery: Delivery) -> AlertDelivery:
        """What is shown of a delivery."""
        return cls(
            at=delivery.at,
            channel=delivery.channel,
            about=delivery.message.about,
            offer_id=delivery.message.offer_id,
            title=delivery.message.title,
            state=delivery.state,
            note=delivery.note,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertTrouble:
    """A trouble of the operator's that is known now; `told` is whether an alert was made of it."""

    name: str
    title: str
    since: datetime
    told: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertCounts:
    """How many rules there are, and how many deliveries.

    Attributes:
        waiting: that are reserved, or are being sent.
        late: those of them that are reserved for more than 10 minutes: nobody sends them.
        sent, unknown, refused: that ended so within the last day.
    """

    rules: int
    waiting: int
    late: int
    sent: int
    unknown: int
    refused: int


def count_alerts(store: AlertStore) -> AlertCounts:
    """Count the rules and the deliveries.

    Raises:
        QueueUnavailable, QueueRefused: Redis does not answer or says no.
    """
    (rules, _), deliveries, now = store.rules(), store.deliveries(), store.now()
    ended = Counter(each.state for each in deliveries if each.at is not None and now - each.at < LATELY)
    waiting = [each for each in deliveries if each.state in {"reserved", "sending"}]
    late = [each for each in waiting if each.state == "reserved" and each.at is not None and now - each.at > LATE]
    return AlertCounts(
        rules=len(rules),
        waiting=len(waiting),
        late=len(late),
        sent=ended["sent"],
        unknown=ended["unknown"],
        refused=ended["refused"],
    )


def say_what_went_wrong(counts: AlertCounts) -> str:
    """The alerts that did not arrive, or may not have, in words; empty where all is well."""
    told = {"unknown": counts.unknown, "refused": counts.refused, "not yet sent": counts.late}
    return ", ".join(f"{number} {words}" for words, number in told.items() if number)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsReport(Report):
    """Rules: the one that was added, or those that were removed.

    Attributes:
        remarks: why nothing is sent, if so.
    """

    rules: tuple[AlertRule, ...] = ()
    remarks: tuple[str, ...] = field(default=(), metadata=INTERNAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertListReport(AlertsReport):
    """All rules, the troubles, and the deliveries, newest first.

    Attributes:
        has_worker: whether a worker is there that watches and sends.
    """

    troubles: tuple[AlertTrouble, ...] = ()
    deliveries: tuple[AlertDelivery, ...] = ()
    has_worker: bool = field(default=False, metadata=WHEN_DONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertTestReport(Report):
    """What became of the message that tries the addresses."""

    deliveries: tuple[AlertDelivery, ...] = ()


def add_rule(
    store: AlertStore,
    *,
    name: str | None,
    lowest_since_days: int | None,
    below_cents: int | None,
    drop_pct: int | None,
    offer: StoredOffer | None,
    matching: OfferFilter,
    urls: Secret | None,
) -> AlertsReport:
    """Add a rule.

    Args:
        name: None for one made of its condition.
        offer: the only one that it looks at; None for all that match.

    Raises:
        UsageError: no condition or several, a time that cannot be watched, filters beside an offer, a name that is no
            name or is taken, too many rules.
        QueueUnavailable, QueueRefused: Redis does not answer or says no.
    """
    conditions = {"--lowest-since": lowest_since_days, "--below": below_cents, "--drop": drop_pct}
    given = [option for option, value in conditions.items() if value is not None]
    if len(given) != 1:
        said = "only one of them" if given else "none was given"
        raise UsageError(
            f"a rule needs one of --lowest-since, --below and --drop, {said}",
            hint="offers alerts add --lowest-since 90d",
        )
    if lowest_since_days is not None and not 1 <= lowest_since_days <= MOST_DAYS:
        raise UsageError(f"--lowest-since: from 1d to {MOST_DAYS}d", hint="--lowest-since 90d")
    if offer is not None and matching != OfferFilter():
        raise UsageError(
            "a rule is about one offer or about those that match, not both", hint="offers alerts add --help"
        )
    if name is not None and not NAME.fullmatch(name):
        raise UsageError(
            f"--name {name[:80]!r}: small letters, digits and -, 50 at the most",
            hint="offers alerts add --name phones …",
        )
    rules, unreadable = store.rules()
    if len(rules) + len(unreadable) >= MOST_RULES:
        raise UsageError(f"there are {MOST_RULES} rules already", hint="offers alerts list")
    rule = Rule(
        name=name or _name_of(given[0], conditions[given[0]] or 0, offer, matching),
        lowest_since_days=lowest_since_days,
        below_cents=below_cents,
        drop_pct=drop_pct,
        offer_id=offer.id if offer else None,
        matching=matching,
        added_at=store.now(),
    )
    added = _put(store, rule, is_named=name is not None)
    return AlertsReport(rules=(AlertRule.of(added),), remarks=find_remarks(urls))


def _put(store: AlertStore, rule: Rule, *, is_named: bool) -> Rule:
    """Add a rule under its name, or under the next free one like it."""
    number, first = 1, rule.name
    while not store.add_rule(rule):
        if is_named:
            raise UsageError(
                f"there is a rule {rule.name} already",
                hint=f"offers alerts remove {shlex.quote(rule.name)}, or another --name",
            )
        number += 1
        rule = replace(rule, name=f"{first}-{number}")
    return rule


def _name_of(option: str, value: int, offer: StoredOffer | None, matching: OfferFilter) -> str:
    """A name made of a rule's condition and of what it looks at: ``lowest-90d-fone``, ``below-199-mlb1234``."""
    condition = {"--lowest-since": f"lowest-{value}d", "--below": f"below-{value // 100}", "--drop": f"drop-{value}"}
    about = offer.external_id if offer else matching.search or ""
    return re.sub(r"[^a-z0-9]+", "-", f"{condition[option]} {about}".lower())[:NAME_LENGTH].strip("-")


def list_alerts(store: AlertStore, *, urls: Secret | None) -> AlertListReport:
    """All rules, troubles and deliveries.

    Raises:
        QueueUnavailable, QueueRefused: Redis does not answer or says no.
    """
    rules, unreadable = store.rules()
    known = [found for name, text in store.troubles().items() if (found := KnownTrouble.decode(name, text))]
    problems = tuple(
        Problem(
            code=ConfigError.code,
            message=f"the rule {name!r} cannot be read, and nothing is told by it",
            hint="offers alerts remove NAME, then add it again",
        )
        for name in unreadable
    )
    return AlertListReport(
        rules=tuple(map(AlertRule.of, rules)),
        troubles=tuple(
            AlertTrouble(name=each.name, title=each.title, since=each.since, told=bool(each.told)) for each in known
        ),
        deliveries=tuple(map(AlertDelivery.of, store.deliveries())),
        has_worker=store.has_leader(),
        remarks=find_remarks(urls),
        problems=problems,
    )


def find_remarks(urls: Secret | None) -> tuple[str, ...]:
    """Why no alert is sent, with the next command; nothing where alerts can be."""
    if urls is None:
        return (f"{NO_ADDRESS}\n  try: {ADDRESS_HINT}",)
    if not is_installed():
        return (f"no alert is sent: Apprise is not installed\n  try: {extra_command('notify')}",)
    return ()


def remove_rules(store: AlertStore, names: Sequence[str]) -> AlertsReport:
    """Remove rules by name; what is reserved by them is sent all the same.

    Raises:
        NotFound: there is none of these names, and nothing was removed.
        QueueUnavailable, QueueRefused: Redis does not answer or says no.
    """
    rules, unreadable = store.rules()
    known = {rule.name for rule in rules} | set(unreadable)
    if missing := [name for name in names if name not in known]:
        raise NotFound(f"there is no rule {missing[0][:80]!r}", hint="offers alerts list")
    for name in names:
        store.remove_rule(name)
    return AlertsReport(rules=tuple(AlertRule.of(rule) for rule in rules if rule.name in names))


def send_test(urls: Secret | None, *, now: datetime) -> AlertTestReport:
    """Send one message to every address, at once; it is not recorded.

    Raises:
        ConfigError: there is no address, Apprise is not installed, or knows no such address.
    """
    if urls is None:
        raise ConfigError(NO_ADDRESS, hint=ADDRESS_HINT)
    channels = Channels(urls)
    message = Message(title="offers: a test", text="Alerts of offers will arrive here.", about="test")
    deliveries, problems = [], []
    for channel in channels.names:
        state, note = channels.send(channel, message)
        delivery = Delivery(id="", channel=channel, message=message, state=state, note=note, at=now)
        deliveries.append(AlertDelivery.of(delivery))
        if state != "sent":
            problem = f"address {channel}: {note}"
            problems.append(Problem(code=SiteUnavailable.code, message=problem, hint="offers config show", exit_code=1))
    return AlertTestReport(deliveries=tuple(deliveries), problems=tuple(problems))
