"""Show config: every setting, what it is and where it came from; the secrets masked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from offers_cli.config import MASK, SETTINGS, Config, Notice, Origin, Secret, Setting, mask_url
from offers_cli.config.sources import HOME
from offers_cli.errors import ConfigError
from offers_cli.report import Problem, Report

FILES = (".env", "offers.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSetting:
    """One setting as it may be seen: `value` is masked where it is secret, None where it is not set."""

    value: Any
    origin: str
    file: str | None
    secret: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigReport(Report):
    """All settings by name; with problems, those that cannot be read have their default."""

    settings: Mapping[str, ShownSetting]
    notices: tuple[Notice, ...] = ()


def show_config(config: Config, problems: tuple[str, ...]) -> ConfigReport:
    """Show the settings, and what is wrong with them."""
    home = _shown(str(config.home), config.origins[HOME], secret=False)
    rest = {
        setting.name: _shown(shown_value(setting, config), config.origins[setting.name], secret=setting.secret)
        for setting in SETTINGS
    }
    wrong = tuple(
        Problem(code=ConfigError.code, message=problem, exit_code=ConfigError.exit_code) for problem in problems
    )
    return ConfigReport(settings={HOME: home, **rest}, notices=config.notices, problems=wrong)


def _shown(value: Any, origin: Origin, *, secret: bool) -> ShownSetting:
    file = str(origin.path) if origin.path else None
    return ShownSetting(value=value, origin=origin.kind, file=file, secret=secret)


def shown_value(setting: Setting, config: Config) -> Any:
    """The value as it may be seen; of an address the user and the password are masked, of another secret all is."""
    value = getattr(getattr(config, setting.section), setting.attribute)
    if value is not None and setting.is_address:
        text = value.reveal() if isinstance(value, Secret) else value
        addresses = text.split(",") if setting.kind.many else [text]  # a password may hold a comma
        return ",".join(map(mask_url, addresses))
    if isinstance(value, Secret):
        return MASK
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigGetReport(Report):
    """One setting; see `ShownSetting`."""

    name: str
    value: Any
    origin: str
    file: str | None
    secret: bool


def get_setting(name: str, shown: ConfigReport) -> ConfigGetReport:
    """One setting of those shown, and what is wrong with it."""
    problems = tuple(problem for problem in shown.problems if problem.message.startswith(name))
    return ConfigGetReport(name=name, **asdict(shown.settings[name]), problems=problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFile:
    """One file that settings are read from, if it is there."""

    kind: str
    path: Path
    exists: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigPathReport(Report):
    """Where settings are looked for, strongest first."""

    home: Path
    files: tuple[ConfigFile, ...]


def find_config_files(config: Config, folder: Path) -> ConfigPathReport:
    """The files that may hold settings: each kind in the working directory, then in `OFFERS_HOME`."""
    places = dict.fromkeys((folder, config.home))
    paths = [(kind, place / kind) for kind in FILES for place in places]
    files = tuple(ConfigFile(kind=kind, path=path, exists=os.access(path, os.F_OK)) for kind, path in paths)
    return ConfigPathReport(home=config.home, files=files)
