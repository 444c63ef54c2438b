"""Chance that repeats itself."""

from __future__ import annotations

from random import Random


def dice(*names: object) -> Random:
    """Random numbers that depend on the names alone: the same in every process, on every machine."""
    return Random(":".join(map(str, ("offers-demo", *names))))  # noqa: S311  invented goods, no secrets
