"""Waiting for what other threads and processes do."""

from __future__ import annotations

import time
from collections.abc import Callable

NEVER_S = 60.0
"""What has not happened by then never will, on the busiest machine."""


def wait_until(condition: Callable[[], object], what: str = "") -> None:
    """Look again and again until the condition holds; it fails only where that never happens."""
    deadline = time.monotonic() + NEVER_S
    while not condition():
        assert time.monotonic() < deadline, f"it never happened: {what}"
        time.sleep(0.01)
