"""Bad input: a code, a message with the next command, the right exit code in time, and nothing lost."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from acceptance.program import PROGRAM, Program, Result, at_shop, end
from servers import RedisServer
from shop import Shop
from waiting import NEVER_S, wait_until


def fails(result: Result, exit_code: int, code: str) -> None:
    assert result.code == exit_code, result.out + result.err
    assert code in result.codes
    error = next(e for e in result.document["errors"] if e["code"] == code)
    assert error["message"]
    assert "Traceback" not in result.err


@pytest.fixture
def program(offers: Program, calm_shop: Shop) -> Program:
    return at_shop(offers, calm_shop)


@pytest.mark.parametrize(
    ("args", "exit_code", "code"),
    [
        (["scrape", "missing.html"], 2, "not_found"),
        (["scrape", "nonsense"], 2, "usage"),
        (["scrape", "search:"], 2, "usage"),
        (["scrape", "--pages", "0"], 2, "usage"),
        (["scrape", "--nosuch"], 2, "usage"),
        (["scarpe"], 2, "usage"),
        (["explain", "missing.html"], 2, "not_found"),
        (["explain", "12345"], 2, "not_found"),
        (["list", "--sort", "colour"], 2, "usage"),
        (["list", "--since", "yesterday"], 2, "usage"),
        (["requeue-failed", "--reason", "page_chnaged"], 2, "usage"),
        (["requeue-failed", "--older-than", "long"], 2, "usage"),
        (["enqueue-missing", "--missing", "colour"], 2, "usage"),
        (["scrape", "https://evil.example/ofertas"], 2, "forbidden_url"),
        (["scrape", "hub"], 3, "session_expired"),
    ],
)
def test_wrong_words(program: Program, args: Sequence[str], exit_code: int, code: str) -> None:
    fails(program.json(*args), exit_code, code)


def test_a_typo_gets_a_suggestion(program: Program) -> None:
    assert "scrape" in program("scarpe").err


def test_a_bad_setting_is_named(program: Program) -> None:
    result = program.json("stats", ENRICHMENT_WORKER_CONCURRENCY="many")
    fails(result, 3, "config_invalid")
    assert "ENRICHMENT_WORKER_CONCURRENCY" in result.document["errors"][0]["message"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not_html"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "not_html"),
        (b"<html><body><h1>Hello</h1></body></html>", "page_changed"),
        ("<html><head><title>Mercado Livre</title></head><body>Olá</body></html>".encode("utf-16"), "page_changed"),
    ],
    ids=["empty", "binary", "no-cards", "utf-16-no-cards"],
)
def test_pages_that_are_no_listing(program: Program, folder: Path, content: bytes, code: str) -> None:
    page = folder / "page.html"
    page.write_bytes(content)
    fails(program.json("scrape", str(page)), 5, code)


@pytest.mark.parametrize("address", ["FTP://www.mercadolivre.com.br/x", "file:///etc/hostname", "HTTPS://shop.test/"])
def test_an_address_that_may_not_be_fetched_is_no_file(offers: Program, address: str) -> None:
    fails(offers.json("explain", address), 2, "forbidden_url")


def test_a_file_that_never_ends_is_no_page(offers: Program) -> None:
    for command in ("explain", "scrape"):
        fails(offers.json(command, "/dev/zero"), 5, "too_large")


def test_no_network(offers: Program) -> None:
    result = offers.json(
        "scrape",
        "ofertas",
        ML_BASE_URL="http://127.0.0.1:9",
        OFFERS_ALLOW_PRIVATE_HOSTS="1",
        ENRICHMENT_REQUEST_DELAY_S="0",
    )
    fails(result, 4, "site_unavailable")


@pytest.mark.parametrize(
    ("status", "exit_code", "code"),
    [(404, 5, "offer_gone"), (403, 5, "page_blocked"), (429, 5, "rate_limited"), (503, 4, "site_unavailable")],
)
def test_statuses(program: Program, calm_shop: Shop, status: int, exit_code: int, code: str) -> None:
    calm_shop.fail(status)
    fails(program.json("scrape", "ofertas"), exit_code, code)


def test_a_wall_in_mid_run_keeps_what_was_saved(program: Program, calm_shop: Shop) -> None:
    first = program.json("scrape", "ofertas").data
    calm_shop.wall(60)
    result = program.json("scrape", "ofertas")
    fails(result, 5, "page_blocked")
    assert result.document["status"] == "error"
    assert program.json("list").data["total"] == first["new"]


def test_redis_down_saves_first_and_tells(program: Program) -> None:
    result = program.json("scrape", "ofertas", REDIS_URL="redis://:canary-1@127.0.0.1:9/0")
    fails(result, 4, "queue_unavailable")
    assert "enqueue-missing" in result.document["errors"][0]["hint"]
    assert "canary-1" not in result.out + result.err
    assert program.json("list").data["total"] > 0, "what the listing showed is saved all the same"
    fails(program.json("stats", REDIS_URL="redis://127.0.0.1:9/0"), 4, "queue_unavailable")
    assert program.json("enqueue-missing", "--limit", "1000").data["enqueued"] > 0


def test_a_redis_that_refuses_the_password_costs_nothing_that_was_scraped(program: Program) -> None:
    with RedisServer() as server, server.connect() as client:
        client.config_set("requirepass", "canary-2")
        address = f"{server.url}?password=canary-3"
        result = program.json("scrape", "ofertas", REDIS_URL=address)
        fails(result, 3, "queue_refused")
        assert result.data["new"] > 0
        assert "canary" not in result.out + result.err
        fails(program.json("enqueue-missing", REDIS_URL=address), 3, "queue_refused")


def test_a_silent_redis_is_waited_for_once_by_a_scrape(program: Program, silent: Silent) -> None:
    """Not once for the pace, once for the memory of pages, once for the queue."""
    result = program.json("scrape", "ofertas", REDIS_URL=silent.url)
    assert silent.calls() == 1
    fails(result, 4, "queue_unavailable")
    assert result.data["new"] > 0


def test_nothing_to_enqueue_still_tells_of_a_redis_that_is_down(program: Program) -> None:
    fails(program.json("enqueue-missing", REDIS_URL="redis://127.0.0.1:9/0"), 4, "queue_unavailable")


class Silent:
    """A Redis that takes calls and never answers: the system takes them for it."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self.url = f"redis://127.0.0.1:{listener.getsockname()[1]}/0"

    def calls(self) -> int:
        """How many there were since last asked."""
        count = 0
        with suppress(BlockingIOError):
            while True:
                self._listener.accept()[0].close()
                count += 1
        return count


