"""Pages from templates: fragments of HTML, and scripts with embedded data."""

from __future__ import annotations

import json
import re
from functools import cache
from html import escape
from importlib import resources
from string import Template
from typing import Any

_UNSAFE = str.maketrans({"/": "\\u002F", "<": "\\u003C", ">": "\\u003E"})


class Html(str):
    """Text that is HTML already, and is not escaped again."""

    __slots__ = ()


NOTHING = Html()


def render(file: str, fragment: str, **values: object) -> Html:
    """A fragment of a template, its values filled in: escaped, unless they are `Html`."""
    filled = {name: value if isinstance(value, Html) else escape(str(value)) for name, value in values.items()}
    return Html(_fragments(file)[fragment].substitute(filled))


@cache
def _fragments(file: str) -> dict[str, Template]:
    """The fragments of one file, each below a comment that names it; line breaks are no part of them."""
    text = resources.files(__package__).joinpath("templates", file).read_text("utf-8")
    names_and_parts = re.split(r"<!-- (\w+) -->\n", text)[1:]
    pairs = zip(names_and_parts[::2], names_and_parts[1::2], strict=True)
    return {name: Template(part.replace("\n", "")) for name, part in pairs}


def join(*fragments: Html) -> Html:
    return Html("".join(fragments))


def script_json(data: Any) -> Html:
    """JSON as it stands in a script element: slashes and angle brackets only as escapes, keys of None left out."""
    return Html(json.dumps(_present(data), ensure_ascii=False, separators=(",", ":")).translate(_UNSAFE))


def _present(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _present(value) for key, value in data.items() if value is not None}
    return [_present(each) for each in data] if isinstance(data, list) else data


def json_ld(data: Any) -> Html:
    return render("scripts.html", "json_ld", data=script_json(data))


def preloaded_state(state: dict[str, Any]) -> Html:
    """The state in the middle of an anonymous inline script, as in 2024 and 2025."""
    spaced = Html(f"\n          window.__PRELOADED_STATE__ =\n            {script_json(state)};\n        ")
    return render("scripts.html", "preloaded_state", assignment=spaced)


def state_element(state: dict[str, Any]) -> Html:
    """The state as the only content of its script, as in search results and in the hub."""
    return render("scripts.html", "state_element", state=script_json(state))


def nordic_context(props: dict[str, Any] | None, *, bot: bool = False) -> Html:
    """The rendering context of 2026; more JavaScript follows the JSON in the same script.

    Args:
        props: the page's own data; bots are served none.
    """
    flags = {"isBot": bot, "loadable": True, "islands": False, "staticMarkup": bot}
    app = {"pageProps": props} if props else None
    context = {"flags": flags, "framework": "nordic", "appProps": app}
    return render("scripts.html", "nordic_context", context=script_json(context))
