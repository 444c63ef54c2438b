"""`offers dashboard`: the queue in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.command import command

if TYPE_CHECKING:
    from offers_cli.runtime import Runtime
    from offers_cli.web.api import Reader
    from offers_cli.web.serve import DashboardReport
    from offers_cli.web.words import Words


@command(
    "dashboard",
    report="offers_cli.web.serve:DashboardReport",
    blocks=lambda _report: [],
    examples=("offers dashboard", "offers dashboard --port 0 --json"),
)
def dashboard(
    *,
    runtime: Runtime,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 9181,
    host: Annotated[str, typer.Option(help="Address to listen on; any but loopback needs a token.")] = "127.0.0.1",
) -> DashboardReport:
    """Show the queue and its jobs in a browser, until Ctrl-C.

    The token is read from OFFERS_DASHBOARD_TOKEN, or from the file that OFFERS_DASHBOARD_TOKEN_FILE names, and has at
    least 16 characters; a browser asks for it as the password, with any user name. If a token is set, loopback
    needs it too.
    """
    from offers_cli.web.serve import serve_dashboard

    return serve_dashboard(runtime, host=host, port=port, make_reader=make_reader, make_words=make_words)


def make_reader(runtime: Runtime) -> Reader:
    """What reads the documents of the commands for `/api/v1`."""
    from offers_cli.cli.documents import Documents

    return Documents(runtime)


def make_words(runtime: Runtime) -> Words:
    """What the pages take from the command line."""
    from offers_cli.cli.page_words import PageWords

    return PageWords(runtime)
