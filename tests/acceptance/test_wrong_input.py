"""Wrong input of every kind: exit code, a message that names the thing, the next step; no bug, traceback or loss.

The program runs within this process, as `main` has it: each kind is a row, and rows must be cheap.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from storage.cases import card

from offers_cli.cli.main import main
from offers_cli.config import get_config
from offers_cli.storage.sqlite.storage import open_sqlite

OFFER = card(7_000_014_367, external_id="MLB7000014367", title="Cafeteira Expressa")
CAPTCHA = '<html><body><form action="/gz/account-verification"><h1>Verificação</h1></form></body></html>'


@dataclass(frozen=True)
class Row:
    """What is typed, in a folder with some files, over a store with one offer; and what is answered.

    Attributes:
        says: what the first error has; of success, the output.
        hint: how the next step begins.
        env: what is set; `dotenv` is the working directory's file.
    """

    words: str
    exit_code: int
    says: str
    hint: str
    env: tuple[tuple[str, str], ...] = ()
    dotenv: bytes = b""

    def __str__(self) -> str:
        return " ".join([*(f"{name}={value}" for name, value in self.env), self.words, repr(self.dotenv)[2:20]])[:60]


def setting(name: str, value: str, says: str) -> Row:
    return Row("list", 3, f"{name} from environment: {says}", "offers config show --origin", env=((name, value),))


def dotenv(content: bytes, exit_code: int, says: str, hint: str) -> Row:
    return Row("list", exit_code, says, hint, dotenv=content)


COMMANDS = [
    Row("login", 2, "'login' is not a command", "offers session import FILE"),
    Row("version", 2, "'version' is not a command", "offers --version"),
    Row("update", 2, "'update' is not a command", "offers scrape"),
    Row("-V", 2, "there is no option -V", "offers --version"),
    Row("-v stats", 2, "-v stands behind the command", "offers stats -v"),
    Row("scarpe ofertas", 2, "did you mean 'scrape'?", "offers scrape ofertas"),
    Row("config set X 1", 2, "'X' is not a setting", "offers config show"),
    Row("config get ML_AFILIATE_TAG", 2, "did you mean ML_AFFILIATE_TAG?", "offers config show"),
    Row("config set MIN_DISCOUNT_PCT 20%", 2, "'20%' is not a whole number from 0 to 100", "offers help environment"),
    Row("config set SUPABASE_KEY canary", 2, "everybody on this machine can read", "offers config set SUPABASE_SERV"),
    Row("db restore x", 2, "there is no file", "offers db backup"),
    Row("service", 2, "offers service needs KIND: one of systemd, supervisor, compose", "offers service systemd"),
    Row("service sysv", 2, "KIND 'sysv' is not one of systemd, supervisor, compose", "offers service --help"),
    Row("help foo", 2, "'foo' is neither a topic nor a command", "offers help"),
]
OPTIONS = [
    Row("list fone", 2, "'fone' is one argument too many for offers list", "offers list --search fone"),
    Row("requeue-failed all", 2, "'all' is one argument too many", "offers requeue-failed"),
    Row("requeue-failed --all", 2, "there is no option --all", "offers requeue-failed"),
    Row("list --sort", 2, "--sort has no value", "offers list --help"),
    Row("list --sort discont", 2, "cannot sort by 'discont'", "--sort discount"),
    Row("list --min-discount 101", 2, "--min-discount '101' is not a whole number from 0 to 100", "offers list --help"),
    Row("list --min-discount abc", 2, "--min-discount 'abc' is not a whole number", "offers list --help"),
    Row("list --min-discount 40%", 2, "--min-discount '40%' is not a whole number", "--min-discount 40"),
    Row("list --missing discount,old-price", 2, "is not one of old-price", "--missing discount --missing old-price"),
    Row("list --missing old_price", 2, "--missing 'old_price' is not one of", "--missing old-price"),
    Row("list --status ACTIVE", 2, "--status 'ACTIVE' is not one of active, gone", "--status active"),
    Row("scrape --pages 0 ofertas", 2, "--pages '0' is not a whole number from 1 to 1000", "offers scrape --help"),
    Row("scrape --pages 1001 ofertas", 2, "--pages '1001' is not a whole number", "offers scrape --help"),
    Row("scrape --pages ofertas", 2, "--pages 'ofertas' is not a whole number", "offers scrape --help"),
    Row("scrape -p 2", 2, "there is no option -p; did you mean --pages?", "offers scrape --pages 2"),
    Row("history MLB7000014367 --days 99999", 2, "--days '99999' is not a whole number", "offers history --help"),
    Row("history MLB7000014367 --days x", 2, "--days 'x' is not a whole number", "offers history --help"),
    Row(f"list --limit {'9' * 24}", 2, "is not a whole number from 1 to", "offers list --help"),
    Row("list --search \udcff", 2, "is not UTF-8", "write it in UTF-8"),
    Row("list --since yesterday", 2, "--since 'yesterday'", "--since 7d"),
    Row("list --since 2099-01-01", 0, "no offers match, of 1 that are stored", "offers list"),
    Row("requeue-failed --older-than 1", 2, "the unit is missing", "--older-than 1d"),
    Row("enqueue-missing --recheck-after 7", 2, "the unit is missing", "--recheck-after 7d"),
    Row("failed --reason ofer_gone", 2, "'ofer_gone' is not a failure code", "--reason offer_gone"),
    Row("enqueue-missing --missing affiliate-link", 3, "no affiliate links can be made", "set ML_AFFILIATE_TAG"),
    Row("export out.xls", 2, "its suffix names no format", "--format csv"),
    Row("export no/such/out.csv", 2, "cannot be written", ""),
    Row("export out.json --format csv", 0, "1 offers written to out.json (csv)", ""),
]
OFFERS = [
    Row("show mlb7000014367", 0, "Cafeteira", ""),
    Row("show MLB-7000014367", 0, "Cafeteira", ""),
    Row("show MLB7000014368", 2, "no such offer", "offers show MLB7000014367"),
    Row("show cafeteira", 2, "cafeteira: no such offer", "offers show MLB7000014367"),
    Row("show ''", 2, "'': no such offer", "offers list --search WORDS"),
    Row("show '*'", 2, "*: no such offer", "offers list --search WORDS"),
    Row("requeue-failed --offer nope", 2, "nope: no such offer", "offers list --search WORDS"),
    Row("explain MLB40004089", 2, "MLB40004089: no such offer", "offers add LINK"),
    Row("explain ofertas", 2, "ofertas is a source, not a page", "offers scrape ofertas --dry-run"),
    Row("explain folder", 2, "folder is a folder, not one page", "offers ingest folder"),
]
SOURCES = [
    Row("scrape MLB19120023", 2, "is not a source", "offers show MLB19120023, or offers add LINK"),
    Row("scrape oferta", 2, "'oferta' is not a source", "offers scrape ofertas"),
    Row("scrape 'Hub '", 3, "there is no session", "log in with your browser"),
    Row("scrape search", 2, "'search' is not a source", "offers scrape search:WORDS"),
    Row("scrape seach:fone", 2, "'seach:fone' is not a source", "offers scrape search:fone"),
    Row("scrape 'fone de ouvido'", 2, "is not a source", "offers scrape 'search:fone de ouvido'"),
    Row("scrape folder", 2, "'folder' is not a source", "offers ingest folder"),
    Row("scrape .", 2, "'.' is not a source", "offers ingest ."),
    Row("scrape -", 2, "'-' is not a source", "offers ingest -"),
    Row("scrape ''", 2, "'' is not a source", "use hub, ofertas, search:TERM"),
    Row("scrape ftp://x.example/y", 2, "is not a source", "use hub, ofertas, search:TERM"),
    Row("scrape 'javascript:alert(1)'", 2, "is not a source", "use hub, ofertas, search:TERM"),
    Row("scrape https://", 2, "it has no host", "give the whole address"),
    Row("scrape https://www.amazon.com.br/dp/B0C", 2, "the host www.amazon.com.br is not allowed", "if you trust it"),
    Row("scrape empty.html", 5, "empty.html is empty", "save the page again with your browser"),
    Row("scrape cards.html", 2, "cards.html: no such file", "did you mean nocards.html?"),
    Row("scrape missing/x.html", 2, "missing/x.html: no such file", "ls missing"),
    Row("scrape nocards.html", 5, "nocards.html: a listing without any card", "offers explain nocards.html"),
    Row("explain nocards.html", 5, "nocards.html: neither a product page nor a listing", "is it the page of a product"),
    Row("scrape wall.html", 5, "wall.html: ", "open the page in your browser"),
    Row("explain empty.html", 5, "empty.html is empty", "save the page again with your browser"),
]
SESSION = [
    Row("session import nofile", 2, "nofile: no such file", "did you mean file?"),
    Row("session import .", 2, ". is a folder, not a file", "ls ."),
    Row("session import empty.html", 2, "the cookies cannot be read: it is empty", "export the cookies"),
    Row("session import nocards.html", 2, "it is a web page", "export the cookies"),
]
SETTINGS = [
    setting("ML_AFFILIATE_TAG", "minha etiqueta", "'minha etiqueta' is not a label of small letters and digits"),
    setting("MIN_DISCOUNT_PCT", "20%", "'20%' is not a whole number from 0 to 100, such as 20"),
    setting("ENRICHMENT_WORKER_CONCURRENCY", "tres", "'tres' is not "),
    setting("ENRICHMENT_REQUEST_DELAY_S", "1,000", "'1,000' is not a number from 0 to 3600, such as 0.5"),
    setting("ENRICHMENT_JOB_TIMEOUT", "10 minutos", "'10 minutos' is not a duration, such as 90s"),
    setting("OFFERS_ALLOW_PRIVATE_HOSTS", "sim", "'sim' is not one of true, false"),
    setting("OFFERS_LOG_FORMAT", "xml", "'xml' is not one of text, json"),
    setting("REDIS_URL", "localhost:6379", "its value is not an address that begins with redis://"),
    setting("SUPABASE_URL", "projeto", "its value is not an address that begins with https://"),
    setting("OFFERS_SNAPSHOT", "all", "no such setting; did you mean OFFERS_SNAPSHOTS?"),
    Row(
        "list",
        3,
        "{folder}/file is not a folder",
        "set OFFERS_HOME to a folder",
        env=(("OFFERS_HOME", "{folder}/file"),),
    ),
    Row("list", 3, "OFFERS_DB is in {folder}/no", "mkdir -p {folder}/no", env=(("OFFERS_DB", "{folder}/no/x.db"),)),
    Row("list", 4, "cannot be opened", "check that its folder", env=(("OFFERS_DB", "{folder}/folder"),)),
    Row("list", 3, "is not a SQLite database", "set OFFERS_DB", env=(("OFFERS_DB", "{folder}/nocards.html"),)),
    Row(
        "list --limit 1",
        0,
        "MLB7000014367",
        "",
        env=(("OFFERS_SNAPSHOTS", "ALL"), ("ENRICHMENT_REQUEST_DELAY_S", "0,5")),
    ),
    dotenv(b"DATABASE_URL=x\nDEBUG=1\nAPI_KEY=z\n", 0, "MLB7000014367", ""),
    dotenv(b"garbage\nmore of it\n", 0, "MLB7000014367", ""),
    dotenv(b"ML_AFILIATE_TAG=x\n", 3, "did you mean ML_AFFILIATE_TAG?", "offers config show --origin"),
    dotenv(b"OFFERS_SNAPSHOTS\n", 3, "line 1 of {folder}/.env has no =", "offers config show --origin"),
    dotenv(b"\x00\x01binary", 3, "it holds a NUL character", "offers config show --origin"),
    dotenv(b"A=\xe9\n", 3, "byte 2 is not UTF-8", "offers config show --origin"),
    dotenv("MIN_DISCOUNT_PCT=5".encode("utf-16"), 3, "it is UTF-16; save it as UTF-8", "offers config show --origin"),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one offer."""
    home = tmp_path_factory.mktemp("home")
    home.chmod(0o700)
    storage = open_sqlite(home / "offers.db")
    storage.save_offers([OFFER], seen_at=datetime(2026, 11, 26, tzinfo=UTC))
    storage.close()
    return home


