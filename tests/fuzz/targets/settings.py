"""Settings from the environment, `.env` and `offers.toml`, shown, written by `init` and put into units."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fuzz.target import Target

from offers_cli.cli.service import make_plan
from offers_cli.config import SETTINGS, Config, Setting, examine_config
from offers_cli.errors import ConfigError
from offers_cli.services.config import show_config
from offers_cli.services.doctor.machine import look_at_settings
from offers_cli.services.init import init, quoted
from offers_cli.services.service_units import Kind, make_units

CANARY = "cAnArY"
FILES = (".env", "offers.toml", "home/.env", "home/offers.toml")
KINDS: tuple[Kind, ...] = ("systemd", "supervisor", "compose")
NAMES = sorted({"OFFERS_HOME", *(name for setting in SETTINGS for name in setting.names)})
SECRETS = sorted(name for setting in SETTINGS if setting.secret for name in setting.names)
BY_NAME = {name: setting for setting in SETTINGS for name in setting.names}
FRAGMENTS = (
    *("0", "1", "9" * 400, "1e999", "-1", "nan", "٣", "true", "10m", "7d", "all", "json"),
    *("http://", "https://", "redis://", "unix://", "redis+sentinel://", "postgres://", "host", "127.0.0.1", "[::1]"),
    *(":6379", ":99999", "/0", "?password=", "&", "=", "@", "[", "]", "%", "%00", "$HOME", "${X}", "~", "~nouser/"),
    *("/", "\\", "'", '"', "`", "#", ";", ",", " ", "\t", "\n", "\r", "\x1b[31m", "\x7f", "\x85", "\u2028", "\udcff"),
    *("a", "ç", "🙂", "x" * 300, "y" * 5000, "export ", "{", "[[", "\ufeff", "\0"),
)


@dataclass(frozen=True)
class Case:
    """An environment, the files beside it, and answers to `init`; secrets among the settings hold the canary."""

    environ: dict[str, str]
    files: dict[str, bytes]
    answers: dict[str, str]


def make(source: random.Random) -> Case:
    names = [*NAMES, *(f"{name}_FILE" for name in SECRETS), "OFFERS_X", "ML_", "PATH"]
    environ = {name: _value(source, name).replace("\0", "") for name in source.sample(names, k=source.randint(0, 6))}
    files = {name: _file(source, name, names) for name in source.sample(FILES, k=source.randint(0, 3))}
    answers = {setting.name: _text(source) for setting in source.sample(SETTINGS, k=4)}
    return Case(environ, files, answers)


def _text(source: random.Random) -> str:
    return "".join(source.choices(FRAGMENTS, k=source.randint(0, 8)))


def _value(source: random.Random, name: str) -> str:
    setting = BY_NAME.get(name.removesuffix("_FILE"))
    if setting is None or not setting.secret:
        return _text(source)
    before = _text(source)
    if setting.is_address:  # whose host and path are no secrets
        before = source.choice(setting.kind.schemes) + source.choice(("://u:", "://h/?password="))
    return before + CANARY + _text(source)


def _file(source: random.Random, name: str, names: list[str]) -> bytes:
    pairs = [(key, _value(source, key)) for key in source.choices(names, k=source.randint(0, 6))]
    if name.endswith(".env"):
        text = "".join(f"{key}={quoted(value)}\n" for key, value in pairs)
    else:
        text = "".join(f"{key.lower()} = {json.dumps(value)}\n" for key, value in pairs)
    data = bytearray(text.replace("\0", "").encode(errors="surrogateescape"))
    if source.random() < 0.5:  # broken, so that what was a secret may stand in another place
        data = bytearray(data.replace(CANARY.encode(), b"other"))
        for _ in range(source.randint(1, 6)):
            at = source.randint(0, len(data))
            data[at : at + source.choice((0, 0, 1, 9))] = _text(source).encode(errors="surrogateescape")
        data *= source.choice((1, 1, 1, 200))
    return bytes(data)


def read(case: Case) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "home").mkdir(mode=0o700)
        for file, data in case.files.items():
            (folder / file).write_bytes(data)
        config, problems = examine_config({"OFFERS_HOME": str(folder / "home"), **case.environ}, folder)
        _check_what_is_shown(config, problems)
        for kind in KINDS:
            with suppress(ConfigError):
                make_units(kind, make_plan(config, "offers", 1, 9181))
        _check_answers(case.answers, folder / "new")


def _check_what_is_shown(config: Config, problems: tuple[str, ...]) -> None:
    report = show_config(config, problems)
    findings = [finding.data() for finding in look_at_settings(config, problems)]
    said = json.dumps([report.data(), findings, problems]) + repr(config)
    assert CANARY not in said, "a secret is shown"
    assert all(problem and len(problem) < 2000 for problem in problems)


def _check_answers(answers: dict[str, str], folder: Path) -> None:
    """What `init` takes is what the loader reads."""
    settings = {setting.name: setting for setting in SETTINGS}
    taken: dict[str, str] = {}
    for name, answer in answers.items():
        with suppress(ValueError):
            if answer.strip():
                settings[name].parse(answer.strip())
                taken[name] = answer.strip()
    folder.mkdir()
    init(folder / ".env", taken)
    config, problems = examine_config({"OFFERS_HOME": str(folder)}, folder)
    assert not [problem for problem in problems if not problem.startswith("SUPABASE_")]
    for name, answer in taken.items():
        if config.origins[name].kind == ".env":
            assert _held(config, settings[name]) == settings[name].parse(answer)


def _held(config: Config, setting: Setting) -> Any:
    return getattr(getattr(config, setting.section), setting.attribute)


@contextmanager
def opened() -> Iterator[Target]:
    yield Target(make, read, declared=())
