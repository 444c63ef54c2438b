"""Pages of the reading tests, kept as the worker keeps them."""

from __future__ import annotations

import json
from pathlib import Path

from storage.cases import at

from offers_cli.fetch.response import Page
from offers_cli.fetch.snapshots import Snapshots

PAGES = Path(__file__).parents[1] / "reading" / "pages"


def page_of(name: str, minute: float = 1) -> Page:
    """One page of the reading tests as if it had been fetched in that minute."""
    url = json.loads((PAGES / name / "expected.json").read_text()).get("url") or "https://produto.mercadolivre.com.br/x"
    text = (PAGES / name / "page.html").read_text()
    return Page(url=url, final_url=url, status=200, body=text.encode(), encoding="utf-8", fetched_at=at(minute))


def keep(snapshots: Snapshots, name: str, offer_id: str, code: str | None = "page_changed", minute: float = 1) -> None:
    assert snapshots.keep(page_of(name, minute), offer_id=offer_id, code=code)
