"""Write what the examples of the tutorial and the README print at the demo's shop: `python docs/examples.py`."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parents[1] / "tests"))

from record import left_standing, run_on_terminal
from shop import Shop

from offers_cli.demo.catalogue import Catalogue
from offers_cli.demo.run import BRISK
from offers_cli.redis.embedded import stop_server

DOCS = Path(__file__).parent
PAGES = {
    "en": (DOCS / "tutorial.md", DOCS.parent / "README.md"),
    "pt-BR": (DOCS / "tutorial.pt-BR.md", DOCS.parent / "README.pt-BR.md"),
}
"""By language, the tutorial, and the page that shows some of its examples too."""
EXAMPLE = re.compile(r"^```console\n(?P<shown>.*?)^```\n|^<!-- (?P<event>the shop .*?) -->\n", re.DOTALL | re.MULTILINE)
TYPED = re.compile(r"^\$ offers (.*)\n", re.MULTILINE)
COLOURS = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
COLUMNS, ROWS = 100, 60
CUT = ("MLB7000000159", "MLB7000000418")
"""The offers whose prices the shop lowers by a fifth while nobody looks."""
HOME = "/home/you/.local/share/offers"
CHANGES = re.compile(
    r"(?<=127\.0\.0\.1:)\d+|(?<=, offer )[0-9a-f]{8}|(?<=, oferta )[0-9a-f]{8}"
    r"|^ +(?:jobs per|tarefas por|days left|dias restantes) .*|\bjust now\b|\bagora mesmo\b"
    r"|(?:há )?\b\d+ (?:s|min)(?: ago)?\b|\b\d+(?:\.\d+)? (?:min \d+ )?s\b"
    r"|(?:\d{4}-\d\d-\d\d|\d\d/\d\d/\d{4}) \d\d:\d\d|[\u2800-\u28ff]+|└.*\n.*",
    re.MULTILINE,
)
"""What differs from one run to the next: ports, ids made anew, times, and so the line of a plot."""


def run_again(page: str, run: Callable[[str], str], happen: Callable[[str], None]) -> str:
    """The page with what its examples print now.

    Args:
        run: runs one command line, without the program's name, and returns what a terminal shows of it.
        happen: does what the page says of the shop between two examples.
    """

    def written(found: re.Match[str]) -> str:
        if found["event"]:
            happen(found["event"])
            return found[0]
        lines = [f"$ offers {line}\n{run(line)}" for line in TYPED.findall(found["shown"])]
        return "```console\n" + "\n".join(lines) + "```\n"

    return EXAMPLE.sub(written, page)


def with_examples_of(tutorial: str, page: str) -> str:
    """The page with those of its examples that the tutorial has too as they stand there."""
    known: dict[str, str] = {}
    for found in EXAMPLE.finditer(tutorial):
        known.setdefault((found["shown"] or "").partition("\n")[0], found[0])
    return EXAMPLE.sub(lambda found: known.get((found["shown"] or "").partition("\n")[0], found[0]), page)


def without_chance(page: str) -> str:
    """The page without what no two runs share, and without the widths of tables, which follow from it."""
    return re.sub(r"[ ─]+", " ", CHANGES.sub("*", page))


@contextmanager
def stage(language: str = "en") -> Iterator[tuple[Callable[[str], str], Callable[[str], None]]]:
    """A shop, a home and a browser's export for `run_again`."""
    with tempfile.TemporaryDirectory(prefix="of-") as folder, Shop(Catalogue(40, 1, ())) as shop:
        home = Path(folder) / "h"
        Path(folder, "cookies.txt").write_text("; ".join(f"{name}={value}" for name, value in shop.log_in().items()))
        kept = {name: os.environ[name] for name in ("PATH", "COVERAGE_PROCESS_CONFIG") if name in os.environ}
        own = {"HOME": folder, "LANG": "C.UTF-8", "TERM": "xterm-256color", "OFFERS_TZ": "America/Sao_Paulo"}
        own["OFFERS_LANG"] = language
        site = {"OFFERS_HOME": str(home), "ML_BASE_URL": shop.url, "OFFERS_ALLOW_PRIVATE_HOSTS": "true", **BRISK}

        def run(line: str) -> str:
            text = run_on_terminal(line, {**kept, **own, **site}, columns=COLUMNS, rows=ROWS, folder=Path(folder))
            plain = COLOURS.sub("", left_standing(text)).replace(str(home), HOME)
            return "\n".join(text.rstrip() for text in plain.strip("\n").splitlines() if text.strip()) + "\n"

        def happen(_event: str) -> None:
            for offer in shop.offers:
                if offer.external_id in CUT:
                    shop.change_price(offer.external_id, offer.page.price_cents * 4 // 5)

        try:
            yield run, happen
        finally:
            stop_server(home)


if __name__ == "__main__":
    for language, (tutorial, readme) in PAGES.items():
        with stage(language) as (run, happen):
            tutorial.write_text(run_again(tutorial.read_text("utf-8"), run, happen), encoding="utf-8")
        readme.write_text(with_examples_of(tutorial.read_text("utf-8"), readme.read_text("utf-8")), encoding="utf-8")
