"""What a page or an address says never becomes a part of a command that a hint advises."""

from __future__ import annotations

import ast
import shlex
from pathlib import Path

import pytest

import offers_cli
from offers_cli.errors import PageError
from offers_cli.marketplaces.html import explain_command
from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.marketplaces.schema_org import SchemaOrg

ODD = (
    *("\n", "\r", "'", '"', " ", "%0a", "$(id)", "`id`", ";id", "&&id", "|id", ">x", "\\", "!", "*", "~", "\x9b"),
    "\x1b]52;c;x\x07",
)
PAGES = {
    "no page of a shop": "<html><body><p>x",
    "no price": "<h1 class=ui-pdp-title>x</h1>",
    "two currencies": '<meta property="og:price:currency" content="USD"><script type="application/ld+json">'
    '{"@type":"Product","name":"x","offers":{"price":"1.00","priceCurrency":"BRL"}}</script>',
    "cards without prices": '<div class="ui-search-results"><div class="poly-card">x</div></div>',
}


def hints_about(page: str, url: str) -> list[str]:
    hints = []
    for market in (MercadoLivre(), SchemaOrg()):
        for read in (market.read, market.read_product):
            try:
                read(page, url)
            except PageError as error:
                hints.append(error.hint)
    return hints


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("page", PAGES)
def test_a_hint_is_one_command_with_one_argument(page: str, odd: str) -> None:
    hints = hints_about(PAGES[page], f"https://shop.example/MLB-1-{odd}touch{odd}?token=hush#{odd}")
    assert any(hint.startswith("offers explain ") for hint in hints)
    for hint in hints:
        assert hint.isprintable()
        assert "hush" not in hint
        if "http" in hint:
            assert len(shlex.split(hint, comments=True)) == 3


def test_an_address_is_shown_without_its_query_and_not_at_all_where_there_is_none() -> None:
    assert explain_command("https://shop.example/a?token=hush#x") == "offers explain https://shop.example/a"
    assert explain_command("https://u:pw@shop.example/a b") == "offers explain 'https://shop.example/a b'"
    assert explain_command("") == "offers explain FILE"


SAFE = {"shlex.quote", "explain_command", "install_command", "extra_command", "_sql_editor"}
OWN_WORDS = {
    # names of settings, options and commands of our own, texts that were quoted where they were made, a number
    *("error.hint", "folder", "hint", "lacking", "name", "near[0]", "needed", "option", "renames", "shown", "there"),
    *("DECIDE", "RobotsForbidden.code", "first.hint", "GOES_ON", "IMPORT_HINT", "BY_HAND", "', '.join(SUFFIXES)"),
    *("us", "where", "words[0]", "health.primary", "directory", "text.strip()"),
    *("setting.name", "group", "HOME", "digits[1]", "target.lower()"),  # the last is one of the sources' names
}


def test_every_hint_quotes_what_it_did_not_write() -> None:
    """A new hint with text from elsewhere is either quoted, or entered above after a look at where it comes from."""
    unquoted = []
    for path in sorted(Path(offers_cli.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg in {"hint", "advice"}:
                unquoted += [
                    f"{path.name}:{node.value.lineno}: {ast.unparse(part.value)}"
                    for part in ast.walk(node.value)
                    if isinstance(part, ast.FormattedValue) and not _is_safe(part.value)
                ]
    assert not unquoted


def _is_safe(value: ast.expr) -> bool:
    called = ast.unparse(value.func) if isinstance(value, ast.Call) else ""
    return called in SAFE or ast.unparse(value) in OWN_WORDS
