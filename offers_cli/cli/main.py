"""The program: commands, and how errors become messages and exit codes."""

from __future__ import annotations

import gc
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Annotated

import typer

from offers_cli import __version__
from offers_cli.cli.command import INTERRUPTED, epilog
from offers_cli.cli.commands import CommandGroup, find_command
from offers_cli.cli.render import Output, writing_results
from offers_cli.errors import Bug, ConfigError, Interrupted, OffersError, UsageError
from offers_cli.language import LANGUAGES, Language, language_of_locale, speak_as
from offers_cli.report import problems_of
from offers_cli.text import printable_lines

EXAMPLES = ("offers demo", "offers scrape ofertas --pages 3", "offers worker --burst", "offers list --min-discount 40")

TOPICS = "Topics: offers help exit-codes | environment | json | failure-codes"

app = typer.Typer(
    name="offers",
    cls=CommandGroup,
    help="Collect, enrich and keep affiliate offers of Mercado Livre.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"offers {__version__}")
        raise typer.Exit


@app.callback(epilog=f"{epilog(EXAMPLES)}\n\n{TOPICS}")
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an unexpected error.")] = False,
) -> None:
    """Collect, enrich and keep affiliate offers of Mercado Livre."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program with these arguments and return its exit code."""
    args = _with_json_before_dashes(sys.argv[1:] if argv is None else argv)
    speak_as(_find_language)
    return call(args)


def call(args: Sequence[str]) -> int:
    """Run the command that these arguments name, in the language that is spoken already, and return its exit code."""
    output = Output(json="--json" in args)
    try:
        _check_encoding(args)
        return int(typer.main.get_command(app).main(args, prog_name="offers", standalone_mode=False) or 0)
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        if type(error).__name__ == "NoArgsIsHelpError" and context:
            sys.stderr.write(context.get_help() + "\n")
            return UsageError.exit_code
        from offers_cli.cli.usage import usage_error

        problems = problems_of(usage_error(error, _find_command(args)[0], args))
    except (typer.Abort, KeyboardInterrupt):
        problems = problems_of(Interrupted(INTERRUPTED))
    except OffersError as error:
        problems = problems_of(error)
    except Exception as error:  # noqa: BLE001  (whatever it is, the person gets one line, not a traceback)
        if "--debug" in args:
            sys.stderr.write(printable_lines(traceback.format_exc()))
            return Bug.exit_code
        name, _keys = _find_command(args)
        message = f"unexpected {type(error).__name__} in `offers {name}`; this is a bug in offers"
        problems = problems_of(Bug(message, hint=f"offers --debug {name} …, and report what it shows"))
    name, keys = _find_command(args)
    output.fail(name, *problems, keys=keys)
    return problems[-1].exit_code


def _find_language() -> Language:
    """The language that the settings name, whatever else is wrong with them; else the locale's."""
    if (named := os.environ.get("OFFERS_LANG")) in LANGUAGES:
        return named
    from offers_cli.config import examine_config, get_config, working_folder

    try:
        display = get_config().display
    except ConfigError:
        try:
            display = examine_config(os.environ, working_folder())[0].display
        except ConfigError:
            return language_of_locale()
    return display.language or language_of_locale()


def _with_json_before_dashes(argv: Sequence[str]) -> list[str]:
    """Behind `--` stands a command for the schedule; `--json` asks for our own document there too."""
    args = list(argv)
    if args[:2] == ["schedule", "add"] and "--" in args and "--json" in args[args.index("--") :]:
        args = [arg for arg in args if arg != "--json"]
        args.insert(args.index("--"), "--json")
    return args


def _check_encoding(args: Sequence[str]) -> None:
    """What is not UTF-8 cannot be looked for, saved or shown; such a file has to be given another name."""
    for arg in args:
        if not arg.isascii() and any("\ud800" <= character <= "\udfff" for character in arg):
            raise UsageError(f"{arg!r} is not UTF-8", hint="write it in UTF-8; rename a file whose name is not")


def _find_command(args: Sequence[str]) -> tuple[str, Callable[[], Sequence[str]]]:
    """The command that these arguments name, two words long in a group (`config show`), and what gives its keys."""
    words = [arg for arg in args if not arg.startswith("-")]
    for name in (" ".join(words[:2]), *words[:1]):
        with suppress(ImportError):  # it may be the bug that is to be reported
            if found := find_command(name):
                return found.name, found.keys
    return next(iter(words), "offers").encode(errors="replace").decode(), tuple


def _open_missing_streams() -> None:
    """Give a program that was started with closed streams (`>&-`) somewhere to write, and no file their numbers."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(number, "r" if name == "stdin" else "w"))


def run() -> None:
    """What the installed program runs; SIGTERM ends a command as Ctrl-C does."""
    _open_missing_streams()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # a title may hold what the terminal lacks
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background job inherits an ignored SIGINT
        signal.signal(number, signal.default_int_handler)
    code = main()
    if not sys.stdout.closed:
        with writing_results():
            sys.stdout.flush()
    gc.freeze()  # the interpreter would look through all of it for garbage, several times, just before it is gone
    sys.exit(code)
