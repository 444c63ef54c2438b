"""Write the reference pages from the code: `python docs/generate.py`. A test fails when they have drifted."""

from __future__ import annotations

import ast
import contextlib
import io
import os
import re
import sys
import tomllib
from collections.abc import Callable
from configparser import ConfigParser
from pathlib import Path

sys.path.append(str(Path(__file__).parent))

from figures import benchmarks, scale

from offers_cli.cli.commands import all_commands
from offers_cli.cli.main import main
from offers_cli.cli.topics import EXIT_CODES, NEXT
from offers_cli.config import MASK, SETTINGS, Setting
from offers_cli.config.settings import HOME_DOC
from offers_cli.errors import WORK_ERRORS

NOTE = "<!-- Written by docs/generate.py from the code; change the code, not this page. -->\n\n"


def commands() -> str:
    """The help of every command, as it is shown 80 columns wide."""
    os.environ["COLUMNS"] = "80"
    parts = ["# Commands\n\n", NOTE, f"```text\n{_help([])}```\n"]
    parts += [f"\n## offers {each.name}\n\n```text\n{_help(each.name.split())}```\n" for each in all_commands()]
    return "".join(parts)


def _help(words: list[str]) -> str:
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        main([*words, "--help"])
    return "\n".join(line.rstrip() for line in shown.getvalue().splitlines()) + "\n"


FILES_OF_SETTINGS = """\
- A name that is no setting is an error that names the nearest one: in `offers.toml`, in the `.env` of `OFFERS_HOME`,
  and anywhere when it begins with `OFFERS_`, `ENRICHMENT_` or `ML_`. Other names in the `.env` of the working directory
  belong to other programs and are ignored. All that is wrong is reported at once, one a line, each with its origin.
- A value is one line of UTF-8: line breaks and other control characters are refused.
- A file that somebody else can have written is not obeyed; every command says so, with the reason and what mends it.
  The file and its folder must be yours or root's, and nobody else may write to them. A group that has your name and no
  other member counts as you; in a folder with the sticky bit, such as `/tmp`, others may write, for they cannot touch
  your files. A symbolic link is judged by its own folder and owner, and by the file that it leads to. Root obeys only
  root's files. `.env` and `offers.toml` may have 1 MiB.
- Secrets do not belong in `offers.toml`; addresses with a user or a password are secrets. A file that holds secrets and
  that everybody can read is a warning of `offers doctor`.
- When the working directory decides which database or queue is used, commands log that. An address of Supabase from the
  working directory, or from a home that it names, is never sent a key from elsewhere: set both in one place. A key
  goes over plain `http://` only to this machine.

"""


def settings() -> str:
    """Every setting with its default and meaning."""
    rows = ["| variable | default | meaning |\n|---|---|---|\n"]
    rows.append(f"| `OFFERS_HOME` | the platform's data folder | {HOME_DOC} |\n")
    for setting in SETTINGS:
        names = ", ".join(f"`{name}`" for name in setting.names)
        secret = f" Secret, shown as `{MASK}`; `{setting.name}_FILE` may name a file." if setting.secret else ""
        rows.append(f"| {names} | {_default(setting)} | {setting.doc}{secret} |\n")
    return (
        "# Settings\n\n" + NOTE + "A flag stands above the environment, that above `.env` (working directory, then "
        "`OFFERS_HOME`), that above\n`offers.toml` (same places), that above the default. In `offers.toml` names are "
        "written in small letters.\n\n" + FILES_OF_SETTINGS + "".join(rows)
    )


def _default(setting: Setting) -> str:
    text = setting.written(setting.default)
    return f"`{text}`" if text else "not set"


def failure_codes() -> str:
    """Every failure code, its meaning and what happens next."""
    rows = ["| code | meaning | what happens |\n|---|---|---|\n"]
    for code, error in WORK_ERRORS.items():
        meaning = (error.__doc__ or "").splitlines()[0]
        rows.append(f"| `{code}` | {meaning} | {NEXT[error.outcome]} |\n")
    return "# Failure codes\n\n" + NOTE + "".join(rows)


def exit_codes() -> str:
    """Every exit code."""
    rows = "".join(f"| {code} | {meaning} |\n" for code, meaning, _ in EXIT_CODES)
    return "# Exit codes\n\n" + NOTE + "| code | meaning |\n|---|---|\n" + rows


