"""`offers dashboard`: the queue in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.options import JsonOption, QuietOption, VerboseOption, examples
from offers_cli.cli.perform import Voice, perform
from offers_cli.cli.render import Output

if TYPE_CHECKING:
    from offers_cli.runtime import Runtime
    from offers_cli.web.serve import DashboardReport


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        name="dashboard",
        epilog=examples("offers dashboard", "offers dashboard --port 0 --json"),
    )(dashboard)


def dashboard(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where to listen; 0 takes a free one.")] = 9181,
    host: Annotated[str, typer.Option(help="Where to listen; any but loopback needs a token.")] = "127.0.0.1",
    json: JsonOption = False,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Show the queue and its jobs in a browser, until Ctrl-C.

    The token is read from OFFERS_DASHBOARD_TOKEN, or from the file that OFFERS_DASHBOARD_TOKEN_FILE names, and has at
    least 16 characters; a browser asks for it as the password, with any user name. With a token it is asked for on
    loopback too.
    """

    def work(runtime: Runtime, output: Output) -> DashboardReport:
        from offers_cli.web.serve import serve_dashboard

        return serve_dashboard(runtime, host=host, port=port)

    perform("dashboard", Voice(json=json, verbose=verbose, quiet=quiet), work, lambda _report: [])
