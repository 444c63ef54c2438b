"""Config set, unset: one setting in the `.env` of `OFFERS_HOME`, where every command and service looks."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from offers_cli.config import SETTINGS, Config, Origin, Setting, check_home, examine_config
from offers_cli.config.files import NotTrusted, read_settings_file
from offers_cli.config.sources import HOME
from offers_cli.config.values import holds_password
from offers_cli.errors import ConfigError, UsageError
from offers_cli.files import write_atomic
from offers_cli.report import Report
from offers_cli.services.config import shown_value
from offers_cli.services.init import HEAD, cannot_be_written, quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigSetReport(Report):
    """One setting as it holds from now on, masked where it is secret.

    Attributes:
        file: the `.env` that was written.
        stronger: where its value comes from instead, because that is asked before this file; None as a rule.
    """

    name: str
    value: object
    file: Path
    stronger: str | None


def find_setting(name: str) -> Setting:
    """The setting of that name or alias, in any case; raises `UsageError` that names one alike."""
    wanted = name.strip().upper().replace("-", "_")
    known = {each: setting for setting in SETTINGS for each in setting.names}
    if wanted in known:
        return known[wanted]
    if wanted == HOME:
        raise UsageError(f"{HOME} says where the settings are", hint=f"export {HOME}=DIR in your shell's profile")
    near = get_close_matches(wanted[:80], known, n=1)
    guess = f"; did you mean {near[0]}?" if near else ""
    raise UsageError(f"{name[:80]!r} is not a setting{guess}", hint="offers config show")


def is_secret(setting: Setting, text: str) -> bool:
    """Whether that value must not be given as an argument, which everybody on the machine can read."""
    return holds_password(text) if setting.is_address else setting.secret


def set_setting(setting: Setting, text: str, *, environ: Mapping[str, str], folder: Path) -> ConfigSetReport:
    """Put a value in the `.env` of the home, which is created where there is none; all else in it stays as it is.

    Args:
        environ: of this process, which with its working directory says where the home is and what is stronger.

    Raises:
        UsageError: the setting takes no such value, or the file cannot be written.
        ConfigError: somebody else may write to the home or to the file, or it cannot be read.
    """
    try:
        value = setting.parse(text.strip())
    except ValueError as exc:
        raise UsageError(f"{setting.name}: {exc}", hint="offers help environment") from exc
    written = str(value) if isinstance(value, Path) else text.strip()  # a path means the same from everywhere
    return _put(setting, f"{setting.name}={quoted(written)}", environ, folder)


def unset_setting(setting: Setting, *, environ: Mapping[str, str], folder: Path) -> ConfigSetReport:
    """Take a setting out of the `.env` of the home, so that its default holds; raises as `set_setting`."""
    return _put(setting, None, environ, folder)


def _put(setting: Setting, line: str | None, environ: Mapping[str, str], folder: Path) -> ConfigSetReport:
    home = examine_config(environ, folder)[0].home
    check_home(home)
    path = home / ".env"
    text = _read(path)
    if line is not None or text:
        try:
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomic(path.resolve(), replaced(text or HEAD, setting, line).encode())
        except OSError as exc:
            raise cannot_be_written(path, exc) from exc
    config, _ = examine_config(environ, folder)
    return ConfigSetReport(
        name=setting.name, value=shown_value(setting, config), file=path, stronger=_stronger(config, setting, path)
    )


def _read(path: Path) -> str:
    try:
        found = read_settings_file(path)
    except NotTrusted as exc:
        raise ConfigError(f"{path} is not obeyed: {exc.reason}", hint=exc.advice) from exc
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or exc
        raise ConfigError(f"{path} cannot be read: {reason}", hint="correct it by hand") from exc
    return found[0] if found else ""


def _stronger(config: Config, setting: Setting, path: Path) -> str | None:
    origin = config.origins[setting.name]
    return None if origin == Origin("default") or origin.path == path else str(origin)


def replaced(text: str, setting: Setting, line: str | None) -> str:
    """The text of a `.env` with that line for the setting, where it stood or where its comment from `init` stands.

    Args:
        line: None for the comment again, or for nothing where the file has none of ours.
    """
    from dotenv.parser import parse_stream

    ours = {key for name in setting.names for key in (name, f"{name}_FILE")}
    comment = f"# {setting.name}="
    parts: list[str] = []
    place: int | None = None
    for binding in parse_stream(io.StringIO(text)):
        original = binding.original.string
        if binding.key in ours or original.strip().startswith(comment):
            blank = original[: len(original) - len(original.lstrip())]
            place = len(parts) if place is None else place
            parts.append(blank)
        else:
            parts.append(original)
    if line is None:
        line = f"{comment}{setting.written(setting.default)}" if place is not None else ""
    if place is not None:
        parts[place] += f"{line}\n"
        return "".join(parts)
    return text + ("\n" if text and not text.endswith("\n") else "") + f"{line}\n"
