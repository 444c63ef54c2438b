"""What every command is made of: its options, the open runtime, one service, its report, the exit code."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from importlib import import_module
from inspect import Parameter, Signature, signature
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_type_hints

import typer

from offers_cli.cli.options import MOST
from offers_cli.cli.plain_values import QuickCommand, QuickGroup
from offers_cli.cli.render import Block, Output, summary
from offers_cli.errors import Interrupted, OffersError
from offers_cli.language import translate
from offers_cli.report import Problem, problems_of
from offers_cli.times import use_time_zone

if TYPE_CHECKING:
    from offers_cli.config import Config

Work = Callable[..., Any]
"""What a command does, by a service: options in, a report out."""
Blocks = Callable[[Any], Sequence[Block]]
W = TypeVar("W", bound=Work)

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
VerboseOption = Annotated[int, typer.Option("--verbose", "-v", count=True, show_default=False, help="Log more.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Log errors only.")]
COMMON = (
    Parameter("json", Parameter.KEYWORD_ONLY, default=False, annotation=JsonOption),
    Parameter("verbose", Parameter.KEYWORD_ONLY, default=0, annotation=VerboseOption),
    Parameter("quiet", Parameter.KEYWORD_ONLY, default=False, annotation=QuietOption),
)
"""The options of every command."""
INTERRUPTED = "interrupted; completed work has been kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command; see `command` for what its attributes mean."""

    name: str
    work: Work
    report: str
    blocks: Blocks
    examples: Sequence[str]
    log_level: int

    def keys(self) -> tuple[str, ...]:
        """The keys that stand in the data of its JSON document whatever happens."""
        module, _, name = self.report.partition(":")
        try:
            found: tuple[str, ...] = getattr(import_module(module), name).keys()
        except ImportError:  # of a broken installation; the document that says so needs no keys
            return ()
        return found

    def run(self, *, json: bool, verbose: int, quiet: bool, **options: Any) -> None:
        """Do the work, show its report, and end with its exit code."""
        output = Output(json=json, verbosity=-1 if quiet else verbose)
        try:
            report, blocks = self._do(output, options)
        except OffersError as error:
            output.fail(self.name, *problems_of(error), keys=self.keys)
            raise typer.Exit(error.exit_code) from error
        except KeyboardInterrupt:
            output.fail(self.name, Problem.of(Interrupted(INTERRUPTED)), keys=self.keys)
            raise typer.Exit(Interrupted.exit_code) from None
        raise typer.Exit(output.show(self.name, report, blocks))

    def _do(self, output: Output, options: dict[str, Any]) -> tuple[Any, Sequence[Block]]:
        if "runtime" not in signature(self.work).parameters:
            return self.do(output, options)
        from offers_cli.runtime import open_runtime

        with open_runtime(load_settings(output, log_level=self.log_level)) as runtime:
            return self.do(output, options, runtime=runtime)

    def do(self, output: Output, options: dict[str, Any], **parts: Any) -> tuple[Any, Sequence[Block]]:
        """Do the work; returns its report and how a person sees it. Raises what the service raises."""
        done = self.call(output, options, **parts)
        return done if isinstance(done, tuple) else (done, self.blocks(done))

    def call(self, output: Output, options: dict[str, Any], **parts: Any) -> Any:
        """Do the work alone; returns its report, and the blocks where the command makes them itself."""
        for group, kind in _option_groups(self.work).items():
            options[group] = kind(**{field.name: options.pop(field.name) for field in fields(kind)})
        if "output" in signature(self.work).parameters:
            parts["output"] = output
        return self.work(**options, **parts)

    def callback(self, run: Callable[..., Any]) -> Callable[..., Any]:
        """The function of which Typer makes the command: its options are the parameters, its text the help."""

        def call(**options: Any) -> Any:
            return run(self, **options)

        parameters = [*_options(self.work), *COMMON]
        call.__doc__ = self.work.__doc__
        call.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
        call.__annotations__ = {each.name: each.annotation for each in parameters}
        return call


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Commands under one name, as ``db``."""

    help: str
    examples: Sequence[str]


COMMANDS: dict[str, Command] = {}
"""The commands whose module is imported, by name; those of a group under both words."""
GROUPS: dict[str, Group] = {}


def command(
    name: str,
    *,
    report: str,
    examples: Sequence[str],
    blocks: Blocks | None = None,
    columns: Sequence[str] = (),
    log_level: int = 0,
) -> Callable[[W], W]:
    """Make a function a command of the program; its docstring is the help.

    A parameter named `runtime` gets the open runtime, one named `output` the output. All others are options; those of
    a parameter whose type is a dataclass are its fields. A command that asks for no runtime works without settings,
    or with broken ones. A function that returns blocks beside its report shows those.

    Args:
        name: as it is typed, behind that of its group: ``config show``.
        report: where the class of its report is, ``package.module:Class``. It is imported when a document needs its
            keys: help must not cost what the services import.
        blocks: how a person sees the report; default: one line, or one row, of its `columns`.
        log_level: what is logged without `-v` or `-q`: 0 events, -1 errors only.
    """

    def register(work: W) -> W:
        COMMANDS[name] = Command(
            name=name,
            work=work,
            report=report,
            blocks=blocks or partial(summary, name, columns=columns),
            examples=examples,
            log_level=log_level,
        )
        return work

    return register


def build(name: str, *, run: Callable[..., Any] = Command.run) -> Any:
    """What Typer makes of a command, or of a group and its commands; their module is imported already.

    Args:
        run: is given the command that was typed and its options.
    """
    app = typer.Typer(cls=_Group, rich_markup_mode=None, add_completion=False)
    if name in GROUPS:
        group = GROUPS[name]
        app.callback(help=group.help, epilog=epilog(group.examples), no_args_is_help=True)(lambda: None)
    for each in commands_below(name):
        word = each.name.rpartition(" ")[2]
        app.command(word, cls=_Command, epilog=epilog(each.examples))(each.callback(run))
    return typer.main.get_command(app)


BY_TYPER = (
    "Usage:",
    "Install completion for the current shell.",
    "Show completion for the current shell, to copy it or customize the installation.",
    "[OPTIONS]",
    "COMMAND [ARGS]...",
    "Show this message and exit.",
    "default",
    "required",
)
"""What Typer itself says in help."""
EXAMPLES = "Examples:"


class HelpInWords:
    """Of a command or group: its help in the language that is spoken, and in words, not in types and inequations."""

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        """How it is called."""
        pieces = [translate(piece) for piece in self.collect_usage_pieces(ctx)]  # type: ignore[attr-defined]
        formatter.write_usage(ctx.command_path, " ".join(pieces), prefix=translate("Usage:") + " ")

    def format_help_text(self, ctx: Any, formatter: Any) -> None:
        """What it does."""
        self.help: str | None = in_paragraphs(self.help or "")
        super().format_help_text(ctx, formatter)  # type: ignore[misc]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Its arguments and options."""
        for title, kind in (("Arguments", "argument"), ("Options", "option")):
            params = [param for param in self.get_params(ctx) if param.param_type_name == kind]  # type: ignore[attr-defined]
            if records := [record for param in params if (record := _record(param, ctx))]:
                with formatter.section(translate(title)):
                    formatter.write_dl(records)
        if hasattr(self, "format_commands"):
            self.format_commands(ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Its examples."""
        self.epilog: str | None = "\n".join(map(translate, (self.epilog or "").split("\n")))
        super().format_epilog(ctx, formatter)  # type: ignore[misc]


class _Group(HelpInWords, QuickGroup):
    """Its help shows each command's whole summary."""

    def format_commands(self, _ctx: Any, formatter: Any) -> None:
        with formatter.section(translate("Commands")):
            rows = ((word, (each.help or "").split("\n")[0]) for word, each in self.commands.items())
            formatter.write_dl([(word, translate(summary)) for word, summary in rows])


class _Command(HelpInWords, QuickCommand):
    """A command."""


def in_paragraphs(text: str) -> str:
    """A text of several paragraphs in the language that is spoken."""
    return "\n\n".join(translate(" ".join(paragraph.split())) for paragraph in text.split("\n\n"))


def _record(param: Any, ctx: Any) -> tuple[str, str] | None:
    param.help = translate(param.help or "")
    record: tuple[str, str] | None = param.get_help_record(ctx)
    if record is None:
        return None
    name, help_ = _in_words(param, record)
    return name, re.sub(r"(?<=\[)default(?=: )|(?<=[\[ ])required(?=\])", lambda found: translate(found[0]), help_)


def _in_words(param: Any, record: tuple[str, str]) -> tuple[str, str]:
    name, help_ = record
    if found := re.search(r" <(?:list\[)?([^\]>]*)\]?>$", name):
        kind = {"int range": "N", "int": "N", "str": "TEXT"}.get(found[1], found[1])
        name = name[: found.start()]
        if param.param_type_name == "option":
            name = f"{name} {kind}"
        elif param.metavar is None:
            name = kind
    help_ = re.sub(
        rf"([0-9.]+)<=x<={MOST}|x>=([0-9.]+)", lambda found: translate(f"{found[1] or found[2]} or more"), help_
    )
    return name, re.sub(r"([0-9.]+)<=x<=([0-9.]+)", lambda found: translate(f"{found[1]} to {found[2]}"), help_)


def commands_below(name: str) -> list[Command]:
    """The commands of a group, or the one command of that name."""
    return [each for each in COMMANDS.values() if each.name.split()[0] == name]


def load_settings(output: Output, *, log_level: int = 0) -> Config:
    """Load the settings, tell the time and log as they say, and log what is remarkable about their files.

    Raises:
        ConfigError: everything that is wrong with them.
    """
    from offers_cli.config import get_config, log_notices
    from offers_cli.log import configure_logging

    config = get_config()
    if config.display.time_zone:
        use_time_zone(config.display.time_zone.key)
    json_lines = config.log.format == "json"
    configure_logging(verbosity=output.verbosity, json_lines=json_lines)
    log_notices(config)  # before `log_level`: a command that logs no events still warns of its settings
    configure_logging(
        verbosity=output.verbosity if output.quiet else output.verbosity + log_level, json_lines=json_lines
    )
    return config


def epilog(examples: Sequence[str]) -> str:
    """What stands at the end of a help page."""
    return "\b\n" + "\n".join([EXAMPLES, *(f"  {line}" for line in examples)])


def _options(work: Work) -> list[Parameter]:
    """The parameters that are options, with their types; those of a dataclass are its fields."""
    types = _option_types(work)
    found = []
    for name, kind in types.items():
        if not is_dataclass(kind):
            found.append(signature(work).parameters[name].replace(annotation=kind, kind=Parameter.KEYWORD_ONLY))
            continue
        hints = get_type_hints(kind, include_extras=True)
        found += [
            Parameter(field.name, Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name])
            for field in fields(kind)
        ]
    return found


def _option_groups(work: Work) -> dict[str, Any]:
    return {name: kind for name, kind in _option_types(work).items() if is_dataclass(kind)}


def _option_types(work: Work) -> dict[str, Any]:
    # The types of the runtime and the report are not imported when a command is: only the options' are read.
    texts = {name: text for name, text in work.__annotations__.items() if name not in ("runtime", "output", "return")}
    return get_type_hints(
        SimpleNamespace(__annotations__=texts), globalns=import_module(work.__module__).__dict__, include_extras=True
    )
