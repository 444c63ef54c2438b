"""What the dashboard's pages take from the command line; see `offers_cli.web.words`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from offers_cli.cli import formatting
from offers_cli.cli.deals import reasons
from offers_cli.cli.documents import call, choices_of, parse
from offers_cli.cli.explain import explain_blocks
from offers_cli.cli.history import findings
from offers_cli.cli.offers import FilterOptions, ValueRow, value_groups
from offers_cli.cli.render import Block

if TYPE_CHECKING:
    from offers_cli.runtime import Runtime
    from offers_cli.services.deals import Deal, DealsReport
    from offers_cli.services.explain import ExplainReport
    from offers_cli.services.offers import HistoryReport, ShowReport
    from offers_cli.storage.base import OfferFilter
    from offers_cli.web.words import Options


class PageWords:
    """The command line of one runtime, as pages use it."""

    formats: Mapping[str, Callable[..., Any]] = {
        "money": formatting.format_money,
        "payment": formatting.format_condition,
        "by_payment": formatting.by_payment,
        "percent": formatting.format_percent,
        "off": formatting.format_discount,
        "facts": formatting.format_facts,
        "local_time": formatting.format_time,
    }

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def choices(self, command: str, option: str) -> Sequence[str]:
        return choices_of(command, option)

    def offer_filter(self, options: Options, *, limit: int) -> OfferFilter:
        given = parse("list", (), options)
        chosen = FilterOptions(**{field.name: given[field.name] for field in fields(FilterOptions)})
        return chosen.filter(limit=limit, now=self._runtime.now())

    def find_deals(self, options: Options) -> DealsReport:
        report: DealsReport = call("deals", (), options, runtime=self._runtime)
        return report

    def reasons(self, deal: Deal) -> Sequence[tuple[int, str]]:
        return reasons(deal)

    def findings(self, history: HistoryReport) -> Sequence[str]:
        return findings(history)

    def value_groups(self, shown: ShowReport) -> Mapping[str, Sequence[ValueRow]]:
        assert shown.offer
        groups = value_groups(shown, shown.offer)
        known = {group: [row for row in rows if row[1] not in (None, "")] for group, rows in groups.items()}
        return {group: rows for group, rows in known.items() if rows}

    def explanation(self, report: ExplainReport) -> Sequence[Block]:
        return explain_blocks(report)
