"""`offers redis`: what it shows of a home's server, and that stopping it loses nothing."""

from __future__ import annotations

from pathlib import Path

from offers_cli.redis.connection import connect_to_socket
from offers_cli.redis.embedded import ensure_server, stop_server
from offers_cli.redis.programs import find_programs
from offers_cli.services.redis import show_redis, stop_redis


def test_a_server_is_shown_and_stopped_and_keeps_its_data(tmp_path: Path) -> None:
    home = tmp_path / "home"
    before = show_redis(home, used=True)
    assert (before.running, before.server, before.pid, before.disk_bytes) == (False, None, None, 0)
    assert not home.exists(), "looking starts nothing"
    try:
        with connect_to_socket(ensure_server(home)) as client:
            client.set("k", "v")
            shown = show_redis(home, used=False)
            assert (shown.running, shown.used, shown.clients) == (True, False, 1)
            assert shown.server == str(next(find_programs()))
            assert shown.disk_bytes > 0
            stopped = stop_redis(home)
            assert (stopped.stopped, stopped.clients) == (True, 1)
        assert not show_redis(home, used=True).running
        assert not stop_redis(home).stopped
        with connect_to_socket(ensure_server(home)) as client:
            assert client.get("k") == b"v"
    finally:
        stop_server(home)
