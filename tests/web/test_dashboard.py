"""`offers dashboard`: what it shows, whom it lets in, what it never tells."""

from __future__ import annotations

import json
import os
import pickle
import re
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from acceptance.program import Program, at_shop
from free_ports import free_port
from redis import Redis
from servers import RedisServer
from shop import Shop
from waiting import NEVER_S
from web.conftest import Served, serving

import offers_cli.web.app
from offers_cli.installation import extra_command
from offers_cli.queue.schedule import Entry, EntryClock, Schedule
from offers_cli.times import utc_now
from offers_cli.web.server import MAX_HEADER_BYTES

TOKEN = "correct-horse-battery-staple"
CANARY = "r3dis-canary"


def test_it_shows_the_queue_the_failed_job_and_its_error(dashboard: Served, failed_job: str) -> None:
    queue = dashboard.get("/rq/").text
    assert "Queue <bdi>enrichment</bdi>" in queue
    assert re.search(r"<strong>1</strong>\s*<span>failed", queue)
    assert f'href="/rq/job/{failed_job}"' in dashboard.get("/rq/failed/").text
    job = dashboard.get(f"/rq/job/{failed_job}").text
    for shown in ("failed", "page_changed", "http://127.0.0.1", failed_job.removeprefix("enrich-"), "Requeue"):
        assert shown in job
    start = dashboard.get("/").text
    assert "page_changed" in start
    assert all(f"<span>{words}</span>" in start for words in ("queued", "running", "put off", "failed"))


def test_every_registry_has_its_page_and_what_is_none_is_not_found(dashboard: Served, failed_job: str) -> None:
    for name in ("queued", "started", "scheduled", "deferred", "finished", "failed", "canceled"):
        assert dashboard.get(f"/rq/{name}/").status_code == 200
    assert dashboard.get("/rq/workers").status_code == 200
    for path in (
        *(
            "/rq/intermediate/",
            "/rq/payments/",
            "/rq/0/view/jobs",
            "/rq/job/",
            "/rq/job/nothing",
            "/nothing",
        ),
        *(f"/rq/failed/?page={number}" for number in ("0", "-1", "x", "1e9", "9" * 5000, "%D9%A1", "")),
        *(f"/rq/job/{name}" for name in ("~", "~A", "~!", "%FF", "%00", "x" * 5000, "~" + "A" * 4400)),
    ):
        assert dashboard.get(path).status_code == 404, path


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "127.0.0.1.evil.example", "", "localhost@evil.example", "evil.example@127.0.0.1"),
        *(
            "user:secret@localhost",
            "localhost/x",
            "localhost,evil.example",
            "[::1",
            "[::1]x",
            "localhost:x",
            "[localhost]",
        ),
        *("127.0.0.1:80:80", "localhost:" + "9" * 5000, "127.1", "2130706433", "LOCALHOST.evil.example"),
    ],
)
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
        {"Origin": "http://["},
        {"Origin": ""},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_a_change_from_another_site_is_refused(dashboard: Served, failed_job: str, headers: dict[str, str]) -> None:
    """Even of one that knew the secret of our forms."""
    secret = re.search(r'name="csrf" value="([^"]+)"', dashboard.get("/rq/failed/").text)
    assert secret
    for path in (f"/rq/job/{failed_job}/requeue", "/rq/failed/requeue", "/rq/failed/empty"):
        assert dashboard.post(path, {"csrf": secret[1]}, **headers).status_code == 403
    assert failed_job in dashboard.get("/rq/failed/").text


@pytest.mark.parametrize("secret", [None, "", "wrong", "ü", "x" * 5000])
def test_a_form_without_the_secret_of_our_pages_is_refused(
    dashboard: Served, failed_job: str, secret: str | None
) -> None:
    fields = {} if secret is None else {"csrf": secret}
    for path in (f"/rq/job/{failed_job}/delete", "/rq/failed/requeue", "/rq/failed/empty", "/nothing"):
        assert dashboard.post(path, fields, Origin=dashboard.url).status_code == 403
    assert failed_job in dashboard.get("/rq/failed/").text


def test_nothing_changes_upon_a_get(dashboard: Served, failed_job: str) -> None:
    for path in (f"/rq/job/{failed_job}/requeue", "/rq/failed/requeue", "/rq/failed/empty", "/rq/queued/empty"):
        assert dashboard.get(path).status_code == 405
    assert failed_job in dashboard.get("/rq/failed/").text


