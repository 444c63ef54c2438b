"""Values of Redis are read within bounds, whoever wrote them."""

from __future__ import annotations

from typing import Any

import pytest

from offers_cli.redis.values import as_json, as_number, as_text

NO_NUMBERS: tuple[Any, ...] = (
    *(b"9" * 16, b"9" * 5000, b"-1", b"+1", b"1.5", b"1_0", b" 1", b"", None),
    *(b"nan", "٣", "½", b"\xff", b"0x10", 7),
)
NO_JSON: tuple[Any, ...] = (
    *(b'"' + b"x" * 65_535 + b'"', b"[" * 60_000, b'{"a":' * 10_000),
    *(b"9" * 5000, b"", b"{", b"\xff", None, 7, []),
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"a\xc3\xa9", "aé"),
        ("aé", "aé"),
        (b"a\xffb", "a\ufffdb"),
        ("\ud800", "?"),
        (b"x" * 10_000, "x" * 2000),
        ("🛒".encode() * 10_000, "🛒" * 2000),
        (None, ""),
        (7, ""),
        (ValueError("an error as an answer"), ""),
    ],
)
def test_a_text_is_cut_at_two_thousand_characters_and_can_be_written(value: Any, text: str) -> None:
    assert as_text(value) == text


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (b"0", 0),
        ("12", 12),
        (b"9" * 15, 10**15 - 1),
        *((value, None) for value in NO_NUMBERS),
    ],
)
def test_a_number_is_whole_positive_and_of_fifteen_digits_at_most(value: Any, number: int | None) -> None:
    assert as_number(value) == number


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (b'{"a": [1, null]}', {"a": [1, None]}),
        ('"aé"', "aé"),
        (rb'["\ud83d\ude00", "\ud800"]', ["😀", "?"]),
        (rb'{"\ud800": 1}', {"?": 1}),
        (b'"' + b"x" * 65_534 + b'"', "x" * 65_534),
        *((value, None) for value in NO_JSON),
    ],
)
def test_json_is_of_64_kib_at_most_not_deep_and_can_be_written(value: Any, found: Any) -> None:
    assert as_json(value) == found


def test_json_may_be_bounded_more_tightly() -> None:
    assert (as_json(b"[1]", limit=3), as_json(b"[12]", limit=3)) == ([1], None)