@pytest.fixture
def folder(tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory with files of every kind; no shop can be reached, and no Redis is started."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("whose it is, nobody knows")
    (tmp_path / "empty.html").touch()
    (tmp_path / "nocards.html").write_text("<html><body><h1>Hello</h1></body></html>")
    (tmp_path / "wall.html").write_text(CAPTCHA)
    for name in ("OFFERS_", "ENRICHMENT_", "ML_", "SUPABASE_", "REDIS_URL"):
        for key in [key for key in os.environ if key.startswith(name)]:
            monkeypatch.delenv(key)
    environ = {"OFFERS_HOME": str(store), "ML_BASE_URL": "http://127.0.0.1:9", "OFFERS_ALLOW_PRIVATE_HOSTS": "1"}
    for key, value in (environ | {"REDIS_URL": "redis://127.0.0.1:9/0"}).items():
        monkeypatch.setenv(key, value)
    get_config.cache_clear()
    yield tmp_path
    get_config.cache_clear()


@pytest.mark.parametrize("row", [*COMMANDS, *OPTIONS, *OFFERS, *SOURCES, *SESSION, *SETTINGS], ids=str)
def test_wrong_input_is_answered_in_words_with_the_next_step(
    row: Row, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in row.env:
        monkeypatch.setenv(name, value.format(folder=folder))
    if row.dotenv:
        (folder / ".env").write_bytes(row.dotenv)
    code = main(shlex.split(row.words))
    captured = capsys.readouterr()
    assert code == row.exit_code, captured
    said = captured.err if row.exit_code else captured.out + captured.err
    assert row.says.format(folder=folder) in said
    if row.hint:
        assert f"  try: {row.hint.format(folder=folder)}" in said
    unwanted = ("Traceback", "this is a bug", "Input should", "Value error", "canary", "FILE.old")
    assert not any(word in said for word in unwanted), said


def test_a_store_that_lost_a_table_is_damaged_for_everybody(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A migration has nothing to do there, so that nobody is sent to one."""
    path = folder / "lost.db"
    storage = open_sqlite(path)
    storage.save_offers([OFFER], seen_at=datetime(2026, 11, 26, tzinfo=UTC))
    connection = storage._idle[0]
    connection.execute("DROP TABLE price_history")
    storage.close()
    monkeypatch.setenv("OFFERS_DB", str(path))
    for words in (["history", "MLB7000014367"], ["db", "migrate"]):
        assert main(words) == 3
        said = capsys.readouterr().err
        assert "is damaged" in said
        assert "  try: offers db restore BACKUP --force" in said