def test_every_answer_forbids_strange_scripts_framing_and_keeping(dashboard: Served, failed_job: str) -> None:
    """Pages, files, redirects and errors."""
    answers = [dashboard.get(path) for path in ("/", "/rq", "/rq/", "/static/page.css", "/nothing")]
    answers += [dashboard.get("/", Host="evil.example"), dashboard.post("/rq/failed/empty")]
    assert {answer.status_code for answer in answers} == {200, 308, 404, 403}
    for answer in answers:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "script-src 'self';" in policy, "files of our own, and nothing that stands in a page"
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
    assert "http" not in dashboard.get("/").text


def test_no_template_has_a_script_in_it_or_leaves_a_value_unescaped() -> None:
    folder = Path(offers_cli.web.app.__file__).parent / "templates"
    assert {path.suffix for path in folder.rglob("*") if path.is_file()} == {".html"}
    own = re.compile(r"""<script src="{{ url_for\('static', filename='[a-z./-]+'\) }}" defer></script>""")
    for path in folder.rglob("*"):
        text = own.sub("", path.read_text())
        assert not re.search(r"<script|\bon\w+=|\bstyle=|\|\s*safe|autoescape|javascript:", text), path


def test_buttons_change_the_queue_and_lead_back(shop: Shop, tmp_path: Path) -> None:
    """As the Redis user with the least rights that docs/redis.md describes."""
    rights = re.search(r"ACL SETUSER (offers [^`]+)", (Path(__file__).parents[2] / "docs" / "redis.md").read_text())
    assert rights
    with RedisServer() as server, server.connect() as connection:
        connection.execute_command("ACL", "SETUSER", *rights[1].split())
        url = f"{server.url}?username=offers&password=PASSWORD"
        program = at_shop(Program(tmp_path / "home"), shop, REDIS_URL=url)
        assert program("scrape", "ofertas").code == 0
        with serving(program) as served:
            press_all_buttons(program, served, connection)


def press_all_buttons(program: Program, served: Served, connection: Redis) -> None:
    waiting: Any = connection.lrange("rq:queue:enrichment", 0, -1)
    first, second = waiting[-1].decode(), waiting[-2].decode()  # the one that will fail is the first

    canceled = served.press(f"/rq/job/{first}/cancel")
    assert (canceled.status_code, canceled.headers["Location"]) == (303, f"/rq/job/{first}")
    deleted = served.press(f"/rq/job/{second}/delete", registry="queued", page="1")
    assert (deleted.status_code, deleted.headers["Location"]) == (303, "/rq/queued/?page=1")
    assert served.press(f"/rq/job/{second}/delete").status_code == 404, "it is gone"
    assert served.press(f"/rq/job/{first}/explode").status_code == 404
    assert served.press("/rq/nothing/empty").status_code == 404

    assert program("worker", "--burst").code == 1
    (failed,) = program.json("failed").data["jobs"]
    assert served.press(f"/rq/job/{failed['job_id']}/requeue").status_code == 303
    assert program.json("stats").data["queue"]["queued"] == 1
    assert program("worker", "--burst").code == 1
    assert served.press("/rq/failed/requeue").status_code == 303
    assert program.json("stats").data["queue"]["queued"] == 1
    assert served.press("/rq/queued/empty").headers["Location"] == "/rq/queued/"
    assert connection.llen("rq:queue:enrichment") == 0
    assert connection.zrange("rq:canceled:enrichment", 0, -1) == [first.encode()]


def test_the_start_page_shows_what_is_on_the_clock(dashboard: Served, redis: RedisServer) -> None:
    now = utc_now()
    with redis.connect() as connection:
        schedule = Schedule(connection, queue_name="enrichment")
        entry = Entry(name="tidy", command=("db", "prune"), every_s=3600, time_zone="UTC", added_at=now)
        assert schedule.add(entry, EntryClock(next_at=now, set_at=now))
        try:
            for path in ("/", "/runs/"):
                assert re.search(
                    "tidy</bdi>.*offers db prune.*every 1h.*never run", dashboard.get(path).text, re.DOTALL
                )
        finally:
            schedule.remove("tidy")
    assert "tidy" not in dashboard.get("/").text


