"""`offers service`: units that systemd, supervisord and Redis themselves understand, and that run."""

from __future__ import annotations

import getpass
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from acceptance.program import PROGRAM, Program
from free_ports import free_port
from waiting import NEVER_S, wait_until

from offers_cli import __version__
from offers_cli.errors import ConfigError
from offers_cli.redis.connection import connect
from offers_cli.redis.programs import find_programs
from offers_cli.services.service_units import Kind, Plan, make_units

AWKWARD = "a folder, 100% $HOME; and more"


def plan(home: Path, **facts: Any) -> Plan:
    defaults: dict[str, Any] = {
        "program": PROGRAM,
        "home": home,
        "user": getpass.getuser(),
        "database": home / "offers.db",
        "needs_socket": True,
        "processes": 2,
        "port": 9181,
    }
    return Plan(**defaults | facts)


def verify(folder: Path, *names: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(folder / name) for name in names)],
        capture_output=True,
        text=True,
        check=False,
    )


systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here: apt-get install systemd")


@systemd
def test_systemd_accepts_the_units(program: Program, folder: Path) -> None:
    result = program.json("service", "systemd", "--to", str(folder / "units"), "--processes", "3")
    assert result.code == 0, result.out
    names = [Path(file["path"]).name for file in result.data["files"]]
    assert names == ["offers-worker.service", "offers-dashboard.service"]
    done = verify(folder / "units", *names)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    assert f'ExecStart="{PROGRAM}" worker --processes 3' in (folder / "units" / names[0]).read_text()


