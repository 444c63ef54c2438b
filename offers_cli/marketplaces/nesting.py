"""How deeply a page's elements are nested, told without parsing it.

A parser of HTML walks its stack of open elements at many tags, so that its time grows with tags times depth: a page of
half a megabyte of ``<div>`` alone costs ten seconds. Real pages have some 10,000 tags, less than 100 deep.
"""

from __future__ import annotations

import re
from collections import Counter

FEW_TAGS = 15_000
MOST_STEPS = 400_000_000
"""Tags times depth; 20,000 tags as deep as they are many took 0.4 s."""

_TAG = re.compile(r"<!--.*?(?:-->|\Z)|<(?P<end>/?)(?P<name>[a-zA-Z][a-zA-Z0-9-]*)", re.DOTALL)
_SCRIPTS = {"script", "style"}
_RAW_TEXT = _SCRIPTS | {"textarea", "title"}
_WITHOUT_CONTENT = {
    "area",
    "base",
    "br",
    "col",
    "embed",
    "hr",
    "img",
    "input",
    "link",
    "meta",
    "source",
    "track",
    "wbr",
}
_CLOSED_BY_THE_NEXT = {"p", "li", "td", "th", "tr", "option", "optgroup", "dt", "dd", "tbody", "thead", "tfoot"}
_NEVER_NESTED = _WITHOUT_CONTENT | _CLOSED_BY_THE_NEXT


def is_too_deep(text: str) -> bool:
    """Whether parsing the page would take longer than any real page does."""
    tags = text.count("<")
    return tags > FEW_TAGS and tags * _depth_at_most(text) > MOST_STEPS


def _depth_at_most(text: str) -> int:
    """About the greatest number of elements open at once, rather too many than too few.

    Tags within scripts count for nothing, and neither do end tags whose element is not open.
    """
    is_open: Counter[str] = Counter()
    raw, depth, deepest = "", 0, 0
    for tag in _TAG.finditer(text):
        name, is_end = (tag["name"] or "").lower(), bool(tag["end"])
        if raw and (is_end or raw in _SCRIPTS):
            raw = "" if is_end and name == raw else raw
        elif name in _RAW_TEXT:
            raw = name
        elif name and name not in _NEVER_NESTED and (is_open[name] or not is_end):
            step = -1 if is_end else 1
            is_open[name] += step
            depth += step
            deepest = max(deepest, depth)
    return deepest
