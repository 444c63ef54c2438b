"""The installed program, driven as a subprocess."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shop import Shop
from waiting import NEVER_S

PROGRAM = Path(sys.executable).with_name("offers")
KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "SYSTEMROOT")
MEASURING = "COVERAGE_PROCESS_CONFIG"
SERVICES = ("worker", "dashboard")
"""Commands that end by a signal as their own handlers have it, from a moment in which they wait."""


@dataclass(frozen=True)
class Result:
    """What one run of the program left."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on stdout."""
        document: dict[str, Any] = json.loads(self.out)
        return document

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = self.document["data"]
        return data

    @property
    def codes(self) -> list[str]:
        return [error["code"] for error in self.document["errors"]]


@dataclass
class Program:
    """The installed `offers`, with a home of its own and nothing else in its environment."""

    home: Path
    env: dict[str, str] = field(default_factory=dict)

    def environment(self, **extra: str) -> dict[str, str]:
        """What it is given; who starts it with this may interrupt it.

        It is not measured: coverage takes a lock at each call, and a Ctrl-C that comes while it holds it would leave
        the program waiting for itself for ever. See `measured`.
        """
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        return {**kept, "OFFERS_HOME": str(self.home), "HOME": str(self.home.parent), **self.env, **extra}

    def measured(self, **extra: str) -> dict[str, str]:
        """What it is given where what it runs is measured, if anything is: for what nobody interrupts."""
        measuring = {MEASURING: os.environ[MEASURING]} if MEASURING in os.environ else {}
        return self.environment(**measuring, **extra)

    def __call__(self, *args: str, timeout_s: float = NEVER_S, **env: str) -> Result:
        """Run it to its end."""
        done = subprocess.run(
            [str(PROGRAM), *args],
            env=self.measured(**env),
            cwd=self.home.parent,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def json(self, *args: str, timeout_s: float = NEVER_S, **env: str) -> Result:
        return self(*args, "--json", timeout_s=timeout_s, **env)

    def start(self, *args: str, **env: str) -> subprocess.Popen[str]:
        environment = self.measured if args[0] in SERVICES else self.environment
        return subprocess.Popen(
            [str(PROGRAM), *args],
            env=environment(**env),
            cwd=self.home.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )


def at_shop(program: Program, shop: Shop, **env: str) -> Program:
    """The same program, looking at that shop instead of the real site, without needless waits."""
    program.env.update(
        ML_BASE_URL=shop.url,
        OFFERS_ALLOW_PRIVATE_HOSTS="1",
        ENRICHMENT_REQUEST_DELAY_S="0",
        ENRICHMENT_RETRY_DELAY_S="0.2",
        ENRICHMENT_BLOCKED_PAUSE_S="1",
        **env,
    )
    return program


def end(process: subprocess.Popen[str], number: int = signal.SIGTERM, timeout_s: float = NEVER_S) -> Result:
    """Signal a started program and wait for its end; one that does not end is killed, and its words are told."""
    process.send_signal(number)
    try:
        out, err = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"not ended {timeout_s:g} s after signal {number}:\n{out}\n{err}") from None
    return Result(process.returncode, out, err)
