"""Loading: which text each setting has, where it came from, and what is wrong with it.

Precedence: environment > `.env` (working directory, then `$OFFERS_HOME`) > `offers.toml` (same two places) > default.
Flags are given to the commands and stand above all of these.
"""

from __future__ import annotations

import io
import ipaddress
import os
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

from offers_cli.config.files import NotTrusted, read_secret_file, read_settings_file
from offers_cli.config.settings import SECTIONS, SETTINGS, Config, Notice, Origin, Setting
from offers_cli.config.values import MASK, Secret, holds_password, mask_url, one_line, parse_duration, parse_words
from offers_cli.errors import ConfigError
from offers_cli.files import parse_path
from offers_cli.log import get_log

HOME = "OFFERS_HOME"
PREFIXES = ("OFFERS_", "ENRICHMENT_", "ML_")
"""Whatever begins so is meant for us, wherever it stands."""
DIRECTING = (HOME, "OFFERS_DB", "SUPABASE_URL", "SUPABASE_SERVICE_ROLE_KEY", "REDIS_URL", "ENRICHMENT_QUEUE_NAME")
"""The settings that decide which store and which queue are used."""
MOST_UNKNOWN = 20
_CANONICAL = {name: setting.name for setting in SETTINGS for name in setting.names} | {HOME: HOME}
_FILES = {f"{name}_FILE": setting.name for setting in SETTINGS if setting.secret for name in setting.names}
_KNOWN = {**_CANONICAL, **_FILES}
_BOOLEANS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+(%\w+)?\]|[^\[\]:\s]*)(:[0-9]{1,5})?", re.ASCII)
_WHOLE = re.compile(r"[+-]?[0-9]{1,15}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?")

log = get_log("settings")


@dataclass(frozen=True, slots=True)
class _Found:
    """One text for one setting, as found in one source."""

    key: str
    text: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class _Remarks:
    """What is wrong, and what else the operator should know."""

    problems: list[str] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)


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


def examine_config(environ: Mapping[str, str], folder: Path) -> tuple[Config, tuple[str, ...]]:
    """The settings, and everything that is wrong with them; a setting that cannot be read has its default."""
    remarks = _Remarks()
    local = [_from_environment(environ, remarks), *_from_working_folder(folder, remarks)]
    home, home_origin = _home(local, folder, remarks)
    is_home = _is_same(home, folder)
    sources = [*(local[:1] if is_home else local), *_from_home(home, remarks)]
    sources.sort(key=lambda source: next(_RANK[f.origin.kind] for f in source.values()) if source else 0)
    values: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    origins = {HOME: home_origin}
    for setting in SETTINGS:
        value, origins[setting.name] = _resolve(setting, sources, remarks.problems)
        values[setting.section][setting.attribute] = value
    if values["database"]["sqlite_path"] == Path("offers.db"):
        values["database"]["sqlite_path"] = home / "offers.db"
    _check_supabase(values["database"], origins, remarks)
    if not is_home or _is_within(home_origin, folder):
        _check_what_the_folder_decides(folder, home, origins, sources, remarks)
    notices = tuple(dict.fromkeys(remarks.notices))
    config = Config(home=home, origins=origins, notices=notices, **_sections(values, home))
    return config, tuple(dict.fromkeys(remarks.problems))


_RANK = {"environment": 0, ".env": 1, "offers.toml": 2}


def _sections(values: Mapping[str, dict[str, Any]], home: Path) -> dict[str, Any]:
    return {
        name: cls(**values[name], **({"home": home} if "home" in {f.name for f in fields(cls)} else {}))
        for name, cls in SECTIONS.items()
    }


def _home(sources: list[dict[str, _Found]], folder: Path, remarks: _Remarks) -> tuple[Path, Origin]:
    for source in sources:
        if found := source.get(HOME):
            try:
                return folder / parse_path(one_line(found.text.strip())), found.origin
            except ValueError as exc:
                remarks.problems.append(f"{HOME} from {found.origin}: {exc}")
                break
    import platformdirs  # 20 ms that a set OFFERS_HOME saves

    home = platformdirs.user_data_dir("offers", appauthor=False)
    if home.startswith("~"):
        remarks.problems.append(f"{HOME} is not set, and you have no home directory")
    return folder / home, Origin("default")


