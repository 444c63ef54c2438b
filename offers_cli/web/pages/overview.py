"""The start page: the figures of `offers stats` and the last scrapes, live while somebody watches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from threading import Event
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, abort, copy_current_request_context, render_template, request

from offers_cli.errors import OffersError
from offers_cli.times import utc_now
from offers_cli.web.live import Live

if TYPE_CHECKING:
    from offers_cli.services.runs import PastRun
    from offers_cli.services.stats import StatsReport

LAST_RUNS = 5


def overview_pages(
    *,
    collect_stats: Callable[[], StatsReport],
    list_runs: Callable[[int], Sequence[PastRun]],
    stopped: Event,
) -> Blueprint:
    """The start page, and the stream that keeps it up to date.

    Args:
        list_runs: the newest scrapes, so many at the most.
        stopped: is set when the server stops, to end the streams.
    """
    pages = Blueprint("overview", __name__)

    def figures() -> dict[str, Any]:
        try:
            runs = list_runs(LAST_RUNS)
        except OffersError:  # the figures say that the database does not answer
            runs = ()
        return {"stats": collect_stats(), "runs": runs, "ends": _ends}

    def draw() -> str:
        return render_template("overview_live.html", **figures())

    live = Live(stopped=stopped)

    @pages.get("/")
    def index() -> str:
        return render_template("overview.html", **figures())

    @pages.get("/events")
    def events() -> Response:
        if not live.enter():
            abort(503)
        is_gone = request.environ.get("waitress.client_disconnected", lambda: False)
        response = Response(live.events(copy_current_request_context(draw), is_gone), mimetype="text/event-stream")
        response.headers["X-Accel-Buffering"] = "no"  # nginx would keep it until it is whole
        response.call_on_close(live.leave)
        return response

    return pages


def _ends(seconds: float) -> datetime:
    """When so many seconds are over."""
    return utc_now() + timedelta(seconds=seconds)