@systemd
def test_systemd_accepts_the_timer_of_the_docs(folder: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "running-as-a-service.md").read_text("utf-8")
    blocks = re.findall(r"^```ini\n# /etc/systemd/system/(\S+)\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    for name, text in blocks:
        own = text.replace("/usr/local/bin/offers", str(PROGRAM)).replace("User=offers", f"User={getpass.getuser()}")
        (folder / name).write_text(own)
    names = [name for name, _ in blocks]
    assert names == ["offers-scrape.service", "offers-scrape.timer"]
    done = verify(folder, *names)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@systemd
def test_systemd_finds_the_units_hardened(program: Program, folder: Path) -> None:
    """Its own score: 10 is open, 0 is closed."""
    program("service", "systemd", "--to", str(folder))
    for name in ("offers-worker.service", "offers-dashboard.service"):
        rated = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--threshold=25", str(folder / name)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert rated.returncode == 0, rated.stdout
        text = (folder / name).read_text()
        for line in ("NoNewPrivileges=yes", "PrivateTmp=yes", "ProtectSystem=strict", "Restart=always"):
            assert line in text
        assert "KillMode=mixed" in text


@systemd
def test_systemd_reads_awkward_paths_as_they_are(folder: Path) -> None:
    """It looks for the program, and tells when it does not find it."""
    home = folder / (AWKWARD + ' with "quotes" and a \\ too')
    program = folder / AWKWARD / "offers"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    report = make_units("systemd", plan(home, program=program, needs_socket=False), folder=folder)
    for unit in report.files:
        unit.path.write_text(unit.text)
    done = verify(folder, "offers-worker.service")
    assert (done.returncode, done.stdout + done.stderr) == (0, ""), "the program is found, so its path was understood"


def test_services_that_would_not_see_one_socket_are_refused(folder: Path) -> None:
    deep = folder / ("deep" * 30)
    with pytest.raises(ConfigError, match="too long a path"):
        make_units("systemd", plan(deep), folder=folder)
    make_units("systemd", plan(deep, needs_socket=False), folder=folder)


@pytest.mark.parametrize("kind", ["systemd", "supervisor"])
@pytest.mark.parametrize(
    "facts",
    [
        {"home": Path("/a\nExecStart=/bin/evil")},
        {"home": Path("/a\\")},
        {"user": "root\nGroup=root"},
        {"program": Path('/a"b/offers')},
    ],
)
def test_what_cannot_be_written_safely_is_refused(folder: Path, kind: Kind, facts: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        make_units(kind, replace(plan(folder), **facts), folder=folder)


def test_supervisord_reads_the_programs(program: Program, folder: Path) -> None:
    options = pytest.importorskip("supervisor.options", reason="supervisor is not installed")
    assert program("service", "supervisor", "--to", str(folder)).code == 0
    program.home.mkdir(mode=0o700)
    main = folder / "supervisord.conf"
    main.write_text("[supervisord]\n[include]\nfiles = offers.conf\n")
    reader = options.ServerOptions()
    reader.realize(["-c", str(main)])
    programs = {group.name: group.process_configs[0] for group in reader.process_group_configs}
    assert set(programs) == {"offers-worker", "offers-dashboard"}
    worker = programs["offers-worker"]
    assert worker.command == f"{PROGRAM} worker --processes 1"
    assert worker.environment == {"OFFERS_HOME": str(program.home)}
    assert (worker.stopwaitsecs, worker.killasgroup) == (60, True)
    assert worker.autorestart.__name__ == "RestartUnconditionally"


def test_supervisord_runs_them_and_leaves_no_orphan(program: Program, folder: Path) -> None:
    """Both come up, work, and go when supervisord is told to stop."""
    pytest.importorskip("supervisor.options", reason="supervisor is not installed")
    assert program("service", "supervisor", "--to", str(folder), "--port", "0").code == 2, "a service needs its port"
    port = str(free_port())
    assert program("service", "supervisor", "--to", str(folder), "--processes", "2", "--port", port).code == 0
    program.home.mkdir(mode=0o700)
    main = folder / "supervisord.conf"
    main.write_text(
        f"[supervisord]\nnodaemon=true\nuser={getpass.getuser()}\nlogfile={folder}/supervisord.log\n"
        f"pidfile={folder}/supervisord.pid\nchildlogdir={folder}\n[include]\nfiles = offers.conf\n"
    )
    started = subprocess.Popen(
        [Path(sys.executable).with_name("supervisord"), "-c", str(main)],
        env=program.environment(),
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert program("scrape", "ofertas").code == 0
        wait_until(lambda: program.json("stats").data["queue"]["finished"] > 0)
        assert program.json("stats").data["queue"]["workers"] == 2
        wait_until(lambda: answers(int(port)))
        tree = children(started.pid)
        assert len(tree) >= 4, "worker, its two processes, dashboard"
    finally:
        started.send_signal(signal.SIGTERM)
        started.wait(70)
    wait_until(lambda: not any(map(lives, tree)))


def lives(pid: int) -> bool:
    """A zombie has ended; only nobody has asked for its exit code yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def answers(port: int) -> bool:
    import httpx

    try:
        return httpx.get(f"http://127.0.0.1:{port}/", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def children(pid: int) -> set[int]:
    """All processes under that one."""
    direct = {
        int(each) for task in Path(f"/proc/{pid}/task").iterdir() for each in (task / "children").read_text().split()
    }
    return direct.union(*(children(each) for each in direct))


@pytest.fixture
def compose(program: Program, folder: Path) -> dict[str, Any]:
    result = program("service", "compose", "--install", "--to", str(folder / "c"))
    assert result.code == 0, result.err
    document: dict[str, Any] = yaml.safe_load((folder / "c" / "compose.yaml").read_text())
    return document


def test_compose_publishes_the_dashboard_on_loopback_alone(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert "ports" not in services["redis"]
    assert "ports" not in services["worker"]
    assert services["dashboard"]["ports"] == ["127.0.0.1:9181:9181"]
    assert services["worker"]["command"][:2] == ["offers", "worker"]
    assert services["worker"]["deploy"]["replicas"] == 2
    assert all("no-new-privileges:true" in service["security_opt"] for service in services.values())


def test_composes_image_holds_what_stands_in_the_folder_and_nothing_of_an_index(
    compose: dict[str, Any], folder: Path
) -> None:
    """Whoever owns our name in a package index is never run."""
    build = compose["x-offers"]["build"]
    assert (build["context"], build.get("args")) == ("${BUILD_FROM:-.}", None)
    [line] = [line for line in build["dockerfile_inline"].splitlines() if "pip install" in line]
    command = line.partition("rw ")[2].replace("$$", "$").replace("/context", shlex.quote(str(folder)))

    def installed() -> str:
        script = f'pip() {{ echo "$@"; }}; {command}'
        return subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout.split()[-1]

    assert installed() == ".[dashboard]"
    wheel = folder / f"offers-{__version__}-py3-none-any.whl"
    wheel.touch()
    assert installed() == f"./{wheel.name}[dashboard]"


def test_compose_keeps_its_secrets_in_private_files(compose: dict[str, Any], program: Program, folder: Path) -> None:
    ours, redis = folder / "c" / "offers.env", folder / "c" / "redis.env"
    assert (ours.stat().st_mode & 0o777, redis.stat().st_mode & 0o777) == (0o600, 0o600)
    password = redis.read_text().partition("REDIS_PASSWORD=")[2].strip()
    assert len(password) == 48
    assert f"REDIS_URL=redis://:{password}@redis:6379/0" in ours.read_text()
    assert password not in (folder / "c" / "compose.yaml").read_text()

    again = program.json("service", "compose", "--install", "--to", str(folder / "c"))
    assert again.code == 0
    assert password in redis.read_text(), "fresh passwords would lock the old data out"
    assert password not in again.out

    redis.unlink()
    assert program.json("service", "compose", "--install", "--to", str(folder / "c")).code == 2


def test_composes_redis_has_a_password_a_log_and_drops_nothing(compose: dict[str, Any], folder: Path) -> None:
    """Its command, run here with the machine's own Redis in the place of the image's."""
    script = (
        compose["services"]["redis"]["command"][2].replace("$$", "$").replace("/tmp/redis.conf", f"{folder}/r.conf")
    )
    programs = folder / "bin"
    programs.mkdir()
    for name, text in {"chown": "exit 0", "docker-entrypoint.sh": 'exec "$@" --port 0 --unixsocket r.sock'}.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    (programs / "redis-server").symlink_to(next(find_programs()).path)
    environment = {"PATH": f"{programs}:{os.environ['PATH']}", "REDIS_PASSWORD": "a%s b"}
    process = subprocess.Popen(["sh", "-c", script], env=environment, cwd=folder, stdout=subprocess.DEVNULL)
    try:
        wait_until((folder / "r.sock").exists)
        with connect(f"unix://:a%25s%20b@{folder}/r.sock") as connection:
            found = {**connection.config_get("appendonly"), **connection.config_get("maxmemory-policy")}
        assert found == {"appendonly": "yes", "maxmemory-policy": "noeviction"}
        assert b"a%s" not in Path(f"/proc/{process.pid}/cmdline").read_bytes()
    finally:
        process.terminate()
        process.wait(NEVER_S)


def test_printed_units_are_the_installed_ones(program: Program, folder: Path) -> None:
    printed = program("service", "compose")
    program("service", "compose", "--install", "--to", str(folder / "c"))
    text = (folder / "c" / "compose.yaml").read_text()
    assert printed.out.partition("\n")[2].strip() == text.strip()
    assert yaml.safe_load(printed.out) == yaml.safe_load(text)
    assert re.search(r"BUILD_FROM=\S+ docker compose up", printed.err)


def test_another_file_is_not_replaced_without_a_yes(program: Program, folder: Path) -> None:
    (folder / "offers.conf").write_text("mine")
    assert program.json("service", "supervisor", "--to", str(folder)).code == 2
    assert (folder / "offers.conf").read_text() == "mine"
    assert program.json("service", "supervisor", "--to", str(folder), "--yes").code == 0
    assert "offers-worker" in (folder / "offers.conf").read_text()


def test_no_secret_goes_into_a_unit(program: Program) -> None:
    redis_url = "redis://:c4nary@127.0.0.1/0"
    for kind in ("systemd", "supervisor", "compose"):
        result = program.json("service", kind, REDIS_URL=redis_url, OFFERS_DASHBOARD_TOKEN="c4nary-c4nary-c4nary")
        assert result.code == 0
        assert "c4nary" not in result.out + result.err
