"""Sources: what an operator may ask to scrape, and how a word becomes one."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from offers_cli.errors import UsageError
from offers_cli.files import is_file, is_folder, parse_path

if TYPE_CHECKING:
    from offers_cli.affiliate.hub import HubFilter

WORDS = ("ofertas", "hub")
SEARCH = "search:"
AN_ID = re.compile(r"[A-Za-z]{3,4}-?\d{5,}", re.ASCII)
"""What the marketplaces call a product."""
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
    """What kind of source a word is; `hub`, `ofertas` and `search:` in any case.

    Raises:
        UsageError: an empty search term or a word that is none of them.
    """
    word = text.strip()
    if word.lower() in WORDS:
        return Source(word.lower(), word.lower())
    if word.lower().startswith(SEARCH):
        term = word[len(SEARCH) :].strip()
        if not term:
            raise UsageError("search: has no term", hint="offers scrape 'search:fone de ouvido'")
        return Source("search", f"{SEARCH}{term}")
    if (address := as_address(word)) and address.startswith(("http://", "https://")):
        return Source("listing", address)
    try:
        path = parse_path(text)
    except ValueError as exc:
        raise UsageError(f"{text!r} is not a source: {exc}", hint="give the path of a saved page") from exc
    if AT_HOST.fullmatch(word) and path.suffix.lower() not in SAVED and not Path(path.parts[0]).exists():
        return Source("listing", f"https://{word}")
    is_pages = word == "-" or (word != "" and is_folder(path))
    if "://" not in text and not is_pages and (is_file(path) or path.suffix.lower() in SAVED or "/" in text):
        return Source("file", text, path)
    raise UsageError(
        f"{text!r} is not a source", hint=f"offers ingest {shlex.quote(word)}" if is_pages else _meant(word, path)
    )


def _meant(word: str, path: Path) -> str:
    """The command that may have been meant by a word that is no source."""
    head, colon, term = word.partition(":")
    near = get_close_matches(head.lower(), (*WORDS, "search"), n=1)
    if near and near[0] in WORDS and not colon:
        return f"offers scrape {near[0]}"
    if near:
        return f"offers scrape {shlex.quote(SEARCH + (term or 'WORDS'))}"
    if AN_ID.fullmatch(word):
        return f"offers show {word}, or offers add LINK with the link of the product"
    if not word or colon or path.suffix:
        return "use hub, ofertas, search:TERM, a listing's https:// address or a saved page (page.html)"
    return f"offers scrape {shlex.quote(SEARCH + word)}"


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
