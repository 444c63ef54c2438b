"""Titles never arrive broken silently."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offers_cli.errors import NotHtml
from offers_cli.fetch.response import decode, to_utf8

TITLE = "<title>Fogão à gás – promoção “única”</title>"
META_UTF8 = '<meta charset="utf-8">'
META_LATIN = '<meta http-equiv="Content-Type" content="text/html; charset=ISO-8859-1">'
UTF8 = "text/html; charset=utf-8"
LATIN = "text/html; charset=ISO-8859-1"


@pytest.mark.parametrize(
    ("data", "content_type", "encoding"),
    [
        # one source alone
        (TITLE.encode(), UTF8, "utf-8"),
        (TITLE.encode("cp1252"), LATIN, "cp1252"),
        (TITLE.encode("cp1252"), "text/html;charset=windows-1252", "cp1252"),
        (TITLE.encode("utf-16"), None, "utf-16-le"),
        (codecs.BOM_UTF16_BE + TITLE.encode("utf-16-be"), None, "utf-16-be"),
        (TITLE.encode("utf-16-le"), "text/html; charset=utf-16le", "utf-16-le"),
        (codecs.BOM_UTF8 + TITLE.encode(), None, "utf-8"),
        ((META_UTF8 + TITLE).encode(), None, "utf-8"),
        ((META_LATIN + TITLE).encode("cp1252"), None, "cp1252"),
        ((META_LATIN + TITLE).encode("cp1252"), "text/html", "cp1252"),
        # nothing said
        (TITLE.encode(), None, "utf-8"),
        (TITLE.encode("cp1252"), None, "cp1252"),
        (b"", None, "utf-8"),
        # the header comes first, then the mark, then the page itself
        ((META_LATIN + TITLE).encode(), UTF8, "utf-8"),
        ((META_UTF8 + TITLE).encode("cp1252"), LATIN, "cp1252"),
        (codecs.BOM_UTF8 + (META_LATIN + TITLE).encode(), None, "utf-8"),
        # claims that cannot be true
        (TITLE.encode(), LATIN, "utf-8"),
        (TITLE.encode(), "text/html; charset=us-ascii", "utf-8"),
        ((META_LATIN + TITLE).encode(), None, "utf-8"),
        (codecs.BOM_UTF8 + TITLE.encode(), LATIN, "utf-8"),
        (TITLE.encode("cp1252"), UTF8, "cp1252"),
        (TITLE.encode("utf-16"), UTF8, "utf-16-le"),
        (TITLE.encode(), "text/html; charset=utf-16", "utf-8"),
        (TITLE.encode(), "text/html; charset=klingon", "utf-8"),
        (TITLE.encode(), "text/html; charset=", "utf-8"),
        (TITLE.encode(), "text/html; charset=base64", "utf-8"),
        (TITLE.encode(), "text/html; charset=unicode_escape", "utf-8"),
        (TITLE.encode(), "text/html; charset=utf-7", "utf-8"),
        (TITLE.encode(), "text/html; charset=" + "x" * 9999, "utf-8"),
    ],
)
def test_the_title_arrives_whole(data: bytes, content_type: str | None, encoding: str) -> None:
    text, read_as = decode(data, content_type)
    assert read_as == encoding
    assert TITLE in text or not data
    assert not text.startswith("\N{ZERO WIDTH NO-BREAK SPACE}")


@pytest.mark.parametrize(
    ("data", "content_type", "wanted"),
    [
        (TITLE.encode(), UTF8, (TITLE, "utf-8", False)),
        (codecs.BOM_UTF8 + TITLE.encode(), None, (TITLE, "utf-8", False)),
        (TITLE.encode("cp1252"), "text/html; charset=iso-8859-1", (TITLE, "cp1252", False)),
        (TITLE.encode() + "ç".encode()[:1] + b"<p>", UTF8, (TITLE + "\N{REPLACEMENT CHARACTER}<p>", "utf-8", True)),
        (f"{TITLE}\N{REPLACEMENT CHARACTER}".encode(), UTF8, (f"{TITLE}\N{REPLACEMENT CHARACTER}", "utf-8", True)),
    ],
)
def test_a_page_in_any_encoding_is_kept_in_utf8(
    data: bytes, content_type: str | None, wanted: tuple[str, str, bool]
) -> None:
    """The parser takes bytes: what came as UTF-8 is not decoded and encoded again, its broken places are mended."""
    text, encoding, is_broken = wanted
    assert to_utf8(data, content_type) == (text.encode(), encoding, is_broken)


def test_other_charsets_are_read_as_declared() -> None:
    assert decode("<p>値段".encode("shift_jis"), "text/html; charset=Shift_JIS") == ("<p>値段", "shift_jis")
    assert decode("<p>цена".encode("koi8-r"), "text/html; charset=koi8-r") == ("<p>цена", "koi8-r")


def test_a_broken_place_in_a_utf8_page_is_visible_and_the_rest_is_whole() -> None:
    """A shop that cuts a text in the middle of a letter does not turn the whole page to mojibake."""
    data = TITLE.encode() + "<p>coraç".encode()[:-1] + b"</p>"
    text, encoding = decode(data, UTF8)
    assert encoding == "utf-8"
    assert text == TITLE + "<p>cora\N{REPLACEMENT CHARACTER}</p>"


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(NotHtml):
        decode(b"<\x81\x8d\x8f\x90\x9d\xff\xfe\xfd")


@given(st.text(max_size=300), st.sampled_from(["utf-8", "utf-16", "cp1252", "iso-8859-15"]))
def test_what_is_encoded_as_declared_is_read_back(text: str, encoding: str) -> None:
    """But for one-byte text that happens to be valid UTF-8, which is taken for UTF-8."""
    try:
        data = f"<p>{text}".encode(encoding)
    except UnicodeEncodeError:
        return
    got, read_as = decode(data, f"text/html; charset={encoding}")
    assert got == f"<p>{text}" or (read_as == "utf-8" and got.encode() == data)


@given(st.binary(max_size=300), st.none() | st.text(max_size=40))
def test_any_bytes_give_text_or_a_refusal(data: bytes, content_type: str | None) -> None:
    try:
        text, _ = decode(data, content_type)
    except NotHtml:
        return
    assert len(text) <= len(data)
