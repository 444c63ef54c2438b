"""What every test starts from."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from offers_cli.log import ROOT

pytest_plugins = ["supabase_server.fixtures"]


@pytest.fixture(autouse=True)
def quiet_logging() -> Iterator[None]:
    """A test that configures logging leaves it as it was."""
    root = logging.getLogger(ROOT)
    before = root.handlers[:], root.level, root.propagate
    yield
    root.handlers[:], root.level, root.propagate = before
