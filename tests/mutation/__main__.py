"""Mutation testing: change the code on purpose, one place at a time, and count which changes the tests notice.

    PYTHONPATH=tests python -m mutation [--only TEXT] [--sample N]

It runs in a copy of the project, which `nox -s mutants` makes.

mutmut changes the functions of Python modules. It knows neither Lua nor a module's constants, which are half of what
decides a price: `changes.py` does those. A change that nothing notices is a survivor; `accepted.toml` names those that
are none, and why. Red where less than nine in ten of a file's changes are noticed.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

import pytest
from mutation.changes import constant_changes, lua_changes
from mutation.targets import TARGETS

LEAST_PCT = 90
LONGEST_S = 300
SURVIVED, UNTESTED, SKIPPED, TIMED_OUT = (0,), (5, 33), (34,), (24, 36, 152, 255, -24)


class Outcome(Enum):
    """What the tests made of one change."""

    NOTICED = auto()
    TIMED_OUT = auto()
    """Noticed too, for a loop that never ends is no answer; counted apart, for a busy machine could do the same."""
    SURVIVED = auto()


@dataclass
class MutationCounts:
    """How the changes of one file fared; a survivor is named by its changed lines."""

    noticed: int = 0
    timed_out: int = 0
    accepted: int = 0
    survivors: list[str] = field(default_factory=list)

    @property
    def pct(self) -> float:
        return 100 * self.noticed / max(1, self.noticed + len(self.survivors))


def main() -> int:
    options = _options()
    accepted = tomllib.loads((Path(__file__).parent / "accepted.toml").read_text())["accepted"]
    counts_of: dict[Path, MutationCounts] = {}
    for target, tests in TARGETS.items():
        if options.only and options.only not in str(target):
            continue
        counts = counts_of[target] = MutationCounts()
        chosen = [test for test in tests if Path(test).exists()]
        known = {entry["change"].strip() for entry in accepted if entry["file"] == str(target)}
        for change, outcome in _outcomes(target, chosen, options.sample):
            if outcome is not Outcome.SURVIVED:
                counts.noticed += 1
                counts.timed_out += outcome is Outcome.TIMED_OUT
            elif change in known:
                counts.accepted += 1
            else:
                counts.survivors.append(change)
                print(f"SURVIVED {target}\n{change}\n", flush=True)
        print(
            f"{target}: {counts.noticed} noticed, {len(counts.survivors)} not, {counts.accepted} accepted", flush=True
        )
    print(f"\n{'file':58} noticed  timed out  not  accepted  ratio")
    for target, counts in counts_of.items():
        noticed = f"{counts.noticed:7} {counts.timed_out:10}"
        print(f"{target!s:58} {noticed} {len(counts.survivors):4} {counts.accepted:9} {counts.pct:5.0f} %")
    return int(any(counts.pct < LEAST_PCT for counts in counts_of.values()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="mutation")
    parser.add_argument("--only", help="files whose path holds this text")
    parser.add_argument("--sample", type=int, help="at most so many changes of each script or module's constants")
    return parser.parse_args()


def _outcomes(target: Path, tests: list[str], sample: int | None) -> Iterator[tuple[str, Outcome]]:
    """Each change of a file, as its changed lines, and what the tests made of it."""
    text = target.read_text()
    changes = list(dict.fromkeys(lua_changes(text) if target.suffix == ".lua" else constant_changes(text)))
    if sample is not None and len(changes) > sample:
        changes = random.Random(0).sample(changes, sample)
    try:
        if changes and target.suffix == ".lua":  # a script is read when it is run: all that tests import may stay
            _run_tests(["--collect-only", *tests])
        elif changes:
            _import_what_is_not_changed(tests)
        for changed in changes:
            target.write_text(changed)
            yield _difference(text, changed), _judge_by(tests)
    finally:
        target.write_text(text)
    if target.suffix == ".py":
        yield from _by_mutmut(target, tests)


def _import_what_is_not_changed(tests: list[str]) -> None:
    """Import the libraries that the tests import, once for all changes: most of the time of a short test goes there."""
    reading, writing = os.pipe()
    if not (child := os.fork()):
        _run_tests(["--collect-only", *tests])
        here = str(Path.cwd())
        libraries = [
            name
            for name, module in list(sys.modules.items())
            if "." not in name and (file := getattr(module, "__file__", None)) and not file.startswith(here)
        ]
        os.write(writing, " ".join(libraries).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as names:
        for name in names.read().split():
            with suppress(Exception):  # one that only its own package imports, say
                importlib.import_module(name)
    os.waitpid(child, 0)


def _judge_by(tests: list[str]) -> Outcome:
    """Run the tests in a process of its own, which has nothing imported yet that was changed."""
    if not (child := os.fork()):
        os.setsid()
        os._exit(_run_tests(["-x", *tests]))
    deadline = time.monotonic() + LONGEST_S
    while not (done := os.waitpid(child, os.WNOHANG))[0]:
        if time.monotonic() > deadline:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return Outcome.TIMED_OUT
        time.sleep(0.02)
    return Outcome.SURVIVED if done[1] == 0 else Outcome.NOTICED


def _run_tests(arguments: list[str]) -> int:
    """Plain assertions: pytest cannot rewrite those of a library that is imported already, and would warn of it."""
    streams = [(stream, os.dup(stream)) for stream in (0, 1, 2)]
    silence = os.open(os.devnull, os.O_RDWR)
    for stream, _ in streams:
        os.dup2(silence, stream)
    try:
        return int(pytest.main(["-q", "-p", "no:cacheprovider", "--assert=plain", *arguments]))
    finally:
        sys.stdout.flush()
        for stream, before in streams:
            os.dup2(before, stream)
            os.close(before)
        os.close(silence)


def _difference(before: str, after: str) -> str:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    changed = [line[0] + line[1:].strip() for line in lines if line[0] in "-+" and line[:3] not in ("---", "+++")]
    return "\n".join([*(line for line in changed if line[0] == "-"), *(line for line in changed if line[0] == "+")])


def _by_mutmut(target: Path, tests: list[str]) -> Iterator[tuple[str, Outcome]]:
    project = Path("pyproject.toml")
    plain = project.read_text()
    settings = {
        "source_paths": ["offers_cli"],
        "only_mutate": [str(target)],
        "pytest_add_cli_args": ["-p", "no:cacheprovider"],
        "pytest_add_cli_args_test_selection": tests,
        "also_copy": ["docs"],
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    project.write_text("\n".join([plain, "[tool.mutmut]", *lines, ""]))
    try:
        run = [sys.executable, "-m", "mutmut", "run", "--max-children", str(os.cpu_count() or 1)]
        done = subprocess.run(run, capture_output=True, text=True, check=False)
        meta = Path("mutants") / f"{target}.meta"
        codes = json.loads(meta.read_text())["exit_code_by_key"] if meta.exists() else {}
        if done.returncode or None in codes.values() or not codes:
            raise SystemExit(f"mutmut did not get through {target}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        for name, code in codes.items():
            if code in SURVIVED + UNTESTED:
                yield _shown(name), Outcome.SURVIVED
            elif code not in SKIPPED:
                yield "", Outcome.TIMED_OUT if code in TIMED_OUT else Outcome.NOTICED
    finally:
        project.write_text(plain)


def _shown(name: str) -> str:
    shown = subprocess.run([sys.executable, "-m", "mutmut", "show", name], capture_output=True, text=True, check=True)
    changed = re.findall(r"^([+-])(?![+-]{2}) *(.*)$", shown.stdout, re.MULTILINE)
    return "\n".join(sign + line for sign, line in changed)


if __name__ == "__main__":
    sys.exit(main())
