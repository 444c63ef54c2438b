"""Text of strangers: what is replaced, escaped and defused, and that nothing else is."""

from __future__ import annotations

import io
import json
import logging
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from services.test_export import OFFER, written
from text.hostile import C1, OBEYED, TITLES, TURNING

from offers_cli.cli.render import Output, Table
from offers_cli.log import configure_logging
from offers_cli.report import Problem, envelope
from offers_cli.services.enqueue_missing import EnqueueMissingReport
from offers_cli.text import cell_of_csv, cells_of_csv, defused, json_pieces, json_text, printable, printable_lines

SIGNS = "=+-@＝＋－＠﹦﹢﹣﹫"
UNSEEN = [*"\u200b\ufeff\u202e\u2060\u00ad\u200d\u3164\ufe0f\u00a0\u3000 ", "'", '"']


@pytest.mark.parametrize("title", TITLES)
def test_no_form_of_text_holds_what_a_terminal_obeys(title: str) -> None:
    for shown in (printable(title), printable_lines(title), json_text({"a": [title]}), cell_of_csv(title)):
        assert not OBEYED.search(shown)
    assert json.loads(json_text({title: [title]})) == {title: [title]}, "JSON says the same, escaped"


def test_a_large_document_comes_in_pieces_that_are_escaped_too() -> None:
    rows = [{"title": title, "prices": [1, None, True]} for title in TITLES] * 200
    pieces = list(json_pieces(rows, default=str))
    assert len(pieces) > 1
    assert max(map(len, pieces)) < len("".join(pieces)) / 2
    assert not OBEYED.search("".join(pieces))
    assert json.loads("".join(pieces)) == rows


def test_json_escapes_those_alone() -> None:
    kept = "Ação 日本 👨‍👩‍👧 “x” \u200b"
    assert json_text(kept) == f'"{kept}"'
    assert json_text(f"a{C1[0]}b{TURNING[1]}c\x7f") == '"a\\u0080b\\u200ec\\u007f"'


def test_json_of_half_a_surrogate_pair_can_be_written() -> None:
    """It is how Python tells of a file's name, or an argument, that is not UTF-8."""
    assert json_text("\udcff").encode() == b'"\\udcff"'


def test_a_csv_keeps_what_is_no_command() -> None:
    assert cell_of_csv("a\tb\nAção 👨‍👩‍👧\u200b") == "a\tb\nAção 👨‍👩‍👧\u200b"
    assert cell_of_csv("a\x1b[31m\rb") == "a�[31m�b"


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("before", ["", "\t", "x\t", "\n", "a;", *UNSEEN, "".join(UNSEEN), " " * 100])
def test_formulas_are_defused_behind_what_is_not_seen(before: str, sign: str) -> None:
    cell = f"{before}{sign}cmd|' /C calc'!A0"
    safe = defused(cell)
    assert safe.endswith(f"'{sign}cmd|' /C calc'!A0")
    assert safe.replace("'", "") == cell.replace("'", "")


@pytest.mark.parametrize("evil", [*TITLES, *(f"{before}{sign}1" for before in ("", "a;", *UNSEEN) for sign in SIGNS)])
def test_one_hostile_text_among_many_does_not_pass_with_them(evil: str) -> None:
    """Cells are looked at together: the formula would be run, and the terminal obey, for all that stand before it."""
    for texts in ([evil], ["Fone", None, evil], [evil, "", "a; b"], ["Fone\n", evil], [None, "x;", evil, "="]):
        assert cells_of_csv(texts) == [text and cell_of_csv(text) for text in texts]


@given(st.lists(st.none() | st.text("".join([*SIGNS, *UNSEEN, ";\t\r\n a\x1b\u200b"]), max_size=6)))
def test_cells_are_the_same_together_as_alone(texts: list[str | None]) -> None:
    assert list(cells_of_csv(texts)) == [text and cell_of_csv(text) for text in texts]


def test_a_sign_that_is_a_whole_cell_or_stands_inside_a_word_is_no_formula() -> None:
    for text in ("-", "Fone 10-20 m", "a = b", "e-mail@x.com", "C++", "x\u200b=1"):
        assert defused(text) == text


@pytest.mark.parametrize("text", ["\t" * 500_000, "\u200b" * 500_000, "; " * 250_000, "'" * 500_000 + "x"])
def test_defusing_is_linear(text: str) -> None:
    """Else these half million signs would take hours."""
    assert defused(text).replace("'", "") == text.replace("'", "")


@pytest.mark.parametrize("name", ["csv", "json", "jsonl"])
def test_exports_hold_nothing_that_a_terminal_obeys(name: str) -> None:
    offers = [replace(OFFER, id=f"o{number}", title=title) for number, title in enumerate(TITLES)]
    assert not OBEYED.search(written(name, *offers).decode())


def test_a_piped_table_is_defused_as_a_csv_is(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(title="T", columns=("a", "b"), rows=[("=1+1", "\u200b@SUM(1)"), ("-", -5)])
    Output().show("list", EnqueueMissingReport(), [table])
    assert capsys.readouterr().out == "a\tb\n'=1+1\t�'@SUM(1)\n-\t-5\n"


def test_the_document_and_both_kinds_of_log_lines_hold_nothing_that_a_terminal_obeys() -> None:
    stream = io.StringIO()
    package = logging.getLogger("offers_cli")
    before = package.handlers[:], package.level, package.propagate
    try:
        for json_lines in (True, False):
            configure_logging(verbosity=1, json_lines=json_lines, stream=lambda: stream)
            for title in TITLES:
                error = ValueError(title)
                package.error("told %s", title, exc_info=error, extra={"figures": {"title": title}})
    finally:
        package.handlers[:], package.level, package.propagate = before
    problems = [Problem(code="x", message=title, hint=title) for title in TITLES]
    document = envelope("list", {"offers": TITLES}, problems, failed=False)
    assert json.loads(document)["data"]["offers"] == TITLES
    assert not OBEYED.search(stream.getvalue() + document)
