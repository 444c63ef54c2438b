"""Log lines: one event each, to stderr, with a tag that says where they come from.

Tags: ``scrape``, ``queue``, ``storage``, ``worker``, ``enrichment_job``, ``enrichment``, ``alerts``. Text form:
``[tag] message key=value``; JSON form: one object with ``time, level, tag, message, offer_id, job_id, url`` (its query
removed) and the event's figures. Nothing here formats a secret: events are built from plain figures and addresses
without their query.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit

from offers_cli.language import translate
from offers_cli.text import json_text, printable, printable_lines
from offers_cli.times import iso_utc

ROOT = "offers_cli"
ALWAYS = ("offer_id", "job_id", "url")
SENTENCES = frozenset({"reason", "hint", "advice"})
"""The figures of an event that are texts for people."""

# Who uses the package from Python decides what becomes of its events; without a handler Python prints the warnings.
logging.getLogger(ROOT).addHandler(logging.NullHandler())


class EventLog:
    """Writes events under one tag: ``log.info("saved", offer_id=…, new=3)``."""

    def __init__(self, tag: str) -> None:
        self._logger = logging.getLogger(f"{ROOT}.{tag}")

    def debug(self, message: str, **figures: Any) -> None:
        """Write an event that only `-v` shows."""
        self._logger.debug(message, extra={"figures": figures})

    def info(self, message: str, **figures: Any) -> None:
        """Write an event of the ordinary course of things."""
        self._logger.info(message, extra={"figures": figures})

    def warning(self, message: str, **figures: Any) -> None:
        """Write an event that the operator should look at; work goes on."""
        self._logger.warning(message, extra={"figures": figures})

    def error(self, message: str, *, exc_info: bool = False, **figures: Any) -> None:
        """Write an event that stopped something; with `exc_info` also the traceback of the exception in hand."""
        self._logger.error(message, exc_info=exc_info, extra={"figures": figures})


def get_log(tag: str) -> EventLog:
    """The log of one tag; silent until `configure_logging` was called."""
    return EventLog(tag)


def without_query(url: str) -> str:
    """The URL without its query, fragment and user-info, which may hold tokens."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(unreadable address)"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _figures(record: logging.LogRecord) -> dict[str, Any]:
    figures: dict[str, Any] = dict(getattr(record, "figures", {}))
    if figures.get("url"):
        figures["url"] = without_query(str(figures["url"]))
    return figures


def _tag(record: logging.LogRecord) -> str:
    return record.name.removeprefix(f"{ROOT}.")


class TextFormatter(logging.Formatter):
    """``[tag] message key=value``, a level name before warnings and errors.

    Args:
        times: with the local time in front, to the second, and how far it is from UTC.
    """

    def __init__(self, *, times: bool = False) -> None:
        super().__init__()
        self._times = times

    def format(self, record: logging.LogRecord) -> str:
        """The event on one line; a traceback below it."""
        time = ""
        if self._times:
            time = datetime.fromtimestamp(record.created, UTC).astimezone().isoformat(timespec="seconds") + " "
        level = "" if record.levelno < logging.WARNING else f"{record.levelname.lower()}: "
        figures = " ".join(
            f"{k}={translate(str(v)) if k in SENTENCES else v}" for k, v in _figures(record).items() if v is not None
        )
        message = translate(record.getMessage()) if level else record.getMessage()  # other events are names
        line = printable(f"{time}[{_tag(record)}] {level}{message} {figures}".rstrip())
        if not record.exc_info:
            return line
        return f"{line}\n{printable_lines(self.formatException(record.exc_info))}".rstrip("\n")


class JsonFormatter(logging.Formatter):
    """The same event as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """The event on one line; a traceback is a text in it."""
        figures = _figures(record)
        event: dict[str, Any] = {
            "time": iso_utc(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "tag": _tag(record),
            "message": record.getMessage(),
            **{name: figures.pop(name, None) for name in ALWAYS},
            **figures,
        }
        if record.exc_info:
            event["traceback"] = self.formatException(record.exc_info)
        return json_text(event, default=str)


class _StreamHandler(logging.Handler):
    """Asks for the stream at each line, so that a live progress display can stand in for stderr."""

    def __init__(self, stream: Callable[[], LineSink]) -> None:
        super().__init__()
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        try:
            stream = self._stream()
            stream.write(self.format(record) + "\n")
            stream.flush()
        except (OSError, ValueError):
            return  # stderr is gone (closed pipe); work goes on


class LineSink(Protocol):
    """What lines of a log are written to: stderr, or what stands in for it."""

    def write(self, text: str, /) -> object:
        """Take one line, its end included."""

    def flush(self) -> object:
        """Let it go on its way."""


def configure_logging(
    *, verbosity: int, json_lines: bool, times: bool = False, stream: Callable[[], LineSink] = lambda: sys.stderr
) -> None:
    """Send events to `stream`.

    Args:
        times: text lines carry the time; JSON lines always do.
        verbosity: -1 errors only (``-q``), 0 warnings and info, 1 or more debug (``-v``).
    """
    level = {-1: logging.ERROR, 0: logging.INFO}.get(max(-1, verbosity), logging.DEBUG)
    handler = _StreamHandler(stream)
    handler.setFormatter(JsonFormatter() if json_lines else TextFormatter(times=times))
    root = logging.getLogger(ROOT)
    root.handlers[:] = [handler]
    root.setLevel(level)
    root.propagate = False
