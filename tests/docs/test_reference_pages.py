"""The reference pages say what the code does."""

import importlib.util
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from offers_cli.errors import OffersError

TESTS = Path(__file__).parents[1]
DOCS = TESTS.parent / "docs"
spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
assert spec is not None
assert spec.loader is not None
generate = importlib.util.module_from_spec(spec)
spec.loader.exec_module(generate)


@pytest.mark.parametrize("name", generate.PAGES)
def test_reference_page_has_not_drifted(name: str) -> None:
    assert (DOCS / name).read_text("utf-8") == generate.PAGES[name](), "run: nox -s generate"


@pytest.mark.parametrize(("code", "_meaning", "error"), [row for row in generate.EXIT_CODES if row[2]])
def test_exit_codes_are_those_of_the_errors(code: int, _meaning: str, error: type[OffersError]) -> None:
    assert error.exit_code == code


@pytest.mark.parametrize(
    ("tests", "said"), [([], "nothing proves it: It flies."), (["cli/test_command.py::test_wings"], "there is no test")]
)
def test_a_promise_that_no_test_proves_is_not_published(
    tests: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    untrue = {"chapter": [{"name": "Flying", "promise": [{"says": "It flies.", "tests": tests}]}]}
    monkeypatch.setattr(generate.tomllib, "loads", lambda _text: untrue)
    with pytest.raises(ValueError, match=said):
        generate.promises()


@pytest.mark.parametrize(
    "threat", tomllib.loads((DOCS / "threats.toml").read_text("utf-8"))["threat"], ids=lambda threat: threat["what"]
)
def test_each_test_that_is_said_to_hold_a_threat_exists(threat: dict[str, Any]) -> None:
    for name in threat["tests"]:
        file, _, test = name.partition("::")
        assert re.search(rf"^ *def {test}\(", (TESTS / file).read_text("utf-8"), re.MULTILINE), name
