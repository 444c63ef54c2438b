"""What stands in Redis, read: anybody who can write there may have put anything in its place."""

from __future__ import annotations

import json
from typing import Any

TEXT_LIMIT = 2000
JSON_LIMIT = 65_536
DIGITS = 15
"""Of a whole number: more than any count, time or pid has, and exact in Lua as well."""


def as_text(value: Any) -> str:
    """The beginning of a text, with U+FFFD for what is not UTF-8; empty for whatever is no text."""
    return _bytes(value)[: 4 * TEXT_LIMIT].decode(errors="replace")[:TEXT_LIMIT]


def as_number(value: Any) -> int | None:
    """A whole number from 0; None for whatever is none, or has more than `DIGITS` digits."""
    digits = _bytes(value)
    return int(digits) if digits.isdigit() and len(digits) <= DIGITS else None


def as_json(value: Any, *, limit: int = JSON_LIMIT) -> Any:
    """What a JSON text says; None for whatever is none, is longer than `limit` bytes, or nested too deeply.

    Its texts can be written as UTF-8: they hold no half of a surrogate pair.
    """
    text = _bytes(value)
    if len(text) > limit:
        return None
    try:
        found = json.loads(text.decode(errors="replace"))
        if b"\\u" in text:
            found = json.loads(json.dumps(found, ensure_ascii=False).encode(errors="replace"))
    except (ValueError, RecursionError):
        return None
    return found


def _bytes(value: Any) -> bytes:
    """Of a client that decodes answers, too."""
    return value.encode(errors="replace") if isinstance(value, str) else value if isinstance(value, bytes) else b""
