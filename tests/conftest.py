"""What every test starts from."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from offers_cli.language import speak
from offers_cli.log import ROOT
from offers_cli.times import use_time_zone

pytest_plugins = ["supabase_server.fixtures"]

# The same examples in every run, however long one takes; `nox -s fuzz` looks for new ones.
settings.register_profile("steady", deadline=None, derandomize=True, max_examples=100)
settings.register_profile("fuzz", deadline=None, max_examples=3000)
settings.load_profile("steady")


OF_THE_TESTS = ("OFFERS_TEST_", "OFFERS_REAL_PAGES", "OFFERS_CHAOS")
FAILURES = os.environ.get("OFFERS_TEST_FAILURES")
"""The file to which each failure is written as well; `.ci/run` shows it at its end."""
SHOWN_OF_A_FAILURE = 3000


def pytest_collection_finish() -> None:
    """Every module has read the tests' own variables by now; `offers` would take them for settings of its own."""
    for name in [name for name in os.environ if name.startswith(OF_THE_TESTS)]:
        del os.environ[name]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep how a test failed; of a long text its end, where pytest says why and the test what it printed."""
    if FAILURES and report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        printed = "\n".join(text for _, text in report.sections)
        parts = (f"\n== {report.nodeid} ({report.when})", report.longreprtext, printed)
        with Path(FAILURES).open("a", encoding="utf-8", errors="replace") as file:
            file.writelines(f"{part[-SHOWN_OF_A_FAILURE:]}\n" for part in parts)


@pytest.fixture(autouse=True, scope="session")
def _the_same_on_every_machine() -> None:
    """What people are shown does not depend on where the tests run: the local time is UTC, the language English."""
    use_time_zone("UTC")
    os.environ["LC_ALL"] = "C.UTF-8"


@pytest.fixture
def in_portuguese() -> Iterator[None]:
    """People are spoken to in Brazilian Portuguese."""
    speak("pt-BR")
    yield
    speak("en")


@pytest.fixture
def sao_paulo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Local time is that of Brazil, three hours behind UTC."""
    monkeypatch.setenv("TZ", "America/Sao_Paulo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(autouse=True)
def quiet_logging() -> Iterator[None]:
    """A test that configures logging leaves it as it was."""
    root = logging.getLogger(ROOT)
    before = root.handlers[:], root.level, root.propagate
    yield
    root.handlers[:], root.level, root.propagate = before
