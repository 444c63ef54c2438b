"""How every command runs: settings, logging, one service, its report, the exit code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import typer

from offers_cli.cli.render import Block, Output
from offers_cli.errors import Bug, Interrupted, OffersError
from offers_cli.report import Problem, ReportLike, problems_of

if TYPE_CHECKING:
    from offers_cli.config import Config
    from offers_cli.runtime import Runtime

R = TypeVar("R", bound=ReportLike)


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """How a command was asked to speak: `--json`, `-v`, `-q`."""

    json: bool = False
    verbose: int = 0
    quiet: bool = False

    @property
    def verbosity(self) -> int:
        """As `configure_logging` takes it."""
        return -1 if self.quiet else self.verbose


def perform(
    command: str,
    voice: Voice,
    work: Callable[[Runtime, Output], R],
    blocks: Callable[[R], Sequence[Block]],
    *,
    log_level: int = 0,
) -> None:
    """Run one command: do the work, show its report, and end with its exit code.

    Args:
        log_level: what is told on stderr without `-v` or `-q`: 0 events, -1 errors only.
    """

    def work_with_settings(output: Output) -> R:
        from offers_cli.runtime import open_runtime

        with open_runtime(load_settings(voice, log_level=log_level)) as runtime:
            return work(runtime, output)

    perform_alone(command, voice, work_with_settings, blocks)


def load_settings(voice: Voice, *, log_level: int = 0) -> Config:
    """Load the settings, begin to log as they and the command line say, and say what is remarkable about their files.

    Raises:
        ConfigError: everything that is wrong with them.
    """
    from offers_cli.config import get_config, log_notices
    from offers_cli.log import configure_logging

    config = get_config()
    json_lines = config.log.format == "json"
    configure_logging(verbosity=voice.verbosity, json_lines=json_lines)
    log_notices(config)  # whatever the command itself is silent about
    configure_logging(verbosity=voice.verbosity if voice.quiet else voice.verbose + log_level, json_lines=json_lines)
    return config


def perform_alone(
    command: str, voice: Voice, work: Callable[[Output], R], blocks: Callable[[R], Sequence[Block]]
) -> None:
    """Run a command that works without settings, or with broken ones; otherwise as `perform`."""
    output = Output(json=voice.json, quiet=voice.quiet)
    try:
        report = work(output)
    except OffersError as error:
        output.fail(command, *problems_of(error))
        raise typer.Exit(error.exit_code) from error
    except KeyboardInterrupt:
        interrupted = Interrupted("interrupted; what was done stays done")
        output.fail(command, Problem.of(interrupted))
        raise typer.Exit(interrupted.exit_code) from None
    code = exit_code(report.problems)
    output.show(command, report, blocks(report), exit_code=code)
    raise typer.Exit(code)


def exit_code(problems: Sequence[Problem]) -> int:
    """The gravest of the problems' exit codes: 0 none, 1 items failed, 5 site, 4 service, 3 configuration."""
    codes = [problem.exit_code for problem in problems]
    return next((code for code in (130, 3, 4, 5, 2, Bug.exit_code) if code in codes), 0)
