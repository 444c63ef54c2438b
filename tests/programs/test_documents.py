"""`/api/v1`: the documents of the commands over HTTP, and whom the front door lets in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from programs.conftest import Desk, open_desk
from servers import RedisServer
from storage.cases import at, card

from offers_cli.cli.main import main
from offers_cli.errors import QueueUnavailable
from offers_cli.web.api import CHECKED_FOR_S, PATHS, Answer, Readiness

TOKEN = "correct-horse-battery-staple"


def printed(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str]:
    """The exit code of a command, and what it prints."""
    code = main([*args, "--json"])
    return code, capsys.readouterr().out


ASKED: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    ("stats", {}, ("stats",)),
    ("offers", {}, ("list",)),
    (
        "offers",
        {"min-discount": 40, "sort": "-price", "limit": 3, "max-price": "199,90", "missing": ["discount", "old-price"]},
        (
            *("list", "--min-discount", "40", "--sort", "-price", "--limit", "3", "--max-price", "199,90"),
            *("--missing", "discount", "--missing", "old-price"),
        ),
    ),
    ("offers", {"free-shipping": "true"}, ("list", "--free-shipping")),
    ("offers", {"free-shipping": "", "official": "0"}, ("list", "--free-shipping")),
    ("offers", {"fields": "title,price"}, ("list", "--fields", "title,price")),
    ("offers/MLB1", {}, ("show", "MLB1")),
    ("offers/MLB6", {}, ("show", "MLB6")),
    ("offers/MLB1/history", {"days": 30}, ("history", "MLB1", "--days", "30")),
    (
        "deals",
        {"why": "yes", "class": ["young", "proved"]},
        ("deals", "--why", "--class", "young", "--class", "proved"),
    ),
    ("failed", {"reason": "page_changed"}, ("failed", "--reason", "page_changed")),
    ("runs", {"limit": 5}, ("runs", "--limit", "5")),
    ("schedule", {}, ("schedule", "list")),
    ("alerts", {}, ("alerts", "list")),
]


@pytest.mark.parametrize(("path", "query", "args"), ASKED)
def test_a_program_reads_over_http_what_the_command_prints(
    stocked: Desk, capsys: pytest.CaptureFixture[str], path: str, query: dict[str, Any], args: tuple[str, ...]
) -> None:
    """Byte for byte: who has written for the one has written for the other."""
    answer = stocked.get(f"/api/v1/{path}?{urlencode(query, doseq=True)}")
    code, text = printed(capsys, *args)
    assert (answer.status_code, code) == (200, 0)
    assert answer.mimetype == "application/json"
    assert answer.text == text


WRONG: list[tuple[str, str, int]] = [
    ("offers?limit=0", "list --limit 0", 400),
    ("offers?limit=x", "list --limit x", 400),
    ("offers?min-discount=101", "list --min-discount=101", 400),
    ("offers?sort=cheap", "list --sort cheap", 400),
    ("offers?since=7", "list --since 7", 400),
    ("offers?max-price=1.50", "list --max-price 1.50", 400),
    ("offers?missing=all", "list --missing all", 400),
    ("offers?lmit=3", "list --lmit=3", 400),
    ("offers?min_discount=40", "list --min_discount=40", 400),
    ("offers?limit=3&limit=x", "list --limit 3 --limit x", 400),
    ("deals?since=2999-01-01", "deals --since 2999-01-01", 400),
    ("failed?reason=nothing", "failed --reason nothing", 400),
    ("offers/MLB404", "show MLB404", 404),
    ("offers/--help", "show -- --help", 404),
    ("offers/%3Cb%3E/history", "history <b>", 404),
]


@pytest.mark.parametrize(("path", "line", "status"), WRONG)
def test_what_is_wrong_is_said_in_the_words_of_the_command(
    stocked: Desk, capsys: pytest.CaptureFixture[str], path: str, line: str, status: int
) -> None:
    answer = stocked.get(f"/api/v1/{path}")
    words = line.split()
    if "--" in words:  # behind it `--json` would be a word
        words[words.index("--") : words.index("--") + 1] = ["--json", "--"]
        code = main(words)
        text = capsys.readouterr().out
    else:
        code, text = printed(capsys, *words)
    assert (answer.status_code, code) == (status, 2)
    said, printed_ = json.loads(answer.text), json.loads(text)
    assert said["errors"][0]["message"] == printed_["errors"][0]["message"]
    assert said["errors"][0]["code"] == printed_["errors"][0]["code"]
    assert said | {"errors": []} == printed_ | {"errors": []}


REACHING = (
    *("json=true", "help", "verbose=1", "quiet=", "help=1", "help%3D1=1", "json=0", "free-shipping=maybe", "=x"),
    *("-=x", "--=x", "limit%20--json=1", "limit=1001", "offer_id=MLB1", "%00=%00"),
)


@pytest.mark.parametrize(("exit_code", "status"), [(0, 200), (2, 400), (4, 503), (5, 502), (1, 500), (3, 500)])
def test_a_status_says_what_the_exit_code_would(exit_code: int, status: int) -> None:
    assert Answer("{}", exit_code=exit_code).status == status


def test_no_query_reaches_what_only_a_person_may_ask(stocked: Desk) -> None:
    """No help on the server's terminal, no watching for ever, no catalogue in one answer."""
    for asked in (*(f"offers?{query}" for query in REACHING), "stats?watch=true", "stats?interval=0.1"):
        answer = stocked.get(f"/api/v1/{asked}")
        assert answer.status_code == 400, asked
        document = answer.get_json()
        assert (document["status"], document["errors"][0]["code"]) == ("error", "usage")
        assert document["errors"][0]["hint"]


