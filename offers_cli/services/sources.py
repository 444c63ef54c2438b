"""Sources: what an operator may ask to scrape, and how a word becomes one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from offers_cli.affiliate.hub import HubFilter
from offers_cli.errors import UsageError
from offers_cli.files import is_file, parse_path

SAVED = (".html", ".htm", ".json")
AT_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)+(?::\d+)?/\S+", re.ASCII)
"""What may be an address without its scheme; a path may look alike."""
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


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
    """What kind of source a word is.

    Raises:
        UsageError: an empty search term or a word that is none of them.
    """
    if text in {"ofertas", "hub"}:
        return Source(text, text)
    if text.startswith("search:"):
        if not text.removeprefix("search:").strip():
            raise UsageError("search: has no term", hint="offers scrape 'search:fone de ouvido'")
        return Source("search", text)
    if (address := as_address(text)) and address.startswith(("http://", "https://")):
        return Source("listing", address)
    try:
        path = parse_path(text)
    except ValueError as exc:
        raise UsageError(f"{text!r} is not a source: {exc}", hint="give the path of a saved page") from exc
    if AT_HOST.fullmatch(text) and path.suffix.lower() not in SAVED and not Path(path.parts[0]).exists():
        return Source("listing", f"https://{text}")
    if "://" not in text and (is_file(path) or path.suffix.lower() in SAVED or "/" in text):
        return Source("file", text, path)
    raise UsageError(
        f"{text!r} is not a source",
        hint="use hub, ofertas, search:TERM, a listing URL or a saved page (page.html)",
    )


def as_address(text: str) -> str | None:
    """The address that a word is, its scheme in lower case, allowed or not; None for what has no scheme."""
    found = SCHEME.match(text)
    return found[0].lower() + text[found.end() :] if found else None


def check_hub_filter(wanted: HubFilter, sources: Sequence[Source]) -> HubFilter:
    """The filter, when it can be obeyed.

    Raises:
        UsageError: no hub among the sources, or no id of a category.
    """
    if wanted.is_set and all(source.kind != "hub" for source in sources):
        raise UsageError(
            "--category, --extra-commission and --best-seller are filters of the hub", hint="offers scrape hub …"
        )
    if wanted.category and not re.fullmatch(r"[A-Z]{3}[0-9]{1,9}", wanted.category):
        raise UsageError(f"--category {wanted.category!r} is no category's id", hint="--category MLB1574")
    return wanted
