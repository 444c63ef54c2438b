"""Real pages, which are kept outside the repository, and ways to take parts of them away."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from offers_cli.errors import OfferGone
from offers_cli.marketplaces.base import ProductReading
from offers_cli.marketplaces.mercado_livre import MercadoLivre

BESIDE_THE_REPOSITORY = Path(__file__).resolve().parents[3] / "shared" / "real-pages"
REAL_PAGES = Path(os.environ.get("OFFERS_REAL_PAGES") or BESIDE_THE_REPOSITORY)
SCRIPT = re.compile(r"<script\b([^>]*)>(.*?)</script>", re.DOTALL | re.IGNORECASE)


def real_pages_folder() -> Path | None:
    return REAL_PAGES if (REAL_PAGES / "expected.json").is_file() else None


def real_names(*kinds: str) -> list[str]:
    """Names of the captures of those folders; none where there are no captures."""
    folder = real_pages_folder()
    return [] if folder is None else [name for name in _expected(folder) if name.split("/")[0] in kinds]


def _expected(folder: Path) -> dict[str, dict[str, Any]]:
    loaded: dict[str, dict[str, Any]] = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    return loaded


class RealPages:
    """The captures and what a human reads on each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.expected = _expected(folder)

    def html(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")


def is_state(attributes: str, body: str) -> bool:
    return bool(
        re.search(r"_n\.ctx\.r\s*=\s*\{|__PRELOADED_STATE__\s*=\s*\{", body) or "__PRELOADED_STATE__" in attributes
    )


def is_linked_data(attributes: str, _: str) -> bool:
    return "ld+json" in attributes


def cut_scripts(html: str, which: Callable[[str, str], bool]) -> str:
    return SCRIPT.sub(lambda found: "" if which(found[1], found[2]) else found[0], html)


def keep_scripts(html: str, which: Callable[[str, str], bool]) -> str:
    """A page that holds nothing but those scripts."""
    kept = [found[0] for found in SCRIPT.finditer(html) if which(found[1], found[2])]
    return f"<!doctype html><html><head>{''.join(kept)}</head><body></body></html>"


def cut_state(html: str) -> str:
    return cut_scripts(html, is_state)


def cut_linked_data(html: str) -> str:
    return cut_scripts(html, is_linked_data)


def only_elements(html: str) -> str:
    return cut_linked_data(cut_state(html))


def only_state(html: str) -> str:
    return keep_scripts(html, is_state)


def only_linked_data(html: str) -> str:
    return keep_scripts(html, is_linked_data)


def without_attribute(name: str, html: str) -> str:
    """The page as if that attribute had never been written, or all its values had been renamed."""
    return re.sub(rf'\s{name}="[^"]*"', "", html, flags=re.IGNORECASE)


def read_product(market: MercadoLivre, html: str, url: str = "") -> ProductReading:
    """What a product page says, also when its product is gone."""
    try:
        return market.read_product(html, url)
    except OfferGone as gone:
        return cast("ProductReading", gone.reading)
