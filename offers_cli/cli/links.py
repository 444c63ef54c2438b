"""`offers links`: whether stored affiliate links still credit us, and the manual way to new ones."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.command import GROUPS, Group, command
from offers_cli.cli.options import MOST, parse_path_option
from offers_cli.cli.render import Block, Line, Note, Output, Table, summary

if TYPE_CHECKING:
    from offers_cli.runtime import Runtime
    from offers_cli.services.check_links import CheckLinksReport
    from offers_cli.services.manual_links import ImportLinksReport, PendingLinksReport

EXAMPLES = ("offers links check", "offers links check --sample 100 --json")
GROUPS["links"] = Group(
    help="Manage the affiliate links.", examples=("offers links pending", "offers links import answer.csv")
)


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


def pending_blocks(report: PendingLinksReport) -> Sequence[Block]:
    """The addresses one a line, as the programme's page takes them."""
    if not report.offers:
        return [Note("no offer waits for a link")]
    lines = [Line(offer.url) for offer in report.offers]
    then = "paste them at /afiliados/linkbuilder, then: offers links import FILE"
    return [*lines, Note(f"{len(lines)} offers without a link; {then}")]


@command(
    "links pending",
    report="offers_cli.services.manual_links:PendingLinksReport",
    blocks=pending_blocks,
    examples=("offers links pending --limit 10", "offers links pending --json"),
)
def pending(
    *,
    runtime: Runtime,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="The most offers to list.")] = 30,
) -> PendingLinksReport:
    """List the addresses of offers without a link, for the programme's own link builder."""
    from offers_cli.services.manual_links import pending_links

    return pending_links(storage=runtime.storage, link_url=runtime.mercado_livre.link_url, limit=limit)


def import_blocks(report: ImportLinksReport) -> Sequence[Block]:
    """The counts, and the links that could not be followed."""
    counts = summary("links import", report, ("found", "imported", "known", "refused"))
    rows = [(link,) for link in report.not_done]
    return [*counts, Table("Not done", ("link",), rows)] if rows else counts


@command(
    "links import",
    report="offers_cli.services.manual_links:ImportLinksReport",
    blocks=import_blocks,
    examples=("offers links import answer.csv", "offers links import - < answer.txt"),
)
def import_(
    *,
    runtime: Runtime,
    output: Output,
    file: Annotated[
        str, typer.Argument(metavar="FILE|-", help="The answer of the programme's page: text, CSV, or the call's JSON.")
    ],
) -> ImportLinksReport:
    """Read the link builder's answer: follow each link once, and save with its offer what credits your label."""
    from urllib.parse import urlsplit

    from offers_cli.services.check_links import required_label
    from offers_cli.services.manual_links import LinkImporter
    from offers_cli.services.pages import read_text

    text = read_text(None if file == "-" else parse_path_option(file), stdin=sys.stdin.buffer)
    with output.progress("following links") as progress:
        importer = LinkImporter(
            label=required_label(runtime.config),
            storage=runtime.storage,
            pages=runtime.pages,
            marketplaces=runtime.marketplaces[:-1],
            link_host=urlsplit(runtime.config.marketplace.base_url).netloc,
            now=runtime.now,
            on_link=progress,
        )
        return importer.read(text)
