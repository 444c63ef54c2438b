"""What the demo tells to run next can be run."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from offers_cli.cli.command import build
from offers_cli.cli.commands import find_commands
from offers_cli.cli.demo import NEXT


@pytest.mark.parametrize("line", NEXT)
def test_each_command_that_the_demo_ends_with_is_understood(line: str) -> None:
    program, name, *words = shlex.split(line)
    find_commands(name)
    typed: list[Any] = []
    build(name, run=lambda command, **_options: typed.append(command.name))(words, standalone_mode=False)
    assert (program, typed) == ("offers", [name])
