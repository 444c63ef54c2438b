"""What `offers help TOPIC` shows, taken from the code it describes; `docs/generate.py` writes the same as pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from offers_cli.errors import (
    WORK_ERRORS,
    ConfigError,
    Interrupted,
    OffersError,
    Outcome,
    PageBlocked,
    QueueUnavailable,
    UsageError,
)
from offers_cli.language import translate

EXIT_CODES: tuple[tuple[int, str, type[OffersError] | None], ...] = (
    (0, "all done", None),
    (1, "some items failed, the rest is done", None),
    (2, "usage error: invalid argument, option or file", UsageError),
    (3, "configuration: settings, keys, schema", ConfigError),
    (4, "a service (Redis, database, site) is unreachable", QueueUnavailable),
    (5, "the site blocked us, or its page could not be read", PageBlocked),
    (130, "interrupted", Interrupted),
)
NEXT = {
    Outcome.FINAL: "final: no retry; the offer is marked, and queued again by `offers requeue-failed --reason` alone",
    Outcome.SNOOZE: "put off: the host or service is left alone for a while; the job waits, and no attempt is counted",
    Outcome.RETRY: "retry: three attempts with growing waits, then failed",
    Outcome.FAIL: "fail: failed at once; a page that came whole is kept for `explain`, then `offers requeue-failed`",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic: a sentence, and a table."""

    text: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def exit_codes() -> Topic:
    rows = [(str(code), meaning) for code, meaning, _ in EXIT_CODES]
    return Topic(text="Every command ends with one of these.", columns=("code", "meaning"), rows=rows)


def failure_codes() -> Topic:
    rows = [(code, (error.__doc__ or "").splitlines()[0], NEXT[error.outcome]) for code, error in WORK_ERRORS.items()]
    return Topic(text="Why a job failed, and what follows.", columns=("code", "meaning", "what happens"), rows=rows)


def environment() -> Topic:
    from offers_cli.config import SETTINGS
    from offers_cli.config.settings import HOME_DOC

    rows = [(setting.name, setting.written(setting.default), setting.doc) for setting in SETTINGS]
    return Topic(
        text="Precedence: flag > environment > .env > offers.toml > default. Secrets may be read from <NAME>_FILE.",
        columns=("variable", "default", "meaning"),
        rows=[("OFFERS_HOME", translate("the platform's data folder"), HOME_DOC), *rows],
    )


def json_document() -> Topic:
    from offers_cli.cli.commands import all_commands

    return Topic(
        text='--json prints one document: {"version": 1, "command", "status": "ok|partial|error", "data": {…}, '
        '"errors": [{"code", "message", "hint", "offer_id"?}]}. Prices are integer cents, percentages integers, '
        "times ISO 8601 in UTC. These keys of data never disappear; unknown is null.",
        columns=("command", "keys of data"),
        rows=[(command.name, ", ".join(command.keys())) for command in all_commands()],
    )


TOPICS: dict[str, tuple[str, Callable[[], Topic]]] = {
    "exit-codes": ("What each exit code means.", exit_codes),
    "environment": ("Every setting and its default.", environment),
    "json": ("What --json prints.", json_document),
    "failure-codes": ("Why jobs fail, and what follows.", failure_codes),
}
