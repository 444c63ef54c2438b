"""What may be put on the clock, and how the schedule is shown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import typer
from servers import RedisServer

from offers_cli.cli.commands import find_command
from offers_cli.cli.main import app, main
from offers_cli.cli.schedule import REFUSED, UNATTENDED, check_command, format_clock, format_result
from offers_cli.errors import UsageError
from offers_cli.queue.schedule import Run, Schedule
from offers_cli.services.schedule import ScheduleEntry
from offers_cli.times import local_zone_name

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def schedule(server: RedisServer, anywhere: pytest.MonkeyPatch) -> Iterator[Schedule]:
    """An empty one, which the program uses too."""
    with server.connect() as client:
        client.flushall()
        anywhere.setenv("REDIS_URL", server.url)
        yield Schedule(client, queue_name="enrichment")


def ask(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, Any]:
    code = main(["schedule", *args, "--json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("words", UNATTENDED)
def test_every_command_that_may_be_on_the_clock_exists(words: str) -> None:
    assert find_command(words) is not None


def test_the_help_names_what_may_be_on_the_clock() -> None:
    command = find_command("schedule add")
    assert command is not None
    assert ", ".join(UNATTENDED) in " ".join((command.work.__doc__ or "").split())


def test_no_command_is_both_allowed_and_refused() -> None:
    assert not {*UNATTENDED} & {*REFUSED}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["scrape", "ofertas", "--pages", "3"], ("scrape", "ofertas", "--pages", "3")),
        (["offers", "doctor", "--json"], ("doctor",)),
        (["scrape 'search:fone de ouvido'"], ("scrape", "search:fone de ouvido")),
        (["offers db prune --older-than 400d"], ("db", "prune", "--older-than", "400d")),
        (["export", "offers.csv", "--min-discount", "40"], ("export", "offers.csv", "--min-discount", "40")),
        (["scrape"], ("scrape",)),
        (["db", "backup"], ("db", "backup")),
    ],
)
def test_a_command_is_taken_as_it_would_be_typed(words: Sequence[str], expected: tuple[str, ...]) -> None:
    assert check_command(words) == expected


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["worker"], "runs the schedule"),
        (["dashboard"], "does not end"),
        (["schedule", "remove", "x"], "does not change itself"),
        (["config", "set", "OFFERS_LANG", "en"], "by hand"),
        (["session", "import", "f"], "only `session check`"),
        (["db", "restore", "f"], "only `db backup`"),
        (["demo"], "where nobody watches"),
        (["scraep"], "is not a command"),
        ([""], "is not a command"),
        (["offers"], "is not a command"),
        (["scrape 'ofertas"], "No closing quotation"),
        (["scrape", "ofertas", "--pages", "many"], "whole number"),
        (["scrape", "--pagez", "3"], "--pages"),
        (["scrape", "--help"], "--help"),
        (["db", "prune", "more"], "one argument too many"),
        (["export"], "name of a file"),
        (["export", "-"], "name of a file"),
        (["export", "/etc/passwd"], "without a folder"),
        (["export", "../x.csv"], "without a folder"),
        (["export", ".env"], "without a folder"),
        (["export", "a/b.csv"], "without a folder"),
        (["db", "backup", "/mnt/x.db"], "takes no file"),
        (["scrape", "search:"], "no term"),
        (["deals", "--since", "yesterday"], "--since"),
        (["deals", "--lowest-since", "90"], "unit is missing"),
        (["deals", "--sort", "scoer"], "cannot sort"),
        (["deals", "--min-price", "1.50"], "--min-price"),
        (["export", "x.csv", "--fields", "titel"], "titel"),
        (["export", "offers.doc"], "format"),
        (["requeue-failed", "--reason", "page_chanegd"], "page_chanegd"),
        (["db", "prune", "--older-than", "400"], "unit is missing"),
    ],
)
def test_what_must_not_be_on_the_clock_is_refused_with_the_reason(words: Sequence[str], said: str) -> None:
    with pytest.raises(UsageError) as refused:
        check_command(words)
    assert said in refused.value.message + refused.value.hint
    assert refused.value.hint


FREE_WORDS = {"search", "category", "offer"}
"""Texts of which any may be right."""


@pytest.mark.parametrize("words", UNATTENDED)
def test_no_value_waits_for_the_night_to_be_refused(words: str) -> None:
    """Every option that takes a text is looked at when its command is put on the clock; a new one turns this red."""
    command: Any = typer.main.get_command(app)
    for word in words.split():
        command = command.commands[word]
    file = ["x.csv"] if words == "export" else []
    for param in command.params:
        kind = param.type_descriptor.annotation
        if param.param_type_name == "option" and kind in (str, list[str]) and param.name not in FREE_WORDS:
            with pytest.raises(UsageError):
                check_command([*words.split(), *file, param.opts[0], "no-such-value"])


def test_a_saved_page_is_not_scraped_again_and_again(anywhere: pytest.MonkeyPatch, tmp_path: Any) -> None:
    (tmp_path / "page.html").write_text("<html>")
    with pytest.raises(UsageError, match="saved page"):
        check_command(["scrape", "page.html"])


def test_an_entry_is_added_listed_and_removed(schedule: Schedule, capsys: pytest.CaptureFixture[str]) -> None:
    code, document = ask(capsys, "add", "--cron", "0  7 * * *", "--tz", "America/Sao_Paulo", "--", "scrape", "ofertas")
    [entry] = document["data"]["entries"]
    assert (code, entry["name"], entry["cron"]) == (0, "scrape-ofertas", "0 7 * * *")
    assert entry["time_zone"] == "America/Sao_Paulo"
    assert entry["next_run_at"].endswith("T10:00:00Z")
    assert entry["last_run"] is None
    assert ask(capsys, "list")[1]["data"]["entries"] == [entry]
    assert ask(capsys, "remove", "scrape-ofertas")[1]["data"]["entries"] == [entry]
    assert ask(capsys, "list")[1]["data"]["entries"] == []


def test_json_behind_the_command_asks_for_our_document(schedule: Schedule, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schedule", "add", "--every", "30m", "--", "doctor", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["data"]["entries"][0]["command"] == ["doctor"]


def test_what_stands_behind_two_dashes_of_another_command_is_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", "--", "--json"]) == 2
    told = capsys.readouterr()
    assert (told.out, "--json" in told.err) == ("", True)


def test_names_are_made_of_the_command_and_never_twice_the_same(
    schedule: Schedule, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        ask(capsys, "add", "--every", "6h", "--", "scrape", "search:Fone de Ouvido", "--pages", "2")
    names = [entry["name"] for entry in ask(capsys, "list")[1]["data"]["entries"]]
    assert names == ["scrape-search-fone-de-ouvido", "scrape-search-fone-de-ouvido-2"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "--every or --cron"),
        (("--every", "30m", "--cron", "0 7 * * *"), "--every or --cron"),
        (("--every", "30"), "unit"),
        (("--every", "10s"), "from 1m"),
        (("--every", "400d"), "366d"),
        (("--cron", "0 0 31 2 *"), "--cron"),
        (("--cron", "0 7 * *"), "five fields"),
        (("--cron", "0 7 * * *", "--tz", "America/Sao_Paul"), "America/Sao_Paulo"),
        (("--every", "10m", "--jitter", "10m"), "--jitter"),
        (("--cron", "0,5 * * * *", "--jitter", "6m"), "300 s"),
        (("--every", "10m", "--name", "Ümlaut"), "--name"),
        (("--every", "10m", "--name", "a:b"), "--name"),
    ],
)
def test_a_clock_that_cannot_be_kept_is_refused_and_nothing_is_added(
    schedule: Schedule, capsys: pytest.CaptureFixture[str], options: Sequence[str], said: str
) -> None:
    code, document = ask(capsys, "add", *options, "--", "doctor")
    assert (code, said in json.dumps(document["errors"], ensure_ascii=False)) == (2, True), document["errors"]
    assert schedule.look().commands == ()


def test_a_name_that_is_taken_or_missing_is_told(schedule: Schedule, capsys: pytest.CaptureFixture[str]) -> None:
    added = ("add", "--every", "30m", "--name", "tidy", "--", "db", "prune")
    assert ask(capsys, *added)[0] == 0
    code, document = ask(capsys, *added)
    assert (code, document["errors"][0]["hint"]) == (2, "offers schedule remove tidy, or another --name")
    assert ask(capsys, "remove", "tidy", "other")[0] == 2
    assert [one.entry.name for one in schedule.look().commands] == ["tidy"], "nothing is removed by half"


def test_an_entry_that_cannot_be_read_is_a_problem_with_a_way_out(
    schedule: Schedule, capsys: pytest.CaptureFixture[str], server: RedisServer
) -> None:
    with server.connect() as client:
        client.hset("offers:schedule:enrichment", "odd", "planted")
    code, document = ask(capsys, "list")
    assert code == 1
    assert "'odd'" in document["errors"][0]["message"]
    assert ask(capsys, "remove", "odd")[0] == 0


def test_an_empty_schedule_says_how_to_begin(schedule: Schedule, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schedule", "list"]) == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "offers schedule add" in shown.err


def test_a_schedule_that_nobody_runs_says_so(schedule: Schedule, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schedule", "add", "--every", "30m", "--", "doctor"]) == 0
    assert "offers worker" in capsys.readouterr().err
    assert main(["schedule", "list"]) == 0
    shown = capsys.readouterr()
    assert "every 30m" in shown.out
    assert "no worker" in shown.err


def shown_entry(**facts: Any) -> ScheduleEntry:
    ordinary: dict[str, Any] = {
        "name": "e",
        "command": ("doctor",),
        "every_s": 1800,
        "cron": None,
        "time_zone": "UTC",
        "jitter_s": 0,
        "added_at": NOON,
        "status": "waiting",
        "next_run_at": NOON,
        "last_run": None,
        "skipped_at": None,
    }
    return ScheduleEntry(**(ordinary | facts))


def test_a_clock_is_shown_as_it_was_asked_for() -> None:
    assert format_clock(shown_entry()) == "every 30m"
    assert format_clock(shown_entry(every_s=None, cron="0 7 * * *", jitter_s=300)) == "0 7 * * * +5m"


def test_a_result_is_shown_in_words_and_a_skipped_run_beside_it() -> None:
    run = Run(started_at=NOON, ended_at=NOON + timedelta(minutes=1), exit_code=0, status="ok", result="new 3")
    assert format_result(shown_entry(), None) == "never run"
    assert format_result(shown_entry(), run) == "ok: new 3"
    assert "skipped" in str(format_result(shown_entry(skipped_at=NOON), run))


@pytest.mark.parametrize(
    ("zone", "expected"),
    [("America/Sao_Paulo", "America/Sao_Paulo"), (":UTC", "UTC"), ("EST5EDT,M3.2.0,M11.1.0", None)],
)
def test_the_local_zone_is_known_by_name_or_not_at_all(
    monkeypatch: pytest.MonkeyPatch, zone: str, expected: str | None
) -> None:
    monkeypatch.setenv("TZ", zone)
    assert local_zone_name() == expected
