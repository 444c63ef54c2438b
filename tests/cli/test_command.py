"""What the decorator makes of a function: options of its parameters, a document or text of its report."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
import typer

from offers_cli.cli.command import COMMANDS, build, command
from offers_cli.cli.main import main
from offers_cli.cli.render import Block, Line, Output
from offers_cli.errors import NotFound
from offers_cli.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class GreetReport(Report):
    """Whom it greeted, and how often."""

    name: str
    times: int


@dataclass(frozen=True, kw_only=True)
class Manner:
    """Options that several commands could share."""

    times: Annotated[int, typer.Option(min=1, help="How often.")] = 2


@pytest.fixture
def greet() -> Iterator[Any]:
    """A command with an argument, a group of options, and neither settings nor services."""

    @command("greet", report=f"{__name__}:GreetReport", columns=("name", "times"), examples=("offers greet a",))
    def greet(*, output: Output, name: str, manner: Manner) -> GreetReport | tuple[GreetReport, Sequence[Block]]:
        """Greet somebody."""
        if name == "nobody":
            raise NotFound("nobody is not there")
        report = GreetReport(name=name, times=manner.times)
        return (report, [Line("hello twice")]) if output.verbosity else report

    yield build("greet")
    del COMMANDS["greet"]


def call(greet: Any, *args: str) -> int:
    return int(greet.main(list(args), prog_name="greet", standalone_mode=False))


def test_the_fields_of_a_dataclass_are_options_with_their_bounds(
    greet: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(greet, "Ana", "--times", "3") == 0
    assert capsys.readouterr().out == "greet: name=Ana times=3\n"
    with pytest.raises(typer.TyperException, match="greater than or equal to 1"):
        call(greet, "Ana", "--times", "0")


def test_blocks_beside_the_report_are_shown_instead_of_the_usual(
    greet: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(greet, "Ana", "-v") == 0
    assert capsys.readouterr().out == "hello twice\n"


def test_a_document_has_the_same_keys_whether_there_is_a_report_or_not(
    greet: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(greet, "Ana", "--json") == 0
    assert json.loads(capsys.readouterr().out)["data"] == {"name": "Ana", "times": 2}
    assert call(greet, "nobody", "--json") == NotFound.exit_code
    failed = json.loads(capsys.readouterr().out)
    assert (failed["data"], failed["status"]) == ({"name": None, "times": None}, "error")


def test_a_command_that_cannot_be_imported_is_one_document(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As with a broken installation: the document needs no keys to say so."""

    def broken(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr("offers_cli.cli.commands.import_module", broken)
    assert main(["scrape", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["command"], document["errors"][0]["code"]) == ("scrape", "bug")
