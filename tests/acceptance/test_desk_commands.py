"""The operator's desk over a catalogue that was scraped and worked: each command as the installed program."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from acceptance.program import PROGRAM, Program, at_shop, end
from json_keys import JSON_KEYS
from shop import Shop
from waiting import wait_until

from offers_cli.demo.catalogue import Behaviour, Catalogue
from offers_cli.redis.embedded import stop_server
from offers_cli.text import defused

ESCAPE = "\x1b"


@pytest.fixture(scope="module")
def worked() -> Iterator[Program]:
    """A home with forty offers, the queue worked off, a price that changed, and some jobs that failed."""
    troubles = (Behaviour.BROKEN, Behaviour.BROKEN, Behaviour.GONE_404)
    with tempfile.TemporaryDirectory(prefix="of-") as name, Shop(Catalogue(40, 1, troubles)) as shop:
        program = at_shop(Program(Path(name) / "home"), shop)
        assert program.json("scrape", "ofertas", "--pages", "20").code == 0
        assert program.json("worker", "--burst").code == 1, "some jobs fail"
        # a price for any payment, before and after
        calm = next(o for o in shop.offers if o.behaviour is Behaviour.NORMAL and not o.page.card_price_cents)
        shop.change_price(calm.external_id, calm.page.price_cents * 2)
        program.json("scrape", "ofertas", "--pages", "20", "--no-enqueue")
        program.env["CHANGED_OFFER"] = calm.external_id
        yield program
        stop_server(program.home)


@pytest.mark.parametrize(
    "words",
    [
        ["scrape", "ofertas", "--dry-run"],
        ["enqueue-missing", "--dry-run"],
        ["worker", "--burst"],
        ["failed"],
        ["requeue-failed", "--dry-run"],
        ["stats"],
        ["list"],
        ["show", "OFFER"],
        ["history", "OFFER"],
        ["deals", "--why"],
        ["export"],
        ["explain", "OFFER"],
        ["replay", "--reason", "not_html", "--dry-run"],
        ["config", "show"],
        ["config", "path"],
        ["db", "schema"],
        ["redis", "status"],
        ["help", "json"],
    ],
    ids=" ".join,
)
def test_success_is_one_document_with_every_key(worked: Program, words: list[str]) -> None:
    result = worked.json(*(worked.env["CHANGED_OFFER"] if word == "OFFER" else word for word in words))
    assert result.code == 0, result.out
    name = " ".join(words[:2]) if " ".join(words[:2]) in JSON_KEYS else words[0]
    document = result.document
    assert (document["version"], document["command"], document["status"]) == (1, name, "ok")
    assert document["errors"] == []
    assert set(JSON_KEYS[name]) <= set(document["data"])
    assert ESCAPE not in result.out + result.err
    assert '"version"' not in result.err


def test_failed_jobs_are_listed_with_reason_message_attempts_and_time(worked: Program) -> None:
    data = worked.json("failed").data
    assert data["total"] == len(data["jobs"]) == 3
    for job in data["jobs"]:
        assert job["reason"] in ("page_changed", "offer_gone")
        assert job["message"]
        assert job["attempts"] >= 1
        assert job["failed_at"].endswith("Z")
        assert worked.json("show", job["offer_id"]).data["offer"]["enrich_error"] == job["reason"]
    assert worked.json("failed", "--reason", "page_changed").data["total"] == 2
    limited = worked("failed", "--limit", "1")
    assert len(limited.out.splitlines()) == 2, "the heading and one job, nothing beside the data"
    assert "1 of 3 failed jobs" in limited.err
    assert "offers" not in worked("failed", "--reason", "rate_limited").out
    mistyped = worked.json("failed", "--reason", "page_chagned")
    assert (mistyped.code, mistyped.document["errors"][0]["hint"]) == (2, "--reason page_changed")


def test_show_finds_an_offer_by_either_id_and_tells_origins(worked: Program) -> None:
    changed = worked.env["CHANGED_OFFER"]
    by_external = worked.json("show", changed).data
    assert worked.json("show", by_external["offer"]["id"]).data == by_external
    enriched = next(o for o in worked.json("list", "--limit", "100").data["offers"] if o["strategies"])
    origins = worked.json("show", enriched["external_id"]).data["origins"]
    assert origins["price_cents"] == f"product page: {enriched['strategies']['price_cents']}"
    assert worked.json("show", changed.lower()).data == by_external
    missing = worked.json("show", f"{changed[:-1]}x")
    assert (missing.code, missing.codes) == (2, ["not_found"])
    assert missing.document["errors"][0]["hint"].startswith("offers ")


def test_history_tells_points_lowest_and_verdict(worked: Program) -> None:
    changed = worked.env["CHANGED_OFFER"]
    data = worked.json("history", changed, "--days", "30").data
    prices = [point["price_cents"] for point in data["points"]]
    assert len(prices) >= 2
    assert prices[-1] == data["offer"]["price_cents"]
    assert data["lowest"]["price_cents"] == data["lowest_in_days"]["price_cents"] == min(prices)
    assert data["above_lowest_cents"] == prices[-1] - min(prices)
    assert data["old_price"]["verdict"] in ("charged", "more_charged", "not_seen", "not_advertised")
    plain = worked("history", changed)
    assert plain.out.splitlines()[1].split("\t") == ["observed", "price", "by", "by card", "old price", "source"]
    assert ESCAPE not in plain.out
    assert "lowest ever" in plain.out


def test_deals_are_judged_by_what_was_recorded(worked: Program) -> None:
    data = worked.json("deals", "--limit", "100").data
    assert 0 < data["total"] == len(data["offers"]) <= data["judged"]
    assert {deal["class"] for deal in data["offers"]} == {"young"}, "nothing is proved within minutes"
    for deal in data["offers"]:
        assert sum(reason["points"] for reason in deal["reasons"]) == deal["score"]
        assert deal["offer"]["status"] == "active"
        assert deal["lowest"]["observed_days"] == 0
    assert worked.json("deals", "--class", "proved").data["offers"] == []
    assert worked.json("deals", "--lowest-since", "ever").data["offers"] == []
    plain = worked("deals", "--why", "--limit", "1")
    assert plain.out.splitlines()[0].split("\t")[:4] == ["score", "class", "title", "price"]
    assert "it takes 14 to prove anything" in plain.out
    mistyped = worked.json("deals", "--sort", "comission")
    assert (mistyped.code, mistyped.document["errors"][0]["hint"]) == (2, "--sort commission")


def test_list_filters_and_counts(worked: Program) -> None:
    everything = worked.json("list", "--limit", "1000").data
    assert everything["total"] == len(everything["offers"]) == 40
    gone = worked.json("list", "--status", "gone").data["total"]
    active = worked.json("list", "--status", "active").data["total"]
    assert gone + active == 40
    assert worked.json("list", "--since", "1h").data["total"] == 40
    assert worked.json("list", "--since", "2099-01-01").data["total"] == 0
    assert worked.json("list", "--since", "2099-01-01T10:00:00+03:00").data["total"] == 0
    least = worked.json("list", "--min-discount", "30", "--sort", "-discount").data["offers"]
    assert [o["discount_pct"] for o in least] == sorted((o["discount_pct"] for o in least), reverse=True)
    plain = worked("list", "--limit", "2", "--sort", "title")
    rows = [line.split("\t") for line in plain.out.splitlines()]
    assert {len(row) for row in rows} == {len(rows[0])}
    assert len(rows) == 3
    assert "2 of 40 offers" in plain.err
    titles = {defused(o["title"].replace("\t", " ")) for o in everything["offers"]}
    assert {row[2] for row in rows[1:]} <= titles, "nothing is cut in a pipe, and no spreadsheet runs it"
    assert worked("list", "--limit", "2", "--quiet").err == ""


def test_exports_hold_the_same_offers(worked: Program, tmp_path: Path) -> None:
    expected = {o["id"]: o["price_cents"] for o in worked.json("list", "--limit", "1000").data["offers"]}
    for suffix in ("csv", "json", "jsonl", "parquet"):
        target = tmp_path / f"offers.{suffix}"
        report = worked.json("export", str(target))
        assert report.data == {"format": suffix, "file": str(target), "exported": 40, "offers": None}
    rows = list(csv.DictReader((tmp_path / "offers.csv").read_text("utf-8").splitlines(keepends=True)))
    assert {row["id"]: int(row["price_cents"]) for row in rows} == expected
    for loaded in (
        json.loads((tmp_path / "offers.json").read_text("utf-8")),
        [json.loads(line) for line in (tmp_path / "offers.jsonl").read_text("utf-8").splitlines()],
        worked.json("export").data["offers"],
    ):
        assert {row["id"]: row["price_cents"] for row in loaded} == expected
    piped = worked("export", "-", "--limit", "3")
    assert len(list(csv.DictReader(io.StringIO(piped.out)))) == 3
    assert piped.err == ""
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".csv", ".json", ".jsonl", ".parquet"]


def test_export_that_cannot_be(worked: Program, tmp_path: Path) -> None:
    assert worked.json("export", str(tmp_path / "offers.xls")).code == 2
    assert worked.json("export", str(tmp_path / "no" / "offers.csv")).codes == ["usage"]
    assert worked.json("export", "--format", "csv").code == 2, "two documents cannot share stdout"
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_export_leaves_the_old_file(worked: Program, tmp_path: Path) -> None:
    """A database large enough that Ctrl-C comes in the middle."""
    from datetime import UTC, datetime

    from storage.cases import card

    from offers_cli.storage.sqlite.storage import open_sqlite

    storage = open_sqlite(tmp_path / "large.db")
    storage.save_offers([card(n) for n in range(30_000)], seen_at=datetime.now(UTC))
    storage.close()
    target = tmp_path / "out" / "offers.csv"
    target.parent.mkdir()
    target.write_text("old")
    process = worked.start("export", str(target), OFFERS_DB=str(tmp_path / "large.db"))
    wait_until(lambda: len(list(target.parent.iterdir())) == 2, "the new file has begun")
    ended = end(process, signal.SIGINT)
    assert ended.code == 130, ended.err
    assert target.read_text() == "old"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize(
    "words", [["list", "--limit", "1000"], ["export"], ["export", "--format", "jsonl"], ["stats"], ["help"]]
)
def test_a_reader_that_goes_away_is_no_error(worked: Program, words: list[str]) -> None:
    """`| head -1` ends without a traceback."""
    done = subprocess.run(
        f"{PROGRAM} {' '.join(words)} | head -1",
        shell=True,
        env=worked.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert len(done.stdout.splitlines()) == 1
    assert "Traceback" not in done.stderr
    assert "Broken" not in done.stderr


def test_watch_in_a_pipe_prints_blocks_until_ctrl_c(worked: Program) -> None:
    process = worked.start("stats", "--watch", "--interval", "0.2")
    assert process.stdout is not None
    seen = [process.stdout.readline() for _ in range(40)]
    ended = end(process, signal.SIGINT)
    assert ended.code == 130
    assert sum(line.startswith("queued\t") for line in seen) >= 2
    assert ESCAPE not in "".join(seen) + ended.out + ended.err
    assert "Traceback" not in ended.err


def test_watch_with_json_prints_a_document_each_time(worked: Program) -> None:
    process = worked.start("stats", "--watch", "--interval", "0.2", "--json")
    assert process.stdout is not None
    text, decoder = "", json.JSONDecoder()
    while text.count('"version"') < 3:
        text += process.stdout.readline()
    end(process, signal.SIGINT)
    document, _ = decoder.raw_decode(text)
    assert set(JSON_KEYS["stats"]) <= set(document["data"])
    assert isinstance(document["data"]["drift"], list)
    assert document["data"]["workers"] == []


def test_settings_files_and_help(worked: Program, tmp_path: Path) -> None:
    shown = worked.json("config", "show").data["settings"]
    assert shown["ML_BASE_URL"]["origin"] == "environment"
    assert worked("config", "show", "--origin").out.splitlines()[0] == "setting\tvalue\torigin\tfile"
    assert worked.json("config", "path").data["home"] == str(worked.home)
    topics = {
        topic: worked.json("help", topic).data for topic in ("exit-codes", "environment", "json", "failure-codes")
    }
    assert all(topic["rows"] for topic in topics.values())
    assert {row["code"] for row in topics["exit-codes"]["rows"]} == {"0", "1", "2", "3", "4", "5", "130"}
    assert "Usage: offers list" in worked("help", "list").out
    assert worked.json("help", "exit-code").document["errors"][0]["hint"] == "offers help exit-codes"


def test_init_writes_once(worked: Program, tmp_path: Path) -> None:
    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PROGRAM, "init", "--here", "--json"],
            cwd=tmp_path,
            env=worked.environment(),
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    first, second = run(), run()
    assert (first.returncode, second.returncode) == (0, 2)
    assert json.loads(first.stdout)["data"]["file"] == str(tmp_path / ".env")
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    assert "exists" in json.loads(second.stdout)["errors"][0]["message"]


def test_stdout_that_cannot_take_a_letter_is_no_error(worked: Program) -> None:
    result = worked("list", "--limit", "1000", PYTHONIOENCODING="ascii")
    assert result.code == 0
    assert len(result.out.splitlines()) == 41


def test_completion_knows_ids_reasons_and_sources(worked: Program) -> None:
    def complete(line: str) -> list[str]:
        words = str(len(line.split(" ")) - 1)
        return worked(_OFFERS_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=words).out.split()

    changed = worked.env["CHANGED_OFFER"]
    offer_id = worked.json("show", changed).data["offer"]["id"]
    failed_id = worked.json("failed").data["jobs"][0]["offer_id"]
    assert complete(f"offers show {changed[:-1]}").count(changed) == 1
    assert complete(f"offers show {offer_id[:8]}") == [offer_id]
    assert complete(f"offers requeue-failed --offer {failed_id[:8]}") == [failed_id]
    assert complete(f"offers requeue-failed --offer {offer_id[:8]}") == [], "it has not failed"
    assert complete("offers failed --reason page_") == ["page_blocked", "page_changed"]
    assert complete("offers scrape o") == ["ofertas"]
    assert complete("offers config ") == ["show", "path", "get", "set", "unset"]
    assert complete("offers config get MIN_DISC") == ["MIN_DISCOUNT_PCT"]
    asked = {"_OFFERS_COMPLETE": "complete_bash", "COMP_WORDS": "offers show ", "COMP_CWORD": "2"}
    for name, value in (("OFFERS_DB", "/etc/hostname"), ("MIN_DISCOUNT_PCT", "many"), ("OFFERS_HOME", "/nowhere")):
        silent = Program(worked.home, {**worked.env, **asked, name: value})()
        assert (silent.out.strip(), silent.err) == ("", ""), "an error completes nothing and says nothing"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_exist(worked: Program, shell: str) -> None:
    script = worked(_OFFERS_COMPLETE=f"source_{shell}")
    assert script.code == 0
    assert "_OFFERS_COMPLETE" in script.out


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_bash_accepts_the_completion_script(worked: Program) -> None:
    script = worked(_OFFERS_COMPLETE="source_bash").out
    done = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
