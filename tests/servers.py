"""A real Redis for tests: started, stopped, killed and restarted on a private unix socket, its data kept."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self
from urllib.parse import quote

import redis
from waiting import NEVER_S

from offers_cli.redis.connection import connect_to_socket
from offers_cli.redis.programs import find_programs


class RedisServer:
    """One Redis server process of this test run.

    Use it as a context manager; `url` stays the same over `restart` and `kill`.
    """

    def __init__(self, *options: str, socket: Path | None = None) -> None:
        self.options = options
        self.directory = Path(tempfile.mkdtemp(prefix="redis-"))
        self._process: subprocess.Popen[bytes] | None = None
        self.socket = socket or self.directory / "redis.sock"
        self.url = f"unix://{quote(str(self.socket))}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)  # a test may have removed it

    def connect(self) -> redis.Redis:
        return connect_to_socket(self.socket)

    def start(self, *, wait: bool = True) -> None:
        """Start it and wait until it answers, its data loaded."""
        program = next(find_programs()).path
        self._process = subprocess.Popen(
            [
                *(program, "--port", "0", "--unixsocket", str(self.socket), "--dir", str(self.directory)),
                *("--appendonly", "yes", "--appendfsync", "everysec", "--save", "", *self.options),
            ],
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + NEVER_S
        while wait and not self._answers():
            assert self._process.poll() is None, "redis-server ended at its start"
            assert time.monotonic() < deadline, "redis-server does not answer"
            time.sleep(0.005)

    def _answers(self) -> bool:
        with self.connect() as client:
            try:
                return bool(client.ping())
            except (redis.AuthenticationError, redis.ResponseError):
                return True
            except redis.ConnectionError:
                return False

    def stop(self) -> None:
        """End it in good order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """`kill -9`: what it had not yet written is gone."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        if self._process and self._process.poll() is None:
            os.kill(self._process.pid, number)
            self._process.wait(NEVER_S)

    def restart(self) -> None:
        """Kill it and start it on the same data."""
        self.kill()
        self.start()