def _from_environment(environ: Mapping[str, str], remarks: _Remarks) -> dict[str, _Found]:
    origin = Origin("environment")
    _report_unknown((key for key in environ if key.startswith(PREFIXES)), origin, remarks)
    return _by_setting(_Found(key, environ[key], origin) for key in _KNOWN if environ.get(key, "").strip())


def _by_setting(found: Iterable[_Found]) -> dict[str, _Found]:
    """Index by setting; the canonical name wins over an alias, the value over its file."""
    indexed: dict[str, _Found] = {}
    for item in found:
        indexed.setdefault(_KNOWN[item.key], item)
    return indexed


def _from_working_folder(folder: Path, remarks: _Remarks) -> list[dict[str, _Found]]:
    try:
        return [
            _from_dotenv(folder / ".env", remarks, is_shared=True),
            _from_toml(folder / "offers.toml", remarks),
        ]
    except PermissionError:  # as after `sudo -u` in a folder of one's own: nothing in it concerns us
        return []


def _from_home(home: Path, remarks: _Remarks) -> list[dict[str, _Found]]:
    try:
        return [_from_dotenv(home / ".env", remarks, is_shared=False), _from_toml(home / "offers.toml", remarks)]
    except PermissionError:  # another user's
        remarks.problems.append(f"{HOME} {home} cannot be entered: it is not yours")
        return []


def _from_dotenv(path: Path, remarks: _Remarks, *, is_shared: bool) -> dict[str, _Found]:
    """The settings of a `.env`.

    Args:
        is_shared: it may hold other programs' settings too, which are none of our business.
    """
    read = _read(path, remarks)
    if read is None:
        return {}
    from dotenv.parser import parse_stream

    text, facts = read
    pairs: dict[str, str] = {}
    for binding in parse_stream(io.StringIO(text)):
        if binding.key is not None and binding.value is not None:
            pairs[binding.key] = binding.value
        elif binding.error or binding.key is not None:
            words = re.findall(r"\w+", binding.original.string)
            if not is_shared or any(map(_is_meant_for_us, words)):  # the line is not shown: it may be a secret
                what = "cannot be read" if binding.error else "has no ="
                remarks.problems.append(f"line {binding.original.line} of {path} {what}")
    unknown = (key for key in pairs if not is_shared or _is_meant_for_us(key))
    return _known(pairs, unknown, Origin(".env", path), facts, remarks)


def _is_meant_for_us(key: str) -> bool:
    return key in _KNOWN or key.upper().startswith(PREFIXES)


def _from_toml(path: Path, remarks: _Remarks) -> dict[str, _Found]:
    read = _read(path, remarks)
    if read is None:
        return {}
    import tomllib

    text, facts = read
    try:
        pairs = {key.upper(): _toml_text(value) for key, value in tomllib.loads(text).items()}
    except (ValueError, RecursionError) as exc:
        remarks.problems.append(f"{path} cannot be read: {exc}")
        return {}
    return _known(pairs, pairs, Origin("offers.toml", path), facts, remarks)


def _toml_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _read(path: Path, remarks: _Remarks) -> tuple[str, os.stat_result] | None:
    try:
        return read_settings_file(path)
    except NotTrusted as exc:
        message = f"{path} is not obeyed: {exc.reason}"
        remarks.notices.append(Notice(kind="ignored", message=message, advice=exc.advice))
    except PermissionError:
        raise
    except (OSError, ValueError) as exc:
        remarks.problems.append(f"{path} cannot be read: {getattr(exc, 'strerror', None) or exc}")
    return None


def _known(
    pairs: Mapping[str, str], ours: Iterable[str], origin: Origin, facts: os.stat_result, remarks: _Remarks
) -> dict[str, _Found]:
    """The settings among the pairs of a file.

    Args:
        ours: the keys that are meant for us, so that one which is no setting is an error.
    """
    _report_unknown(ours, origin, remarks)
    found = _by_setting(_Found(key, pairs[key], origin) for key in _KNOWN if pairs.get(key, "").strip())
    secrets = [item.key for item in found.values() if _is_secret(item)]
    if secrets and facts.st_mode & 0o004:
        message = f"{origin.path} holds {', '.join(secrets)} and can be read by everybody"
        advice = f"chmod 600 {shlex.quote(str(origin.path))}"
        remarks.notices.append(Notice(kind="exposed", message=message, advice=advice))
    return found


