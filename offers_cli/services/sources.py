"""Sources: what an operator may ask to scrape, and how a word becomes one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from offers_cli.errors import ConfigError, UsageError

SAVED = (".html", ".htm", ".json")


@dataclass(frozen=True, slots=True)
class Source:
    """One source of listings.

    Attributes:
        kind: ``ofertas``, ``search``, ``hub``, ``listing`` (an address) or ``file``.
        label: what the operator wrote.
        path: the saved page of a ``file`` source.
    """

    kind: str
    label: str
    path: Path | None = None


def parse_source(text: str) -> Source:
    """Tell what kind of source a word is.

    Raises:
        UsageError: an empty search term or a word that is none of them.
        ConfigError: ``hub``, which needs a session.
    """
    if text == "ofertas":
        return Source("ofertas", text)
    if text == "hub":
        raise ConfigError(
            "hub needs the affiliate's session, which this version cannot import yet",
            hint="offers scrape ofertas",
        )
    if text.startswith("search:"):
        if not text.removeprefix("search:").strip():
            raise UsageError("search: has no term", hint="offers scrape 'search:fone de ouvido'")
        return Source("search", text)
    if text.startswith(("http://", "https://")):
        return Source("listing", text)
    path = Path(text).expanduser()
    if "://" not in text and (path.is_file() or path.suffix.lower() in SAVED or "/" in text):
        return Source("file", text, path)
    raise UsageError(
        f"{text!r} is not a source",
        hint="use ofertas, search:TERM, a listing URL or a saved page (page.html)",
    )
