"""`offers dashboard`: what it shows, whom it lets in, what it never tells."""

from __future__ import annotations

import os
import pickle
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from acceptance.program import Program, at_shop
from free_ports import free_port
from servers import RedisServer
from web.conftest import Served, serving

from offers_cli.demo.shop import Shop

TOKEN = "correct-horse-battery-staple"
CANARY = "r3dis-canary"


def test_it_shows_the_queue_the_failed_job_and_its_error(dashboard: Served, failed_job: str) -> None:
    (queue,) = dashboard.get("/rq/0/data/queues.json").json()["queues"]
    assert queue["name"] == "enrichment"
    assert queue["failed_job_registry_count"] == 1
    job = dashboard.get(f"/rq/0/data/job/{failed_job}.json").json()
    assert job["status"] == "failed"
    assert "page_changed" in job["metadata"]
    assert "page_changed" in dashboard.get("/").text


def test_finished_jobs_are_read_as_json(dashboard: Served, failed_job: str) -> None:
    jobs = dashboard.get("/rq/0/data/jobs/enrichment/finished/8/asc/1.json").json()["jobs"]
    assert jobs
    assert all(job["description"].startswith("enrich http") for job in jobs), jobs


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost@evil.example"])
def test_a_strangers_name_is_refused(dashboard: Served, host: str) -> None:
    assert dashboard.get("/", Host=host).status_code in {400, 403}


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1", "[::1]:9181", "LOCALHOST"])
def test_a_tunnel_may_have_another_port(dashboard: Served, host: str) -> None:
    assert dashboard.get("/", Host=host).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_a_change_from_another_site_is_refused(dashboard: Served, failed_job: str, headers: dict[str, str]) -> None:
    assert dashboard.post(f"/rq/job/{failed_job}/requeue", **headers).status_code == 403
    assert dashboard.get(f"/rq/0/data/job/{failed_job}.json").json()["status"] == "failed"


def test_nothing_changes_upon_a_get(dashboard: Served, failed_job: str) -> None:
    assert dashboard.get("/rq/requeue/enrichment").status_code == 405
    assert dashboard.get(f"/rq/0/data/job/{failed_job}.json").json()["status"] == "failed"


def test_pages_may_not_be_framed_and_load_nothing_from_elsewhere(dashboard: Served) -> None:
    for path in ("/", "/rq/", "/static/page.css", "/nothing"):
        headers = dashboard.get(path).headers
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
    assert "http" not in re.sub(r'href="/|src="/', "", dashboard.get("/").text)


def test_every_value_is_escaped_in_the_browser(dashboard: Served, failed_job: str) -> None:
    for path in ("/rq/", "/rq/0/view/jobs/enrichment/failed/8/asc/1", f"/rq/0/view/job/{failed_job}"):
        page = dashboard.get(path).text
        assert "<%=" not in page
        assert "<%-" in page


def test_another_instance_or_a_job_that_is_gone_is_not_found(dashboard: Served) -> None:
    assert dashboard.get("/rq/1/view/queues").status_code == 404
    assert dashboard.get("/rq/0/view/job/enrich-nothing").status_code == 404


def test_a_planted_pickle_is_not_opened(dashboard: Served, redis: RedisServer, tmp_path: Path) -> None:
    trap = tmp_path / "sprung"

    class Planted:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {trap}",)

    with redis.connect() as connection:
        evil = pickle.dumps(Planted())
        connection.hset("rq:job:planted", mapping={"data": evil, "meta": evil, "created_at": "2026-01-01T00:00:00Z"})
        connection.zadd("rq:failed:enrichment", {"planted": 9e9})
        try:
            for path in ("/rq/0/view/job/planted", "/rq/0/data/job/planted.json"):
                dashboard.get(path)
            dashboard.get("/rq/0/data/jobs/enrichment/failed/8/asc/1.json")
            dashboard.post("/rq/job/planted/requeue")
        finally:
            connection.zrem("rq:failed:enrichment", "planted")
            connection.lrem("rq:queue:enrichment", 0, "planted")
            connection.delete("rq:job:planted")
    assert not trap.exists()


