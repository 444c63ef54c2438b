"""What holds for every command: help with examples, the envelope, exit codes, light start-up."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence

import pytest

from offers_cli import __version__
from offers_cli.cli.commands import SUMMARIES, module_name
from offers_cli.cli.envelope import DATA_KEYS, envelope
from offers_cli.cli.main import main
from offers_cli.errors import WORK_ERRORS, Outcome
from offers_cli.services.report import Problem

HEAVY = ("redis", "rq", "httpx", "supabase", "sqlite3", "selectolax", "rich", "offers_cli.runtime")


def loaded_by(*args: str) -> set[str]:
    """The modules that a fresh interpreter holds after this command."""
    code = (
        "import sys, contextlib, io\n"
        "from offers_cli.cli.main import main\n"
        f"with contextlib.redirect_stdout(io.StringIO()): main({list(args)!r})\n"
        "print('\\n'.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("args", [("--help",), ("--version",), ("scrape", "--help"), ("worker", "--help")])
def test_help_and_version_load_nothing_heavy(args: Sequence[str]) -> None:
    assert loaded_by(*args) & set(HEAVY) == set()


@pytest.mark.parametrize("command", SUMMARIES)
def test_every_command_has_help_with_two_examples_and_json(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    shown = capsys.readouterr().out
    examples = [line for line in shown.splitlines() if line.strip().startswith("offers ")]
    assert len(examples) >= 2
    assert all(line.strip().startswith(f"offers {command}") for line in examples)
    assert "--json" in shown


def test_root_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in SUMMARIES)
    assert "".join(SUMMARIES.values()).count("…") == 0


def test_every_command_module_exists() -> None:
    import importlib

    assert all(hasattr(importlib.import_module(module_name(name)), "register") for name in SUMMARIES)


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
    assert set(DATA_KEYS["scrape"]) <= set(document["data"])


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
    assert document["data"]["run_id"] is None, "keys never disappear"


def test_failure_codes_and_their_outcomes_are_those_of_the_contract() -> None:
    outcomes = {code: error.outcome for code, error in WORK_ERRORS.items()}
    assert {code for code, o in outcomes.items() if o is Outcome.FINAL} == {
        "offer_gone",
        "link_refused",
        "forbidden_url",
    }
    assert {code for code, o in outcomes.items() if o is Outcome.SNOOZE} == {
        "page_blocked",
        "rate_limited",
        "session_expired",
        "storage_unavailable",
    }
    assert {code for code, o in outcomes.items() if o is Outcome.RETRY} == {"site_unavailable"}
