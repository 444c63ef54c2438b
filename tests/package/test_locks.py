"""The locks agree with pyproject.toml: what continuous integration installs is what the project asks for."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("packaging")
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PIN = re.compile(r"^(\S+)==(\S+)(?: ; .*)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\\n|\n))+)", re.MULTILINE)


def group(name: str) -> list[str]:
    """The requirements of a dependency group, those of the groups it includes among them."""
    entries: list[Any] = PROJECT["dependency-groups"][name]
    included = [text for entry in entries if isinstance(entry, dict) for text in group(entry["include-group"])]
    return included + [entry for entry in entries if isinstance(entry, str)]


def everything() -> list[str]:
    extras = [text for texts in PROJECT["project"]["optional-dependencies"].values() for text in texts]
    return [*PROJECT["project"]["dependencies"], *extras, *group("dev")]


WANTED = {"dev.txt": everything(), "nox.txt": group("nox"), "package.txt": group("package"), "docs.txt": group("docs")}


@pytest.mark.parametrize("name", WANTED)
def test_the_lock_pins_what_the_project_asks_for(name: str) -> None:
    pins = {canonicalize_name(package): version for package, version, _ in PIN.findall(lock(name))}
    for text in WANTED[name]:
        wanted = Requirement(text)
        pinned = pins.get(canonicalize_name(wanted.name))
        assert pinned is not None, f"{name} lacks {wanted.name}; run: nox -s lock"
        assert wanted.specifier.contains(pinned, prereleases=True), f"{name}: {text} is {pinned}; run: nox -s lock"


@pytest.mark.parametrize("name", WANTED)
def test_the_lock_holds_pins_with_hashes_and_nothing_else(name: str) -> None:
    """No index and no address: it installs from whatever index a machine is set up for."""
    assert PIN.sub("", lock(name)) == ""


def lock(name: str) -> str:
    return (ROOT / "requirements" / name).read_text()
