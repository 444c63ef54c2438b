"""The settings: everything that is wrong with them, each with its origin."""

from __future__ import annotations

import re
from collections.abc import Sequence

from offers_cli.config import Config
from offers_cli.errors import ConfigError
from offers_cli.services.doctor.finding import Finding

_IN_ENVIRONMENT = re.compile(r"(\w+) from environment:")


def look_at_settings(config: Config, problems: Sequence[str]) -> list[Finding]:
    """One finding with all problems, else one with all files that are not obeyed or hold secrets for all to read."""
    notices = [notice for notice in config.notices if notice.advice]
    remarks = [notice.message for notice in notices]
    if problems:
        return [Finding.of("settings", ConfigError("; ".join([*problems, *remarks]), hint=_advice(problems)))]
    if notices:
        advice = "; ".join(notice.advice for notice in notices)
        return [Finding(name="settings", state="warning", evidence="; ".join(remarks), advice=advice)]
    given = [name for name, origin in config.origins.items() if origin.kind != "default"]
    return [Finding(name="settings", state="ok", evidence=", ".join(given) + " set" if given else "all default")]


def _advice(problems: Sequence[str]) -> str:
    """Environment variables that cannot be read are to be unset."""
    names = [found[1] if (found := _IN_ENVIRONMENT.match(problem)) else None for problem in problems]
    if all(names):
        return "unset " + " ".join(filter(None, names))
    return "correct them where they stand; offers config show --origin tells where each comes from"
