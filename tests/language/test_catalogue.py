"""The catalogue has every text for people, and a translation of each that can be filled in as the text can."""

from __future__ import annotations

import io
import re

import pytest

from translations.extract import extract
from translations.update import ROOT, files_of, problems_of, updated


def test_every_text_of_the_code_is_translated_and_none_is_in_doubt() -> None:
    assert list(problems_of(updated())) == [], "translate it in offers.po, then run: nox -s generate"


def test_the_files_beside_the_code_are_those_of_its_texts() -> None:
    stale = [
        str(path.relative_to(ROOT)) for path, content in files_of(updated()).items() if path.read_bytes() != content
    ]
    assert stale == [], "run: nox -s generate"


def test_what_is_typed_stands_in_a_translation_as_it_does_in_the_text() -> None:
    lost = [
        (found, message.id)
        for message in updated()
        if message.id
        for found in re.findall(r"`[^`]+`|--[a-z][a-z-]+|\b[A-Z]+_[A-Z_]+\b|docs/[\w.-]+\.md", str(message.id))
        if found not in str(message.string)
    ]
    assert lost == []


def found(code: str, **options: str) -> list[str]:
    return [text for _line, _function, text, _comments in extract(io.BytesIO(code.encode()), None, None, options)]


@pytest.mark.parametrize(
    ("code", "texts"),
    [
        ("raise UsageError(f'{path} cannot be read: {exc.strerror}')", ["{path} cannot be read: {strerror}"]),
        ("say(f'{count:,} of {total:,} offers')", ["{count:,} of {total:,} offers"]),
        ("say(f\"{n} {'job waits' if n == 1 else 'jobs wait'}\")", ["{n} job waits", "{n} jobs wait"]),
        ("say('no offers' + (', none at all' if x else ''))", ["no offers", "no offers, none at all"]),
        ("say(f'{shown(path)} and {shown(path)}')", ["{path} and {path2}"]),
        ("say(f'{word!r} is not a word')", ["{word!r} is not a word"]),
        ("UNITS = {'a': 'from {} on', 'b': '{jobs} wait'}", ["from {value} on", "{jobs} wait"]),
        ("Table('Queue', ('queue', 'count'), rows)", ["Queue", "count", "queue"]),
    ],
)
def test_a_text_becomes_a_template_with_a_form_for_each_number(code: str, texts: list[str]) -> None:
    assert sorted(found(code)) == sorted(texts)


@pytest.mark.parametrize(
    "code",
    [
        "connection.execute('SELECT id FROM offers')",
        "PATTERN = re.compile('no offers match')",
        "hint = 'offers scrape ofertas'",
        "SELECTOR = 'h1, h2, .title a'",
        "assert x, 'this is a bug'",
        "raise TypeError('a text was expected')",
        "get_log('no tag of ours')",
        "x == 'no such thing'",
        "def f():\n    'Documented in prose.'",
    ],
)
def test_what_machines_read_is_no_text(code: str) -> None:
    assert found(code) == []


def test_a_commands_help_is_taken_by_paragraph() -> None:
    code = "@command('x', report='y')\ndef x():\n    '''Do it.\n\n    It takes\n    a while.\n    '''"
    assert found(code) == ["Do it.", "It takes a while."]


def test_words_of_enumerations_and_fields_are_taken_where_they_are_shown() -> None:
    code = (
        "class State(StrEnum):\n    PUT_OFF = 'put_off'\nclass Facts:\n    seller_cents: int\nX = Literal['not_seen']"
    )
    assert found(code) == []
    assert found(code, words="true", fields_of="Facts") == ["put off", "seller", "not seen"]