def test_another_applications_queues_and_jobs_are_out_of_reach(dashboard: Served, redis: RedisServer) -> None:
    """By whatever URL: not found, and nothing of theirs changes."""
    with redis.connect() as connection:
        theirs = {b"origin": b"payments", b"status": b"failed", b"data": b"[]"}
        connection.hset("rq:job:other-1", mapping=theirs)
        connection.zadd("rq:failed:payments", {"other-1": 9e9})
        connection.rpush("rq:queue:payments", "other-1")
        connection.set("rq:secret", "x")
        try:
            assert dashboard.get("/rq/job/other-1").status_code == 404
            for action in ("requeue", "cancel", "delete"):
                for name in ("other-1", "~b3RoZXItMQ", "~Li4vc2VjcmV0", "..%2Fsecret"):
                    assert dashboard.press(f"/rq/job/{name}/{action}").status_code == 404
            for path in ("/rq/payments/empty", "/rq/queue:payments/empty", "/rq/payments/requeue"):
                assert dashboard.press(path).status_code in {404, 405}
            assert connection.hgetall("rq:job:other-1") == theirs
            assert connection.zcard("rq:failed:payments") == connection.llen("rq:queue:payments") == 1
            assert connection.get("rq:secret") == b"x"
        finally:
            connection.delete("rq:job:other-1", "rq:failed:payments", "rq:queue:payments", "rq:secret")


def test_broken_jobs_and_workers_are_shown_and_can_be_deleted(dashboard: Served, redis: RedisServer) -> None:
    deep = "[" * 100_000
    with redis.connect() as connection:
        connection.hset("rq:job:deep", mapping={"status": "failed", "meta": deep, "data": deep, "created_at": deep})
        connection.set("rq:job:text", "x")
        connection.sadd("rq:workers:enrichment", "rq:worker:odd", b"rq:worker:\xff", "")
        connection.hset("rq:worker:odd", mapping={"birth": deep, "state": b"\xff", "pid": "9" * 5000})
        odd = [b"deep", b"text", b"gone", b"\xff\xfe", b"a/b", b"<b>", b"x" * 3000, b"y" * 5000]
        was = connection.zcard("rq:failed:enrichment")
        connection.zadd("rq:failed:enrichment", dict.fromkeys(odd, 9e9))
        try:
            page = dashboard.get("/rq/failed/")
            assert page.status_code == dashboard.get("/rq/workers").status_code == dashboard.get("/").status_code == 200
            assert page.text.count("broken: ") == len(odd)
            ways = re.findall(r'action="(/rq/job/[^"]+/delete)"', page.text)
            for way in ways[: len(odd)]:
                assert dashboard.get(way.removesuffix("/delete")).status_code == 200
            deletable = [way for way in ways if "enrich-" not in way]
            assert len(deletable) == len(odd) - 1, "one id is too long for a URL"
            for way in deletable:
                assert dashboard.press(way).status_code == 303
            assert connection.zcard("rq:failed:enrichment") == was + 1
        finally:
            connection.zrem("rq:failed:enrichment", *odd)
            connection.delete("rq:job:deep", "rq:job:text", "rq:worker:odd")
            connection.srem("rq:workers:enrichment", "rq:worker:odd", b"rq:worker:\xff", "")


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
            for path in ("/rq/job/planted", "/rq/failed/"):
                assert "broken: " in dashboard.get(path).text.replace("Broken: ", "broken: ")
            assert dashboard.press("/rq/job/planted/requeue").status_code == 303
            assert dashboard.get("/rq/queued/").status_code == 200
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
        assert served.get("/rq/failed/").status_code == 401
        assert served.post("/rq/failed/requeue").status_code == 401
        assert served.get("/", Authorization=f"Bearer {TOKEN}").status_code == 200
        import httpx

        assert httpx.get(served.url, auth=("me", TOKEN)).status_code == 200
        ended = served.end(signal.SIGTERM)
    assert TOKEN not in ended.out + ended.err


def test_guesses_of_the_token_are_limited(program: Program) -> None:
    with serving(program, OFFERS_DASHBOARD_TOKEN=TOKEN) as served:
        answers = [served.get("/", Authorization=f"Bearer guess-{number}") for number in range(30)]
        told = [answer.status_code for answer in answers]
        assert told[:10] == [401] * 10
        assert told.count(429) >= 15
        limited = next(answer for answer in answers if answer.status_code == 429)
        assert int(limited.headers["Retry-After"]) >= 1
        assert "default-src 'none'" in limited.headers["Content-Security-Policy"]
        assert served.get("/").status_code == 401, "who brings none is told what is needed"
        ended = served.end(signal.SIGTERM)
    assert ended.err.count("a wrong token was given") == told.count(401)
    assert "guess-" not in ended.err


