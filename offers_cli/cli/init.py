"""`offers init`: a commented `.env` where every command and service looks."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from offers_cli.cli.command import command
from offers_cli.cli.render import Block, Line, Note, Output
from offers_cli.language import translate
from offers_cli.text import printable

if TYPE_CHECKING:
    from offers_cli.config import Setting
    from offers_cli.services.init import InitReport

QUESTIONS = {
    "ML_AFFILIATE_TAG": "Your affiliate label (empty: no links are made)",
    "MIN_DISCOUNT_PCT": "Minimum discount of offers to keep, in percent (empty: 0)",
    "SUPABASE_URL": "Supabase address (empty: a SQLite file)",
    "SUPABASE_SERVICE_ROLE_KEY": "Supabase service role key",
    "REDIS_URL": "Redis address (empty: offers runs its own)",
}
"""The questions, in this order; an empty answer keeps the default."""
ONLY_AFTER = {"SUPABASE_SERVICE_ROLE_KEY": "SUPABASE_URL"}


def init_blocks(report: InitReport) -> Sequence[Block]:
    """What was written where, and what comes next."""
    sets = f"it sets {', '.join(report.set)}" if report.set else "every setting has its default"
    scrape, session = "offers scrape ofertas", "offers session import FILE (with your login: the hub, and your links)"
    first, then = (session, scrape) if "ML_AFFILIATE_TAG" in report.set else (scrape, session)
    return [Line(f"{report.file} written, {sets}"), Note(f"next: {first}"), Note(f"or: {then}")]


@command(
    "init",
    report="offers_cli.services.init:InitReport",
    blocks=init_blocks,
    examples=("offers init", "offers init --yes --json"),
)
def init(
    *,
    output: Output,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't prompt; keep all defaults.")] = False,
    here: Annotated[bool, typer.Option("--here", help="For commands run in this directory alone.")] = False,
) -> InitReport:
    """Write a commented .env (mode 0600) in OFFERS_HOME; asks on a terminal, never overwrites.

    There it holds wherever you are, and for the services.
    """
    import os

    from offers_cli.config import check_home, examine_config, working_folder
    from offers_cli.services.init import check_new, init

    folder = working_folder()
    if not here:
        folder = examine_config(os.environ, folder)[0].home
        check_home(folder)
    path = folder / ".env"
    check_new(path)
    asks = not yes and not output.json and sys.stdin.isatty() and sys.stderr.isatty()
    return init(path, ask_all() if asks else {})


def ask_all() -> dict[str, str]:
    """The operator's answers by setting; the key of a service is asked for only with its address."""
    from offers_cli.config import SETTINGS

    settings = {setting.name: setting for setting in SETTINGS}
    answers: dict[str, str] = {}
    for name, question in QUESTIONS.items():
        needed = ONLY_AFTER.get(name)
        if needed in answers or needed is None:
            answers |= ask(settings[name], question, must=needed is not None)
    return answers


def ask(setting: Setting, question: str, *, must: bool) -> dict[str, str]:
    """Ask on stderr until the answer can be used; secrets are not shown while typed."""
    while True:
        text = typer.prompt(
            translate(question), default="", hide_input=setting.secret, show_default=False, err=True
        ).strip()
        if not text and not must:
            return {}
        try:
            setting.parse(text)
        except ValueError as exc:
            typer.echo(f"  {printable(translate(str(exc)))}", err=True)
        else:
            return {setting.name: text}
