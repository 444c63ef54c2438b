"""No word of a command line is a bug: it is refused by a message that names it."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from offers_cli.cli.main import main

LONG = "x" * 600
DIGITS = "9" * 400


@pytest.mark.parametrize(
    ("words", "code", "named"),
    [
        (["scrape", "~nouser/x.html"], "usage", "~nouser"),
        (["scrape", LONG], "usage", "file name too long"),
        (["scrape", f"{LONG}.html"], "usage", "file name too long"),
        (["scrape", "https://www.mercadolivre.com.br/\udcff"], "usage", r"\udcff"),
        (["scrape", "search:\udcff"], "usage", r"search:\udcff"),
        (["scrape", "\udcff.html"], "usage", r"\udcff.html"),
        (["scrape", "--limit", DIGITS], "usage", "--limit"),
        (["explain", LONG], "not_found", "file name too long"),
        (["explain", "~nouser/x"], "not_found", "~nouser"),
        (["show", "\udcff"], "usage", r"\udcff"),
        (["show", LONG], "not_found", LONG),
        (["list", "--search", "\udcff"], "usage", r"\udcff"),
        (["list", "--limit", DIGITS], "usage", "--limit"),
        (["list", "--since", f"{DIGITS}d"], "usage", "--since"),
        (["list", "--since", "0001-01-01"], "usage", "0001-01-01"),
        (["enqueue-missing", "--recheck-after", f"{DIGITS}d"], "usage", "--recheck-after"),
        (["session", "import", "~nouser/x"], "usage", "~nouser"),
        (["session", "import", LONG], "usage", "file name too long"),
        (["export", LONG], "usage", "file name too long"),
        (["export", "~nouser/x.csv"], "usage", "~nouser"),
        (["db", "backup", LONG], "usage", "file name too long"),
        (["db", "restore", "~nouser/x"], "usage", "~nouser"),
        (["db", "adopt", "t", "--from", LONG], "usage", "file name too long"),
        (["service", "compose", "--to", LONG], "usage", "file name too long"),
        (["\udcff"], "usage", r"\udcff"),
    ],
    ids=lambda value: " ".join(value)[:40].encode("ascii", "replace").decode() if isinstance(value, list) else "",
)
def test_a_hostile_word_is_refused_by_name(
    words: Sequence[str],
    code: str | None,
    named: str,
    anywhere: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    main([*words, "--json"])
    document = json.loads(capsys.readouterr().out)
    assert [error["code"] for error in document["errors"]] == ([code] if code else [])
    assert all(named in error["message"] for error in document["errors"])