def test_a_short_token_is_refused_by_name(program: Program) -> None:
    refused = program.json("dashboard", "--port", "0", OFFERS_DASHBOARD_TOKEN="short")
    assert (refused.code, refused.codes) == (3, ["config_invalid"])
    assert "OFFERS_DASHBOARD_TOKEN" in refused.document["errors"][0]["message"]


def test_requests_that_are_none_or_too_large_are_refused_with_the_same_headers(dashboard: Served) -> None:
    host, port = dashboard.url.removeprefix("http://").split(":")
    head = f"Host: {host}\r\nConnection: close\r\n"
    for request, status in (
        (f"NONSENSE\r\n{head}\r\n", b"400"),
        (f"GET / HTTP/1.1\r\n{head}X: ".ljust(MAX_HEADER_BYTES, "x"), b"431"),
        (f"POST / HTTP/1.1\r\n{head}Content-Length: 99999999\r\n\r\n", b"413"),
        (f"POST / HTTP/1.1\r\n{head}Transfer-Encoding: odd\r\n\r\n", b"501"),
    ):
        with socket.create_connection((host, int(port)), timeout=NEVER_S) as client:
            client.sendall(request.encode())
            answer = b""
            while more := client.recv(65536):
                answer += more
        assert status in answer.splitlines()[0]
        assert b"default-src 'none'" in answer
        assert b"no-store" in answer


@pytest.mark.parametrize("drip", [b"", b"GET / HTTP/1.1\r\nX: x", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nx"])
def test_half_sent_requests_keep_nobody_out(dashboard: Served, drip: bytes) -> None:
    """Three hundred connections that never end their request, and send on: the next visitor is served all the same."""
    host, port = dashboard.url.removeprefix("http://").split(":")
    with ExitStack() as stack:
        for _ in range(300):
            client = stack.enter_context(socket.create_connection((host, int(port)), timeout=NEVER_S))
            with suppress(OSError):
                client.sendall(drip)
        for _ in range(3):
            assert dashboard.get("/rq/").status_code == 200


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
            seen, left = set[str](), ["/"]
            while left:
                path = left.pop()
                seen.add(path)
                answer = served.get(path)
                assert answer.status_code < 500, path
                assert CANARY not in answer.text + str(answer.headers), path
                left += [link for link in re.findall(r'href="(/[^"#]*)', answer.text) if link not in seen]
            server.stop()
            broken = served.get("/rq/")
            assert CANARY not in broken.text
            ended = served.end(signal.SIGTERM)
    assert len(seen) > 10
    assert CANARY not in ended.out + ended.err


def test_without_redis_the_pages_say_so(program: Program, redis: RedisServer) -> None:
    with RedisServer() as mortal, serving(program, REDIS_URL=mortal.url) as served:
        mortal.kill()
        for path in ("/rq/", "/rq/queued/", "/rq/workers", "/rq/job/x"):
            answer = served.get(path)
            assert answer.status_code == 503
            assert "Redis does not answer" in answer.text
            assert "offers doctor" in answer.text
            assert mortal.directory.name not in answer.text
        assert "does not answer" in served.get("/").text
        mortal.start()
        assert served.get("/rq/").status_code == 200


def test_what_redis_refuses_is_said_with_its_hint(program: Program) -> None:
    with RedisServer() as server, server.connect() as connection:
        connection.execute_command("ACL", "SETUSER", "offers", "on", ">PASSWORD", "~*", "&*", "+@all")
        with serving(program, REDIS_URL=f"{server.url}?username=offers&password=PASSWORD") as served:
            assert served.get("/rq/").status_code == 200
            connection.execute_command("ACL", "SETUSER", "offers", "-evalsha", "-eval")
            answer = served.get("/rq/")
    assert answer.status_code == 503
    assert "this Redis user may not do that" in answer.text
    assert "docs/redis.md" in answer.text
    assert "PASSWORD" not in answer.text


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
        "import sys; sys.modules['flask'] = None\n"
        "from offers_cli.cli.main import main; sys.exit(main(['dashboard', '--json']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=program.environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert json.loads(done.stdout)["errors"][0]["hint"] == extra_command("dashboard")
