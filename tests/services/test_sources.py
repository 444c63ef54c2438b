"""Which word is which source."""

from __future__ import annotations

from pathlib import Path

import pytest

from offers_cli.affiliate.hub import HubFilter
from offers_cli.errors import UsageError
from offers_cli.services.sources import check_hub_filter, parse_source


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("ofertas", "ofertas"),
        ("hub", "hub"),
        ("search:fone", "search"),
        ("https://lista.mercadolivre.com.br/fone", "listing"),
        ("HTTPS://lista.mercadolivre.com.br/fone", "listing"),
        ("lista.mercadolivre.com.br/fone", "listing"),
        ("meli.la/2aBcDeF", "listing"),
        ("page.html", "file"),
        ("saved.pages/page.html", "file"),
        ("./folder/page", "file"),
        ("cards.json", "file"),
    ],
)
def test_kinds(text: str, kind: str) -> None:
    assert parse_source(text).kind == kind


def test_a_path_that_looks_like_an_address_is_a_path_where_its_folder_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.pages").mkdir()
    assert parse_source("shop.pages/monday").kind == "file"
    assert parse_source("shop.pages2/monday").label == "https://shop.pages2/monday"


@pytest.mark.parametrize("text", ["", "ofertsa", "search:", "search:  ", "ftp://x.example"])
def test_other_words_are_refused_with_a_hint(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_source(text)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("oferta", "offers scrape ofertas"),
        ("huv", "offers scrape hub"),
        ("search", "offers scrape search:WORDS"),
        ("seach:fone", "offers scrape search:fone"),
        ("fone de ouvido", "offers scrape 'search:fone de ouvido'"),
        ("MLB19120023", "offers show MLB19120023, or offers add LINK"),
        ("-", "offers ingest -"),
        (".", "offers ingest ."),
        ("a folder", "offers ingest 'a folder'"),
        ("javascript:alert(1)", "use hub, ofertas, search:TERM"),
        ("page.pdf", "use hub, ofertas, search:TERM"),
    ],
)
def test_what_was_meant_is_the_hint(text: str, meant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a folder").mkdir()
    with pytest.raises(UsageError, match="is not a source") as caught:
        parse_source(text)
    assert caught.value.hint.startswith(meant)


@pytest.mark.parametrize("text", ["Ofertas", " hub ", "SEARCH: fone"])
def test_case_and_blanks_do_not_matter(text: str) -> None:
    assert parse_source(text).label == text.strip().lower().replace(": ", ":")


def test_filters_need_the_hub() -> None:
    wanted = HubFilter(category="MLB1574")
    hub, ofertas = parse_source("hub"), parse_source("ofertas")
    assert check_hub_filter(wanted, [ofertas, hub]) is wanted
    assert check_hub_filter(HubFilter(), [ofertas]) == HubFilter()
    with pytest.raises(UsageError, match="hub"):
        check_hub_filter(wanted, [ofertas])
    with pytest.raises(UsageError, match="category"):
        check_hub_filter(HubFilter(category="mlb 1"), [hub])
