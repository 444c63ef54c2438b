"""The start page: the figures of `offers stats`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, render_template


def overview_pages(get_stats: Callable[[], Mapping[str, Any]]) -> Blueprint:
    """The start page.

    Args:
        get_stats: the figures, as `StatsReport.data` gives them.
    """
    pages = Blueprint("overview", __name__)

    @pages.get("/")
    def index() -> str:
        return render_template("overview.html", stats=get_stats())

    return pages
