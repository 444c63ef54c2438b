"""Supabase's own local server (`@supabase/lite` on PGlite), installed from the lock file and started for the tests."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from free_ports import free_port
from waiting import NEVER_S

HERE = Path(__file__).parent
MIGRATIONS = HERE.parents[1] / "offers_cli" / "storage" / "migrations" / "supabase"
LEAST_NODE = 20

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


def node_is_missing() -> str | None:
    """Why the server cannot run here, or None."""
    node = shutil.which("node")
    if not node or not shutil.which("npm"):
        return "Node.js is not installed"
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return None if int(version.lstrip("v").split(".")[0]) >= LEAST_NODE else f"Node.js {version} is too old"


def install() -> Path:
    """Install what the lock file names, once for each lock file; returns the folder of `node_modules`."""
    lock = (HERE / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "offers-tests"
    target = cache / f"supabase-lite-{hashlib.sha256(lock).hexdigest()[:16]}"
    if target.exists():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        fresh = Path(folder) / "install"
        fresh.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, fresh)
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=fresh, check=True, capture_output=True)
        try:
            fresh.rename(target)
        except OSError:  # another run was quicker
            assert target.exists()
    return target


@contextmanager
def supabase_server(folder: Path) -> Iterator[SupabaseProject]:
    """A project of its own in `folder`, on a free port, with keys of its own, its migrations applied."""
    lite = install() / "node_modules" / ".bin" / "lite"
    project = SupabaseProject(
        url=f"http://127.0.0.1:{free_port()}",
        service_key=f"sb_secret_{secrets.token_urlsafe(24)}",
        anon_key=f"sb_publishable_{secrets.token_urlsafe(24)}",
    )
    supabase = folder / "supabase"
    (supabase / "migrations").mkdir(parents=True)
    config = CONFIG.format(
        port=project.url.rpartition(":")[2],
        driver="pglite",
        url=supabase / "data",
        jwt_secret=secrets.token_hex(16),
        anon_key=project.anon_key,
        service_key=project.service_key,
    )
    (supabase / "config.toml").write_text(config)
    environment = {**os.environ, "LITE_TELEMETRY": "0", "DO_NOT_TRACK": "1"}
    for file in MIGRATIONS.glob("*.sql"):
        shutil.copy(file, supabase / "migrations")
    subprocess.run([lite, "migration", "up"], cwd=folder, env=environment, check=True, capture_output=True)
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [lite, "start", "--no-admin"], cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT
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
