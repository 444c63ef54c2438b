"""Supabase's own local server (`@supabase/lite` on PGlite), installed from the lock file and started for the tests."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from free_ports import free_port
from node_packages import install, made_once
from waiting import NEVER_S

HERE = Path(__file__).parent
MIGRATIONS = HERE.parents[1] / "offers_cli" / "storage" / "migrations" / "supabase"
ENVIRONMENT = {**os.environ, "LITE_TELEMETRY": "0", "DO_NOT_TRACK": "1"}

CONFIG = """
[api]
port = {port}
[db]
driver = "{driver}"
url = "{url}"
[auth]
enabled = true
jwt_secret = "{jwt_secret}"
publishable_key = "{anon_key}"
secret_key = "{service_key}"
"""


@dataclass(frozen=True)
class SupabaseProject:
    """Where a project is, and the keys to it."""

    url: str
    service_key: str
    anon_key: str


def migrated() -> Path:
    """A database with our migrations applied, made once for each set of them: a server starts on a copy of it."""
    lite = install(HERE) / ".bin" / "lite"
    files = sorted(MIGRATIONS.glob("*.sql"))

    def fill(folder: Path) -> None:
        (folder / "supabase" / "migrations").mkdir(parents=True)
        for file in files:
            shutil.copy(file, folder / "supabase" / "migrations")
        _configure(folder, SupabaseProject(url="http://127.0.0.1:1", service_key="unused", anon_key="unused"))
        subprocess.run([lite, "migration", "up"], cwd=folder, env=ENVIRONMENT, check=True, capture_output=True)

    return made_once(
        "supabase-data", b"".join(file.read_bytes() for file in [HERE / "package-lock.json", *files]), fill
    )


def _configure(folder: Path, project: SupabaseProject) -> None:
    config = CONFIG.format(
        port=project.url.rpartition(":")[2],
        driver="pglite",
        url=folder / "supabase" / "data",
        jwt_secret=secrets.token_hex(16),
        anon_key=project.anon_key,
        service_key=project.service_key,
    )
    (folder / "supabase" / "config.toml").write_text(config)


@contextmanager
def supabase_server(folder: Path) -> Iterator[SupabaseProject]:
    """A project of its own in `folder`, on a free port, with keys of its own, its migrations applied."""
    lite = install(HERE) / ".bin" / "lite"
    project = SupabaseProject(
        url=f"http://127.0.0.1:{free_port()}",
        service_key=f"sb_secret_{secrets.token_urlsafe(24)}",
        anon_key=f"sb_publishable_{secrets.token_urlsafe(24)}",
    )
    shutil.copytree(migrated() / "supabase", folder / "supabase")
    _configure(folder, project)
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [lite, "start", "--no-admin"], cwd=folder, env=ENVIRONMENT, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _wait_for(project, process, folder / "server.log")
            yield project
        finally:
            process.terminate()
            process.wait(NEVER_S)


def _wait_for(project: SupabaseProject, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + NEVER_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(f"{project.url}/rest/v1/", headers={"apikey": project.service_key}, timeout=5)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the Supabase server did not start:\n{log.read_text()}")