def _is_secret(found: _Found) -> bool:
    setting = _BY_NAME.get(found.key)
    return setting is not None and (holds_password(found.text) if setting.is_address else setting.secret)


_BY_NAME = {name: setting for setting in SETTINGS for name in setting.names}


def _report_unknown(keys: Iterable[str], origin: Origin, remarks: _Remarks) -> None:
    unknown = (key for key in keys if key not in _KNOWN)
    for key in islice(unknown, MOST_UNKNOWN):
        near = get_close_matches(key[:80].upper(), _KNOWN, n=1, cutoff=0)
        remarks.problems.append(f"{key[:80]} from {origin}: no such setting; did you mean {near[0]}?")


def _resolve(setting: Setting, sources: list[dict[str, _Found]], problems: list[str]) -> tuple[Any, Origin]:
    for source in sources:
        if found := source.get(setting.name):
            try:
                return parse_setting(setting, _text(setting, found)), found.origin
            except ValueError as exc:
                problems.append(f"{found.key} from {found.origin}: {exc}")
                return setting.default, found.origin
    return setting.default, Origin("default")


def _text(setting: Setting, found: _Found) -> str:
    """Return the text of a setting, read from the file that ``<NAME>_FILE`` names if it is that kind."""
    if found.key in _FILES:
        return _read_secret(found.text)
    text = found.text.strip()
    if found.origin.kind == "offers.toml" and setting.secret and _is_secret(found):
        raise ValueError("a secret does not belong in offers.toml; use the environment, .env or a file")
    return text


def _read_secret(name: str) -> str:
    """The secret in a file; where there is no such file its name is not shown: it may be the secret itself."""
    shown, reason = f"the file {MASK}", "no such file"
    try:
        path = parse_path(one_line(name.strip()))
        if os.path.lexists(path):
            shown, reason = str(path), ""
        text = read_secret_file(path).strip()
    except (OSError, ValueError) as exc:
        reason = reason or str(getattr(exc, "strerror", None) or exc).lower()
        raise ValueError(f"{shown} cannot be read: {reason}") from None  # the cause would name it
    if not text:
        raise ValueError(f"{shown} is empty")
    return text


def parse_setting(setting: Setting, text: str) -> Any:
    """Turn text into the setting's type and apply its rules; raises `ValueError` without the text of a secret."""
    if setting.kind == "words":
        words = tuple(map(one_line, parse_words(text)))  # what parts them may be a line break
        value: Any = Secret(",".join(_check_url(setting, w) for w in words)) if setting.secret else words
    elif one_line(text) and setting.kind == "duration":
        value = parse_duration(text)
    elif setting.is_address:
        value = Secret(_check_url(setting, text)) if setting.secret else _check_url(setting, text).rstrip("/")
    elif setting.secret:
        value = Secret(text)
    else:
        value = _plain(setting, text)
    _check(setting, value)
    return value


def _plain(setting: Setting, text: str) -> Any:
    kind = setting.plain_type
    if kind is Path:
        return parse_path(text).absolute()
    if kind is bool:
        if text.lower() not in _BOOLEANS:
            raise ValueError(f"expected true or false, got {_shown(text)}")
        return _BOOLEANS[text.lower()]
    if kind in (int, float):
        pattern, what = (_WHOLE, "a whole number") if kind is int else (_NUMBER, "a number")
        if not pattern.fullmatch(text):
            raise ValueError(f"expected {what}, got {_shown(text)}")
        return kind(text)
    if kind is not str and text not in get_args(kind):
        raise ValueError(f"expected {' or '.join(get_args(kind))}, got {_shown(text)}")
    return text


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:80]}…")


