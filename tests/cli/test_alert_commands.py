"""What may be asked of alerts, and how rules and deliveries are shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from alert_receiver import TOKEN, Receiver
from servers import RedisServer

from offers_cli.alerts.rule import Told
from offers_cli.alerts.store import AlertStore, Message
from offers_cli.cli.main import main
from offers_cli.config import get_config
from offers_cli.config.values import split_addresses
from offers_cli.services import alerts as service


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def store(server: RedisServer, anywhere: pytest.MonkeyPatch) -> Iterator[AlertStore]:
    """An empty one, which the program uses too."""
    with server.connect() as client:
        client.flushall()
        anywhere.setenv("REDIS_URL", server.url)
        yield AlertStore(client, queue_name="enrichment")


def ask(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, Any]:
    code = main(["alerts", *args, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_rule_is_added_listed_and_removed(store: AlertStore, capsys: pytest.CaptureFixture[str]) -> None:
    code, document = ask(capsys, "add", "--below", "199,90", "--search", "fone", "--min-rating", "4.5")
    [rule] = document["data"]["rules"]
    assert (code, rule["name"], rule["below_cents"]) == (0, "below-199-fone", 19_990)
    assert rule["filters"] == {"min_rating_hundredths": 450, "search": "fone"}
    assert (
        ask(capsys, "add", "--below", "199,90", "--search", "fone")[1]["data"]["rules"][0]["name"] == "below-199-fone-2"
    )
    assert main(["alerts", "list"]) == 0
    shown = capsys.readouterr()
    assert "below R$ 199,90\trating from 4.5, 'fone' in the title" in shown.out
    assert "OFFERS_ALERT_URLS is not set" in shown.err
    assert ask(capsys, "remove", "below-199-fone", "below-199-fone-2")[0] == 0
    assert ask(capsys, "list")[1]["data"]["rules"] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "none was given"),
        (["--below", "10", "--drop", "5"], "only one of them"),
        (["--lowest-since", "90"], "unit is missing"),
        (["--lowest-since", "9999d"], "from 1d to"),
        (["--below", "cheap"], "an amount"),
        (["--drop", "0"], "--drop"),
        (["--drop", "5", "--name", "No Name"], "small letters"),
        (["--drop", "5", "MLB404"], "no such offer"),
        (["--drop", "5", "--name", "taken"], "already"),
    ],
)
def test_what_is_no_rule_is_refused_with_the_reason(
    store: AlertStore, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert main(["alerts", "add", "--drop", "5", "--name", "taken"]) == 0
    capsys.readouterr()
    assert main(["alerts", "add", *words]) in {1, 2}
    assert said in capsys.readouterr().err


def test_what_is_no_rule_is_refused_before_redis_is_asked(
    anywhere: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else an embedded server was started for it, or one that is away hid what is to be mended."""
    anywhere.setenv("REDIS_URL", "unix:///nowhere/redis.sock")
    code, document = ask(capsys, "add")
    assert (code, document["errors"][0]["code"]) == (2, "usage")
    assert ask(capsys, "add", "--drop", "5")[0] == 4


def test_a_rule_that_is_not_there_is_named(store: AlertStore, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["alerts", "remove", "nosuch"]) == 2
    assert "no rule 'nosuch'" in capsys.readouterr().err


def test_what_became_of_each_alert_is_shown(
    store: AlertStore, capsys: pytest.CaptureFixture[str], anywhere: pytest.MonkeyPatch
) -> None:
    """An alert that may be lost is one that the operator can see."""
    anywhere.setenv("OFFERS_ALERT_URLS", f"json://localhost/{TOKEN}")
    ask(capsys, "add", "--drop", "5", "--name", "phones")
    [rule], _ = store.rules()
    message = Message(title="R$ 90,00: Fone", text="x", about="phones", offer_id="o1")
    store.tell(rule, "o1", seen=b"", told=Told(changed_s=1.0), message=message, channels=["1 json", "2 tgram"])
    first, second = store.take("a"), store.take("a")
    assert first
    assert second
    store.settle(first.id, "a", "refused", "the service answered 401")
    code, document = ask(capsys, "list")
    assert code == 0
    found = {each["channel"]: (each["state"], each["note"], each["about"]) for each in document["data"]["deliveries"]}
    assert found == {
        first.channel: ("refused", "the service answered 401", "phones"),
        second.channel: ("sending", "", "phones"),
    }
    assert main(["alerts", "list"]) == 0
    shown = capsys.readouterr()
    assert "the service answered 401" in shown.out
    assert "no worker is there that watches" in shown.err
    assert TOKEN not in shown.out + shown.err + json.dumps(document)


def test_a_rule_that_cannot_be_read_is_named(store: AlertStore, capsys: pytest.CaptureFixture[str]) -> None:
    store._connection.hset(store.keys.rules, "broken", b"\xff")
    code, document = ask(capsys, "list")
    assert code == 1
    assert "'broken'" in document["errors"][0]["message"]
    assert ask(capsys, "remove", "broken")[0] == 0


@pytest.mark.network
def test_a_message_tries_every_address(
    store: AlertStore, capsys: pytest.CaptureFixture[str], anywhere: pytest.MonkeyPatch
) -> None:
    with Receiver() as receiver:
        anywhere.setenv("OFFERS_ALERT_URLS", f"{receiver.address}, json://127.0.0.1:9/{TOKEN}")
        code, document = ask(capsys, "test")
        assert receiver.titles == ["offers: a test"]
    states = {each["channel"]: each["state"] for each in document["data"]["deliveries"]}
    assert (code, states) == (1, {"1 json": "sent", "2 json": "unknown"})
    assert TOKEN not in json.dumps(document)


def test_without_an_address_or_apprise_the_next_command_is_told(
    store: AlertStore, capsys: pytest.CaptureFixture[str], anywhere: pytest.MonkeyPatch
) -> None:
    assert main(["alerts", "test"]) == 3
    assert "offers config set OFFERS_ALERT_URLS" in capsys.readouterr().err
    anywhere.setattr(service, "is_installed", lambda: False)
    anywhere.setenv("OFFERS_ALERT_URLS", "json://localhost")
    get_config.cache_clear()
    assert main(["alerts", "list"]) == 0
    assert "[notify]" in capsys.readouterr().err


@pytest.mark.parametrize("text", [f"localhost/{TOKEN}", f"json:/{TOKEN}", f"json://a {TOKEN}", f"://{TOKEN}"])
def test_what_is_no_address_is_refused_and_not_shown(
    text: str, anywhere: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    anywhere.setenv("OFFERS_ALERT_URLS", text)
    assert main(["alerts", "list"]) == 3
    captured = capsys.readouterr()
    assert "OFFERS_ALERT_URLS" in captured.err
    assert TOKEN not in captured.out + captured.err


def test_an_address_may_hold_commas_of_its_own() -> None:
    text = "mailto://me:pw@mail.example?to=a@b.c,d@e.f, tgram://1:2/3\njson://x"
    assert split_addresses(text) == ("mailto://me:pw@mail.example?to=a@b.c,d@e.f", "tgram://1:2/3", "json://x")
