"""No setting, path or name writes a line into a unit: the format's own reader gives it back, or it is refused."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from offers_cli.cli.service import make_plan
from offers_cli.config import SETTINGS, examine_config
from offers_cli.errors import ConfigError
from offers_cli.services.doctor.machine import look_at_home
from offers_cli.services.service_units import Kind, Plan, ServiceReport, make_units

HOSTILE = {
    "newline": "a\nUser=root\n#",
    "CR": "a\rUser=root",
    "NEL": "a\x85User=root",
    "line separator": "a\u2028User=root",
    "escape": "a\x1b[31m",
    "not UTF-8": "a\udcffb",
    "double quote": 'a"b',
    "quote": "a'b",
    "blanks": "a  b c",
    "blank at the end": "a ",
    "percent": "a%hb%%(x)s",
    "dollar": "a$HOME${PATH}$$b",
    "hash": "a #b",
    "semicolon": "a ;b",
    "back-slash": "a\\b\\",
    "comma": "a,b=c",
    "braces": "a{{home}}b",
    "substitution": "$(touch x)`touch x`",
    "unicode": "ação🙂",
}
SETTABLE = ["OFFERS_HOME", *(setting.name for setting in SETTINGS)]
KINDS: tuple[Kind, ...] = ("systemd", "supervisor", "compose")


def units(kind: Kind, user: str = "offers", **environ: str) -> ServiceReport:
    """The units of a machine with that environment, as `offers service` makes them."""
    config, problems = examine_config({"OFFERS_HOME": "/srv/home", **environ}, Path("/"))
    if problems:
        raise ConfigError(*problems)
    return make_units(kind, make_plan(config, user, 2, 9181))


def read_systemd(text: str) -> dict[str, list[str]]:
    """Every assignment by its key, its specifiers resolved; a line that is none of a unit's lines breaks it."""
    found: dict[str, list[str]] = {}
    for line in text.split("\n"):
        if re.fullmatch(r"|[#;].*[^\\]|\[[A-Z][a-z]+\]", line):
            continue
        key, equals, value = line.partition("=")
        assert re.fullmatch(r"[A-Za-z]+=", key + equals), line
        assert not value.endswith("\\"), line
        assert "%" not in value.replace("%%", ""), line
        found.setdefault(key, []).append(value.replace("%%", "%"))
    return found


def systemd_words(value: str) -> list[str]:
    """The words of a value, by systemd.syntax(7): all in double quotes, with back-slashes before `"` and `\\`."""
    words = re.findall(r'"((?:[^"\\]|\\["\\])*)"', value)
    assert " ".join(f'"{word}"' for word in words) == value
    return [re.sub(r"\\(.)", r"\1", word) for word in words]


def read_supervisor(text: str) -> dict[str, dict[str, str]]:
    """As supervisord reads it: comments at the end of lines, doubled per cent signs."""
    parser = configparser.ConfigParser(inline_comment_prefixes=(";", "#"), strict=False)
    parser.read_string(text)
    return {section: dict(parser[section]) for section in parser.sections()}


def places(kind: Kind, report: ServiceReport) -> list[dict[str, Any]]:
    """What each unit of that kind says about the home, the writable folders, the program and the user."""
    if kind == "supervisor":
        return [
            {
                "user": program["user"],
                "home": program["directory"],
                "setting": shlex.split(program["environment"]),
                "program": shlex.split(program["command"])[0],
            }
            for program in read_supervisor(report.files[0].text).values()
        ]
    read = [read_systemd(unit.text) for unit in report.files]
    return [
        {
            "user": found["User"][0],
            "home": found["WorkingDirectory"][0],
            "setting": systemd_words(found["Environment"][0]),
            "program": systemd_words(re.sub(r'(".*") .*', r"\1", found["ExecStart"][0]))[0],
            "writable": systemd_words(found["ReadWritePaths"][0]),
        }
        for found in read
    ]


def shape(kind: Kind, report: ServiceReport) -> Any:
    """The keys of each unit, so that one more or less is seen."""
    if kind == "systemd":
        return [[(key, len(values)) for key, values in read_systemd(unit.text).items()] for unit in report.files]
    if kind == "supervisor":
        return {name: list(program) for name, program in read_supervisor(report.files[0].text).items()}
    return yaml.safe_load(report.files[0].text)


