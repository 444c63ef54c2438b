"""What the tests need of Node.js: packages of a lock file, installed once; a cache of what takes long to make."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

LEAST_NODE = 20


def node_is_missing() -> str | None:
    """Why no package can be installed here, or None."""
    node = shutil.which("node")
    if not node or not shutil.which("npm"):
        return "Node.js is not installed"
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return None if int(version.lstrip("v").split(".")[0]) >= LEAST_NODE else f"Node.js {version} is too old"


def install(folder: Path) -> Path:
    """Install what the lock file in `folder` names, once for each lock file; returns the folder `node_modules`."""
    lock = (folder / "package-lock.json").read_bytes()

    def fill(fresh: Path) -> None:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(folder / name, fresh)
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=fresh, check=True, capture_output=True)

    return made_once(folder.name, lock, fill) / "node_modules"


def made_once(name: str, made_of: bytes, fill: Callable[[Path], None]) -> Path:
    """A folder of the cache that is filled by whoever comes first, whole or not at all."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "offers-tests"
    cache.mkdir(parents=True, exist_ok=True)
    target = cache / f"{name}-{hashlib.sha256(made_of).hexdigest()[:16]}"
    with (cache / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run side by side, and it takes long
        if not target.exists():
            with tempfile.TemporaryDirectory(dir=cache) as folder:
                (fresh := Path(folder) / "fresh").mkdir()
                fill(fresh)
                fresh.rename(target)
    return target
