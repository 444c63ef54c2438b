"""The embedded Redis: started once whoever asks, alive across processes, its data back after a kill."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from waiting import NEVER_S, wait_until

from offers_cli.errors import QueueRefused, QueueUnavailable
from offers_cli.redis import embedded as server
from offers_cli.redis.connection import connect_to_socket
from offers_cli.redis.embedded import ensure_server, server_status, stop_server
from offers_cli.redis.errors import translate

ENSURE = """
import pathlib, sys
from offers_cli.redis.embedded import ensure_server, server_status
home = pathlib.Path(sys.argv[1])
print(ensure_server(home), server_status(home).pid)
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    home = tmp_path / "home"
    yield home
    stop_server(home)


def kill_server(home: Path) -> None:
    pid = server_status(home).pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    while server_status(home).running:
        time.sleep(0.005)


def test_it_starts_persists_and_is_private(home: Path) -> None:
    socket = ensure_server(home)
    status = server_status(home)
    assert status.running
    assert status.socket == socket
    with connect_to_socket(socket) as client:
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("port") == {"port": "0"}
    assert stat.S_IMODE(socket.lstat().st_mode) == 0o700
    assert stat.S_IMODE(socket.parent.lstat().st_mode) == 0o700


def test_one_that_cannot_write_to_its_disk_is_said_so_and_can_be_stopped(home: Path) -> None:
    """As with a full disk, when it refuses everything, a PING too; nothing of it is a bug of ours."""
    with connect_to_socket(ensure_server(home)) as client:
        (home / "redis" / "dump.rdb").mkdir()  # stands in the way of its snapshot
        client.config_set("save", "3600 1")
        client.bgsave()
        wait_until(lambda: client.info()["rdb_last_bgsave_status"] == "err")
        assert server_status(home).running
        ensure_server(home)
        with pytest.raises(QueueRefused, match="cannot write to its disk") as caught, translate():
            client.set("x", 1)
        assert caught.value.temporary
        client.config_set("save", "")  # with it, it would not stop before the snapshot is written
        assert stop_server(home)


def test_a_second_call_uses_the_running_one(home: Path) -> None:
    ensure_server(home)
    pid = server_status(home).pid
    ensure_server(home)
    assert server_status(home).pid == pid


def test_processes_that_ask_at_once_share_one_server(home: Path) -> None:
    asking = [
        subprocess.Popen([sys.executable, "-c", ENSURE, str(home)], stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    answers = {process.communicate(timeout=NEVER_S)[0].strip() for process in asking}
    assert answers == {f"{home}/redis/redis.sock {server_status(home).pid}"}


@pytest.mark.parametrize("name", ["start.lock", "alive.lock"])
def test_a_link_in_the_place_of_one_of_its_files_is_not_followed(home: Path, name: str) -> None:
    (home / "redis").mkdir(mode=0o700, parents=True)
    (home / "redis" / name).symlink_to(home / "planted")
    with pytest.raises(QueueRefused, match="symbolic links"):
        ensure_server(home)
    assert not (home / "planted").exists()
    (home / "redis" / name).unlink()


def test_a_link_in_the_place_of_its_record_is_replaced(home: Path) -> None:
    (home / "redis").mkdir(mode=0o700, parents=True)
    record = home / "redis" / "written-by.json"
    record.symlink_to(home / "planted")
    ensure_server(home)
    assert record.is_file()
    assert not record.is_symlink()
    assert not (home / "planted").exists()


def test_data_survives_kill_and_stop(home: Path) -> None:
    with connect_to_socket(ensure_server(home)) as client:
        client.rpush("list", *range(100))
        client.config_set("appendfsync", "always")
        client.set("last", "1")
    kill_server(home)
    with connect_to_socket(ensure_server(home)) as client:
        assert client.llen("list") == 100
    assert stop_server(home)
    assert not server_status(home).running
    assert not stop_server(home)
    with connect_to_socket(ensure_server(home)) as client:
        assert client.llen("list") == 100


def test_a_stale_socket_and_pid_do_not_stand_in_the_way(home: Path) -> None:
    socket = ensure_server(home)
    kill_server(home)
    assert socket.exists()
    (home / "redis" / "redis.pid").write_text("1")
    ensure_server(home)
    assert server_status(home).running


def test_a_live_server_whose_socket_was_cleaned_away_is_replaced(home: Path) -> None:
    socket = ensure_server(home)
    with connect_to_socket(socket) as client:
        client.set("k", "v")
    socket.unlink()
    with connect_to_socket(ensure_server(home)) as client:
        assert client.get("k") == b"v"


@pytest.mark.parametrize(
    "name", ["a b=c", "joão", "100%20", "why?", "C#", 'it\'s "so"', "back\\slash", "[x]{y}$z;&", "é" * 12, "\udcff"]
)
def test_any_name_of_a_home_will_do(tmp_path: Path, name: str) -> None:
    """The server, our client and redis-py's reading of CLIENT INFO, which RQ's own worker relies on, all bear it."""
    home = tmp_path / name
    try:
        with connect_to_socket(ensure_server(home)) as client:
            assert client.client_info()["addr"].endswith(":0")
        assert server_status(home).running
        assert (home / "redis" / "redis.log").exists()
    finally:
        stop_server(home)


def test_a_deep_home_gets_a_short_socket_in_a_private_directory(tmp_path: Path) -> None:
    home = tmp_path / ("d" * 60) / ("e" * 60)
    try:
        socket = ensure_server(home)
        assert len(str(socket)) < server.SOCKET_PATH_LIMIT
        assert stat.S_IMODE(socket.parent.lstat().st_mode) == 0o700
        assert (home / "redis" / "redis.log").exists()
    finally:
        stop_server(home)


def test_a_short_directory_open_to_others_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "SHORT_PARENT", tmp_path)
    planted = tmp_path / f"offers-{os.getuid()}"
    planted.mkdir(mode=0o777)
    planted.chmod(0o777)
    with pytest.raises(QueueRefused, match="yours alone"):
        ensure_server(tmp_path / ("d" * 100))


def test_a_broken_log_is_to_be_moved_away(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As soon as its process has ended: nobody waits for a server that cannot come."""
    monkeypatch.setattr(server, "START_TIMEOUT_S", 3600.0)
    ensure_server(home)
    stop_server(home)
    (kept,) = (home / "redis").rglob("appendonly.aof*.incr.aof")
    kept.write_bytes(b"*1\r\n$3\r\nBAD\r\nthis is no append-only file, and it is long enough to be told apart\r\n" * 3)
    with pytest.raises(QueueRefused, match="cannot read its files in") as caught:
        ensure_server(home)
    assert caught.value.hint == f"mv {home}/redis {home}/redis.broken && offers enqueue-missing --limit 100000"
    (home / "redis").rename(home / "redis.broken")
    ensure_server(home)


def test_a_start_that_fails_shows_the_reason_of_this_start(home: Path) -> None:
    ensure_server(home)
    stop_server(home)
    (home / "redis" / "redis.sock").mkdir()  # an address that is in use, to a server
    with pytest.raises(QueueUnavailable, match=r"did not start: .*(in use|bind|socket)") as caught:
        ensure_server(home)
    assert str(home / "redis" / "redis.log") in caught.value.hint
    assert "bye bye" not in caught.value.message


def test_on_windows_the_message_says_what_is_possible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(QueueUnavailable, match="Windows") as caught:
        ensure_server(tmp_path / "home")
    assert "WSL" in caught.value.hint
    assert "REDIS_URL" in caught.value.hint


def test_a_home_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(QueueRefused):
        ensure_server(tmp_path / "file" / "home")
