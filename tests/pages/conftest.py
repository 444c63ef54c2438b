"""The dashboard's pages of offers, in this process: the real application over a real Redis and SQLite."""

from __future__ import annotations

from programs.conftest import desk, desk_redis, home, stocked

__all__ = ["desk", "desk_redis", "home", "stocked"]
