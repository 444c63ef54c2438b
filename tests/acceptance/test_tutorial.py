"""The tutorial, typed command by command: whoever follows it sees what it says."""

from __future__ import annotations

import difflib
import importlib.util
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
spec = importlib.util.spec_from_file_location("docs_examples", DOCS / "examples.py")
assert spec is not None
assert spec.loader is not None
examples = importlib.util.module_from_spec(spec)
sys.modules["docs_examples"] = examples
spec.loader.exec_module(examples)


@pytest.mark.parametrize("language", examples.PAGES)
def test_every_example_of_the_tutorial_prints_what_the_page_says(language: str) -> None:
    page = examples.PAGES[language][0].read_text("utf-8")
    with examples.stage(language) as (run, happen):
        now = examples.run_again(page, run, happen)
    said, seen = (examples.without_chance(text).splitlines() for text in (page, now))
    assert list(difflib.unified_diff(said, seen, "said", "seen", lineterm="")) == [], "run: nox -s generate"
