"""Where commands are tried without a program of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from offers_cli.config import get_config


@pytest.fixture
def anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """An empty working directory and home; the settings are read anew."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OFFERS_HOME", str(tmp_path / "home"))
    get_config.cache_clear()
    yield monkeypatch
    get_config.cache_clear()