@pytest.fixture
def silent() -> Iterator[Silent]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        yield Silent(listener)


def test_a_silent_redis_is_waited_for_once(program: Program, silent: Silent) -> None:
    fails(program.json("stats", REDIS_URL=silent.url), 4, "queue_unavailable")
    assert silent.calls() == 1


def test_database_locked_readonly_or_garbage(program: Program, folder: Path) -> None:
    program.json("scrape", "ofertas")
    database = program.home / "offers.db"
    holder = sqlite3.connect(database, isolation_level=None)
    holder.execute("begin exclusive")
    locked = program.json("scrape", "ofertas", OFFERS_DB_PATIENCE="1s")
    fails(locked, 4, "storage_unavailable")
    assert (locked.data["pages"], locked.data["seen"]) == (0, 0), "figures are told on every way out"
    holder.execute("rollback")
    holder.close()
    garbage = folder / "garbage.db"
    garbage.write_bytes(b"not a database" * 100)
    fails(program.json("stats", OFFERS_DB=str(garbage)), 3, "storage_refused")
    assert garbage.read_bytes() == b"not a database" * 100
    fails(program.json("stats", OFFERS_DB="/proc/nowhere/offers.db"), 3, "storage_refused")


def test_full_disk_is_told_and_loses_nothing(program: Program) -> None:
    program.json("scrape", "ofertas", "--limit", "5", "--no-enqueue")
    size = (program.home / "offers.db").stat().st_size
    import resource

    done = subprocess.run(
        [str(PROGRAM), "scrape", "ofertas", "--pages", "3", "--no-enqueue", "--json"],
        env=program.environment(),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    fails(Result(done.returncode, done.stdout, done.stderr), 4, "storage_unavailable")
    assert program.json("list").data["total"] >= 5


def test_ctrl_c_in_mid_scrape_keeps_what_was_saved(program: Program, calm_shop: Shop) -> None:
    calm_shop.set_latency(0.5)
    process = program.start("scrape", "ofertas", "--pages", "20", "--json")
    wait_until(lambda: any("page=2" in seen.path for seen in calm_shop.requests), "its second page")
    result = end(process, signal.SIGINT)
    assert result.code == 130, result.err
    assert "interrupted" in result.codes
    calm_shop.set_latency(0)
    assert program.json("list").data["total"] > 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_ctrl_c_before_the_program_is_loaded_ends_it_without_a_word(
    offers: Program, folder: Path, number: signal.Signals
) -> None:
    """As one who pressed Tab or Enter by mistake does; the signal comes from a library that is loaded first."""
    (folder / "typer.py").write_text(f"import os\nos.kill(os.getpid(), {int(number)})\nraise ImportError\n")
    result = offers("list", PYTHONPATH=str(folder))
    assert (result.code, result.out, result.err) == (130, "", "")


def test_the_same_scrape_twice_at_once_saves_each_offer_once(program: Program, calm_shop: Shop) -> None:
    processes = [program.start("scrape", "ofertas", "--pages", "20", "--json") for _ in range(3)]
    results = [process.communicate(timeout=NEVER_S) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], results
    total = program.json("list").data["total"]
    assert total == len(calm_shop.offers)
    assert program.json("stats").data["queue"]["queued"] <= total


def test_markup_and_escape_codes_in_titles_are_harmless(program: Program, folder: Path) -> None:
    title = "Fone [/promo] \x1b[31mred\x1b[0m <b>x</b>"
    card = (
        '<html><body><div class="poly-card"><a class="poly-component__title" '
        'href="https://produto.mercadolivre.com.br/MLB-1234567890-x-_JM">'
        + title.replace("<", "&lt;")
        + '</a><div class="poly-component__price"><div class="poly-price__current">'
        '<span class="andes-money-amount"><span class="andes-money-amount__fraction">10</span></span>'
        "</div></div></div></body></html>"
    )
    (folder / "page.html").write_text(card)
    assert program("scrape", str(folder / "page.html"), "--no-enqueue").code == 0
    shown = program("list")
    assert shown.code == 0
    assert "[/promo]" in shown.out
    assert "\x1b" not in shown.out


def test_output_into_a_closed_pipe_ends_quietly(program: Program) -> None:
    program.json("scrape", "ofertas", "--pages", "3", "--no-enqueue")
    for words in ("list --limit 1000", "export", "export --format jsonl"):
        read_end, write_end = os.pipe()
        os.close(read_end)  # as `head` does when it has seen enough
        line = [str(PROGRAM), *words.split()]
        done = subprocess.run(
            line, env=program.environment(), stdout=write_end, stderr=subprocess.PIPE, text=True, check=False
        )
        os.close(write_end)
        assert done.returncode == 0, words
        assert "Traceback" not in done.stderr
        assert "roken" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("command", ["list", "list --json", "export", "stats", "--help"])
def test_output_onto_a_full_disk_is_told(program: Program, command: str) -> None:
    program.json("scrape", "ofertas", "--no-enqueue")
    line = f"{PROGRAM} {command} >/dev/full"
    done = subprocess.run(line, shell=True, env=program.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert "ignored" not in done.stderr, "the interpreter has nothing to add at its end"


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", ">&- 2>&- <&-"])
def test_closed_streams_stop_nothing(program: Program, closed: str) -> None:
    line = f"{PROGRAM} scrape ofertas {closed}"
    done = subprocess.run(line, shell=True, env=program.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert program.json("list").data["total"] > 0


def test_nothing_is_written_outside_the_home(program: Program, folder: Path) -> None:
    program.json("scrape", "ofertas")
    assert {path.name for path in folder.iterdir()} <= {"home"}
    assert Path(program.home).stat().st_mode & 0o077 == 0
    assert (program.home / "offers.db").stat().st_mode & 0o077 == 0
