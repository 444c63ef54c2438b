"""Finding: which text each source has for each setting, and what is wrong with the sources themselves."""

from __future__ import annotations

import io
import os
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Any

from offers_cli.config.files import NotTrusted, read_secret_file, read_settings_file
from offers_cli.config.settings import SETTINGS, Notice, Origin
from offers_cli.config.values import MASK, holds_password, one_line
from offers_cli.files import parse_path

HOME = "OFFERS_HOME"
PREFIXES = ("OFFERS_", "ENRICHMENT_", "ML_")
"""Whatever begins so is meant for us, wherever it stands."""
NO_SUCH_SETTING = "no such setting"
MOST_UNKNOWN = 20
_BY_NAME = {name: setting for setting in SETTINGS for name in setting.names}
_FILES = {f"{name}_FILE": setting for name, setting in _BY_NAME.items() if setting.secret}
_KNOWN = {HOME: HOME} | {name: setting.name for name, setting in (_BY_NAME | _FILES).items()}


@dataclass(frozen=True, slots=True)
class Found:
    """One text for one setting, as found in one source."""

    key: str
    written: str
    origin: Origin

    @property
    def names_file(self) -> bool:
        """Whether it is the name of the file that holds the secret."""
        return self.key in _FILES

    @property
    def is_secret(self) -> bool:
        """Whether its text must not be seen; of an address, whether it holds a password."""
        setting = _BY_NAME.get(self.key)
        return setting is not None and (holds_password(self.written) if setting.is_address else setting.secret)

    def text(self) -> str:
        """The text of the setting, read from the file that ``<NAME>_FILE`` names if it is that kind.

        Raises:
            ValueError: the file cannot be read, or a secret stands where none belongs.
        """
        if self.names_file:
            return _read_secret(self.written)
        if self.origin.kind == "offers.toml" and self.is_secret and _BY_NAME[self.key].secret:
            raise ValueError("a secret does not belong in offers.toml; use the environment, .env or a file")
        return self.written.strip()


Source = Mapping[str, Found]
"""What one source has, by the setting's name."""


@dataclass(frozen=True, slots=True)
class Remarks:
    """What is wrong, and what else the operator should know."""

    problems: list[str] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)


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


def find_in_environment(environ: Mapping[str, str], remarks: Remarks) -> Source:
    """What the environment has."""
    origin = Origin("environment")
    _report_unknown((key for key in environ if key.startswith(PREFIXES)), origin, remarks)
    return _by_setting(Found(key, environ[key], origin) for key in _KNOWN if environ.get(key, "").strip())


def find_in_folder(folder: Path, remarks: Remarks, *, is_shared: bool) -> tuple[Source, Source]:
    """What the `.env` and the `offers.toml` in a folder have.

    Args:
        is_shared: its `.env` may hold other programs' settings too, which are none of our business.

    Raises:
        PermissionError: the folder cannot be entered.
    """
    return (
        _find_in_dotenv(folder / ".env", remarks, is_shared=is_shared),
        _find_in_toml(folder / "offers.toml", remarks),
    )


def _find_in_dotenv(path: Path, remarks: Remarks, *, is_shared: bool) -> Source:
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


def _find_in_toml(path: Path, remarks: Remarks) -> Source:
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


def _read(path: Path, remarks: Remarks) -> tuple[str, os.stat_result] | None:
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
    pairs: Mapping[str, str], ours: Iterable[str], origin: Origin, facts: os.stat_result, remarks: Remarks
) -> Source:
    """The settings among the pairs of a file.

    Args:
        ours: the keys that are meant for us, so that one which is no setting is an error.
    """
    _report_unknown(ours, origin, remarks)
    found = _by_setting(Found(key, pairs[key], origin) for key in _KNOWN if pairs.get(key, "").strip())
    secrets = [item.key for item in found.values() if item.is_secret]
    if secrets and facts.st_mode & 0o004:
        message = f"{origin.path} holds {', '.join(secrets)} and can be read by everybody"
        advice = f"chmod 600 {shlex.quote(str(origin.path))}"
        remarks.notices.append(Notice(kind="exposed", message=message, advice=advice))
    return found


def _by_setting(found: Iterable[Found]) -> Source:
    """Index by setting; the canonical name wins over an alias, the value over its file."""
    indexed: dict[str, Found] = {}
    for item in found:
        indexed.setdefault(_KNOWN[item.key], item)
    return indexed


def _report_unknown(keys: Iterable[str], origin: Origin, remarks: Remarks) -> None:
    unknown = (key for key in keys if key not in _KNOWN)
    for key in islice(unknown, MOST_UNKNOWN):
        near = get_close_matches(key[:80].upper(), _KNOWN, n=1, cutoff=0)
        remarks.problems.append(f"{key[:80]} from {origin}: {NO_SUCH_SETTING}; did you mean {near[0]}?")
