"""What holds for every command: help with examples, the envelope, exit codes, light start-up."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import pytest
import typer
from acceptance.program import MEASURING
from hypothesis import given
from hypothesis import strategies as st
from json_keys import JSON_KEYS

from offers_cli import __version__
from offers_cli.cli.commands import SUMMARIES, all_commands, find_command
from offers_cli.cli.main import app, main
from offers_cli.errors import WORK_ERRORS, Outcome
from offers_cli.report import Problem, envelope

HEAVY = ("redis", "rq", "httpx", "supabase", "sqlite3", "selectolax", "rich", "offers_cli.runtime")
LOADED_BY_EACH = """
import contextlib, io, json, os, sys
from offers_cli.cli.main import main

lines, heavy = map(json.loads, sys.argv[1:])
for line in lines:
    if not os.fork():
        with contextlib.redirect_stdout(io.StringIO()):
            main(line)
        print(" ".join(line) + ":", sorted({*sys.modules} & {*heavy}), flush=True)
        os._exit(0)
    os.wait()
"""


LEAVES = [tuple(each.name.split()) for each in all_commands()]
WORK_WITHOUT_SETTINGS = {"config path", "help", "init", "redis stop"}
"""What an operator needs to get out of a broken configuration; `config show` and `doctor` tell of it with exit 3."""

OF_ONE_SETTING = {"config get", "config set", "config unset"}
"""They put a broken configuration right, and answer a setting that there is none of as such."""

leaves = pytest.mark.parametrize("words", LEAVES, ids=" ".join)


def required_words(words: Sequence[str]) -> list[str]:
    """A word for each argument that the command cannot do without."""
    command: Any = typer.main.get_command(app)
    for word in words:
        command = command.commands[word]
    arguments = [param for param in command.params if param.param_type_name == "argument" and param.required]
    return [next(iter(_choices(argument)), "nonsense") for argument in arguments]


def _choices(argument: Any) -> list[str]:
    """The words that an argument can be, where it is a choice."""
    kind = argument.type_descriptor.annotation
    return [str(each) for each in kind] if isinstance(kind, type) and issubclass(kind, StrEnum) else []


def test_help_and_version_load_nothing_heavy() -> None:
    """In an interpreter of its own, of which each command line gets a fork."""
    lines = [("--help",), ("--version",), *((*words, "--help") for words in LEAVES)]
    env = {name: value for name, value in os.environ.items() if name != MEASURING}  # coverage itself loads much
    code = [sys.executable, "-c", LOADED_BY_EACH, json.dumps(lines), json.dumps(HEAVY)]
    done = subprocess.run(code, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"{' '.join(line)}: []" for line in lines]


@leaves
def test_every_command_has_help_with_two_examples_and_json(
    words: Sequence[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--help"]) == 0
    captured = capsys.readouterr()
    examples = captured.out.partition("Examples:")[2].strip().splitlines()
    assert len(examples) >= 2
    assert all(f"offers {' '.join(words)}" in line for line in examples)
    assert "--json" in captured.out
    assert captured.err == ""


@leaves
def test_every_command_has_the_keys_that_never_disappear(words: Sequence[str]) -> None:
    """They are the fields of its report; renaming one would break the programs that read it."""
    name = " ".join(words)
    command = find_command(name)
    assert command is not None
    assert command.keys() == JSON_KEYS[name]


@leaves
def test_a_wrong_option_is_usage_on_stderr(words: Sequence[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--nosuch"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "error: " in captured.err
    assert f"try: offers {' '.join(words)} --help" in captured.err


WORDS = st.one_of(
    st.from_regex(r"\A--?[A-Za-z]{1,4}(=.{0,3})?\Z"),
    st.sampled_from(["-q", "-v", "--", "-", "", "--limit", "--sort=x", "a=b"]),
)


@pytest.mark.slow
@given(words=st.sampled_from(LEAVES), more=st.lists(WORDS, max_size=4), misspelt=st.booleans())
def test_whatever_is_typed_ends_in_words(words: Sequence[str], more: Sequence[str], misspelt: bool) -> None:
    """The last option is none, so that nothing is done; `--help` may come before it."""
    words = [words[0][:-1], *words[1:]] if misspelt else words
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as errors:
        code = main([*words, *[word for word in more if word != "--"], "--nosuch"])
    assert code == 0 or (code == 2 and "error: " in errors.getvalue())


@leaves
def test_a_wrong_option_with_json_is_one_document(words: Sequence[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--nosuch", "--json"]) == 2
    captured = capsys.readouterr()
    assert captured.err == ""
    document = json.loads(captured.out)
    assert (document["version"], document["command"], document["status"]) == (1, " ".join(words), "error")
    assert [error["code"] for error in document["errors"]] == ["usage"]
    assert set(JSON_KEYS[" ".join(words)]) <= set(document["data"])


@leaves
@pytest.mark.parametrize("as_json", [True, False], ids=["json", "text"])
def test_a_broken_configuration_is_told_by_every_command_that_needs_it(
    words: Sequence[str], as_json: bool, anywhere: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = " ".join(words)
    if name == "demo":
        pytest.skip("the demo has settings of its own")
    anywhere.setenv("MIN_DISCOUNT_PCT", "many")
    anywhere.setenv("REDIS_URL", "redis://:canary@[nowhere")
    code = main([*words, *required_words(words), *(["--json"] if as_json else [])])
    captured = capsys.readouterr()
    assert "canary" not in captured.out + captured.err
    assert "Traceback" not in captured.err
    if name in WORK_WITHOUT_SETTINGS | OF_ONE_SETTING:
        assert code == (2 if name in OF_ONE_SETTING else 0), captured.err
        return
    assert code == 3, captured.err
    if as_json:
        document = json.loads(captured.out)
        assert document["command"] == name
        assert set(JSON_KEYS[name]) <= set(document["data"])
        assert "MIN_DISCOUNT_PCT" in captured.out
    elif name not in ("config show", "doctor"):
        assert captured.out == "", "nothing was done, and stdout is for what was done"
        assert "MIN_DISCOUNT_PCT" in captured.err


@leaves
def test_a_mistyped_command_is_suggested(words: Sequence[str], capsys: pytest.CaptureFixture[str]) -> None:
    mistyped = words[-1][:-1] + ("x" if words[-1][-1] != "x" else "y")
    assert main([*words[:-1], mistyped]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "did you mean" in captured.err


def test_root_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"\n  {name} " in shown for name in SUMMARIES)
    assert "".join(SUMMARIES.values()).count("…") == 0


def test_root_help_ends_with_a_first_day_that_can_be_typed(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--help"])
    examples = capsys.readouterr().out.partition("Examples:")[2].partition("Topics:")[0].strip().splitlines()
    assert len(examples) >= 3
    for line in examples:
        program, *words = line.split()
        assert (program, main([*words, "--help"])) == ("offers", 0)


def test_every_command_that_the_help_lists_exists() -> None:
    assert dict.fromkeys(words[0] for words in LEAVES).keys() == SUMMARIES.keys()


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"offers {__version__}\n"


def test_an_unknown_command_is_usage_with_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scarpe"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "'scrape'" in captured.err


def test_a_usage_error_with_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scrape", "--pages", "many", "--json"]) == 2
    document = json.loads(capsys.readouterr().out)
    assert document["status"] == "error"
    assert document["command"] == "scrape"
    assert document["errors"][0]["code"] == "usage"
    assert set(JSON_KEYS["scrape"]) <= set(document["data"])


def test_no_arguments_shows_help_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Usage: offers" in captured.err


@pytest.mark.parametrize(
    ("problems", "failed", "status"),
    [
        ([], False, "ok"),
        ([Problem(code="bug", message="m")], False, "partial"),
        ([Problem(code="bug", message="m")], True, "error"),
    ],
)
def test_envelope_status(problems: list[Problem], failed: bool, status: int) -> None:
    document = json.loads(envelope("scrape", {"seen": 1}, problems, failed=failed))
    assert document["status"] == status
    assert document["version"] == 1
    assert document["data"] == {"seen": 1}


def test_failure_codes_and_their_outcomes_are_those_of_the_contract() -> None:
    outcomes = {code: error.outcome for code, error in WORK_ERRORS.items()}
    assert {code for code, o in outcomes.items() if o is Outcome.FINAL} == {
        "offer_gone",
        "shop_unknown",
        "link_refused",
        "forbidden_url",
        "robots_forbidden",
    }
    assert {code for code, o in outcomes.items() if o is Outcome.SNOOZE} == {
        "page_blocked",
        "rate_limited",
        "session_expired",
        "label_refused",
        "storage_unavailable",
        "queue_unavailable",
        "queue_refused",
    }
    assert {code for code, o in outcomes.items() if o is Outcome.RETRY} == {"site_unavailable"}
