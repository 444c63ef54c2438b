"""What Typer says of a wrong command line, in our words: what was written, what is expected, the next command."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from offers_cli.cli.command import COMMANDS
from offers_cli.errors import UsageError

MEANT = {
    "login": "offers session import FILE",
    "logout": "offers session clear",
    "version": "offers --version",
    "-V": "offers --version",
    "update": "offers scrape reads prices anew; offers db migrate updates the schema",
    "status": "offers stats",
    "search": "offers list --search WORDS",
    "run": "offers worker",
    "start": "offers worker",
    "retry": "offers requeue-failed",
    "set": "offers config set NAME VALUE",
    "config list": "offers config show",
    "requeue-failed --all": "offers requeue-failed",
    "requeue-failed all": "offers requeue-failed",
}
"""What other programs call it; no likeness of the letters leads from there to the command."""
TAKES_WORDS = {"list": "--search", "export": "--search", "scrape": "search:"}
"""Where words that belong to no option are meant to be looked for."""


def usage_error(error: Any, name: str, args: Sequence[str]) -> UsageError:
    """The error that stands for one of Typer's.

    Args:
        error: a `TyperException`, whose kind is known by its class alone.
        name: the command that the arguments name.
    """
    context: Any = getattr(error, "ctx", None)
    name = context.command_path.partition(" ")[2] if context else name
    help_ = f"offers {name} --help".replace("  ", " ")
    kind, message = type(error).__name__, error.message
    if found := re.match(r"No such command '(.*?)'\.", message):
        wrong = _no_command(found[1], name, args, list(context.command.commands))
    elif found := re.match(r"Got unexpected extra arguments? ?\(s\)? ?\((.*)\)$", message, re.DOTALL):
        wrong = _extra(found[1], name, help_)
    elif kind == "NoSuchOption":
        wrong = _no_option(error, name, args, help_)
    elif kind == "MissingParameter":
        wrong = _missing(error.param, name, help_)
    elif kind == "BadParameter" and error.param is not None:
        wrong = _bad_value(error, name, help_)
    elif kind == "BadOptionUsage" and "requires an argument" in message:
        wrong = UsageError(f"{error.option_name} has no value", hint=help_)
    else:
        wrong = UsageError(error.format_message(), hint=help_)
    return wrong


def _no_command(word: str, group: str, args: Sequence[str], known: Sequence[str]) -> UsageError:
    whole = f"{group} {word}".strip()
    message = f"{whole!r} is not a command"
    if whole in MEANT:
        return UsageError(message, hint=MEANT[whole])
    help_ = f"offers {group} --help".replace("  ", " ")
    near = get_close_matches(word.lower(), known, n=1)
    if not near:
        return UsageError(message, hint=help_)
    return UsageError(f"{message}; did you mean {near[0]!r}?", hint=_again(args, word, near[0]) or help_)


def _again(args: Sequence[str], wrong: str, right: str) -> str | None:
    """The same command line with one word put right; None where it is no word of its own, as the `s` of `-qs`."""
    place = next((place for place, arg in enumerate(args) if arg.partition("=")[0] == wrong), None)
    if place is None:
        return None
    corrected = right + args[place].removeprefix(wrong)
    return shlex.join(["offers", *args[:place], corrected, *args[place + 1 :]])


def _extra(words: str, name: str, help_: str) -> UsageError:
    hint = MEANT.get(f"{name} {words}")
    if not hint and (option := TAKES_WORDS.get(name)):
        hint = f"offers {name} {option} {shlex.quote(words)}"
    return UsageError(f"{words!r} is one argument too many for offers {name}", hint=hint or help_)


def _no_option(error: Any, name: str, args: Sequence[str], help_: str) -> UsageError:
    option: str = error.option_name
    if not name and option in ("-v", "-q", "--verbose", "--quiet", "--json"):
        rest = [arg for arg in args if arg != option]
        return UsageError(f"{option} stands behind the command", hint=shlex.join(["offers", *rest, option]))
    if hint := MEANT.get(f"{name} {option}".strip()):
        return UsageError(f"there is no option {option}", hint=hint)
    known = [each for param in error.ctx.command.params for each in param.opts] if error.ctx else []
    wanted = option.lower().replace("_", "-")
    near = [each for each in known if each.startswith(f"-{wanted}")] if len(wanted) == 2 else []
    near = near or get_close_matches(wanted, known, n=1, cutoff=0.7)
    if near:
        hint = _again(args, option, near[0]) or help_
        return UsageError(f"there is no option {option}; did you mean {near[0]}?", hint=hint)
    return UsageError(f"there is no option {option}", hint=help_)


def _missing(param: Any, name: str, help_: str) -> UsageError:
    choices = _choices(param)
    example = f"offers {name} {choices[0]}" if choices else next(iter(COMMANDS[name].examples), help_)
    expected = f": one of {', '.join(choices)!s}" if choices else ""
    return UsageError(f"offers {name} needs {_name(param)}{expected}", hint=example)


def _bad_value(error: Any, name: str, help_: str) -> UsageError:
    param = error.param
    errors: list[Any] = getattr(error.__cause__, "errors", list)()
    if not errors:
        return UsageError(f"{_name(param)}: {error.message}", hint=help_)
    value = str(errors[0]["input"])
    shown = value if len(value) <= 80 else f"{value[:80]}…"
    option = _name(param) if param.opts[0].startswith("-") else f"offers {name}"
    if choices := _choices(param):
        parts = [part.strip().lower().replace("_", "-") for part in value.split(",")]
        near = [match for part in parts for match in get_close_matches(part, choices, n=1)]
        hint = " ".join(f"{option} {each}" for each in (near if param.multiple else near[:1]))
        return UsageError(f"{_name(param)} {shown!r} is not one of {', '.join(choices)!s}", hint=hint or help_)
    whole = param.type_descriptor.annotation is int or errors[0]["type"].startswith("int")
    bounds = param.type_descriptor.parameter_info
    kind = "a whole number" if whole else "a number"
    if bounds.min is not None:
        kind = f"{kind} from {bounds.min:g}" if bounds.max is None else f"{kind} from {bounds.min} to {bounds.max}"
    digits = re.fullmatch(r"-?([0-9]{1,9}) ?%?", value.strip(), re.ASCII)
    fits = digits and (bounds.min or 0) <= int(digits[1]) <= (bounds.max or 10**9)
    return UsageError(
        f"{_name(param)} {shown!r} is not {kind}", hint=f"{option} {digits[1]}" if digits and fits else help_
    )


def _name(param: Any) -> str:
    return str(param.opts[0] if param.opts[0].startswith("-") else param.metavar or param.name.upper())


def _choices(param: Any) -> list[str]:
    return [str(getattr(choice, "value", choice)) for choice in param.type_descriptor.choices or ()]
