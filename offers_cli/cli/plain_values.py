"""Arguments and options whose text needs no judgement, converted without Typer's pydantic.

Typer builds a validator of pydantic for every value, of options not given too, and importing pydantic alone costs a
short command a quarter of its time. Whatever is not plainly right goes Typer's way, so that it is refused in the same
words.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any, get_args

from typer.core import TyperCommand, TyperGroup


class _Quick:
    """Of a command or group: its options and arguments, each converting what is plainly right itself."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Those that are declared and the help option."""
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            if not isinstance(param.process_value, partial):
                param.process_value = partial(_process, param, param.process_value)
        return params


class QuickCommand(_Quick, TyperCommand):
    """A command that asks Typer only about values which are not plainly right."""


class QuickGroup(_Quick, TyperGroup):
    """A group that does the same with its own options."""


def _process(param: Any, by_typer: Any, ctx: Any, value: Any) -> Any:
    try:
        converted = _convert(param, value)
    except ValueError:
        return by_typer(ctx, value)
    if param.required and param.value_is_missing(converted):
        return by_typer(ctx, value)
    return param.callback(ctx, param, converted) if param.callback is not None else converted


def _convert(param: Any, value: Any) -> Any:
    """The value as the command gets it; raises `ValueError` when only Typer can say."""
    several = param.multiple or param.nargs == -1
    if value is None:
        return () if several else None
    kind = param.type_descriptor
    if not several:
        return _convert_one(kind, kind.annotation, value)
    each_kind = get_args(kind.annotation)[0]
    return (
        [_convert_one(kind, each_kind, each) for each in value] if isinstance(value, (list, tuple)) else _unsure(value)
    )


def _convert_one(kind: Any, annotation: Any, value: Any) -> Any:
    bounds = kind.parameter_info
    if bounds.parser is not None:
        return bounds.parser(value)
    if kind.choices is not None:
        return next((each for each in kind.choices if value == getattr(each, "value", each)), None) or _unsure(value)
    if annotation is int and isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value, re.ASCII):
        value = int(value)
    right = annotation in (str, bool, int, float) and type(value) is annotation
    if right and annotation in (int, float):
        right = (bounds.min is None or value >= bounds.min) and (bounds.max is None or value <= bounds.max)
    return value if right else _unsure(value)


def _unsure(value: Any) -> Any:
    raise ValueError(value)