def _check_url(setting: Setting, text: str) -> str:
    schemes = setting.checks.get("schemes", ())
    try:
        parts = urlsplit(text)
        places = parts.netloc.split(",") if parts.scheme.endswith("+sentinel") else [parts.netloc]
        valid = parts.scheme in schemes and bool(parts.netloc or parts.scheme == "unix")
        valid = valid and all(_HOST.fullmatch(place.rpartition("@")[2]) for place in places)
        valid = valid and all(urlsplit(f"//{place}").port != 0 for place in places)
    except ValueError:
        valid = False
    if not valid:
        shown = mask_url(text)[:80] if "://" in text and not setting.secret else "another text"
        raise ValueError(f"expected an address that begins with {', '.join(f'{s}://' for s in schemes)}, got {shown}")
    if setting.checks.get("without_user") and "@" in parts.netloc:
        raise ValueError(f"pages are fetched without a user and password, got {mask_url(text)[:80]}")
    if setting.checks.get("carries_key") and parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
        raise ValueError("a key is sent over plain http to this machine only (127.0.0.1, ::1, localhost); use https://")
    return text


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check(setting: Setting, value: Any) -> None:
    least, most = setting.checks.get("least"), setting.checks.get("most")
    if least is not None and not least <= value <= most:
        raise ValueError(f"expected a number from {least} to {most}, got {value:g}")
    pattern = setting.checks.get("pattern")
    if pattern and not re.fullmatch(pattern, value, re.ASCII):
        raise ValueError(f"expected only {pattern}, got {_shown(value)}")
    shortest = setting.checks.get("shortest", 0)
    if shortest and len(value.reveal()) < shortest:
        raise ValueError(f"expected at least {shortest} characters; `openssl rand -hex 24` makes a good one")


def _check_supabase(database: Mapping[str, Any], origins: Mapping[str, Origin], remarks: _Remarks) -> None:
    """A key without its address, an address without its key, or both from two sources."""
    url, key = origins["SUPABASE_URL"], origins["SUPABASE_SERVICE_ROLE_KEY"]
    if "default" not in (url.kind, key.kind) and not (database["supabase_url"] and database["supabase_key"]):
        return  # one of them cannot be read, and that is told already
    if database["supabase_url"] and not database["supabase_key"]:
        remarks.problems.append(f"SUPABASE_URL from {url} has no key: set SUPABASE_SERVICE_ROLE_KEY too")
    elif database["supabase_key"] and not database["supabase_url"]:
        remarks.problems.append(f"SUPABASE_SERVICE_ROLE_KEY from {key}: set SUPABASE_URL too")
    elif url != key:
        message = f"SUPABASE_URL is from {url}, SUPABASE_SERVICE_ROLE_KEY from {key}"
        remarks.notices.append(Notice(kind="redirected", message=message))


def _check_what_the_folder_decides(
    folder: Path, home: Path, origins: Mapping[str, Origin], sources: list[dict[str, _Found]], remarks: _Remarks
) -> None:
    """Say so where the working directory decides which store or queue is used; its address gets no foreign key."""
    names = [name for name in DIRECTING if _is_within(origins[name], folder)]
    if names:
        message = f"{', '.join(names)}: set by the working directory, {folder}"
        remarks.notices.append(Notice(kind="redirected", message=message))
    url = origins["SUPABASE_URL"]
    is_its_own = "SUPABASE_URL" in names or (HOME in names and _is_within(url, home))  # a home of its choice
    key = next((found for source in sources if (found := source.get("SUPABASE_SERVICE_ROLE_KEY"))), None)
    if is_its_own and key and not _lies_beside(key, url):
        remarks.problems.append(
            f"SUPABASE_URL from {url}: it would be sent {key.key} from {key.origin}; set both in one place"
        )


def _lies_beside(key: _Found, url: Origin) -> bool:
    """Whether the folder of the address holds the key too, and does not only name a file elsewhere."""
    if url.path is None or not _is_within(key.origin, url.path.parent):
        return False
    folder = url.path.parent
    try:
        return key.key not in _FILES or (folder / key.text.strip()).resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):  # no file can have that name, or links lead in a circle
        return False


def _is_within(origin: Origin, folder: Path) -> bool:
    return origin.path is not None and origin.path.parent == folder


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one == other or one.samefile(other)
    except OSError:
        return False
