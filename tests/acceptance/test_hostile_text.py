"""Titles, pages, names of files and arguments that hold what a terminal obeys: no command hands it on, by any way."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from acceptance.program import Program, at_shop
from acceptance.terminal import Terminal
from shop import Shop
from storage.cases import card
from text.hostile import OBEYED, SEQUENCES, TITLES

from offers_cli.demo.catalogue import Catalogue
from offers_cli.redis.embedded import stop_server
from offers_cli.storage.sqlite.storage import open_sqlite

EVIL = "".join(SEQUENCES[:3]) + "\x9b31m\u202e"
OWN = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r\n|\r(?=\x1b)")
"""How our own progress moves on a terminal that has no colours."""
QUIET_COMMANDS = [
    ["list", "--limit", "100"],
    ["show", "MLB7"],
    ["history", "MLB7"],
    ["deals", "--why"],
    ["failed", "--limit", "100"],
    ["stats"],
    ["runs"],
    ["doctor"],
    ["export"],
    ["export", "--format", "json"],
    ["export", "--format", "jsonl"],
    ["explain", "page.html"],
    ["scrape", "page.html", "--dry-run"],
    ["enqueue-missing", "--dry-run"],
    ["requeue-failed", "--dry-run"],
    ["replay", "--dry-run"],
    ["db", "repair", "--dry-run"],
    ["db", "prune", "--dry-run"],
    ["config", "show"],
    ["session", "check"],
    # arguments come from pages too: an address that is copied, a file that is saved
    ["show", EVIL],
    ["list", "--search", EVIL],
    ["list", "--sort", EVIL],
    ["scrape", f"{EVIL}.html"],
    ["scrape", f"https://{EVIL}.test/"],
    ["explain", f"https://www.mercadolivre.com.br/{EVIL}"],
    ["help", EVIL],
    [EVIL],
    ["--debug", "show", EVIL],
]


@pytest.fixture(scope="module")
def program() -> Iterator[Program]:
    """Offers under hostile titles, of which the worker found every page gone, and a saved page of such cards."""
    with Shop(Catalogue(1, 1, ())) as shop, tempfile.TemporaryDirectory(prefix="of-") as name:
        program = at_shop(Program(Path(name) / "home"), shop)
        cards = [
            card(number, title=title, url=f"{shop.url}/MLB-{number}00000", currency=f"R{title}".replace("\0", "")[:40])
            for number, title in enumerate(TITLES)
        ]
        program.home.mkdir(mode=0o700)
        with closing(open_sqlite(program.home / "offers.db")) as storage:
            assert storage.save_offers(cards, seen_at=datetime.now(UTC)).refused == ()
        Path(name, "page.html").write_text(_listing(shop.url), encoding="utf-8")
        program("enqueue-missing", "--limit", "1000", "--quiet")
        worked = program("worker", "--burst")
        assert not OBEYED.search(worked.out + worked.err)
        yield program
        stop_server(program.home)


def _listing(url: str) -> str:
    price = """<div class="poly-component__price"><div class="poly-price__current">
      <span class="andes-money-amount" role="img" aria-label="Agora: 1.234 reais">
      <span class="andes-money-amount__fraction" aria-hidden="true">1.234</span></span></div></div>"""
    cards = (
        f'''<div class="poly-card"><a class="poly-component__title" href="{url}/MLB-{number}55555"
        >{"".join(f"&#{ord(sign)};" for sign in title)}</a>{price}</div>'''
        for number, title in enumerate(TITLES)
    )
    return f'<html><head><link rel="canonical" href="{url}/ofertas"></head><body>{"".join(cards)}</body></html>'


@pytest.mark.slow
@pytest.mark.parametrize("words", QUIET_COMMANDS, ids=lambda words: repr(" ".join(words))[1:30])
def test_no_command_hands_on_what_a_terminal_obeys(program: Program, words: Sequence[str]) -> None:
    """On a terminal, in a pipe, as JSON, with logs as JSON; result and errors alike."""
    with Terminal(program, *words, "-v", NO_COLOR="1") as terminal:
        terminal.end()
    shown = OWN.sub("", terminal.raw.decode())
    assert not OBEYED.search(shown), ascii(shown)
    for piped in (program(*words, "-v"), program(*words, "-v", "--json", OFFERS_LOG_FORMAT="json")):
        assert not OBEYED.search(piped.out + piped.err), ascii(piped.out + piped.err)


def test_the_pages_titles_are_what_is_looked_at(program: Program) -> None:
    """Else the tests above would prove nothing."""
    assert {offer["title"] for offer in program.json("list", "--limit", "1000").data["offers"]} >= set(TITLES[:15])
    assert "owned" in program("list", "--limit", "1000").out
    assert program.json("scrape", "page.html", "--dry-run").data["seen"] == len(TITLES)