def test_a_name_that_fits_several_offers_is_answered_with_them(stocked: Desk) -> None:
    first = stocked.get("/api/v1/offers?limit=1").get_json()["data"]["offers"][0]
    stocked.runtime.storage.save_offers([card(7, marketplace="other", external_id=first["external_id"])], seen_at=at(0))
    answer = stocked.get(f"/api/v1/offers/{first['external_id']}")
    assert answer.status_code == 409
    assert answer.get_json()["errors"][0]["code"] == "ambiguous"
    assert len(answer.get_json()["data"]["candidates"]) == 2


def test_a_bug_is_a_document_that_tells_no_more_than_its_kind(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(**_: object) -> None:
        raise ZeroDivisionError("s3cret")

    monkeypatch.setattr("offers_cli.services.runs.list_runs", stumble)
    answer = desk.get("/api/v1/runs")
    assert (answer.status_code, answer.get_json()["errors"][0]["code"]) == (500, "bug")
    assert "ZeroDivisionError" in answer.text
    assert "s3cret" not in answer.text


def test_who_asks_again_and_again_whether_it_is_ready_costs_one_look_a_second() -> None:
    """No token is needed for it, so a stranger may ask."""
    time_s, looks, problems = 0.0, 0, [QueueUnavailable("away")]

    def check() -> None:
        nonlocal looks
        looks += 1
        if problems:
            raise problems[0]

    ready = Readiness(check, clock=lambda: time_s)
    assert [bool(ready) for _ in range(9)] == [False] * 9
    problems.clear()
    assert not ready
    assert looks == 1
    time_s = CHECKED_FOR_S
    assert [bool(ready) for _ in range(9)] == [True] * 9
    assert looks == 2


def test_the_beginning_lists_every_path_with_its_options(desk: Desk) -> None:
    for path in ("/api/v1/", "/api/v1"):
        found = desk.client.get(path, headers={"Host": "localhost"}, follow_redirects=True).get_json()
    told = {each["path"]: each for each in found["data"]["paths"]}
    assert told.keys() == PATHS.keys()
    assert "min-discount" in told["/api/v1/offers"]["options"]
    assert told["/api/v1/stats"]["options"] == []
    assert not {"json", "verbose", "help"} & {option for each in told.values() for option in each["options"]}


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v2/stats", "/api/", "/api/v1/offers/a/b", "/api/v1//stats"])
def test_where_nothing_is_a_document_says_so(desk: Desk, path: str) -> None:
    answer = desk.get(path)
    assert answer.status_code == 404
    told = {"version": 1, "command": "api", "status": "error", "data": {}, "errors": answer.get_json()["errors"]}
    assert answer.get_json() == told
    assert [(each["code"], each["hint"]) for each in told["errors"]] == [
        ("not_found", "/api/v1/ lists what may be asked")
    ]


def test_nothing_of_it_takes_a_change(stocked: Desk) -> None:
    """Whatever the method, and whoever sends it."""
    before = stocked.get("/api/v1/stats").text
    for path in (*PATHS, "/api/v1/", "/healthz", "/readyz"):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            answer = stocked.ask(method, path.replace("<id>", "MLB1"))
            assert answer.status_code == 405, (method, path)
            assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"
            assert answer.get_json()["errors"][0]["code"] == "usage"
    assert stocked.get("/api/v1/stats").text == before


def test_no_other_site_may_read_it_in_a_visitors_browser(stocked: Desk) -> None:
    """No header of CORS, whoever asks; nothing is kept; nothing of it is a page."""
    for path in ("/api/v1/", "/api/v1/stats", "/api/v1/offers", "/healthz", "/readyz", "/api/v1/nothing"):
        for method in ("GET", "OPTIONS"):
            answer = stocked.ask(method, path, Origin="https://evil.example")
            assert not [name for name, _ in answer.headers if name.lower().startswith("access-control")]
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert "html" not in answer.headers["Content-Type"] or method == "OPTIONS"


def test_a_strangers_name_for_this_machine_opens_nothing(desk: Desk) -> None:
    for path in ("/api/v1/stats", "/healthz", "/readyz"):
        assert desk.get(path, Host="evil.example").status_code == 403


@pytest.fixture
def guarded(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("OFFERS_DASHBOARD_TOKEN", TOKEN)
    with open_desk() as opened:
        yield opened


def test_with_a_token_nobody_reads_without_it(guarded: Desk) -> None:
    for path in ("/api/v1/", "/api/v1/stats", "/api/v1/offers", "/api/v1/nothing"):
        assert guarded.get(path).status_code == 401
        assert guarded.get(path, Authorization="Bearer wrong").status_code == 401
        assert guarded.get(path, Authorization=f"Bearer {TOKEN}").status_code in {200, 404}


def test_an_orchestrator_learns_without_the_token_yes_or_no_and_nothing_else(guarded: Desk) -> None:
    for path in ("/healthz", "/readyz"):
        answer = guarded.get(path)
        assert (answer.status_code, answer.text) == (200, "ok\n")
        assert guarded.get(path + "/x").status_code == 401
        assert guarded.get(path.upper()).status_code == 401


@pytest.fixture
def mortal(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisServer]:
    with RedisServer() as server:
        monkeypatch.setenv("REDIS_URL", server.url)
        yield server


def test_a_dead_redis_is_told_by_status_and_code_while_the_offers_are_still_served(
    mortal: RedisServer, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_desk() as desk:
        assert desk.get("/readyz").status_code == 200
        mortal.kill()
        stats, failed, offers = (desk.get(f"/api/v1/{path}") for path in ("stats", "failed", "offers"))
        assert (stats.status_code, failed.status_code, offers.status_code) == (503, 503, 200)
        assert stats.get_json()["errors"][0]["code"] == "queue_unavailable"
        assert stats.get_json()["data"]["offers"]["total"] == 0
        assert failed.get_json()["status"] == "error"
        assert desk.get("/healthz").status_code == 200


def test_no_document_holds_the_password_of_redis_or_the_token(
    mortal: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With Redis there, and away, when errors name its address."""
    with mortal.connect() as connection:
        connection.config_set("requirepass", "r3dis-canary")
    monkeypatch.setenv("REDIS_URL", f"unix://:r3dis-canary@{mortal.socket}")
    monkeypatch.setenv("OFFERS_DASHBOARD_TOKEN", TOKEN)
    with open_desk() as desk:
        for _ in range(2):
            for path in ("/", "/api/v1/", "/healthz", "/readyz", *PATHS):
                answer = desk.get(path.replace("<id>", "MLB1"), Authorization=f"Bearer {TOKEN}")
                for secret in ("r3dis-canary", TOKEN):
                    assert secret not in answer.text + str(answer.headers), path
            mortal.kill()
