"""Runs and schedule: the past scrapes, and the commands on a clock with their last and next run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from flask import Blueprint, render_template

from offers_cli.errors import OffersError

if TYPE_CHECKING:
    from offers_cli.services.runs import PastRun
    from offers_cli.services.schedule import ScheduleReport

SHOWN_RUNS = 100


def runs_pages(
    *, list_runs: Callable[[int], Sequence[PastRun]], list_schedule: Callable[[], ScheduleReport]
) -> Blueprint:
    """The page of both; where Redis or the database does not answer, it shows the other.

    Args:
        list_runs: the newest scrapes, so many at the most.
    """
    pages = Blueprint("runs", __name__, url_prefix="/runs")

    @pages.get("/")
    def index() -> str:
        problems = []
        runs: Sequence[PastRun] = ()
        schedule: ScheduleReport | None = None
        try:
            schedule = list_schedule()
        except OffersError as error:
            problems.append(error)
        try:
            runs = list_runs(SHOWN_RUNS)
        except OffersError as error:
            problems.append(error)
        return render_template("runs.html", runs=runs, most=SHOWN_RUNS, schedule=schedule, problems=problems)

    return pages
