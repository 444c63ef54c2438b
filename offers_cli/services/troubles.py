"""The troubles that operators are told of: what each look finds, in words for people."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from offers_cli.affiliate.session import SessionKeeper
from offers_cli.alerts.troubles import Look, Trouble
from offers_cli.drift.store import DriftStore
from offers_cli.errors import LabelRefused, PageBlocked
from offers_cli.fetch.pace import SharedPace
from offers_cli.queue.registries import Registries
from offers_cli.services.doctor.machine import LITTLE_BYTES, TOO_LITTLE_BYTES
from offers_cli.services.doctor.site import OLD_SESSION_DAYS
from offers_cli.storage.base import Storage

DAYS_BEFORE = 3
"""A login that ends within so many days is told of."""
WALL_AFTER = timedelta(minutes=30)
MANY_RUNS = 100


def list_looks(
    *,
    session: SessionKeeper,
    pace: SharedPace,
    drift: DriftStore,
    queue: Registries,
    storage: Storage,
    home: Path,
    no_scrape_s: float,
    now: Callable[[], datetime],
) -> Mapping[str, Look]:
    """What finds the troubles of each kind."""
    return {
        "session": partial(_session, session),
        "wall": partial(_walls, pace),
        "pages": partial(_pages, drift),
        "label": partial(_label, queue),
        "scrape": partial(_scrapes, storage, timedelta(seconds=no_scrape_s), now),
        "disk": partial(_disk, home),
    }


def _session(keeper: SessionKeeper) -> Iterator[Trouble]:
    """Nothing where there is no session: it is not needed for public pages."""
    session = keeper.check()
    if session.imported_at is None:
        return
    next_step = "Next: offers session import FILE"
    over = "The affiliate's login is accepted again"
    if not session.valid:
        reason = session.problems[0].message
        text = f"{reason[0].upper()}{reason[1:]}. Links wait until it works. {next_step}"
        yield Trouble(name="session", title="The affiliate's login has ended", text=text, over=over)
    elif session.days_left is not None and session.days_left < DAYS_BEFORE:
        text = f"It ends at {session.expires_at:%Y-%m-%d %H:%M} UTC. {next_step}"
        yield Trouble(name="session", title="The affiliate's login ends soon", text=text, over=over, is_grave=False)
    elif (session.age_days or 0) >= OLD_SESSION_DAYS:
        text = f"It was imported {session.age_days} days ago, and may end soon. {next_step}"
        yield Trouble(name="session", title="The affiliate's login is old", text=text, over=over, is_grave=False)


def _walls(pace: SharedPace) -> Iterator[Trouble]:
    for host in sorted({paused.host for paused in pace.paused_hosts() if paused.reason == PageBlocked.code}):
        yield Trouble(
            name=f"wall {host}",
            title=f"{host} shows a wall",
            text=f"{host} has shown a captcha, a login or a refusal for half an hour. Its jobs wait, and lose nothing. "
            "Next: offers stats",
            over=f"{host} serves pages again",
            after=WALL_AFTER,
        )


def _pages(drift: DriftStore) -> Iterator[Trouble]:
    warnings = drift.warnings()
    for source in sorted({warning.source for warning in warnings}):
        found = [warning for warning in warnings if warning.source == source]
        yield Trouble(
            name=f"pages {source}",
            title=f"Pages have changed: {source}",
            text=f"{'; '.join(warning.message for warning in found)}. Next: offers failed --reason page_changed",
            over=f"Pages are as they were: {source}",
            is_grave=any(warning.is_broken for warning in found),
        )


def _label(queue: Registries) -> Iterator[Trouble]:
    for jobs in queue.put_off():
        if jobs.code == LabelRefused.code:
            yield Trouble(
                name="label",
                title="The affiliate programme refuses the label",
                text=f"{jobs.message}; links that wait for another one: {jobs.jobs}. "
                "Next: offers config set ML_AFFILIATE_TAG, then start the worker again",
                over="No link waits for another label any more",
            )


def _scrapes(storage: Storage, most: timedelta, now: Callable[[], datetime]) -> Iterator[Trouble]:
    """Nothing for who never scraped."""
    runs = storage.find_runs(limit=MANY_RUNS)
    done = [run.finished_at or run.started_at for run in runs if run.status == "done"]
    latest = max(done, default=runs[-1].started_at if runs else None)
    if latest is not None and now() - latest >= most:
        hours = int((now() - latest).total_seconds() // 3600)
        yield Trouble(
            name="scrape",
            title=f"Nothing was scraped for {hours} hours",
            text=f"No scrape was done since {latest:%Y-%m-%d %H:%M} UTC. Next: offers runs; offers schedule list",
            over="Scrapes are done again",
        )


def _disk(
    home: Path, *, free_bytes: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free
) -> Iterator[Trouble]:
    free = free_bytes(home)
    if free < LITTLE_BYTES:
        yield Trouble(
            name="disk",
            title="The disk is nearly full",
            text=f"{free / 2**20:.0f} MiB are free at {home}. Next: offers doctor",
            over="The disk has room again",
            is_grave=free < TOO_LITTLE_BYTES,
        )
