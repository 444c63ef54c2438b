"""Text that others wrote, made harmless for where it goes: a terminal, JSON, a spreadsheet."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

WORDS_AT_ONCE = 10_000
"""Names, values and marks of a large JSON document in one piece of it."""

_BIDIRECTIONAL = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_COMMANDS = rf"\x00-\x1f\x7f-\x9f{_BIDIRECTIONAL}"
"""What a terminal obeys instead of showing it: C0 and C1 controls, DEL, and marks that turn the writing round."""
_UNSEEN = (
    r"\u00ad\u034f\u115f\u1160\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufffd"
)

_NOT_IN_JSON = re.compile(rf"[\x7f-\x9f{_BIDIRECTIONAL}\ud800-\udfff]")
_NOT_IN_CELLS = re.compile(rf"(?![\t\n])[{_COMMANDS}]")
_AFTER = r"[;\t\r\n]"
_SIGN = rf"""(?:[^\S\t\r\n]|["'{_UNSEEN}])*+(?=[=+\-@\t\r＝＋－＠﹦﹢﹣﹫][\s\S])"""
_FORMULA = re.compile(rf"((?:^|{_AFTER}){_SIGN})")
"""Where a spreadsheet would begin a formula: at the start of a cell, or, in countries whose lists are separated by
semicolons (Brazil), after one inside a cell; behind blanks, quotes and what is not seen. Source: OWASP, "CSV
Injection"."""
_FORMULA_INSIDE = re.compile(_AFTER + _SIGN)


def printable(text: str) -> str:
    """The text on one line, control characters (escape codes among them) replaced."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text.replace("\n", " "))


def printable_lines(text: str) -> str:
    """The same, line by line, each ended."""
    return "".join(printable(line) + "\n" for line in text.split("\n"))


_on_one_line = json.JSONEncoder(ensure_ascii=False).encode


def json_text(value: Any, *, default: Callable[[Any], Any] | None = None) -> str:
    r"""JSON in UTF-8 that may also be shown: what a terminal obeys, and half a surrogate pair, stands as ``\u…``."""
    text = _on_one_line(value) if default is None else json.dumps(value, ensure_ascii=False, default=default)
    return _escaped(text)


def json_pieces(value: Any, *, default: Callable[[Any], Any]) -> Iterator[str]:
    """As `json_text`, over several lines, piece by piece: a large document is never held as a whole."""
    words = json.JSONEncoder(ensure_ascii=False, indent=2, default=default).iterencode(value)
    while piece := "".join(islice(words, WORDS_AT_ONCE)):
        yield _escaped(piece)


def _escaped(text: str) -> str:
    if text.isprintable():  # nothing of that is; and it costs a tenth of a search
        return text
    return _NOT_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def cell_of_csv(text: str) -> str:
    """The text as a cell of a file: formulas defused, what a terminal obeys replaced, but for tabs and line ends."""
    return defused(text if text.isprintable() else _NOT_IN_CELLS.sub("\N{REPLACEMENT CHARACTER}", text))


def cells_of_csv(texts: Sequence[str | None]) -> Sequence[str | None]:
    """Each as by `cell_of_csv`. Most need nothing: they are looked at together, as if they were one cell's parts."""
    together = ";" + ";".join(filter(None, texts))
    if together.isprintable() and not _FORMULA_INSIDE.search(together):
        return texts
    return [text and cell_of_csv(text) for text in texts]


def defused(text: str) -> str:
    """Text that no spreadsheet runs as a formula: a quote stands before its first sign."""
    return _FORMULA.sub(r"\1'", text)
