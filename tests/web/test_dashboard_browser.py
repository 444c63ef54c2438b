"""The dashboard in a real browser: its buttons without JavaScript; hostile text in every field and URL stays text."""

from __future__ import annotations

import json
import os
import shutil
import zlib
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import pytest
from acceptance.program import Program
from servers import RedisServer
from web.conftest import Served, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from redis import Redis

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = os.environ.get("OFFERS_TEST_CHROMIUM") or shutil.which("chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
TOKEN = "a-token-of-the-operator"

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no chromium here: apt-get install chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def test_from_the_start_page_to_a_failed_job_and_back_into_the_queue_without_javascript(
    browser: Browser, dashboard: Served, failed_job: str, program: Program
) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(dashboard.url)
    assert "page_changed" in page.inner_text("#failures")
    page.click("nav >> text=Queue")
    card = page.locator(".cards a.failed")
    assert card.locator("strong").inner_text() == "1"
    card.click()
    page.click(f"text={failed_job}")
    told = page.inner_text("main")
    assert "failed" in told
    assert "page_changed" in told
    page.click("button:text('Requeue')")
    assert page.url == f"{dashboard.url}/rq/job/{failed_job}"
    assert "queued" in page.inner_text(".facts")
    assert program.json("stats").data["queue"]["queued"] == 1
    worked = program.json("worker", "--burst").data
    assert (worked["succeeded"], worked["failed"]) == (0, 1), "it ran again, and its page is still broken"

    page.click("nav >> text=Failures")
    page.click("button:text('Requeue 1 job')")
    assert "1 job is back in the queue" in page.inner_text("main")
    page.click("header nav >> text=Queue")
    page.click("text=Empty the queue")
    assert "enqueue-missing" in page.inner_text("details")
    page.click("button:text('Delete all queued jobs')")
    assert program.json("stats").data["queue"]["queued"] == 0
    assert program.json("enqueue-missing").data["enqueued"] == 1
    program("worker", "--burst")


def test_the_overview_is_live_and_failures_go_back_by_the_keyboard_alone(
    browser: Browser, dashboard: Served, failed_job: str, redis: RedisServer, program: Program
) -> None:
    """What changes is seen without a reload, and a page that is left ends its stream."""
    page = browser.new_context().new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(dashboard.url)
    page.locator("[data-live-state]", has_text="Live").wait_for()
    page.focus("#queue a:has-text('failed')")
    with redis.connect() as connection:
        connection.rpush("rq:queue:enrichment", "enrich-one", "enrich-two")
        try:
            page.locator("#queue li:has-text('queued') strong", has_text="2").wait_for()
        finally:
            connection.delete("rq:queue:enrichment")
    page.locator("#queue li:has-text('queued') strong", has_text="0").wait_for()
    assert page.evaluate("document.activeElement.getAttribute('href')") == "/failures/", "its focus stayed"
    page.click("button:text('Pause')")
    page.locator("[data-live-state]", has_text="Paused").wait_for()

    page.goto(f"{dashboard.url}/failures/?reason=page_changed")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Requeue 1 job":
            break
    page.keyboard.press("Enter")
    page.locator("[role=status]", has_text="1 job is back in the queue").wait_for()
    assert program.json("stats").data["queue"]["queued"] == 1
    program("worker", "--burst")
    assert errors == []


@pytest.fixture
def strange_site() -> Iterator[StrangeSite]:
    with StrangeSite() as site:
        yield site


class StrangeSite:
    """A web server of another origin: serves what it is given, remembers what it was asked for."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        self.asked: list[str] = []

    def __enter__(self) -> Self:
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                body = site.pages.get(self.path, "").encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://localhost:{self._server.server_port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def payloads(canary: str) -> list[str]:
    """Text that would run a script, or ask `canary`, wherever a page took it for more than text."""
    run = f"new Image().src='{canary}/ran';document.title='owned'"
    return [
        f"<script>{run}</script>",
        f"\"'><img src='{canary}/img' onerror=\"{run}\"><svg onload={run}>",
        f"');}});}});{run};$('#a').on('x',function(){{if(1){{('",
        f"</textarea></title></style></pre></bdi><script src={canary}/ran></script><!--",
        "{{7*7}}{% print(config) %}${7*7}#{7*7}<%= 7*7 %><%- 7*7 %>",
        f"javascript:{run}",
        f"data:text/html,<script>{run}</script>",
        f'https://shop.test/" onmouseover="{run}" style="background:url({canary}/css)',
        f"https://shop.test/'\"><script>fetch('{canary}/ran')</script>",
        f"<meta http-equiv=refresh content='0;url={canary}/moved'><base href={canary}/>",
        f"<link rel=stylesheet href={canary}/css><link rel=prefetch href={canary}/prefetched>",
        f"<form action={canary}/form><button>Requeue</button></form><iframe srcdoc='<script>{run}</script>'></iframe>",
    ]


def snapshot(connection: Redis) -> dict[bytes, bytes | None]:
    """Everything in that Redis but the workers' heartbeats."""
    keys: Any = connection.keys("*")
    return {key: connection.dump(key) for key in sorted(keys)}


def plant(connection: Redis, number: int, text: str) -> str:
    """One job with that text in every field, and one worker; returns the job's id."""
    job_id = f"planted-{number}"
    error = b64encode(zlib.compress(f"Traceback:\n{text}".encode())).decode()
    fields = ("description", "status", "created_at", "enqueued_at", "ended_at", "worker_name", "timeout", "exc_info")
    data = json.dumps([text, None, [text, text, text], {}])
    meta = json.dumps({"code": text, "message": text, "attempts": text})
    whole: dict[Any, Any] = {**dict.fromkeys(fields, text), "data": data, "meta": meta}
    connection.hset(f"rq:job:{job_id}", mapping=whole)
    connection.xadd(f"rq:results:{job_id}", {"type": 2, "exc_string": error, "worker_name": text})
    failed: dict[Any, Any] = {
        "status": "failed",
        "origin": "enrichment",
        "data": data,
        "meta": meta,
        "description": text,
    }
    connection.hset(f"rq:job:{job_id}-failed", mapping=failed)
    connection.zadd("rq:failed:enrichment", {job_id: 9e9, f"{job_id}-failed": 9e9, text: 9e9})
    connection.rpush("rq:queue:enrichment", text)
    for registry in ("scheduled", "deferred", "finished", "canceled"):
        connection.zadd(f"rq:{registry}:enrichment", {text: 9e9, job_id: 9e9})
    connection.zadd("rq:wip:enrichment", {f"{text}:e1": 9e9})
    worker: dict[Any, Any] = dict.fromkeys(
        ("state", "hostname", "birth", "last_heartbeat", "offers_waits_for", "queues", "pid"), text
    )
    connection.hset(f"rq:worker:{text}", mapping=worker)
    connection.sadd("rq:workers:enrichment", f"rq:worker:{text}")
    connection.sadd(f"rq:worker:{text}:executions", f"{text}:e1", f"{job_id}:e1")
    connection.sadd("rq:queues", f"rq:queue:{text}")
    return job_id


WHAT_A_PAGE_HOLDS = """() => ({
  title: document.title,
  active: [...document.querySelectorAll('*')].filter(element =>
    element.matches('script:not([src="/static/live.js"]), iframe, base, img, svg, object, embed')
    || element.matches('style, meta[http-equiv], [style], [srcdoc]')
    || element.getAttributeNames().some(name => name.startsWith('on'))).map(element => element.outerHTML),
  links: [...document.querySelectorAll('a, link')].map(link => new URL(link.href)).map(url => url.protocol + url.host),
  forms: [...document.forms].map(form => new URL(form.action)).map(url => url.protocol + url.host),
})"""


@pytest.mark.parametrize("bypass_csp", [False, True], ids=["as served", "without the policy"])
def test_no_text_of_strangers_runs_or_changes_anything(
    browser: Browser, program: Program, strange_site: StrangeSite, *, bypass_csp: bool
) -> None:
    """In every field of jobs, workers and queues, and in every part of a URL.

    Without the policy as well: the pages are inert by themselves, and the policy is a second wall.
    """
    texts = payloads(strange_site.url)
    with RedisServer() as server, server.connect() as connection, serving(program, REDIS_URL=server.url) as served:
        job_ids = [plant(connection, number, text) for number, text in enumerate(texts)]
        before = snapshot(connection)
        registries = ("queued", "started", "scheduled", "deferred", "finished", "failed", "canceled")
        paths = ["/", "/failures/", "/runs/", "/rq/", "/rq/workers", *(f"/rq/{registry}/" for registry in registries)]
        paths += [f"/rq/job/{job_id}{kind}" for job_id in job_ids for kind in ("", "-failed")]
        for text in texts:
            hostile = quote(text, safe="")
            paths += [f"/{hostile}", f"/rq/{hostile}/", f"/rq/job/{hostile}", f"/rq/job/{hostile}/delete"]
            paths += [f"/rq/{hostile}/empty", f"/rq/failed/?page={hostile}", f"/rq/?{hostile}={hostile}#{hostile}"]
            paths += [f"/static/{hostile}", f"/rq/0/view/jobs/{hostile}/queued/8/asc/1"]

        context = browser.new_context(bypass_csp=bypass_csp)
        page = context.new_page()
        own = served.url.replace("http://", "http:")
        loaded: list[str] = []
        page.on("request", lambda request: loaded.append(request.url))
        page.on("dialog", lambda dialog: pytest.fail(dialog.message))
        for path in paths:
            answer = page.goto(served.url + path, wait_until="load")
            assert answer
            assert answer.status < 500, path
            found = page.evaluate(WHAT_A_PAGE_HOLDS)
            assert "owned" not in found["title"], path
            assert found["active"] == [], path
            assert set(found["links"]) <= {own, "https:shop.test"}, path
            assert set(found["forms"]) <= {own}, path
        page.goto(f"{served.url}/rq/job/planted-0")
        shown = page.inner_text("main")
        context.close()
        assert snapshot(connection) == before
    assert shown.count(texts[0]) > 3, "it is shown as it is"
    assert {url for url in loaded if not url.startswith(served.url)} == set()
    assert strange_site.asked == []


ATTACK = """
<title>attacking</title>
<iframe src="DASHBOARD/rq/"></iframe>
<img src="DASHBOARD/rq/queued/empty"><img src="DASHBOARD/rq/failed/requeue">
<script src="DASHBOARD/rq/failed/"></script><link rel=stylesheet href="DASHBOARD/rq/">
<script>
const actions = ['queued/empty', 'failed/requeue', 'failed/empty', 'job/JOB/delete', 'job/JOB/requeue'];
const asked = actions.flatMap(action => ['no-cors', 'cors'].map(mode => fetch('DASHBOARD/rq/' + action, {
  method: 'POST', mode, credentials: 'include', body: new URLSearchParams({csrf: ''})
}).catch(() => 0)));
const read = fetch('DASHBOARD/rq/failed/', {credentials: 'include'})
  .then(answer => answer.text()).catch(() => 'unread');
const framed = actions.map((action, number) => new Promise(done => {
  const frame = document.createElement('iframe'), form = document.createElement('form');
  frame.name = 'frame' + number;
  Object.assign(form, {method: 'post', action: 'DASHBOARD/rq/' + action, target: frame.name});
  document.body.append(frame, form);
  frame.onload = done;
  form.submit();
}));
Promise.all([read, ...asked, ...framed]).then(([text]) => { document.title = 'read: ' + text; });
</script>
"""


def test_a_page_of_another_origin_changes_and_reads_nothing_with_kept_credentials(
    browser: Browser, program: Program, strange_site: StrangeSite, failed_job: str
) -> None:
    """By links, forms, fetches and frames, in a browser that sends the token by itself."""
    with RedisServer() as server, server.connect() as connection:
        connection.zadd("rq:failed:enrichment", {failed_job: 9e9})
        connection.hset(f"rq:job:{failed_job}", mapping={"status": "failed", "origin": "enrichment"})
        connection.rpush("rq:queue:enrichment", "enrich-a", "enrich-b")
        with serving(program, REDIS_URL=server.url, OFFERS_DASHBOARD_TOKEN=TOKEN) as served:
            before = snapshot(connection)
            page = browser.new_context(http_credentials={"username": "me", "password": TOKEN}).new_page()
            sent: list[str] = []
            answered: list[int] = []
            page.on("request", lambda request: sent.append(request.method))
            page.on(
                "response", lambda answer: answered.append(answer.status) if answer.request.method == "POST" else None
            )
            assert page.goto(served.url).status == 200  # type: ignore[union-attr]
            attack = ATTACK.replace("DASHBOARD", served.url).replace("JOB", failed_job)
            strange_site.pages["/attack"] = attack
            page.goto(f"{strange_site.url}/attack")
            page.wait_for_function("document.title.startsWith('read: ')")
            assert page.title() == "read: unread"
            assert sent.count("POST") == 15, "each action by two fetches and a form"
            assert set(answered) == {403}

            form = f"<form method=post action='{served.url}/rq/queued/empty'></form>"
            strange_site.pages["/form"] = f"{form}<script>document.forms[0].submit()</script>"
            page.goto(f"{strange_site.url}/form")
            page.wait_for_url(f"{served.url}/**")
            assert "dashboard's own pages" in page.inner_text("body")

            for text in payloads(strange_site.url):
                hostile = quote(text, safe="")
                target = f"{served.url}/rq/0/view/jobs/{hostile}/queued/8/asc/1"
                strange_site.pages["/link"] = f"<a href='{target}'>win</a>"
                page.goto(f"{strange_site.url}/link")
                page.click("a")
                page.wait_for_url(f"{served.url}/**")
                assert page.evaluate("document.scripts.length") == 0
            assert snapshot(connection) == before
    assert set(strange_site.asked) <= {"/attack", "/form", "/link", "/favicon.ico"}


def test_a_browser_asks_for_the_token(browser: Browser, program: Program) -> None:
    with serving(program, OFFERS_DASHBOARD_TOKEN=TOKEN) as served:
        page = browser.new_context(http_credentials={"username": "me", "password": TOKEN}).new_page()
        answer = page.goto(served.url)
        assert answer is not None
        assert answer.status == 200
        stranger = browser.new_context().new_page()
        with pytest.raises(sync_api.Error, match="ERR_INVALID_AUTH_CREDENTIALS"):
            stranger.goto(served.url)
