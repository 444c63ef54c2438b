"""What people read stays true where a machine can tell: links lead somewhere, the changelog names the version."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import yaml

import offers_cli
from offers_cli.cli.commands import SUMMARIES

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
CODE = re.compile(r"^ *```.*?^ *```|`[^`\n]*`", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
CHANGELOG = (ROOT / "CHANGELOG.md").read_text("utf-8")
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def links(page: Path) -> Iterator[str]:
    """Those within the project; whether the outside still answers is not asked."""
    yield from (link for link in LINK.findall(CODE.sub("", page.read_text("utf-8"))) if "://" not in link)


def anchors(page: Path) -> set[str]:
    """The headings of a page as the addresses that they get."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in HEADING.findall(text)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_heading_of_the_project(page: Path) -> None:
    lost = []
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert lost == []


def test_the_readme_names_every_command() -> None:
    table = "".join(line for line in (ROOT / "README.md").read_text("utf-8").splitlines() if line.startswith("| `"))
    assert [name for name in SUMMARIES if f"`offers {name}" not in table] == []


@pytest.mark.parametrize("language", ["", ".pt-BR"])
def test_the_examples_of_the_readme_are_those_that_the_tutorial_s_test_runs(language: str) -> None:
    """The same commands with the same output: what is run for the one page holds for the other."""
    readme, tutorial = (
        re.findall(r"^```console\n.*?^```$", (ROOT / name).read_text("utf-8"), re.DOTALL | re.MULTILINE)
        for name in (f"README{language}.md", f"docs/tutorial{language}.md")
    )
    assert len(readme) >= 5
    assert [example for example in readme if example not in tutorial] == [], "run: nox -s generate"


def test_every_page_of_the_docs_is_reached_from_the_readme() -> None:
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        targets = {(page.parent / link.partition("#")[0]).resolve() for link in links(page)}
        waiting += [target for target in targets - reached if target.suffix == ".md" and target.exists()]
    assert set(PAGES) - reached == set()


def entries(section: object) -> Iterator[str]:
    """The pages below one section of the site's navigation."""
    if isinstance(section, str):
        yield section
    else:
        inside = section.values() if isinstance(section, dict) else section
        for each in inside:  # type: ignore[attr-defined]
            yield from entries(each)


def test_every_page_of_the_docs_is_found_in_the_site_s_navigation() -> None:
    """Once each; a page that is written later and forgotten there would be found by a search alone."""
    chosen = sorted(entries(yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))["nav"]))
    of_the_root = {"index.md", "index.pt-BR.md", "changelog.md", "contributing.md", "security-policy.md"}
    pages = {str(path.relative_to(ROOT / "docs")) for path in PAGES if path.is_relative_to(ROOT / "docs")}
    assert chosen == sorted(pages | of_the_root), "add it to `nav` in mkdocs.yml"


def test_the_newest_release_of_the_changelog_is_the_programs_version() -> None:
    """Before the first release there is [Unreleased] alone, and the program says what that release will be."""
    releases = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d{2}-\d{2})$", CHANGELOG, re.MULTILINE)
    assert (releases[0][0] if releases else "0.1.0") == offers_cli.__version__
    days = [date.fromisoformat(day) for _, day in releases]
    assert days == sorted(days, reverse=True)


def test_the_changelog_has_the_form_of_keep_a_changelog() -> None:
    headings = re.findall(r"^## (.+)$", CHANGELOG, re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}", heading) for heading in headings[1:])
    for part in re.split(r"^## .+$", CHANGELOG, flags=re.MULTILINE)[1:]:
        kinds = re.findall(r"^### (.+)$", part, re.MULTILINE)
        assert set(kinds) <= KINDS
        assert len(kinds) == len(set(kinds)), "one heading of a kind in each release"


def test_the_least_rights_in_redis_cover_every_command_of_the_scripts() -> None:
    """A script that begins to use another command asks for another right; the acceptance test runs with these alone."""
    granted = set(re.findall(r"\+([a-z]+)", (ROOT / "docs" / "redis.md").read_text("utf-8")))
    scripts = (file.read_text("utf-8") for file in (ROOT / "offers_cli").rglob("*.lua"))
    used = {command.lower() for script in scripts for command in re.findall(r"\bcall(?:_counter)?\('([A-Z]+)'", script)}
    assert used
    assert used <= granted
