"""What a page tells people to type is understood: each command is there, with the options that it is given."""

from __future__ import annotations

import ast
import functools
import itertools
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from offers_cli.cli.command import build
from offers_cli.cli.commands import find_commands
from offers_cli.config import SETTINGS
from offers_cli.errors import WORK_ERRORS

ROOT = Path(__file__).parents[2]
WRITTEN = {ROOT / "docs" / "commands.md", ROOT / "CHANGELOG.md"}
"""One is generated, the other speaks of what was."""
PAGES = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")} - WRITTEN)
HOW_TO = sorted((ROOT / "docs" / "how-to").glob("*.md"))
FENCED = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
END = re.compile(r"[&|;<>]+")
PROGRAM = re.compile(r"(?:sudo (?:-u \S+ )?|[A-Z_]+=\S+ |docker compose run --rm worker )*(?:\S*/)?offers (.+)")


built_once = functools.cache(build)


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def typed(page: Path) -> Iterator[list[str]]:
    """The words behind the program's name of each command in the page's blocks for a shell or a terminal."""
    for kind, block in FENCED.findall(page.read_text("utf-8")):
        lines = block.replace("\\\n", " ").splitlines() if kind in {"sh", "console"} else []
        for line in lines if kind == "sh" else [line[2:] for line in lines if line.startswith("$ ")]:
            reader = shlex.shlex(line, posix=True, punctuation_chars="&|;<>")
            reader.whitespace_split = True
            for ends, words in itertools.groupby(reader, key=lambda word: END.fullmatch(word) is not None):
                if not ends and (found := PROGRAM.fullmatch(shlex.join(words))):
                    yield shlex.split(found[1])


def understood(words: Sequence[str]) -> list[str]:
    """The commands that these words run; raises what a person would be told of words that are wrong."""
    assert find_commands(words[0]), f"offers {shlex.join(words)}: there is no such command"
    ran: list[str] = []
    build(words[0], run=lambda each, **_: ran.append(each.name))(words[1:], standalone_mode=False)
    return ran


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_that_a_page_tells_to_type_is_understood(page: Path) -> None:
    for words in typed(page):
        assert len(understood(words)) == 1, f"offers {shlex.join(words)}"


def test_a_command_in_a_block_is_found_behind_what_stands_before_it(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```sh\nsudo -u offers OFFERS_HOME=/var/lib/offers offers doctor  # as that user\n"
        "pbpaste | offers session import - && rm offers\nsudo install -o offers /var/lib/offers\n```\n"
        "```console\n$ offers list\noffers no command\n```\n"
    )
    assert list(typed(page)) == [["doctor"], ["session", "import", "-"], ["list"]]
    with pytest.raises(Exception, match="No such option"):
        understood(["list", "--nonsense"])


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_that_a_page_mentions_is_there_with_its_options(page: Path) -> None:
    for mentioned in re.findall(r"`offers ([a-z][^`]*)`", FENCED.sub("", page.read_text("utf-8"))):
        name, *rest = mentioned.replace("\\|", "|").split()
        assert find_commands(name), f"`offers {mentioned}`: there is no such command"
        built = built_once(name)
        commands = [built]
        if hasattr(built, "commands") and rest:
            commands = [built.commands[word] for word in rest[0].split("|")]
        options = {option for command in commands for param in command.params for option in param.opts} | {"--help"}
        own = rest[: rest.index("--")] if "--" in rest else rest
        given = {word.strip("[]…").partition("=")[0] for word in own if word.strip("[").startswith("--")}
        assert given <= options, f"`offers {mentioned}`"


def test_every_fear_has_its_page() -> None:
    assert len(HOW_TO) >= 9


@pytest.mark.parametrize("page", HOW_TO, ids=name_of)
def test_a_how_to_names_no_code_and_no_setting_that_is_not_there(page: Path) -> None:
    quoted = " ".join(re.findall(r"`([^`\n]+)`", page.read_text("utf-8")))
    settings = {name for setting in SETTINGS for name in setting.names} | {"OFFERS_HOME"}
    assert set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", quoted)) <= settings
    assert set(re.findall(r"(?<![\w-])[a-z]+(?:_[a-z]+)+(?![\w-])", quoted)) <= WORK_ERRORS.keys()


def test_a_message_that_a_how_to_quotes_is_one_of_the_program() -> None:
    """Whoever searches for the words on the screen finds the page: each line holds a piece of the code's own text."""
    texts = {
        node.value
        for path in (ROOT / "offers_cli").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) >= 15
    }
    quoted = [
        line
        for page in HOW_TO
        for kind, block in FENCED.findall(page.read_text("utf-8"))
        for line in block.splitlines()
        if kind == "text"
    ]
    assert quoted
    assert [line for line in quoted if not any(text in line for text in texts)] == []
