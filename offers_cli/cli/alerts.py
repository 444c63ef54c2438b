"""`offers alerts`: what is told of low prices and of troubles, and what became of each message."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.command import GROUPS, Group, command
from offers_cli.cli.completion import complete_offer
from offers_cli.cli.formatting import format_money, format_value
from offers_cli.cli.offers import ShopFilterOptions
from offers_cli.cli.options import parse_age, parse_amount
from offers_cli.cli.render import Block, Coloured, Line, Note, Table

if TYPE_CHECKING:
    from offers_cli.runtime import Runtime
    from offers_cli.services.alerts import AlertDelivery, AlertListReport, AlertRule, AlertsReport, AlertTestReport

GROUPS["alerts"] = Group(
    help="Hear of low prices and of troubles, by Telegram, mail or what you like. See docs/alerts.md.",
    examples=("offers alerts add --lowest-since 90d --min-commission 10", "offers alerts list"),
)
SHOWN_DELIVERIES = 20
COLOURS = {"sent": "green", "unknown": "yellow", "refused": "red"}
FILTERS = {
    "min_discount": "discount from {}%",
    "min_commission": "commission from {}%",
    "min_price_cents": "from {}",
    "max_price_cents": "up to {}",
    "min_rating_hundredths": "rating from {}",
    "free_shipping": "free shipping",
    "official_store": "official stores",
    "coupon": "with a coupon",
    "search": "{!r} in the title",
    "source": "from {}",
    "condition": "price for {}",
}
"""What a person reads for each filter of a rule."""


def alert_blocks(report: AlertListReport) -> Sequence[Block]:
    """The rules, the troubles and the last deliveries, each as a table; where there is nothing, the next command."""
    blocks: list[Block] = []
    if report.rules:
        rows = [(rule.name, format_rule(rule), format_matching(rule), rule.added_at) for rule in report.rules]
        blocks.append(Table("Rules", ("name", "tells of", "offers", "added"), rows, cut=("offers",)))
    else:
        blocks.append(Note("there are no rules\n  try: offers alerts add --lowest-since 90d"))
    if report.troubles:
        troubles = [(each.title, each.since, "yes" if each.told else "not yet") for each in report.troubles]
        blocks.append(Table("Troubles", ("trouble", "since", "told"), troubles, cut=("trouble",)))
    if report.deliveries:
        blocks.append(_delivery_table(report.deliveries[:SHOWN_DELIVERIES]))
    if more := len(report.deliveries) - SHOWN_DELIVERIES:
        blocks += [Note(f"{more} older ones: offers alerts list --json")] if more > 0 else []
    nobody = [] if report.has_worker or report.remarks else [Note("no worker is there that watches: offers worker")]
    return [*blocks, *map(Note, report.remarks), *nobody]


def _delivery_table(deliveries: Sequence[AlertDelivery]) -> Table:
    rows = [
        (each.at, each.title, each.about, each.channel, _state(each.state), each.note, each.offer_id)
        for each in deliveries
    ]
    columns = ("at", "alert", "by", "to", "state", "why", "offer")
    return Table(
        "Deliveries",
        columns,
        rows,
        cut=("alert", "why"),
        short=("at", "alert", "to", "state", "why"),
        wide=("by", "offer"),
    )


def _state(state: str) -> object:
    return Coloured(state, COLOURS[state]) if state in COLOURS else state


def format_rule(rule: AlertRule) -> str:
    """What a rule tells of, as it was asked for: ``lowest since 90d``."""
    if rule.lowest_since_days is not None:
        return f"lowest since {rule.lowest_since_days}d"
    if rule.below_cents is not None:
        return f"below {format_money(rule.below_cents, 'BRL')}"
    return f"drop of {rule.drop_pct}%"


def format_matching(rule: AlertRule) -> str:
    """Which offers a rule looks at."""
    if rule.offer_id is not None:
        return rule.offer_id
    said = (FILTERS[name].format(format_value(name, value, "BRL")) for name, value in rule.filters.items())
    return ", ".join(said) or "all"


def added_blocks(report: AlertsReport) -> Sequence[Block]:
    """What was added, and why nothing is sent if so."""
    [rule] = report.rules
    return [Line(f"added {rule.name}: {format_rule(rule)}, {format_matching(rule)}"), *map(Note, report.remarks)]


@command(
    "alerts add",
    report="offers_cli.services.alerts:AlertsReport",
    blocks=added_blocks,
    examples=(
        "offers alerts add --lowest-since 90d --min-commission 10",
        "offers alerts add --below 1.999,90 MLB-7000014367",
        "offers alerts add --drop 30 --search 'fone de ouvido' --name phones",
    ),
)
def add(
    *,
    runtime: Runtime,
    offer: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]",
            show_default=False,
            help="One offer alone, by whatever `offers show` takes; default: all that match.",
            autocompletion=complete_offer,
        ),
    ] = None,
    lowest_since: Annotated[
        str | None,
        typer.Option(metavar="AGE", help="Prices that were never less for so long, all of it watched: 90d."),
    ] = None,
    below: Annotated[str | None, typer.Option(metavar="PRICE", help="Prices of no more: 200, or 199,90.")] = None,
    drop: Annotated[
        int | None, typer.Option(min=1, max=99, metavar="PCT", help="Prices so much below the one before.")
    ] = None,
    matching: ShopFilterOptions,
    name: Annotated[str | None, typer.Option(help="What the rule is called; default: by its condition.")] = None,
) -> AlertsReport:
    """Tell of each new low price: once, and again when it falls further.

    An offer that is new in the catalogue is not told of before its price falls. Prices are compared by the same
    payment. The workers watch, and send to OFFERS_ALERT_URLS.
    """
    from offers_cli.services.alerts import add_rule
    from offers_cli.services.lookup import find_offer

    age_s, below_cents = parse_age(lowest_since, "--lowest-since"), parse_amount(below, "--below")
    wanted = matching.shop_filter()
    found = find_offer(offer, storage=runtime.storage, marketplaces=runtime.marketplaces) if offer is not None else None
    return add_rule(
        runtime.later.alerts,
        name=name,
        lowest_since_days=None if age_s is None else math.ceil(age_s / 86_400),
        below_cents=below_cents,
        drop_pct=drop,
        offer=found,
        matching=wanted,
        urls=runtime.config.alerts.urls,
    )


@command(
    "alerts list",
    report="offers_cli.services.alerts:AlertListReport",
    blocks=alert_blocks,
    examples=("offers alerts list", "offers alerts list --json | jq '.data.deliveries[] | select(.state != \"sent\")'"),
)
def list_(*, runtime: Runtime) -> AlertListReport:
    """Show the rules, the troubles that are known now, and what became of each alert."""
    from offers_cli.services.alerts import list_alerts

    return list_alerts(runtime.alerts, urls=runtime.config.alerts.urls)


@command(
    "alerts remove",
    report="offers_cli.services.alerts:AlertsReport",
    blocks=lambda report: [Line(f"removed {rule.name}: {format_rule(rule)}") for rule in report.rules],
    examples=("offers alerts remove phones", "offers alerts remove lowest-90d below-199 --json"),
)
def remove(
    *,
    runtime: Runtime,
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="Names, as `offers alerts list` shows them.")],
) -> AlertsReport:
    """Remove rules; an alert that is reserved is sent all the same."""
    from offers_cli.services.alerts import remove_rules

    return remove_rules(runtime.alerts, names)


def tested_blocks(report: AlertTestReport) -> Sequence[Block]:
    """What became of the message, address by address."""
    return [
        Table(
            "Addresses", ("address", "state", "why"), [(d.channel, _state(d.state), d.note) for d in report.deliveries]
        )
    ]


@command(
    "alerts test",
    report="offers_cli.services.alerts:AlertTestReport",
    blocks=tested_blocks,
    examples=("offers alerts test", "offers alerts test --json"),
)
def test(*, runtime: Runtime) -> AlertTestReport:
    """Send one message to every address of OFFERS_ALERT_URLS, to see that it arrives."""
    from offers_cli.services.alerts import send_test

    return send_test(runtime.config.alerts.urls, now=runtime.now())
