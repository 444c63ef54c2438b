"""The data a page embeds for its own scripts, in each layout seen from 2024 to 2026.

    <script id="__PRELOADED_STATE__" type="application/json">{…}         hub, searches of 2025
    window.__PRELOADED_STATE__ = {…};                                    product pages of 2024, offers of 2025
    <script id="__NORDIC_RENDERING_CTX__">_n.ctx.r={…};_n.ctx.r.assets…  product pages, offers and searches of 2026

More script follows the data in two of them, so that it is decoded from its first brace. The names occur in bundled
script too: only a brace behind them counts, and only in a script: what a seller or a visitor wrote is no data of the
page's own. A page without state is no error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from offers_cli.marketplaces.html import Document, select
from offers_cli.money import WrittenNumber

Json = dict[str, Any]

_NAME = "__PRELOADED_STATE__"
_MARKS = {
    "_n.ctx.r": re.compile(r"\s*=\s*(?=\{)"),
    _NAME: re.compile(r"""(?:["']\])?\s*=\s*(?=\{)"""),
}
"""Each name, and what may stand between it and the brace."""

_BEGINNING = re.compile(r"[\ufeff\s]*(?=\{)")
_MOST_TRIES = 20
_LONGEST_TEXT = 2000
_decoder = json.JSONDecoder(parse_float=WrittenNumber)


def find_states(document: Document) -> Iterator[Json]:
    """Every embedded state of a page; a text that is JSON as a whole is its own state."""
    if document.is_json:
        yield from _whole_state(document.data.decode())
    for script in select(document.tree, "script"):
        text = script.text(deep=True)
        if script.id == _NAME:
            yield from _whole_state(text)
        for mark, opening in _MARKS.items():
            yield from _states_behind(text, mark, opening)


def _whole_state(text: str) -> Iterator[Json]:
    if whole := _BEGINNING.match(text):
        state, _ = _decode(text, whole.end())
        yield from dicts([state])


def _states_behind(text: str, mark: str, opening: re.Pattern[str]) -> Iterator[Json]:
    """The states that a name announces; what was decoded, well or not, is not looked into for further ones."""
    position = 0
    for _ in range(_MOST_TRIES):  # a page that repeats the name endlessly is not followed
        found = text.find(mark, position)
        if found < 0:
            return
        position = found + len(mark)
        if brace := opening.match(text, position):
            state, position = _decode(text, brace.end())
            yield from dicts([state])


def _decode(text: str, start: int) -> tuple[object, int]:
    """What JSON stands there, and where it ends; None where it is cut off, mangled, or nested to break a reader."""
    try:
        return _decoder.raw_decode(text, start)
    except json.JSONDecodeError as exc:
        return None, exc.pos
    except (ValueError, RecursionError):  # a number of thousands of digits
        return None, len(text)


def dig(tree: object, *path: str | int) -> Any:
    """What stands at a path of keys and positions, or None where the path ends early."""
    for step in path:
        if isinstance(tree, dict):
            tree = tree.get(step)
        elif isinstance(tree, list) and isinstance(step, int) and -len(tree) <= step < len(tree):
            tree = tree[step]
        else:
            return None
    return tree


def dicts(tree: object) -> list[Json]:
    """The objects of a list; nothing for anything else."""
    return [entry for entry in tree if isinstance(entry, dict)] if isinstance(tree, list) else []


def text_in(value: object) -> str | None:
    """A text with its white space made single, cut where no such text is as long; None when there is none."""
    return (" ".join(value[:_LONGEST_TEXT].split()) or None) if isinstance(value, str) else None


def page_props(state: Json) -> Iterator[Json]:
    """The places where a state keeps the page's own data."""
    for place in (
        dig(state, "appProps", "pageProps"),
        dig(state, "pageState"),
        dig(state, "props", "pageProps"),
        state,
    ):
        if isinstance(place, dict):
            yield place


def find_location(document: Document) -> str | None:
    """The address that a page's state tells; offers pages have no canonical one."""
    places = (place for state in find_states(document) for place in page_props(state))
    told = (place.get("actualLocation") for place in places)
    return next((url for url in told if isinstance(url, str) and url.startswith(("https://", "http://"))), None)
