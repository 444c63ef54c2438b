"""People are spoken to in the language of the settings or the locale; programs never notice."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from offers_cli.cli.commands import SUMMARIES, all_commands
from offers_cli.cli.main import main
from offers_cli.cli.topics import TOPICS
from offers_cli.config import get_config
from offers_cli.language import LANGUAGES, speak, spoken, translate
from offers_cli.redis.embedded import stop_server

PAGES = [
    (),
    *((name,) for name in SUMMARIES),
    *(tuple(each.name.split()) for each in all_commands() if " " in each.name),
]
TYPED = re.compile(r"`[^`]*`|\boffers [a-z-]+.*|(?<=Tópicos: ).*|'[^']*'|\([^)]*\)|--\S+|[A-Z_]{3,}\S*")
"""What stands in help as it is typed."""
ENGLISH = re.compile(
    r"\b(?:the|of|and|is|are|with|from|that|this|not|only|each|which|what|when|offers? (?:of|that|are))\b",
    re.IGNORECASE,
)


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    yield
    speak("en")


def run(args: Sequence[str], capsys: pytest.CaptureFixture[str]) -> str:
    main(list(args))
    captured = capsys.readouterr()
    return captured.out + captured.err


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("words", PAGES, ids=" ".join)
def test_help_fits_80_columns_in_each_language(
    words: Sequence[str], language: str, anywhere: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    anywhere.setenv("OFFERS_LANG", language)
    anywhere.setenv("COLUMNS", "80")
    shown = run([*words, "--help"], capsys)
    examples = shown.index("Exemplos:" if language == "pt-BR" else "Examples:")
    assert [line for line in shown[:examples].splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("words", PAGES, ids=" ".join)
def test_help_in_portuguese_holds_no_english(
    words: Sequence[str], anywhere: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    anywhere.setenv("OFFERS_LANG", "pt-BR")
    shown = run([*words, "--help"], capsys)
    assert "Uso:" in shown
    prose = TYPED.sub("", " ".join(shown[: shown.index("Exemplos:")].split()))
    assert ENGLISH.findall(prose) == [], shown


@pytest.mark.parametrize("topic", TOPICS)
def test_topics_are_told_in_portuguese(
    topic: str, anywhere: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    anywhere.setenv("OFFERS_LANG", "pt-BR")
    shown = run(["help", topic], capsys)
    assert ENGLISH.findall(TYPED.sub("", shown)) == [], shown


JSON = [
    ("help", "environment"),
    ("help", "failure-codes"),
    ("help", "list"),
    ("list", "--nosuch"),
    ("list", "--limit", "many"),
    ("show", "nosuch"),
    ("explain", "nosuch.html"),
    ("config", "show"),
    ("config", "set", "NOSUCH", "1"),
    ("schedule", "add", "--every", "5", "--", "worker"),
    ("alerts", "add"),
    ("deals", "--lowest-since", "7"),
    ("db", "restore", "nosuch.db"),
    ("export", "--format", "nosuch"),
]


@pytest.mark.parametrize("line", JSON, ids=" ".join)
def test_json_is_the_same_byte_for_byte_in_each_language(
    line: Sequence[str], anywhere: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    documents = []
    for language in LANGUAGES:
        anywhere.setenv("LC_ALL", {"en": "en_US.UTF-8", "pt-BR": "pt_BR.UTF-8"}[language])
        get_config.cache_clear()
        main([*line, "--json"])
        documents.append(capsys.readouterr())
    assert not stop_server(get_config().home), "what is refused starts no server"
    assert documents[0] == documents[1]
    assert json.loads(documents[0].out)


def test_a_program_s_command_speaks_to_people_all_the_same(
    anywhere: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A worker and a dashboard that were started with --json send alerts and show pages."""
    anywhere.setenv("OFFERS_LANG", "pt-BR")
    main(["config", "path", "--json"])
    assert spoken() == "pt-BR"
    assert translate("error:") == "erro:"


def test_an_error_and_its_hint_are_told_in_portuguese(
    anywhere: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    anywhere.setenv("OFFERS_LANG", "pt-BR")
    assert main(["list", "--nosuch"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("erro: ")
    assert "--nosuch" in error
    assert "(usage)" in error, "a code is no word"
    assert "  tente: offers list --help" in error


@pytest.mark.parametrize("where", [".env", "home/.env", "offers.toml", "locale"])
def test_the_language_comes_from_where_settings_come_from(
    where: str, anywhere: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    if where == "locale":
        anywhere.setenv("LC_ALL", "pt_BR.UTF-8")
    else:
        file = tmp_path / where
        file.parent.mkdir(mode=0o700, exist_ok=True)
        file.write_text('OFFERS_LANG = "pt-BR"\n' if where.endswith("toml") else "OFFERS_LANG=pt-BR\n")
    assert "Uso:" in run(["list", "--help"], capsys)


def test_a_setting_is_stronger_than_the_locale(
    anywhere: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    anywhere.setenv("LC_ALL", "pt_BR.UTF-8")
    anywhere.setenv("OFFERS_LANG", "en")
    assert "Usage:" in run(["list", "--help"], capsys)


def test_what_is_wrong_with_the_settings_is_told_in_the_language_that_they_name(
    anywhere: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("OFFERS_LANG=pt-BR\nMIN_DISCOUNT_PCT=many\n")
    assert main(["list"]) == 3
    error = capsys.readouterr().err
    assert error.startswith("erro: MIN_DISCOUNT_PCT")
    assert ENGLISH.findall(TYPED.sub("", error)) == []


def test_a_language_that_is_not_spoken_is_refused_by_name(
    anywhere: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    anywhere.setenv("OFFERS_LANG", "pt_BR")
    assert main(["list"]) == 3
    assert "OFFERS_LANG from environment: 'pt_BR' is not one of en, pt-BR" in capsys.readouterr().err
