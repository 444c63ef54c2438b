"""The dashboard, served by the installed program over a queue in which one job has failed."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import httpx
import pytest
from acceptance.program import Program, Result, at_shop, end
from servers import RedisServer
from shop import Shop
from waiting import NEVER_S

from offers_cli.demo.catalogue import Behaviour, Catalogue


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "web" in item.path.parts:
            item.add_marker(pytest.mark.acceptance)


@dataclass
class Served:
    """A running dashboard."""

    url: str
    process: subprocess.Popen[str]

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self._ask("GET", path, headers)

    def post(self, path: str, data: Mapping[str, str] | None = None, **headers: str) -> httpx.Response:
        return self._ask("POST", path, headers, data or {})

    @cached_property
    def secret(self) -> str:
        """What each form of this process holds; some page has to have one."""
        pages = "".join(self.get(f"/rq/{registry}/").text for registry in ("queued", "failed", "canceled"))
        secret = re.search(r'name="csrf" value="([^"]+)"', pages)
        assert secret, "no page has a form"
        return secret[1]

    def press(self, path: str, **fields: str) -> httpx.Response:
        """Send a form as a page of the dashboard holds it."""
        return self.post(path, {"csrf": self.secret, **fields}, Origin=self.url)

    def _ask(
        self, method: str, path: str, headers: dict[str, str], data: Mapping[str, str] | None = None
    ) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.request(method, self.url + path, headers=named, data=data, timeout=NEVER_S)

    def end(self, number: int) -> Result:
        return end(self.process, number)


@contextmanager
def serving(program: Program, *args: str, **env: str) -> Iterator[Served]:
    """`offers dashboard` on a free port, stopped at the end."""
    process = program.start("dashboard", "--port", "0", *args, **env)
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        told = re.search(r"url=(\S+)", line)
        assert told, line + process.stderr.read()
        yield Served(told[1].replace("0.0.0.0", "127.0.0.1"), process)
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=NEVER_S)


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    """Twelve offers, one of them with a page that cannot be read."""
    with Shop(Catalogue(12, 1, (Behaviour.BROKEN,))) as running:
        yield running


@pytest.fixture(scope="module")
def program(redis: RedisServer, shop: Shop) -> Iterator[Program]:
    with tempfile.TemporaryDirectory(prefix="of-") as name:
        yield at_shop(Program(Path(name) / "home"), shop, REDIS_URL=redis.url)


@pytest.fixture(scope="module")
def failed_job(program: Program) -> str:
    """The id of the one failed job."""
    assert program("scrape", "ofertas").code == 0
    program("worker", "--burst")
    (job,) = program.json("failed").data["jobs"]
    return f"enrich-{job['offer_id']}"


@pytest.fixture(scope="module")
def dashboard(program: Program, failed_job: str) -> Iterator[Served]:
    """Whatever test comes first: its queue holds the failed job, so that there is a form."""
    with serving(program) as served:
        assert served.secret
        yield served
