"""Everything that checks the project: `nox` runs lint, tests, acceptance, faults and package."""

from __future__ import annotations

import os
import re
from pathlib import Path

import nox

nox.needs_version = ">=2026.10"
nox.options.sessions = ["lint", "tests", "acceptance", "faults", "package"]
nox.options.reuse_existing_virtualenvs = True
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"

PYPROJECT = nox.project.load_toml("pyproject.toml")
REAL_PAGES = Path(__file__).parent.parent / "shared" / "real-pages"
LOCKS = {"requirements/nox.txt": "--group=nox", "requirements/dev.txt": "--group=dev --all-extras pyproject.toml"}
LOCKED = "requirements/dev.txt"


def install(session: nox.Session) -> None:
    """Install what is locked and the project; show the tests where the captured pages are, if they are there."""
    session.install("--require-hashes", "-r", LOCKED)
    session.install("--no-deps", "--no-build-isolation", "-e", ".")
    if REAL_PAGES.is_dir():
        session.env.setdefault("OFFERS_REAL_PAGES", os.environ.get("OFFERS_REAL_PAGES", str(REAL_PAGES)))


@nox.session
def lint(session: nox.Session) -> None:
    """Format, rules, types, and which room may import which."""
    install(session)
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("mypy")
    session.run("lint-imports")


@nox.session
def tests(session: nox.Session) -> None:
    """Unit, page, storage, queue and fetch tests; loopback only."""
    install(session)
    session.run("pytest", "-m", "not acceptance and not slow", *session.posargs)


@nox.session
def acceptance(session: nox.Session) -> None:
    """The installed program as a subprocess, against the shop and a real Redis."""
    install(session)
    session.run("pytest", "-m", "acceptance", *session.posargs)


@nox.session
def faults(session: nox.Session) -> None:
    """Real processes killed at random, the short form; `chaos` is the long one."""
    install(session)
    session.run("pytest", "tests/faults", *session.posargs)


@nox.session
def slow(session: nox.Session) -> None:
    """Long tests: many steps of the queue's model."""
    install(session)
    session.run("pytest", "-m", "slow", "tests/fetch", "tests/queue", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """A million money texts and many mutated pages."""
    install(session)
    many = {"OFFERS_EXAMPLES": "1000000", "OFFERS_PAGE_EXAMPLES": "150"}
    session.run("pytest", "tests/reading/test_money.py", "tests/reading/test_hostile_pages.py", env=many)


@nox.session
def chaos(session: nox.Session) -> None:
    """The long fault suite: random kills of real processes."""
    install(session)
    session.run("pytest", "-rP", "tests/faults", *session.posargs, env={"OFFERS_CHAOS": "long"})


@nox.session
def bench(session: nox.Session) -> None:
    """Speed as ratios in one run."""
    install(session)
    session.install(*nox.project.dependency_groups(PYPROJECT, "bench"))
    scripts = (path for path in Path("bench").iterdir() if path.suffix == ".py" or (path / "__main__.py").exists())
    for script in session.posargs or sorted(path.name for path in scripts):
        session.run("python", f"bench/{script}")


@nox.session
def docs(session: nox.Session) -> None:
    """Write the reference pages from the code again, and record the program anew."""
    install(session)
    session.run("python", "docs/generate.py")
    session.run("python", "docs/record.py")


@nox.session
def package(session: nox.Session) -> None:
    """Build the wheel, install it alone, and run the demo from it."""
    out = Path(session.create_tmp())
    pins = out / "pins.txt"  # the locked versions alone: a wheel just built has no hash to ask for
    pins.write_text("\n".join(re.findall(r"^(\S+==.*?) *\\\\?$", Path(LOCKED).read_text(), re.MULTILINE)))
    session.install("-c", str(pins), "hatchling")
    session.run("python", "-m", "hatchling", "build", "-d", str(out), silent=True)
    wheel = max(out.glob("*.whl"), key=os.path.getmtime)
    session.install("-c", str(pins), "--force-reinstall", str(wheel))
    session.run("offers", "demo", "--offers", "12")


@nox.session
def lock(session: nox.Session) -> None:
    """Write the locks again after a change of pyproject.toml; `nox -s lock -- --upgrade` takes the newest of all."""
    session.install("uv")
    form = ["--universal", "--python-version=3.11", "--generate-hashes", "--no-header", "--no-annotate", "--quiet"]
    for name, wanted in LOCKS.items():
        session.run("uv", "pip", "compile", *form, *wanted.split(), "-o", name, *session.posargs)
