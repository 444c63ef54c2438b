"""`offers links`: whether stored affiliate links still credit us."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.options import MOST, JsonOption, QuietOption, VerboseOption, examples
from offers_cli.cli.perform import Voice, perform
from offers_cli.cli.render import Block, Line, Output, Table, summary

if TYPE_CHECKING:
    from offers_cli.runtime import Runtime
    from offers_cli.services.check_links import CheckLinksReport

COUNTS = ("stored", "checked", "ours", "foreign", "gone", "unclear")


def register(app: typer.Typer) -> None:
    """Add the group of commands to the program."""
    app.callback(epilog=examples("offers links check", "offers links check --sample 100 --json"), no_args_is_help=True)(
        links
    )
    app.command(name="check", epilog=examples("offers links check", "offers links check --sample 100 --json"))(check)


def links() -> None:
    """Look after the affiliate links."""


def check(
    sample: Annotated[int, typer.Option(min=1, max=MOST, help="How many links to check, chosen at random.")] = 20,
    json: JsonOption = False,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Follow a sample of the stored links, politely, and list those that do not credit your label."""

    def work(runtime: Runtime, output: Output) -> CheckLinksReport:
        from offers_cli.services.check_links import check_links, required_label

        with output.progress("checking links") as progress:
            return check_links(
                label=required_label(runtime.config),
                storage=runtime.storage,
                locate=runtime.fetcher.locate,
                sample=sample,
                on_progress=lambda done: progress(done, total=sample),
            )

    perform("links check", Voice(json=json, verbose=verbose, quiet=quiet), work, link_blocks)


def link_blocks(report: CheckLinksReport) -> Sequence[Block]:
    """The counts, and the links that are lost."""
    rows = [(link.offer_id, link.affiliate_link, link.label, link.verdict) for link in report.links]
    counts = summary("links check", report.data(), COUNTS)
    if not rows:
        return [*counts, Line("every checked link credits your label" if report.checked else "no links to check")]
    return [
        *counts,
        Table(title="Links that do not credit you", columns=("offer", "link", "label", "verdict"), rows=rows),
    ]
