"""Everything that checks the project: `nox` runs what must be green before a change lands."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
from collections import Counter
from pathlib import Path

import nox

nox.needs_version = ">=2026.10"
nox.options.sessions = ["lint", "tests", "slow", "acceptance", "coverage", "faults", "package", "docs"]
nox.options.reuse_existing_virtualenvs = True
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False

PYPROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PYPROJECT)
REAL_PAGES = Path(__file__).parent.parent / "shared" / "real-pages"
LOCKS = {
    "requirements/nox.txt": "--group=nox",
    "requirements/package.txt": "--group=package",
    "requirements/docs.txt": "--group=docs",
    "requirements/dev.txt": "--group=dev --all-extras pyproject.toml",
}
LOCKED = "requirements/dev.txt"
QUICK = "not acceptance and not slow"
PYTEST = ("pytest", "--durations=20", "--timeout=600")
"""A test that never ends names itself, and the others still run."""
BENCHES = (
    "startup.py",
    "reading.py",
    "storage.py --sizes 1000000 --supabase",
    "rows.py --catalogue 1000000",
    "dashboard.py",
    "deals.py",
    "retention.py",
    "enqueue.py",
    "redis_cost.py",
    "many_processes.py",
    "pace.py",
    "worker",
    "worker --soak 20000",
)
MEASURED = Path(".nox/measured")
BRANCHES_PCT = {
    "affiliate": 90,
    "alerts": 90,
    "cli": 85,
    "config": 85,
    "deals": 95,
    "demo": 90,
    "drift": 90,
    "fetch": 95,
    "language": 90,
    "marketplaces": 92,
    "queue": 88,
    "redis": 85,
    "services": 90,
    "storage": 90,
    "top level": 82,
    "web": 95,
}
"""The share of each room's branches that the tests must run; what stands beside the rooms is `top level`."""

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # pytest would rewrite every test's assertions anew in every process
if (pyenv := Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions").is_dir():
    known = [path.name for path in pyenv.iterdir() if path.name.rpartition(".")[0] in PYTHONS]
    os.environ.setdefault("PYENV_VERSION", ":".join([platform.python_version(), *known]))  # else it hides the others


def install(session: nox.Session) -> None:
    """Install what is locked and the project."""
    session.install("--require-hashes", "-r", LOCKED)
    install_project(session)


def install_project(session: nox.Session) -> None:
    """Install the project alone; show the tests where the captured pages are, if they are there."""
    session.install("--no-deps", "--no-build-isolation", "-e", ".")
    if REAL_PAGES.is_dir():
        session.env.setdefault("OFFERS_REAL_PAGES", os.environ.get("OFFERS_REAL_PAGES", str(REAL_PAGES)))


def run_measured(session: nox.Session, *command: str) -> None:
    """Run a Python module, and keep which branches it and the programs that it starts run."""
    shutil.rmtree(MEASURED / session.name, ignore_errors=True)
    session.run("coverage", "run", f"--data-file={MEASURED.absolute() / session.name / 'data'}", "-m", *command)


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
    run_measured(session, *PYTEST, "-n", "logical", "-m", QUICK, *session.posargs)


@nox.session
def acceptance(session: nox.Session) -> None:
    """The installed program as a subprocess, against the shop and a real Redis; a third of the time it only waits."""
    install(session)
    run_measured(session, *PYTEST, "-n", str(1 + (os.cpu_count() or 1)), "-m", "acceptance", *session.posargs)


@nox.session
def faults(session: nox.Session) -> None:
    """Real processes killed at random, the short form; `chaos` is the long one."""
    install(session)
    session.run("pytest", "tests/faults", *session.posargs)


@nox.session
def slow(session: nox.Session) -> None:
    """Tests that take more than a few seconds, and cover little that the others do not."""
    install(session)
    chosen = ("-m", "slow and not acceptance", "--ignore=tests/faults")
    session.run(*PYTEST, "-n", "logical", *chosen, *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Say which share of each room's branches the sessions before ran; red where it is too small."""
    install(session)
    data, report = MEASURED / "data", MEASURED / "report.json"
    folders = [str(path) for path in MEASURED.iterdir() if path.is_dir()]
    session.run("coverage", "combine", "--quiet", "--keep", f"--data-file={data}", *folders)
    session.run("coverage", "json", "--quiet", f"--data-file={data}", "-o", str(report))
    branches, covered = Counter[str](), Counter[str]()
    for name, file in json.loads(report.read_text())["files"].items():
        parts = Path(name).parts
        room = parts[1] if len(parts) > 2 else "top level"
        branches[room] += file["summary"]["num_branches"]
        covered[room] += file["summary"]["covered_branches"]
    branches = +branches  # a room without a branch has no share of them
    if branches.keys() != BRANCHES_PCT.keys():
        session.error(f"rooms without a floor, or floors without a room: {branches.keys() ^ BRANCHES_PCT.keys()}")
    reached = {room: 100 * covered[room] / branches[room] for room in branches}
    for room, pct in sorted(reached.items(), key=lambda item: item[1]):
        session.log(f"{room:12} {pct:5.1f} % of {branches[room]} branches, at least {BRANCHES_PCT[room]}")
    if low := [room for room, pct in reached.items() if pct < BRANCHES_PCT[room]]:
        session.error(f"too few branches are run in {', '.join(low)}; see them with: coverage html --data-file={data}")


@nox.session(python=PYTHONS)
def pythons(session: nox.Session) -> None:
    """The quick tests on every supported Python that this machine has."""
    install(session)
    session.run("pytest", "-n", "logical", "-m", QUICK, *session.posargs)


@nox.session
def minimums(session: nox.Session) -> None:
    """The quick tests with the oldest versions that pyproject.toml allows of what the program needs."""
    oldest = Path(".nox/oldest.txt")  # not in `create_tmp`, which moves TMPDIR: a socket there has too long a path
    session.install("uv")
    compiled = ["--resolution=lowest-direct", "--all-extras", "--quiet", "pyproject.toml", "-o", str(oldest)]
    session.run("uv", "pip", "compile", *compiled)
    session.install("-r", str(oldest), *nox.project.dependency_groups(PYPROJECT, "dev"))
    install_project(session)
    session.run("pytest", "-n", "logical", "-m", QUICK, *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Examples that no run has seen; then each reader of strangers' texts for ten minutes, or `-- --seconds 60`."""
    install(session)
    many = {"OFFERS_EXAMPLES": "1000000", "OFFERS_PAGE_EXAMPLES": "150"}
    fetch = (f"tests/fetch/test_fetch_{what}.py" for what in ("guard", "encoding", "hostile_servers"))
    where = ("tests/reading", "tests/services", "tests/affiliate", *fetch)
    session.run("pytest", "-m", QUICK, "--hypothesis-profile=fuzz", *where, env=many)
    session.run("python", "-m", "fuzz", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session
def chaos(session: nox.Session) -> None:
    """The long fault suite, random kills of real processes, and many random histories of the queue's model."""
    install(session)
    session.run(
        "pytest",
        "-rP",
        "tests/faults",
        "tests/queue/test_queue_model.py",
        *session.posargs,
        env={"OFFERS_CHAOS": "long"},
    )


@nox.session
def mutants(session: nox.Session) -> None:
    """Change the code on purpose, and list the changes that no test notices; `-- --only money` does one file."""
    install(session)
    session.install(*nox.project.dependency_groups(PYPROJECT, "mutants"))
    copy = Path(session.create_tmp()) / "project"
    shutil.rmtree(copy, ignore_errors=True)
    for part in ("offers_cli", "tests", "docs"):
        shutil.copytree(part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy("pyproject.toml", copy)
    session.chdir(copy)
    session.run("python", "-m", "mutation", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session
def bench(session: nox.Session) -> None:
    """Speed and cost as ratios in one run, and one table of all; `-- reading.py` runs one bench and writes no page."""
    install(session)
    session.install(*nox.project.dependency_groups(PYPROJECT, "bench"))
    found = Path(session.create_tmp()).absolute() / "found.jsonl"
    found.write_text("")
    session.env["BENCH_RECORD"] = str(found)
    session.env.pop("TMPDIR", None)  # that of nox has too long a path for a socket
    for bench in session.posargs or BENCHES:
        session.run(
            "python", *f"bench/{bench}".split(), success_codes=[0, 1]
        )  # one that fails costs its own rows alone
    session.run("python", "bench/together.py", str(found), *([] if session.posargs else ["--write"]))


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation as a site, in `site/`; a lost link, heading or page is an error."""
    session.install("--require-hashes", "-r", "requirements/docs.txt")
    quiet = {"NO_MKDOCS_2_WARNING": "1"}  # docs/decisions/0009-docs-site.md
    session.run("mkdocs", "build", "--strict", "--site-dir", "site", *session.posargs, env=quiet)


@nox.session
def generate(session: nox.Session) -> None:
    """Write the reference pages and the tutorial's examples again, and record the program and the dashboard anew."""
    install(session)
    session.run("python", "-m", "translations.update")
    session.run("python", "docs/generate.py")
    session.run("python", "docs/examples.py")
    session.run("python", "docs/record.py")
    session.run("python", "docs/photograph.py")


@nox.session
def package(session: nox.Session) -> None:
    """Build the wheel, install it alone, run the demo from it, and write its bill of materials."""
    out, alone = Path("dist").absolute(), Path(session.create_tmp()).absolute() / "alone"
    shutil.rmtree(out, ignore_errors=True)
    session.install("--require-hashes", "-r", "requirements/package.txt")
    session.run("python", "-m", "hatchling", "build", "-d", str(out), silent=True)
    (wheel,) = out.glob("*.whl")
    pins = alone.with_name("pins.txt")  # the locked versions alone: a wheel just built has no hash to ask for
    pins.write_text("\n".join(re.findall(r"^(\S+==.*?) *\\\\?$", Path(LOCKED).read_text(), re.MULTILINE)))
    session.run("uv", "venv", "--quiet", "--clear", "--python", platform.python_version(), str(alone))
    python = str(alone / "bin" / "python")
    session.run("uv", "pip", "install", "--quiet", "--python", python, "-c", str(pins), str(wheel))
    session.run(python, "-m", "offers_cli", "demo", "--offers", "12")
    materials = out / f"{'-'.join(wheel.stem.split('-')[:2])}.cdx.json"
    written = ["--pyproject=pyproject.toml", "--output-reproducible", f"--output-file={materials}"]
    session.run("cyclonedx-py", "environment", *written, python)


@nox.session
def lock(session: nox.Session) -> None:
    """Write the locks again after a change of pyproject.toml; `nox -s lock -- --upgrade` takes the newest of all."""
    session.install("uv")
    form = ["--universal", "--python-version=3.11", "--generate-hashes", "--no-header", "--no-annotate", "--quiet"]
    for name, wanted in LOCKS.items():
        session.run("uv", "pip", "compile", *form, *wanted.split(), "-o", name, *session.posargs)
