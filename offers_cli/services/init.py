"""Init: a commented `.env`, so that every setting can be found in one place."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap

from offers_cli.config import SETTINGS, Setting
from offers_cli.errors import UsageError
from offers_cli.language import translate
from offers_cli.report import Report

HEAD = """\
# Settings of offers. Precedence: flag > environment > .env (working directory, then OFFERS_HOME) > offers.toml >
# default. `offers config set NAME VALUE` changes the one in OFFERS_HOME.
# A line that begins with # is a comment: take the # away to set that value.
# Secrets may stand here: keep this file to yourself, and out of version control.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class InitReport(Report):
    """The file that was written, and the names of the settings that it sets."""

    file: Path
    set: tuple[str, ...]


def init(path: Path, answers: Mapping[str, str]) -> InitReport:
    """Write a new `.env` of mode 0600 that sets `answers` and explains all other settings.

    Raises:
        UsageError: there is such a file already (it is left as it is), or it cannot be written.
    """
    text = HEAD + "".join(_entry(setting, answers.get(setting.name)) for setting in SETTINGS)
    write_new(path, text)
    return InitReport(file=path, set=tuple(setting.name for setting in SETTINGS if setting.name in answers))


def check_new(path: Path) -> None:
    """Raise `UsageError` if something stands there already."""
    if os.path.lexists(path):
        raise UsageError(f"{path} exists; it was left as it is", hint="offers config set NAME VALUE")


def write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet, readable by its owner alone; whole or not at all. Raises as `init`."""
    check_new(path)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(file, "w", encoding="utf-8") as out:
                out.write(text)
        except OSError:
            path.unlink()
            raise
    except OSError as exc:
        raise cannot_be_written(path, exc) from exc


def cannot_be_written(path: Path, error: OSError) -> UsageError:
    """The error that stands for the system's."""
    hint = "free some disk space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "offers doctor"
    return UsageError(f"{path} cannot be written: {error.strerror}", hint=hint)


def _entry(setting: Setting, answer: str | None) -> str:
    comment = "".join(f"# {line}\n" for line in wrap(translate(setting.doc), 110))
    default = (
        "" if isinstance(setting.default, Path) else setting.written(setting.default)
    )  # a path depends on OFFERS_HOME
    value = f"{setting.name}={quoted(answer)}" if answer is not None else f"# {setting.name}={default}"
    return f"\n{comment}{value}\n"


def quoted(text: str) -> str:
    """The text as python-dotenv reads it back, whatever is in it."""
    if text.isascii() and text.replace("_", "").replace("-", "").replace(".", "").isalnum():
        return text
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
