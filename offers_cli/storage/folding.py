"""Text as it is searched and sorted."""

from __future__ import annotations

import unicodedata


def folded(text: str) -> str:
    """The text without case and accents, for searching and sorting."""
    return "".join(c for c in unicodedata.normalize("NFKD", text).lower() if not "\u0300" <= c <= "\u036f")
