"""What is published: the wheel holds the program and its licence, the sdist all that is needed to work on it."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from email import message_from_string
from email.message import Message
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both archives, built by the backend itself: nothing is downloaded."""
    pytest.importorskip("hatchling")
    out = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-d", str(out)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def wheel(built: Path) -> dict[str, bytes]:
    (path,) = built.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def sdist(built: Path) -> set[str]:
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


@pytest.fixture(scope="module")
def metadata(wheel: dict[str, bytes]) -> Message:
    (text,) = (content for name, content in wheel.items() if name.endswith(".dist-info/METADATA"))
    return message_from_string(text.decode())


def test_the_wheel_carries_the_licence(wheel: dict[str, bytes], metadata: Message) -> None:
    (text,) = (content for name, content in wheel.items() if name.endswith(".dist-info/licenses/LICENSE"))
    assert text == (ROOT / "LICENSE").read_bytes()
    assert metadata["License-Expression"] == "MIT"
    assert metadata["License-File"] == "LICENSE"


def test_the_wheel_s_demo_is_what_the_demo_command_uses(wheel: dict[str, bytes]) -> None:
    shipped = {name for name in wheel if name.startswith("offers_cli/demo/")}
    code = (
        "import sys, offers_cli.demo.run; print(*(name for name in sys.modules if name.startswith('offers_cli.demo.')))"
    )
    used = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    modules = {f"{name.replace('.', '/')}.py" for name in used} | {"offers_cli/demo/__init__.py"}
    templates = {
        f"offers_cli/demo/templates/{name}.html" for name in ("amount", "errors", "listing", "product", "scripts")
    }
    assert shipped == modules | templates


def test_the_wheel_holds_the_package_alone(wheel: dict[str, bytes]) -> None:
    rooms = {name.partition("/")[0] for name in wheel}
    assert {room for room in rooms if not room.endswith(".dist-info")} == {"offers_cli"}


def test_the_wheel_holds_every_file_of_the_package(wheel: dict[str, bytes]) -> None:
    package = ROOT / "offers_cli"
    files = {str(path.relative_to(ROOT)) for path in package.rglob("*") if path.is_file()}
    expected = {name for name in files if "__pycache__" not in name}
    assert {name for name in wheel if name.startswith("offers_cli/")} == expected
    assert {Path(name).suffix for name in expected} >= {".py", ".lua", ".sql", ".html", ".css", ".typed"}


def test_nothing_of_development_is_published_as_an_extra(metadata: Message) -> None:
    assert set(metadata.get_all("Provides-Extra") or ()) == {"parquet", "postgres", "dashboard", "xlsx", "notify"}


def test_the_sdist_holds_what_is_needed_to_work_on_it(sdist: set[str]) -> None:
    assert {"LICENSE", "README.md", "CHANGELOG.md", "noxfile.py", "pyproject.toml", "tests/conftest.py"} <= sdist
    assert {"docs/design.md", "bench/startup.py", "offers_cli/__init__.py", "requirements/dev.txt"} <= sdist
    assert {"CONTRIBUTING.md", "SECURITY.md"} <= sdist
