"""`offers add`: single products by their links."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.command import command
from offers_cli.cli.options import IgnoreRobotsOption, parse_path_option
from offers_cli.cli.render import Block, Note, Output, Table

if TYPE_CHECKING:
    from offers_cli.runtime import Runtime
    from offers_cli.services.add import AddReport

STDIN = "-"


def add_blocks(report: AddReport) -> Sequence[Block]:
    """What became of each link, and the counts."""
    rows: list[tuple[str | None, ...]] = [
        (each.outcome, each.external_id, each.title or each.code, each.link) for each in report.links
    ]
    rows += [("not done", None, None, link) for link in report.not_done]
    columns = ("outcome", "id", "title", "link")
    counts = [f"{report.added} added", f"{report.known} known", f"{report.refused} refused"]
    counts += [f"{report.enqueued} queued"]
    counts += [f"{report.enriched} back again"] if report.enriched else []
    counts += [f"{len(report.not_done)} not done"] if report.not_done else []
    return [Table("Links", columns, rows, cut=("title", "link")), Note(", ".join(counts))]


@command(
    "add",
    report="offers_cli.services.add:AddReport",
    blocks=add_blocks,
    examples=(
        "offers add https://meli.la/2abCdEf 'https://www.mercadolivre.com.br/p/MLB19120023?matt_tool=1'",
        "offers add --file links.txt --json",
        "offers add - < links.txt",
    ),
)
def add(
    *,
    runtime: Runtime,
    output: Output,
    links: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="LINK",
            help="Links of products, with or without https://; short links are followed. - reads them from stdin.",
        ),
    ] = None,
    file: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="Links in a text file, one or more a line; may be given more than once."),
    ] = None,
    no_enqueue: Annotated[bool, typer.Option("--no-enqueue", help="Save only; queue nothing.")] = False,
    ignore_robots: IgnoreRobotsOption = False,
) -> AddReport:
    """Fetch the products of some links, save them as offers, and queue what they lack; known offers are said to be."""
    from offers_cli.services.add import Adder, read_links

    runtime.ignore_robots |= ignore_robots
    wanted = read_links(links or (), [parse_path_option(text) for text in file or ()], stdin=sys.stdin.buffer)
    with output.progress("adding") as progress:
        adder = Adder(
            storage=runtime.storage,
            offers=runtime.page_offers(enqueue=not no_enqueue),
            pages=runtime.pages,
            marketplaces=runtime.marketplaces,
            drift=runtime.drift,
            on_link=lambda done: progress(done, total=len(wanted)),
        )
        return adder.add(wanted)
