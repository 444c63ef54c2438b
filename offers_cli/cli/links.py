"""`offers links`: whether stored affiliate links still credit us."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.command import GROUPS, Group, command
from offers_cli.cli.options import MOST
from offers_cli.cli.render import Block, Line, Output, Table, summary

if TYPE_CHECKING:
    from offers_cli.runtime import Runtime
    from offers_cli.services.check_links import CheckLinksReport

EXAMPLES = ("offers links check", "offers links check --sample 100 --json")
GROUPS["links"] = Group(help="Manage the affiliate links.", examples=EXAMPLES)


def link_blocks(report: CheckLinksReport) -> Sequence[Block]:
    """The counts, and the links that are lost."""
    counts = summary("links check", report, ("stored", "checked", "ours", "foreign", "gone", "unclear"))
    rows = [(link.offer_id, link.affiliate_link, link.label, link.verdict) for link in report.links]
    if not rows:
        return [*counts, Line("every checked link credits your label" if report.checked else "no links to check")]
    return [*counts, Table("Links that do not credit you", ("offer", "link", "label", "verdict"), rows)]


@command(
    "links check",
    report="offers_cli.services.check_links:CheckLinksReport",
    blocks=link_blocks,
    examples=EXAMPLES,
)
def check(
    *,
    runtime: Runtime,
    output: Output,
    sample: Annotated[int, typer.Option(min=1, max=MOST, help="How many links to check, chosen at random.")] = 20,
) -> CheckLinksReport:
    """Follow a sample of the stored links, politely, and list those that do not credit your label."""
    from offers_cli.services.check_links import check_links, required_label

    with output.progress("checking links") as progress:
        return check_links(
            label=required_label(runtime.config),
            storage=runtime.storage,
            locate=runtime.fetcher.locate,
            sample=sample,
            on_progress=lambda done: progress(done, total=sample),
        )
