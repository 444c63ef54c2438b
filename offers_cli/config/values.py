"""The kinds of values that settings have beyond numbers and text: secrets, durations, lists, addresses."""

from __future__ import annotations

import re
from typing import Annotated, NoReturn
from urllib.parse import urlsplit

MASK = "********"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_QUERY_SECRET = re.compile(r"[?&][^&=]*(?:password|username|token|key|secret)[^&=]*=", re.IGNORECASE)
_UNIT_S = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


class Secret:
    """Text that shows itself only to who asks for it by name."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")


Duration = Annotated[float, "duration"]
"""Seconds, written as ``90``, ``90s``, ``10m``, ``1h`` or ``7d``."""
Words = Annotated[tuple[str, ...], "words"]
"""Comma-separated words."""
UrlWithPassword = Annotated[Secret, "url"]
"""An address that may hold a password."""


def parse_duration(text: str) -> float:
    """Seconds of ``90``, ``90s``, ``10m``, ``1h`` or ``7d``; raises `ValueError` for anything else."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([smhd]?)", text.strip(), re.ASCII)
    if not match:
        raise ValueError("expected a duration such as 90, 90s, 10m, 1h or 7d")
    return float(match[1]) * _UNIT_S[match[2]]


def parse_words(text: str) -> tuple[str, ...]:
    """Words of a comma-separated list, blanks dropped."""
    return tuple(word for part in text.split(",") if (word := part.strip()))


def written(value: object) -> str:
    """A value as it is written in a `.env`; nothing for one that is not set."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, tuple | list):
        return ",".join(map(str, value))
    return "" if value is None else str(value)


def one_line(text: str) -> str:
    """The text, if it may stand in any file or message: on one line, in UTF-8; raises `ValueError` otherwise."""
    if found := _CONTROL.search(text):
        what = "is not UTF-8" if "\ud800" <= found[0] <= "\udfff" else "holds a line break or another control character"
        raise ValueError(f"its value {what}")
    return text


def holds_password(url: str) -> bool:
    """Whether an address holds a user's name or password, before its host or in its query."""
    return "@" in url or bool(_QUERY_SECRET.search(url))


def mask_url(url: str) -> str:
    """Scheme, host and path of an address; passwords stand before the host or in the query, and are not shown."""
    try:
        parts = urlsplit(url.strip())
        _, at, host = parts.netloc.rpartition("@")
    except ValueError:
        return MASK
    if "@" in parts.path + parts.query + parts.fragment:
        return MASK  # a password with a slash, a question mark or a hash in it
    return f"{parts.scheme}://{MASK + at if at else ''}{host}{parts.path}"
