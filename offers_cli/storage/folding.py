"""Text as it is searched and sorted."""

from __future__ import annotations

import unicodedata


def folded(text: str) -> str:
    """The text without case and accents, for searching and sorting; a sigma is one letter wherever it stands."""
    lower = unicodedata.normalize("NFKD", text).lower().replace("\u03c2", "\u03c3")
    return "".join(c for c in lower if not "\u0300" <= c <= "\u036f")