def made(make: Callable[[], ServiceReport]) -> ServiceReport | ConfigError:
    try:
        return make()
    except ConfigError as refused:
        return refused


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SETTABLE)
def test_a_setting_changes_a_unit_in_its_own_place_alone(kind: Kind, name: str) -> None:
    """Every setting is tried, so that one which comes to stand in units is tried from its first day."""
    is_path = name in ("OFFERS_HOME", "OFFERS_DB")
    usual = units(kind)
    for text in HOSTILE.values():
        value = f"/srv/{text}" if is_path else text
        report = made(partial(units, kind, **{name: value}))
        if isinstance(report, ConfigError):
            assert name in report.message
        elif kind == "compose" or not is_path:
            assert report.files == usual.files
        else:
            assert shape(kind, report) == shape(kind, usual)
            home, *more = [value.strip()] if name == "OFFERS_HOME" else ["/srv/home", str(Path(value).parent)]
            assert shlex.split(report.next[0]) == ["install", "-d", "-m", "700", "-o", "offers", home]
            for found in places(kind, report):
                assert (found["user"], found["home"], found["setting"]) == ("offers", home, [f"OFFERS_HOME={home}"])
                assert found.get("writable", [home, *more]) == [home, *more]


@pytest.mark.parametrize("kind", ["systemd", "supervisor"])
@pytest.mark.parametrize("fact", ["home", "database", "program", "user"])
def test_what_a_plan_holds_is_quoted_or_refused_by_name(kind: Kind, fact: str) -> None:
    """Also what comes from elsewhere than the settings: the folder of the program, the name of the user."""
    usual = Plan(
        program=Path("/bin/offers"),
        home=Path("/srv/home"),
        user="offers",
        database=Path("/srv/home/offers.db"),
        needs_socket=True,
        processes=1,
        port=9181,
    )
    for text in HOSTILE.values():
        changed: dict[str, Any] = {fact: text if fact == "user" else Path("/srv", text, "offers")}
        plan = replace(usual, **changed)
        names = {"home": "OFFERS_HOME", "database": "OFFERS_DB", "program": "the program's path", "user": repr(text)}
        report = made(partial(make_units, kind, plan))
        if isinstance(report, ConfigError):
            assert report.message.startswith(names[fact])
            continue
        assert shape(kind, report) == shape(kind, make_units(kind, usual))
        database = plan.database or Path()
        for found in places(kind, report):
            writable = list(dict.fromkeys(map(str, (plan.home, database.parent))))
            assert (found["program"], found["home"]) == (str(plan.program), str(plan.home))
            assert found.get("writable", writable) == writable


@pytest.mark.parametrize("kind", ["systemd", "supervisor"])
def test_ordinary_awkward_homes_are_not_refused(kind: Kind) -> None:
    for text in ("blanks", "percent", "dollar", "braces", "unicode"):
        assert units(kind, OFFERS_HOME=f"/srv/{HOSTILE[text]}").files


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here: apt-get install systemd")
def test_systemd_itself_has_nothing_to_say_about_them(folder: Path) -> None:
    """It looks at all units at once; each would be wrong in a way of its own."""
    program = folder / "offers"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    names = []
    for number, text in enumerate(HOSTILE.values()):
        try:
            report = units("systemd", OFFERS_HOME=f"/srv/{text}", OFFERS_DB=f"/var/{text}/offers.db")
        except ConfigError:
            continue
        unit = re.sub(r'^ExecStart="[^"]*"', f"ExecStart={program}", report.files[0].text, flags=re.MULTILINE)
        names.append(folder / f"u{number}.service")
        names[-1].write_text(unit)
    assert len(names) > 8
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *names], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_supervisord_itself_reads_them_back(folder: Path) -> None:
    options = pytest.importorskip("supervisor.options", reason="supervisor is not installed")
    tried = 0
    for text in HOSTILE.values():
        home = folder / "h" / text.strip()
        try:
            report = units("supervisor", user="root", OFFERS_HOME=str(folder / "h" / text))
        except ConfigError:
            continue
        home.mkdir(parents=True)
        (folder / "offers.conf").write_text(report.files[0].text)
        (folder / "main.conf").write_text("[supervisord]\n[include]\nfiles = offers.conf\n")
        reader = options.ServerOptions()
        reader.realize(["-c", str(folder / "main.conf")])
        for group in reader.process_group_configs:
            (program,) = group.process_configs
            assert (program.directory, program.environment) == (str(home), {"OFFERS_HOME": str(home)})
        tried += 1
    assert tried >= 6


def test_compose_reads_its_file_whoever_we_are() -> None:
    document = yaml.safe_load(units("compose").files[0].text)
    assert set(document["services"]) == {"redis", "worker", "dashboard"}


def test_the_doctors_command_is_one_of_a_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The home that cannot be created is named in a command that runs as root."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    for text in HOSTILE.values():
        if text.isprintable():
            (found,) = look_at_home(tmp_path / text)
            assert shlex.split(found.advice)[-1] == str(tmp_path / text)
