"""Write the reference pages from the code: `python docs/generate.py`. A test fails when they have drifted."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable
from pathlib import Path

from offers_cli.cli.commands import SUMMARIES
from offers_cli.cli.main import main
from offers_cli.config import MASK, SETTINGS
from offers_cli.config.settings import HOME_DOC
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

NOTE = "<!-- Written by docs/generate.py from the code; change the code, not this page. -->\n\n"
EXIT_CODES: tuple[tuple[int, str, type[OffersError] | None], ...] = (
    (0, "all done", None),
    (1, "some items failed, the rest is done", None),
    (2, "usage: a word, an option or a file that does not fit", UsageError),
    (3, "configuration: settings, keys, schema", ConfigError),
    (4, "a service (Redis, database, site) is unreachable", QueueUnavailable),
    (5, "the site blocked us, or its page changed or tells nothing", PageBlocked),
    (130, "interrupted", Interrupted),
)
NEXT = {
    Outcome.FINAL: "final: no retry; the offer is marked and not queued again",
    Outcome.SNOOZE: "snooze: the host or service pauses, the job waits without spending an attempt",
    Outcome.RETRY: "retry: three attempts with growing waits, then failed",
    Outcome.FAIL: "fail: failed at once; the page is kept for `offers explain`, then `offers requeue-failed`",
}


def commands() -> str:
    """The help of every command, as it is shown 80 columns wide."""
    os.environ["COLUMNS"] = "80"
    parts = ["# Commands\n\n", NOTE, f"```text\n{_help([])}```\n"]
    parts += [f"\n## offers {name}\n\n```text\n{_help([name])}```\n" for name in SUMMARIES]
    return "".join(parts)


def _help(words: list[str]) -> str:
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        main([*words, "--help"])
    return "\n".join(line.rstrip() for line in shown.getvalue().splitlines()) + "\n"


def settings() -> str:
    """Every setting with its default and meaning."""
    rows = ["| variable | default | meaning |\n|---|---|---|\n"]
    rows.append(f"| `OFFERS_HOME` | the platform's data folder | {HOME_DOC} |\n")
    for setting in SETTINGS:
        names = ", ".join(f"`{name}`" for name in setting.names)
        secret = f" Secret, shown as `{MASK}`; `{setting.name}_FILE` may name a file." if setting.secret else ""
        rows.append(f"| {names} | {_default(setting.default)} | {setting.doc}{secret} |\n")
    return (
        "# Settings\n\n" + NOTE + "A flag stands above the environment, that above `.env` (working directory, then "
        "`OFFERS_HOME`), that above\n`offers.toml` (same places), that above the default. In `offers.toml` names are "
        "written in small letters.\nUnknown names in a file are an error that names the nearest valid one. Secrets do "
        "not belong in `offers.toml`.\n\n" + "".join(rows)
    )


def _default(value: object) -> str:
    if value is None or value == ():
        return "not set"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def failure_codes() -> str:
    """Every failure code, its meaning and what happens next."""
    rows = ["| code | meaning | what happens |\n|---|---|---|\n"]
    for code, error in WORK_ERRORS.items():
        meaning = (error.__doc__ or "").splitlines()[0]
        rows.append(f"| `{code}` | {meaning} | {NEXT[error.outcome]} |\n")
    return "# Failure codes\n\n" + NOTE + "".join(rows)


def exit_codes() -> str:
    """Every exit code."""
    rows = "".join(f"| {code} | {meaning} |\n" for code, meaning, _ in EXIT_CODES)
    return "# Exit codes\n\n" + NOTE + "| code | meaning |\n|---|---|\n" + rows


PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands,
    "settings.md": settings,
    "failure-codes.md": failure_codes,
    "exit-codes.md": exit_codes,
}

if __name__ == "__main__":
    for name, write in PAGES.items():
        Path(__file__).with_name(name).write_text(write(), encoding="utf-8")
