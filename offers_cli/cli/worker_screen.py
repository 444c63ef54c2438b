"""What a terminal shows while a worker runs: one calm screen, redrawn in place, for one process or several.

The lines that a pipe would get come here as events, from this process or, through a pipe, from others.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from offers_cli.cli.formatting import format_money
from offers_cli.cli.render import console
from offers_cli.cli.stats import Row, Verbatim, grid
from offers_cli.language import translate
from offers_cli.log import configure_logging
from offers_cli.queue.results import WorkerReport
from offers_cli.queue.signals import FINISHING, FINISHING_INTERRUPTED
from offers_cli.services.worker import QueueView, say_what_waits
from offers_cli.times import format_duration

if TYPE_CHECKING:
    from rich.table import Table as Grid

LOOK_EVERY_S = 0.5
LOOK_SHARE = 20
"""Between two looks passes so many times what one takes, at the least."""
RATE_S = 300.0
"""The rate is that of so much working time, the last."""
BAR = 24
EVENTS_KEPT = 50

Event = Mapping[str, Any]


@dataclass(slots=True)
class WorkedTime:
    """How long there was work, and what was decided in it: waiting for jobs or for a host is no work."""

    seconds: float = 0.0
    _before: float | None = None
    _samples: deque[tuple[float, int]] = field(default_factory=deque)

    def note(self, now: float, *, decided: int, works: bool) -> None:
        """Note how much is decided by `now`, and whether something was running just before."""
        grew = bool(self._samples) and decided > self._samples[-1][1]
        if self._before is not None and (works or grew):
            self.seconds += now - self._before
        self._before = now
        self._samples.append((self.seconds, decided))
        while self._samples[0][0] < self.seconds - RATE_S:
            self._samples.popleft()

    @property
    def per_s(self) -> float | None:
        """Jobs decided in a second of work; None while that is not known."""
        if not self._samples:
            return None
        (began, first), (now, last) = self._samples[0], self._samples[-1]
        return (last - first) / (now - began) if last > first and now > began else None


class WorkerScreen:
    """What is known of the work, and how it is drawn.

    Args:
        look: what stands in the queue now.
        title: what runs, such as ``2 processes``.
    """

    def __init__(
        self, look: Callable[[], QueueView], *, title: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._look = look
        self._title = title
        self._clock = clock
        self._began = clock()
        self._view = QueueView()
        self._decided_before = 0
        self._done = WorkerReport()
        self._worked = WorkedTime()
        self._events: deque[str] = deque(maxlen=EVENTS_KEPT)
        self._stopping = ""

    def progress(self, done: WorkerReport) -> None:
        """Take the counts so far; from any thread."""
        self._done = done

    def write(self, line: str) -> None:
        """Take one JSON line of the log; from any thread. What is none is left out."""
        try:
            event = json.loads(line)
        except ValueError:
            return
        if not isinstance(event, dict):
            return
        if event.get("message") in (FINISHING, FINISHING_INTERRUPTED):
            self._stopping = event["message"]
        elif text := _told(event):
            self._events.append(text)

    def flush(self) -> None:
        """There is nothing to send on."""

    def refresh(self) -> None:
        """Look at the queue again."""
        # Before, so that what ends meanwhile is not counted twice.
        self._decided_before = self._done.decided
        self._view = self._look()
        counts = self._view.counts
        self._worked.note(self._clock(), decided=self._done.decided, works=bool(counts and counts.started))

    def rows(self, *, height: int) -> list[Row]:
        """The screen, in `height` lines at the most; the oldest events give way first."""
        since = format_duration(self._clock() - self._began)
        rows: list[Row] = [("offers worker", f"{self._title}, {since}; {self._stopping or 'Ctrl-C ends'}"), ("", "")]
        rows += [("done", self._share()), ("rate", self._rate()), ("ended", self._ended())]
        waiting = say_what_waits(self._view)
        if not waiting and self._view.counts and not self._known() - self._done.decided:
            waiting = ["for jobs: offers scrape, offers enqueue-missing"]
        rows += [("waits" if not place else "", line) for place, line in enumerate(waiting[:8] or ["nothing"])]
        rows.append(("", ""))
        room = max(0, height - len(rows))
        latest = list(self._events)[-room:] if room else []
        rows += [("lately" if not place else "", Verbatim(text)) for place, text in enumerate(latest)]
        return rows[:height]

    def _known(self) -> int:
        counts = self._view.counts
        left = counts.queued + counts.started + counts.scheduled if counts else 0
        return max(self._done.decided, self._decided_before + left)

    def _share(self) -> str:
        done, known = self._done.decided, self._known()
        if self._view.counts is None:
            return f"{done:,}"
        filled = BAR * done // known if known else BAR
        share = f"{100 * done // known}%" if known else ""
        return f"{done:,} of {known:,}  {'━' * filled}{'─' * (BAR - filled)}  {share}"

    def _rate(self) -> str:
        per_s = self._worked.per_s
        if per_s is None:
            return "-"
        return f"{60 * per_s:,.1f} a minute, {self._time_left(per_s)}"

    def _time_left(self, per_s: float) -> str:
        by_people = sum(jobs.jobs for jobs in self._view.put_off if jobs.code in ("session_expired", "label_refused"))
        left = max(0, self._known() - self._done.decided - by_people)
        rest_s = max((host.seconds for host in self._view.paused), default=0.0) if left else 0.0
        text = f"{format_duration(max(left / per_s, rest_s))} left"
        return f"{text} when what waits can go on" if by_people else text

    def _ended(self) -> str:
        done = self._done
        counts = [(done.succeeded, "enriched"), (done.gone, "gone"), (done.failed, "failed")]
        counts += [(done.retried, "times tried again"), (done.snoozed, "times put off")]
        return "  ".join(f"{count:,} {what}" for count, what in counts if count or what in ("enriched", "failed"))


def _told(event: Event) -> str:
    """An event as the screen tells it; empty for what it shows otherwise, or not at all."""
    match event.get("tag"), event.get("message"):
        case "enrichment", "read":
            price = _money(event.get("price_cents"), event.get("currency"))
            old = _money(event.get("old_price_cents"), event.get("currency"))
            what = f"{price} {_named(event)}" + (f" ({translate('was')} {old})" if old else "")
        case "enrichment_job", "failed" | "gone" | "retried" as outcome:
            why = translate(str(event.get("reason") or event.get("code")))
            what = f"{translate(outcome)}: {why} {_path(event)}"
        case _ if event.get("level") in ("warning", "error"):
            why = event.get("reason") or event.get("seen") or ""
            what = translate(f"{event['message']}" + (f": {why}" if why else ""))
        case _:
            return ""
    return f"{_clock_time(event.get('time'))} {what}"


def _money(cents: Any, currency: Any) -> str:
    return format_money(cents, currency) if isinstance(cents, int) and isinstance(currency, str) else ""


def _named(event: Event) -> str:
    return str(event.get("title") or _path(event))


def _path(event: Event) -> str:
    return urlsplit(str(event.get("url") or "")).path


def _clock_time(moment: Any) -> str:
    try:
        return f"{datetime.fromisoformat(moment).astimezone():%H:%M:%S}"
    except (TypeError, ValueError):
        return "--:--:--"


@contextmanager
def showing(screen: WorkerScreen) -> Iterator[Connection]:
    """Around the work: the screen stands on stderr, and gets the log; the terminal is left as it was found.

    Yields:
        Where other processes write their log, as JSON lines. It never blocks: what nobody reads is lost.
    """
    from rich.live import Live

    terminal = console(sys.stderr)
    ended = threading.Event()
    reading, writing = Pipe(duplex=False)
    os.set_blocking(writing.fileno(), False)

    def draw() -> Grid:
        return grid(screen.rows(height=max(1, terminal.height - 1)))

    def look_again() -> None:
        while not ended.is_set():
            began = time.monotonic()
            screen.refresh()
            # A hundred thousand jobs that are put off take a while to count: Redis is there for the work first.
            ended.wait(max(LOOK_EVERY_S, LOOK_SHARE * (time.monotonic() - began)))

    def read() -> None:
        with reading, os.fdopen(os.dup(reading.fileno()), encoding="utf-8", errors="replace") as lines:
            for line in lines:
                screen.write(line)

    threads = [threading.Thread(target=work, daemon=True) for work in (look_again, read)]
    configure_logging(verbosity=0, json_lines=True, stream=lambda: screen)
    try:
        with Live(console=terminal, screen=True, refresh_per_second=4, get_renderable=draw, redirect_stdout=False):
            for thread in threads:
                thread.start()
            yield writing
    finally:
        ended.set()
        writing.close()
        configure_logging(verbosity=0, json_lines=False, times=True)
