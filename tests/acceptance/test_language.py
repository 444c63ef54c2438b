"""A whole day's work in Portuguese: people read it, programs see what they see in English."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from acceptance.program import Program, at_shop
from acceptance.terminal import Terminal
from shop import Shop

from offers_cli.demo.catalogue import Behaviour, Catalogue
from offers_cli.redis.embedded import stop_server

ENGLISH = re.compile(r"\b(?:the|of|and|is|are|was|were|with|from|that|this|not|found|left|offers? (?:of|that))\b")
TYPED = re.compile(r"\boffers [a-z-]+.*|`[^`]*`|https?://\S+|/\S+")
CHANGING = re.compile(
    r'"(?:now|checked_at|[a-z_]*_s|[a-z]+_bytes|clients|jobs_per_minute|evidence)": [^\n]*'
    r"|\d{4}-\d\d-\d\dT[\d:.]+Z|\d+(?:\.\d+)? s\b"
)
"""What no two runs have alike: moments, durations, and what `doctor` measures."""
OFFER = "the first offer"
LINES = [
    ("stats",),
    ("failed",),
    ("list", "--limit", "3"),
    ("show", OFFER),
    ("history", OFFER),
    ("deals", "--why", "--limit", "2"),
    ("runs",),
    ("schedule", "list"),
    ("alerts", "list"),
    ("doctor",),
    ("config", "show", "--origin"),
    ("redis", "status"),
    ("links", "check"),
    ("enqueue-missing", "--dry-run"),
    ("requeue-failed", "--dry-run"),
    ("replay", "--dry-run"),
    ("explain", OFFER),
    ("db", "prune", "--older-than", "400d", "--dry-run"),
]


@pytest.fixture(scope="module")
def brazilian() -> Iterator[tuple[Program, Shop]]:
    """A program that speaks Portuguese, after a day with two broken pages and one that is gone."""
    troubles = (Behaviour.BROKEN, Behaviour.BROKEN, Behaviour.GONE_404)
    with tempfile.TemporaryDirectory(prefix="of-") as name, Shop(Catalogue(40, 1, troubles)) as shop:
        program = at_shop(Program(Path(name) / "home"), shop, LC_ALL="pt_BR.UTF-8")
        assert program("scrape", "ofertas", "--pages", "20").code == 0
        program("worker", "--burst")
        program("schedule", "add", "--every", "30m", "--", "scrape", "ofertas")
        yield program, shop
        stop_server(program.home)


@pytest.mark.parametrize("line", LINES, ids=lambda line: " ".join(line[:2]))
def test_people_read_portuguese_and_programs_the_same_json(
    brazilian: tuple[Program, Shop], line: Sequence[str]
) -> None:
    program, shop = brazilian
    calm = next(offer for offer in shop.offers if offer.behaviour is Behaviour.NORMAL)
    args = [calm.external_id if word == OFFER else word for word in line]
    portuguese, english = (program.json(*args, LC_ALL=locale).out for locale in ("pt_BR.UTF-8", "C.UTF-8"))
    assert CHANGING.sub("", portuguese) == CHANGING.sub("", english)
    with Terminal(program, *args, columns=80, rows=60) as terminal:
        terminal.end()
    titles = re.compile("|".join(re.escape(offer.title) for offer in shop.offers))
    assert ENGLISH.findall(titles.sub("", TYPED.sub("", terminal.text))) == [], terminal.text
    assert max(map(len, terminal.screen.splitlines())) <= 80
