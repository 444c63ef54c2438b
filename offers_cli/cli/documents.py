"""The commands that only read, asked by a program over HTTP: the documents that their `--json` prints, byte for byte.

What is asked for goes the way of a command line, so that options, bounds and words are the command's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import typer

from offers_cli.cli.command import COMMON, build
from offers_cli.cli.commands import find_command
from offers_cli.cli.render import Output
from offers_cli.cli.usage import usage_error
from offers_cli.errors import Bug, OffersError, UsageError
from offers_cli.log import get_log
from offers_cli.report import Problem, document_of, failure_document, problems_of
from offers_cli.web.api import Answer

if TYPE_CHECKING:
    from offers_cli.runtime import Runtime

MOST = 1000
"""The most things that one answer holds: the dashboard is no export."""
TERMINAL_ONLY = frozenset({"help", "watch", "interval", *(each.name for each in COMMON)})
"""Options that mean something to a person alone."""
YES, NO = frozenset({"", "1", "true", "yes"}), frozenset({"0", "false", "no"})

log = get_log("dashboard")


class Documents:
    """The documents of commands, made with the parts of one runtime; several threads may ask."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def read(self, name: str, words: Sequence[str], options: Mapping[str, Sequence[str]]) -> Answer:
        """The document of the command of that name, on success and on failure.

        Args:
            words: its arguments.
            options: the values of its options, by their names without dashes; a flag is ``true``, or empty.
        """
        command = find_command(name)
        if command is None:
            raise LookupError(name)
        try:
            report = call(name, words, options, runtime=self._runtime)
        except OffersError as error:
            problems = problems_of(error)
            return Answer(failure_document(name, problems, keys=command.keys()), tuple(problems), error.exit_code)
        except Exception as error:
            log.error("unexpected error", exc_info=True, command=name)  # noqa: G201 (not a Logger)
            message = f"unexpected {type(error).__name__} in `offers {name}`; this is a bug in offers"
            bug = Problem.of(Bug(message, hint="the log of `offers dashboard` has the details"))
            return Answer(failure_document(name, [bug], keys=command.keys()), (bug,), bug.exit_code)
        return Answer(document_of(name, report), report.problems, report.exit_code)

    @staticmethod
    def options_of(name: str) -> list[str]:
        """The options of that command, as a query names them."""
        return sorted(_options(_made(name)))


def call(name: str, words: Sequence[str], options: Mapping[str, Sequence[str]], *, runtime: Runtime) -> Any:
    """The report of a command with these arguments and options; raises what its service raises, or `UsageError`."""
    params = parse(name, words, options)
    if (limit := params.get("limit") or 0) > MOST:
        raise UsageError(f"--limit {limit}: one answer holds {MOST} at the most", hint="offers export")
    command = find_command(name)
    assert command
    return command.call(Output(json=True), params, runtime=runtime)


def parse(name: str, words: Sequence[str], options: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The parameters of a command, by their names in Python; raises `UsageError` as its command line does."""
    made = _made(name)
    args = [*_arguments(made, options), "--", *words]
    try:
        params = made.make_context(f"offers {name}", args).params
    except typer.TyperException as error:
        raise usage_error(error, name, [*name.split(), *args[:-1]]) from error
    return {key: value for key, value in params.items() if key not in {each.name for each in COMMON}}


def choices_of(name: str, option: str) -> Sequence[str]:
    """The words that an option of a command takes; none where it takes any text."""
    return [
        str(getattr(choice, "value", choice)) for choice in _options(_made(name))[option].type_descriptor.choices or ()
    ]


@cache
def _made(name: str) -> Any:
    """What Typer makes of a command; it keeps nothing of what it is asked."""
    find_command(name)
    group, _, word = name.partition(" ")
    made = build(group)
    return made.commands[word] if word else made


def _options(made: Any) -> dict[str, Any]:
    """What may be asked for, by its name without dashes."""
    found = {option.removeprefix("--"): param for param in made.params for option in param.opts if option[:2] == "--"}
    return {name: param for name, param in found.items() if name not in TERMINAL_ONLY}


def _arguments(made: Any, options: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Options as they stand on a command line; one that there is not stands there too, and is refused in its words."""
    known = _options(made)
    for name, values in options.items():
        param = known.get(name)
        if param is None and name.partition("=")[0] in TERMINAL_ONLY:
            raise UsageError(f"--{name[:80]} is for the command line alone", hint="/api/v1/ lists what may be asked")
        if param is not None and param.is_flag:
            yield from (f"--{name}" for value in values if _is_set(name, value))
        else:
            yield from map(partial("--{}={}".format, name), values)


def _is_set(name: str, text: str) -> bool:
    if text.lower() in YES | NO:
        return text.lower() in YES
    raise UsageError(f"--{name} {text[:80]!r} is neither true nor false", hint=f"--{name}")