def test_the_token_is_asked_for(program: Program) -> None:
    with serving(program, OFFERS_DASHBOARD_TOKEN=TOKEN) as served:
        refused = served.get("/")
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith("Basic")
        for wrong in ("Bearer wrong", "Basic !!!", "Basic d3Jvbmc6d3Jvbmc=", "Bearer", f"Basic {TOKEN}"):
            assert served.get("/", Authorization=wrong).status_code == 401
        assert served.get("/rq/0/data/queues.json").status_code == 401
        assert served.post("/rq/requeue/enrichment").status_code == 401
        assert served.get("/", Authorization=f"Bearer {TOKEN}").status_code == 200
        import httpx

        assert httpx.get(served.url, auth=("me", TOKEN)).status_code == 200
        ended = served.end(signal.SIGTERM)
    assert TOKEN not in ended.out + ended.err


def test_other_hosts_need_a_token_and_may_be_asked_for_by_address(program: Program, tmp_path: Path) -> None:
    bare = program.json("dashboard", "--port", "0", "--host", "0.0.0.0")
    assert (bare.code, bare.codes) == (3, ["config_invalid"])
    assert "OFFERS_DASHBOARD_TOKEN" in bare.document["errors"][0]["hint"]
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    with serving(
        program,
        "--host",
        "0.0.0.0",
        OFFERS_DASHBOARD_TOKEN_FILE=str(file),
        OFFERS_DASHBOARD_HOSTS="offers.example",
    ) as served:
        key = f"Bearer {TOKEN}"
        for host in ("10.0.0.7:9181", "offers.example", socket.gethostname(), "localhost"):
            assert served.get("/", Host=host, Authorization=key).status_code == 200, host
        assert served.get("/", Host="evil.example", Authorization=key).status_code == 403


def test_no_page_tells_the_password_of_redis(shop: Shop, tmp_path: Path) -> None:
    """Every page that links lead to, and what the program says."""
    port = free_port()
    with RedisServer("--port", str(port)) as server, server.connect() as connection:
        connection.config_set("requirepass", CANARY)
        url = f"redis://:{CANARY}@127.0.0.1:{port}/0"
        program = at_shop(Program(tmp_path / "home"), shop, REDIS_URL=url)
        assert program("scrape", "ofertas", "--limit", "2").code == 0
        with serving(program) as served:
            seen, left = set[str](), ["/", "/rq/", "/rq/0/data/workers.json", "/rq/0/data/queues.json"]
            while left:
                path = left.pop()
                seen.add(path)
                answer = served.get(path)
                assert answer.status_code < 500, path
                assert CANARY not in answer.text + str(answer.headers), path
                found = re.findall(r'(?:href="|_url":")(/[^"#]*)', answer.text)
                left += [link for link in found if link not in seen and not link.endswith(("empty", "compact"))]
            server.stop()
            broken = served.get("/rq/")
            assert CANARY not in broken.text
            ended = served.end(signal.SIGTERM)
    assert len(seen) > 10
    assert CANARY not in ended.out + ended.err


def test_without_redis_the_pages_say_so(program: Program, redis: RedisServer) -> None:
    with RedisServer() as mortal, serving(program, REDIS_URL=mortal.url) as served:
        mortal.kill()
        for path in ("/rq/0/data/queues.json", "/rq/0/view/workers"):
            answer = served.get(path)
            assert answer.status_code == 503
            assert "offers doctor" in answer.text
        assert "does not answer" in served.get("/").text
        mortal.start()
        assert served.get("/rq/0/data/queues.json").status_code == 200


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_it_ends_in_good_order(program: Program, number: int, code: int) -> None:
    with serving(program, "--json") as served:
        ended = served.end(number)
    assert ended.code == code
    assert f'"url": "{served.url}"' in ended.out


def test_a_taken_port_is_told(program: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = program.json("dashboard", "--port", port)
    assert (result.code, result.codes) == (2, ["usage"])
    assert port in result.document["errors"][0]["message"]


def test_without_its_extra_the_command_says_what_to_install(program: Program) -> None:
    code = (
        "import sys; sys.modules['rq_dashboard'] = None\n"
        "from offers_cli.cli.main import main; sys.exit(main(['dashboard', '--json']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=program.environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert "pip install 'offers[dashboard]'" in done.stdout