def dependencies() -> str:
    """What is installed with the program and with each extra, and why."""
    source = Path(__file__).with_name("dependencies.toml")
    parts = [f"# What it is made of\n\n<!-- Written by docs/generate.py from {source.name}; change that. -->\n"]
    for extra, packages in tomllib.loads(source.read_text("utf-8")).items():
        command = "pip install ." if extra == "core" else f"pip install '.[{extra}]'"
        size = sum(package["mb"] for package in packages.values())
        parts.append(f"\n## `{command}`: {size:.0f} MB{'' if extra == 'core' else ' more'}\n\n")
        parts.append("| package | licence | MB | why |\n|---|---|---:|---|\n")
        for name, package in sorted(packages.items(), key=lambda item: ("why" not in item[1], item[0])):
            why = package.get("why", "needed by one of the above")
            parts.append(f"| {name} | {package['licence']} | {package['mb']} | {why} |\n")
    return "".join(parts) + DEPENDENCY_RULES


DEPENDENCY_RULES = """
Sizes are those of an installation on Linux x86-64. In `pyproject.toml` a floor is the oldest version that `nox -s
minimums` runs the tests with; a ceiling stands where a part is used that the next major version may change. The
project's own checks install the versions that `requirements/dev.txt` locks with their hashes. `nox -s package` writes
the bill of materials of an installation (CycloneDX) to `dist/`.
"""


def security() -> str:
    """Who is trusted with what, and each threat with the tests that show what happens then."""
    source = Path(__file__).with_name("threats.toml")
    told = tomllib.loads(source.read_text("utf-8"))
    parts = [
        f"# Security model\n\n<!-- Written by docs/generate.py from {source.name}; change that. -->\n{told['model']}"
    ]
    parts.append(
        f"\n## {len(told['threat'])} threats\n\n| | what may happen | what holds | shown by |\n|---:|---|---|---|\n"
    )
    for number, threat in enumerate(told["threat"], 1):
        tests = "<br>".join(f"`{name}`" for name in threat["tests"]) or "–"
        parts.append(f"| {number} | {threat['what']} | {threat['held']} | {tests} |\n")
    return (
        "".join(parts)
        + "\nTests stand below `tests/`. `nox -s fuzz` reads hostile inputs of each kind for as long as it is given.\n"
    )


PROMISES_HEAD = """\
# What is promised, and what proves it

<!-- Written by docs/generate.py from promises.toml; change that. -->

Each promise stands beside the tests that are red when it is broken. `nox` runs them against real servers: a Redis, a
database, a shop with the site's page shapes and troubles (Postgres and Supabase where the machine has them). A promise
without a test, or with one that is not there, fails the build. What somebody may do to the program is in the [security
model](security.md).
"""


def promises() -> str:
    """Each promise beside the tests that prove it.

    Raises:
        ValueError: a promise has no test, or one that does not exist; the message names it.
    """
    told = tomllib.loads(Path(__file__).with_name("promises.toml").read_text("utf-8"))
    parts = [PROMISES_HEAD]
    for chapter in told["chapter"]:
        parts.append(f"\n## {chapter['name']}\n\n| promise | shown by |\n|---|---|\n")
        for promise in chapter["promise"]:
            if not promise["tests"]:
                raise ValueError(f"nothing proves it: {promise['says']}")
            parts.append(f"| {promise['says']} | {'<br>'.join(map(_proof, promise['tests']))} |\n")
    return "".join(parts)


def _proof(name: str) -> str:
    """A test's name as a link to its file."""
    file, _, test = name.partition("::")
    path = Path(__file__).parents[1] / "tests" / file
    known = ast.walk(ast.parse(path.read_text("utf-8"))) if path.exists() else ()
    if not any(isinstance(node, ast.FunctionDef) and node.name == test for node in known):
        raise ValueError(f"there is no test {name}")
    return f"[{test.removeprefix('test_').replace('_', ' ')}](../tests/{file})"


LAYERS = re.compile(r"(<!-- Written by docs/generate.py from .importlinter -->\n```\n).*?(```\n)", re.DOTALL)


def design() -> str:
    """The design page, its diagram of the imports as the contract has them: each floor may import those below it."""
    contracts = ConfigParser()
    contracts.read(Path(__file__).parents[1] / ".importlinter")
    floors = contracts["importlinter:contract:layers"]["layers"].split("\n")
    drawn = "\n".join(floor.replace(" : ", " ↔ ") for floor in floors if floor)
    page = Path(__file__).with_name("design.md").read_text("utf-8")
    return LAYERS.sub(lambda found: f"{found[1]}{drawn}\n{found[2]}", page)


PAGES: dict[str, Callable[[], str]] = {
    "benchmarks.md": benchmarks,
    "scale.md": scale,
    "design.md": design,
    "commands.md": commands,
    "settings.md": settings,
    "failure-codes.md": failure_codes,
    "exit-codes.md": exit_codes,
    "dependencies.md": dependencies,
    "security.md": security,
    "promises.md": promises,
}

if __name__ == "__main__":
    for name, write in PAGES.items():
        Path(__file__).with_name(name).write_text(write(), encoding="utf-8")
