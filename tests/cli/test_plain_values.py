"""What a command gets of a word is the same whether Typer's pydantic converted it or we did."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offers_cli.cli.command import build
from offers_cli.cli.commands import SUMMARIES, find_commands
from offers_cli.errors import OffersError

NO_COMMAND = object()


def _params() -> list[Any]:
    """Every option and argument of every command, each once by what decides how its words are converted."""
    found: dict[str, Any] = {}
    for name in SUMMARIES:
        find_commands(name)
        for command in getattr(built := build(name), "commands", {name: built}).values():
            with typer.Context(command, info_name=name) as context:
                for param in command.get_params(context):
                    kind = param.type_descriptor
                    info = kind.parameter_info
                    decides = (kind.annotation, info.min, info.max, info.parser, param.required, param.nargs)
                    found.setdefault(str((*decides, param.multiple)), (param, context))
    return list(found.values())


PARAMS = _params()
WORDS = st.one_of(
    st.text(max_size=12),
    st.integers(-(10**20), 10**20).map(str),
    st.integers(-5, 70_000).map(str),
    st.floats(allow_nan=True).map(str),
    st.sampled_from(
        ["", " 5", "5 ", "+5", "-0", "007", "1_000", "5.0", "1e3", "٣", "true", "None", "0x1F", "'", "pix"]
    ),
    st.sampled_from(
        [str(getattr(each, "value", each)) for param, _ in PARAMS for each in param.type_descriptor.choices or ()]
    ),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(chosen=st.sampled_from(PARAMS), words=st.lists(WORDS, max_size=3), absent=st.booleans())
def test_a_word_is_converted_as_typer_would(chosen: Any, words: list[str], absent: bool) -> None:
    param, context = chosen
    several = param.multiple or param.nargs == -1
    value: Any = words if several else (words or [""])[0]
    if absent:
        value = param.get_default(context)
    plain, by_typer = (_outcome(process, context, value) for process in (param.process_value, _typers(param)))
    assert plain == by_typer
    assert type(plain) is type(by_typer)


def _typers(param: Any) -> Any:
    return type(param).process_value.__get__(param)


def _outcome(process: Any, context: Any, value: Any) -> Any:
    try:
        return process(context, value)
    except (typer.TyperException, OffersError) as error:
        return (type(error), str(error))


@pytest.mark.parametrize("words", ["list --limit 3 --status active", "history x --days 30", "export --format csv"])
def test_a_command_line_that_is_right_costs_no_pydantic(words: str, tmp_path: Path) -> None:
    """Its import takes a quarter of a short command's time."""
    code = f"from offers_cli.cli.main import main; main({words.split()!r})"
    code = f"import sys; {code}; sys.exit('pydantic' in sys.modules)"
    env = {"OFFERS_HOME": str(tmp_path), "PATH": ""}
    assert subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=False).returncode == 0
