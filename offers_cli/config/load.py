"""Loading: the value of each setting, where it came from, and what is wrong with it.

Precedence: environment > `.env` (working directory, then `$OFFERS_HOME`) > `offers.toml` (same two places) > default.
Flags are given to the commands and stand above all of these.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

from offers_cli.config.checks import check_supabase, check_what_the_folder_decides, is_within
from offers_cli.config.owners import check_home
from offers_cli.config.settings import SECTIONS, SETTINGS, Config, Origin, Setting
from offers_cli.config.sources import HOME, NO_SUCH_SETTING, Remarks, Source, find_in_environment, find_in_folder
from offers_cli.config.values import one_line
from offers_cli.errors import ConfigError
from offers_cli.files import parse_path
from offers_cli.log import get_log

log = get_log("settings")


@cache
def get_config() -> Config:
    """Load the settings of this process once: environment, `.env`, `offers.toml`, defaults.

    Raises:
        ConfigError: everything that is wrong, each with its origin.
    """
    config = load_config(os.environ, working_folder())
    log_notices(config)
    return config


def working_folder() -> Path:
    """The working directory; raises `ConfigError` when it has been removed."""
    try:
        return Path.cwd()
    except OSError as exc:
        raise ConfigError("the working directory no longer exists", hint="cd") from exc


def log_notices(config: Config) -> None:
    """Log which files of settings are not obeyed, and what the working directory decides."""
    for notice in config.notices:
        if notice.kind == "ignored":
            log.error(notice.message, advice=notice.advice)
        elif notice.kind == "redirected":
            log.info(notice.message)


def load_config(environ: Mapping[str, str], folder: Path) -> Config:
    """Load the settings that a process with that environment has in that working directory.

    Raises:
        ConfigError: everything that is wrong, each with its origin.
    """
    config, problems = examine_config(environ, folder)
    if problems:
        raise ConfigError(*problems, hint="offers config show --origin")
    return config


def find_home(environ: Mapping[str, str], folder: Path) -> Path:
    """`OFFERS_HOME` alone, whatever is wrong with other settings.

    Raises:
        ConfigError: it may be another one, for it is wrong or misspelt, or what may name it cannot be read; or it is no
            home of ours, see `check_home`.
    """
    remarks = Remarks()
    *_, home, _origin = _read_up_to_home(environ, folder, remarks)
    if doubts := [problem for problem in remarks.problems if HOME in problem or NO_SUCH_SETTING not in problem]:
        raise ConfigError(*doubts, hint="offers config show --origin")
    check_home(home)
    return home


def examine_config(environ: Mapping[str, str], folder: Path) -> tuple[Config, tuple[str, ...]]:
    """The settings, and everything that is wrong with them; a setting that cannot be read has its default."""
    remarks = Remarks()
    environment, here, home, home_origin = _read_up_to_home(environ, folder, remarks)
    try:
        there = find_in_folder(home, remarks, is_shared=False)
    except PermissionError:  # another user's
        there = ({}, {})
        remarks.problems.append(f"{HOME} {home} cannot be entered: it is not yours")
    is_home = _is_same(home, folder)
    folders = [there] if is_home else [here, there]
    sources = [environment, *(dotenv for dotenv, _ in folders), *(toml for _, toml in folders)]

    values: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    origins = {HOME: home_origin}
    for setting in SETTINGS:
        value, origins[setting.name] = _resolve(setting, sources, remarks)
        values[setting.section][setting.attribute] = home / value if isinstance(value, Path) else value
    sections: dict[str, Any] = {}
    for name, section in SECTIONS.items():
        needs_home = any(spec.name == "home" for spec in fields(section))
        sections[name] = section(**values[name], **({"home": home} if needs_home else {}))

    check_supabase(sections["database"], origins, remarks)
    if not is_home or is_within(home_origin, folder):
        check_what_the_folder_decides(folder, home, origins, sources, remarks)
    notices = tuple(dict.fromkeys(remarks.notices))
    config = Config(home=home, origins=origins, notices=notices, **sections)
    return config, tuple(dict.fromkeys(remarks.problems))


def _read_up_to_home(
    environ: Mapping[str, str], folder: Path, remarks: Remarks
) -> tuple[Source, tuple[Source, Source], Path, Origin]:
    """What the environment and the working directory's files say, and the home that they name."""
    environment = find_in_environment(environ, remarks)
    try:
        here = find_in_folder(folder, remarks, is_shared=True)
    except PermissionError:  # as after `sudo -u` in a folder of one's own: nothing in it concerns us
        here = ({}, {})
    return environment, here, *_find_home((environment, *here), folder, remarks)


def _find_home(sources: Sequence[Source], folder: Path, remarks: Remarks) -> tuple[Path, Origin]:
    for source in sources:
        if found := source.get(HOME):
            try:
                return folder / parse_path(one_line(found.written.strip())), found.origin
            except ValueError as exc:
                remarks.problems.append(f"{HOME} from {found.origin}: {exc}")
                break
    import platformdirs  # 20 ms that a set OFFERS_HOME saves

    home = platformdirs.user_data_dir("offers", appauthor=False)
    if home.startswith("~"):
        remarks.problems.append(f"{HOME} is not set, and you have no home directory")
    return folder / home, Origin("default")


def _resolve(setting: Setting, sources: Sequence[Source], remarks: Remarks) -> tuple[Any, Origin]:
    for source in sources:
        if found := source.get(setting.name):
            try:
                return setting.parse(found.text()), found.origin
            except ValueError as exc:
                remarks.problems.append(f"{found.key} from {found.origin}: {exc}")
                return setting.default, found.origin
    return setting.default, Origin("default")


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one == other or one.samefile(other)
    except OSError:
        return False
