"""Which word is which source."""

from __future__ import annotations

import pytest

from offers_cli.errors import ConfigError, UsageError
from offers_cli.services.sources import parse_source


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("ofertas", "ofertas"),
        ("search:fone", "search"),
        ("https://lista.mercadolivre.com.br/fone", "listing"),
        ("page.html", "file"),
        ("./folder/page", "file"),
        ("cards.json", "file"),
    ],
)
def test_kinds(text: str, kind: str) -> None:
    assert parse_source(text).kind == kind


@pytest.mark.parametrize("text", ["", "ofertsa", "search:", "search:  ", "ftp://x.example"])
def test_other_words_are_refused_with_a_hint(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_source(text)
    assert caught.value.hint


def test_hub_says_what_it_needs() -> None:
    with pytest.raises(ConfigError, match="session"):
        parse_source("hub")
