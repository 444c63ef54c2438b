"""The settings: everything that is wrong with them, each with its origin."""

from __future__ import annotations

import re
from collections.abc import Sequence

from offers_cli.config import Config
from offers_cli.errors import ConfigError
from offers_cli.services.doctor.finding import Finding

_IN_ENVIRONMENT = re.compile(r"(\w+) from environment:")


def look_at_settings(config: Config, problems: Sequence[str]) -> list[Finding]:
    """One finding with all problems; environment variables that cannot be read are to be unset."""
    if not problems:
        given = [name for name, origin in config.origins.items() if origin.kind != "default"]
        return [Finding(name="settings", state="ok", evidence=", ".join(given) + " set" if given else "all default")]
    return [Finding.of("settings", ConfigError("; ".join(problems), hint=_advice(problems)))]


def _advice(problems: Sequence[str]) -> str:
    names = [found[1] if (found := _IN_ENVIRONMENT.match(problem)) else None for problem in problems]
    if all(names):
        return "unset " + " ".join(filter(None, names))
    return "correct them where they stand; offers config show --origin tells where each comes from"
