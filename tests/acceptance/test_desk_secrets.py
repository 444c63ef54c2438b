"""A secret canary through every command and every failure: found nowhere, not on a stream and not in a file."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from acceptance.program import Program
from cli.test_command_contract import LEAVES, required_words
from servers import RedisServer

from offers_cli.redis.embedded import stop_server

CANARY = "cAnArY7391"
SERVERS = {("demo",), ("dashboard",)}
"""They run until told to stop, or with settings of their own."""
DRIVER = """
import json, sys
from offers_cli.cli.main import main
for words in json.loads(sys.argv[1]):
    sys.stderr.write(f"## {words} -> {main(words)}\\n")
"""

SECRETS = {
    "REDIS_URL": f"redis://user:{CANARY}@127.0.0.1:9/0?password={CANARY}",
    "SUPABASE_URL": f"http://user:{CANARY}@127.0.0.1:9",
    "SUPABASE_SERVICE_ROLE_KEY": CANARY,
    "SUPABASE_DB_URL": f"postgres://user:{CANARY}@127.0.0.1:9/db",
    "OFFERS_HTTP_PROXY": f"http://user:{CANARY}@127.0.0.1:9",
    "ML_BASE_URL": "http://127.0.0.1:9",
    "OFFERS_ALLOW_PRIVATE_HOSTS": "1",
    "ENRICHMENT_REQUEST_DELAY_S": "0",
}
UNREADABLE = {
    "REDIS_URL": f"{CANARY}://x",
    "SUPABASE_SERVICE_ROLE_KEY": CANARY,
    "SUPABASE_DB_URL": CANARY,
    "ML_BASE_URL": f"http://user:{CANARY}@127.0.0.1:9",
    "OFFERS_HTTP_PROXY": f"socks9://user:{CANARY}@x:1,{CANARY}",
}
FILES = {
    ".env": f"{CANARY}\nREDIS_URL='redis://:{CANARY}@[bad'\nSUPABASE_KEY={CANARY}\n",
    "offers.toml": f'redis_url = "redis://:{CANARY}@host/0"\nsupabase_service_role_key = "{CANARY}"\n',
}


@pytest.fixture
def program(folder: Path) -> Iterator[Program]:
    program = Program(folder / "home")
    yield program
    stop_server(program.home)


def run_everything(program: Program, *options: str, **env: str) -> str:
    """Run each command in turn with these options; returns all that was said."""
    runs = [[*words, *required_words(words), *options] for words in LEAVES if words not in SERVERS]
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, json.dumps(runs)],
        env=program.environment(**env),
        cwd=program.home.parent,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    said = done.stdout + done.stderr
    assert said.count("\n## [") == len(runs), said[-2000:]
    return said


def assert_unseen(said: str, folder: Path, *written: Path) -> None:
    places = [line for line in said.splitlines() if CANARY in line]
    assert places == []
    for path in folder.rglob("*"):
        if path.is_file() and path not in written:
            assert CANARY.encode() not in path.read_bytes(), path


@pytest.mark.parametrize("options", [["--json"], ["-v", "-v"]], ids=" ".join)
def test_services_that_do_not_answer(program: Program, folder: Path, options: list[str]) -> None:
    assert_unseen(run_everything(program, *options, **SECRETS), folder)


def test_settings_that_cannot_be_read(program: Program, folder: Path) -> None:
    assert_unseen(run_everything(program, **UNREADABLE), folder)


def test_files_that_cannot_be_read(program: Program, folder: Path) -> None:
    program.home.mkdir(mode=0o700)
    written = [place / name for place in (folder, program.home) for name in FILES]
    for path in written:
        path.write_text(FILES[path.name])
    said = run_everything(program)
    assert f"line 1 of {program.home / '.env'} has no =" in said
    assert_unseen(said, folder, *written)


def test_a_redis_that_refuses_the_password(program: Program, folder: Path) -> None:
    with RedisServer() as server, server.connect() as client:
        client.config_set("requirepass", "another")
        url = server.url.replace("unix://", f"unix://:{CANARY}@") + f"?password={CANARY}"
        said = run_everything(program, REDIS_URL=url)
    assert "queue_refused" in said or "queue_unavailable" in said
    assert_unseen(said, folder)
