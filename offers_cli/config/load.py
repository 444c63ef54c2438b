"""Loading: which text each setting has, where it came from, and what is wrong with it.

Precedence: environment > `.env` (working directory, then `$OFFERS_HOME`) > `offers.toml` (same two places) > default.
Flags are given to the commands and stand above all of these.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from offers_cli.config.settings import SECTIONS, SETTINGS, Config, Origin, Setting
from offers_cli.config.values import Secret, mask_url, parse_duration, parse_words
from offers_cli.errors import ConfigError

HOME = "OFFERS_HOME"
_CANONICAL = {name: setting.name for setting in SETTINGS for name in setting.names} | {HOME: HOME}
_FILES = {f"{name}_FILE": setting.name for setting in SETTINGS if setting.secret for name in setting.names}
_BOOLEANS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


@dataclass(frozen=True, slots=True)
class _Found:
    """One text for one setting, as found in one source."""

    key: str
    text: str
    origin: Origin


@cache
def get_config() -> Config:
    """Load the settings of this process once: environment, `.env`, `offers.toml`, defaults.

    Raises:
        ConfigError: everything that is wrong, each with its origin.
    """
    return load_config(os.environ, Path.cwd())


def load_config(environ: Mapping[str, str], folder: Path) -> Config:
    """Load the settings that a process with that environment has in that working directory.

    Raises:
        ConfigError: everything that is wrong, each with its origin.
    """
    config, problems = examine_config(environ, folder)
    if problems:
        raise ConfigError("; ".join(problems), hint="offers config show --origin")
    return config


def examine_config(environ: Mapping[str, str], folder: Path) -> tuple[Config, tuple[str, ...]]:
    """The settings, and everything that is wrong with them; a setting that cannot be read has its default."""
    problems: list[str] = []
    local = [_from_environment(environ), *_from_folder(folder, problems)]
    home, home_origin = _home(local)
    sources = local if home == folder else [*local, *_from_home(home, problems)]
    sources.sort(key=lambda source: next(_RANK[f.origin.kind] for f in source.values()) if source else 0)
    values: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    origins = {HOME: home_origin}
    for setting in SETTINGS:
        value, origins[setting.name] = _resolve(setting, sources, problems)
        values[setting.section][setting.attribute] = value
    if values["database"]["sqlite_path"] == Path("offers.db"):
        values["database"]["sqlite_path"] = home / "offers.db"
    problems += _contradictions(values, origins)
    return Config(home=home, origins=origins, **_sections(values, home)), tuple(dict.fromkeys(problems))


_RANK = {"environment": 0, ".env": 1, "offers.toml": 2}


def _sections(values: Mapping[str, dict[str, Any]], home: Path) -> dict[str, Any]:
    return {
        name: cls(**values[name], **({"home": home} if "home" in {f.name for f in fields(cls)} else {}))
        for name, cls in SECTIONS.items()
    }


def _home(sources: list[dict[str, _Found]]) -> tuple[Path, Origin]:
    for source in sources:
        if found := source.get(HOME):
            return Path(found.text).expanduser().absolute(), found.origin
    import platformdirs  # 20 ms that a set OFFERS_HOME saves

    return Path(platformdirs.user_data_dir("offers", appauthor=False)), Origin("default")


def _from_environment(environ: Mapping[str, str]) -> dict[str, _Found]:
    known = {**_CANONICAL, **_FILES}
    origin = Origin("environment")
    return _by_setting(_Found(key, environ[key], origin) for key in known if environ.get(key, "").strip())


def _by_setting(found: Any) -> dict[str, _Found]:
    """Index by setting; the canonical name wins over an alias, the value over its file."""
    indexed: dict[str, _Found] = {}
    for item in found:
        indexed.setdefault(_CANONICAL.get(item.key) or _FILES[item.key], item)
    return indexed


def _from_home(home: Path, problems: list[str]) -> list[dict[str, _Found]]:
    try:
        return _from_folder(home, problems)
    except PermissionError:  # another user's
        problems.append(f"{HOME} {home} cannot be entered: it is not yours")
        return []


def _from_folder(folder: Path, problems: list[str]) -> list[dict[str, _Found]]:
    return [_from_dotenv(folder / ".env", problems), _from_toml(folder / "offers.toml", problems)]


def _from_dotenv(path: Path, problems: list[str]) -> dict[str, _Found]:
    if not path.is_file():
        return {}
    from dotenv import dotenv_values

    try:
        pairs = dotenv_values(path, interpolate=False, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        problems.append(f"{path} cannot be read: {exc}")
        return {}
    if None in pairs.values():
        problems.append(f"{path} has a line without =")  # the line is not shown: it may be a secret
    named = {key: value for key, value in pairs.items() if value is not None}
    return _known(named, Origin(".env", path), problems)


def _from_toml(path: Path, problems: list[str]) -> dict[str, _Found]:
    if not path.is_file():
        return {}
    import tomllib

    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        problems.append(f"{path} cannot be read: {exc}")
        return {}
    return _known(
        {key.upper(): _toml_text(value) for key, value in table.items()}, Origin("offers.toml", path), problems
    )


def _toml_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _known(pairs: Mapping[str, str], origin: Origin, problems: list[str]) -> dict[str, _Found]:
    known = [*_CANONICAL, *_FILES]
    for key in pairs:
        if key not in known:
            near = get_close_matches(key.upper(), known, n=1, cutoff=0.5)
            meant = f"; did you mean {near[0]}?" if near else ""
            problems.append(f"{key} in {origin.path} is not a setting{meant}")
    return _by_setting(_Found(key, pairs[key], origin) for key in known if pairs.get(key, "").strip())


def _resolve(setting: Setting, sources: list[dict[str, _Found]], problems: list[str]) -> tuple[Any, Origin]:
    for source in sources:
        if found := source.get(setting.name):
            try:
                return parse_setting(setting, _text(setting, found)), found.origin
            except (ValueError, OSError) as exc:
                problems.append(f"{found.key} from {found.origin}: {exc}")
                return setting.default, found.origin
    return setting.default, Origin("default")


def _text(setting: Setting, found: _Found) -> str:
    """Return the text of a setting, read from the file that ``<NAME>_FILE`` names if it is that kind."""
    if found.key in _FILES:
        path = Path(found.text).expanduser()
        text = path.read_text("utf-8").strip()
        if not text:
            raise ValueError(f"{path} is empty")
        return text
    text = found.text.strip()
    if found.origin.kind == "offers.toml" and setting.secret and _holds_secret(setting, text):
        raise ValueError("a secret does not belong in offers.toml; use the environment, .env or a file")
    return text


def _holds_secret(setting: Setting, text: str) -> bool:
    return "@" in text if setting.is_address else True


def parse_setting(setting: Setting, text: str) -> Any:
    """Turn text into the setting's type and apply its rules; raises `ValueError` without the text of a secret."""
    if setting.kind == "duration":
        value: Any = parse_duration(text)
    elif setting.kind == "words":
        words = parse_words(text)
        value = Secret(",".join(_check_url(setting, w) for w in words)) if setting.secret else words
    elif setting.is_address:
        value = Secret(_check_url(setting, text)) if setting.secret else _check_url(setting, text).rstrip("/")
    elif setting.secret:
        value = Secret(text)
    else:
        value = _plain(setting, text)
    _check(setting, value)
    return value


