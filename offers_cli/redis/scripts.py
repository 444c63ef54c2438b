"""Lua scripts, and single commands, that no planted or corrupt key stops: see `sound.lua`, with which each begins."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from offers_cli.redis.errors import translate

if TYPE_CHECKING:
    import redis

Argument = str | bytes | int | float

QUARANTINE = "offers:quarantine"
"""The keys that were set aside, by when; each is now named ``offers:quarantine:<seconds since 1970>:<old name>``."""


def ask(connection: redis.Redis, *commands: Sequence[Argument]) -> list[Any]:
    """What Redis answers to a few commands, done at once; a key of a wrong type is set aside, and reads as empty.

    Answers are those of RESP2: lists, integers, bytes, None.

    Raises:
        QueueUnavailable, QueueRefused: as `translate` says.
    """
    arguments = [argument for command in commands for argument in (len(command), *command)]
    with translate():
        answer: list[Any] = connection.register_script(load_sound() + _ask())(args=arguments)
    return answer


def load_script(package: str, name: str) -> str:
    """The text of a room's script: what all have in common, what the room's have, and its own."""
    folder = files(package) / "lua"
    return "\n".join((load_sound(), *((folder / f"{part}.lua").read_text("utf-8") for part in ("prelude", name))))


@cache
def load_sound() -> str:
    return (files(__package__) / "sound.lua").read_text("utf-8")


@cache
def _ask() -> str:
    return (files(__package__) / "ask.lua").read_text("utf-8")