def _plain(setting: Setting, text: str) -> Any:
    import msgspec

    if setting.plain_type is Path:
        return Path(text).expanduser().absolute()
    if setting.plain_type is bool:
        if text.lower() not in _BOOLEANS:
            raise ValueError(f"expected true or false, got {text!r}")
        return _BOOLEANS[text.lower()]
    try:
        return msgspec.convert(text, setting.plain_type, strict=False)
    except msgspec.ValidationError as exc:
        raise ValueError(f"{exc}, got {text!r}") from exc


def _check_url(setting: Setting, text: str) -> str:
    schemes = setting.checks.get("schemes", ())
    try:
        parts = urlsplit(text)
        places = parts.netloc.split(",") if parts.scheme.endswith("+sentinel") else [parts.netloc]
        valid = parts.scheme in schemes and bool(parts.netloc or parts.scheme == "unix")
        valid = valid and all(urlsplit(f"//{place}").port != 0 for place in places)
    except ValueError:
        valid = False
    if not valid:
        shown = mask_url(text) if "://" in text and not setting.secret else "another text"
        raise ValueError(f"expected an address that begins with {', '.join(f'{s}://' for s in schemes)}, got {shown}")
    return text


def _check(setting: Setting, value: Any) -> None:
    least, most = setting.checks.get("least"), setting.checks.get("most")
    if least is not None and not least <= value <= most:
        raise ValueError(f"expected a number from {least} to {most}, got {value:g}")
    pattern = setting.checks.get("pattern")
    if pattern and not re.fullmatch(pattern, value, re.ASCII):
        raise ValueError(f"expected only {pattern}, got {value!r}")


def _contradictions(values: Mapping[str, Mapping[str, Any]], origins: Mapping[str, Origin]) -> list[str]:
    database = values["database"]
    if database["supabase_url"] and not database["supabase_key"]:
        return [f"SUPABASE_URL from {origins['SUPABASE_URL']} has no key: set SUPABASE_SERVICE_ROLE_KEY too"]
    if database["supabase_key"] and not database["supabase_url"]:
        return ["SUPABASE_SERVICE_ROLE_KEY is set, but SUPABASE_URL is not"]
    return []
