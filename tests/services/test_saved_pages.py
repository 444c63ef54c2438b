"""What a browser's files hold: pages, their addresses, and when they were saved."""

from __future__ import annotations

import base64
import io
import json
import quopri
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from offers_cli.errors import NotFound
from offers_cli.services import saved_pages
from offers_cli.services.saved_pages import Found, SavedPage, Unreadable, find_files, read_file, read_stream

PAGE = "<!DOCTYPE html><html><head></head><body><p>Preço: R$ 1.949,05 = café</p></body></html>"
URL = "https://produto.mercadolivre.com.br/MLB-1-x-_JM"
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def read(content: bytes, **known: Any) -> list[Found]:
    return list(read_stream(io.BufferedReader(io.BytesIO(content)), name="file", **{"saved_at": None, **known}))


def one(content: bytes, **known: Any) -> SavedPage:
    [found] = read(content, **known)
    assert isinstance(found, SavedPage), found
    return found


def refusal(content: bytes) -> str:
    [found] = read(content)
    assert isinstance(found, Unreadable), found
    return found.error.code


def mhtml(
    body: bytes, *headers: str, head: tuple[str, ...] = (), boundary: str = "----MultipartBoundary--x----"
) -> bytes:
    lines = [
        "From: <Saved by Blink>",
        f"Snapshot-Content-Location: {URL}",
        "Subject: =?utf-8?Q?Pre=C3=A7o?=",
        "Date: Sun, 1 Mar 2026 09:00:00 -0300",
        "MIME-Version: 1.0",
        'Content-Type: multipart/related;\r\n\ttype="text/html";\r\n\tboundary="' + boundary + '"',
        *head,
        "",
        "",
        f"--{boundary}",
        "Content-Type: text/html",
        *headers,
        "",
        "",
    ]
    other = f"\r\n--{boundary}\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return "\r\n".join(lines).encode() + body + other.encode() + b"AAAA\r\n" * 10_000 + f"--{boundary}--\r\n".encode()


QUOTED = quopri.encodestring(PAGE.encode())


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (QUOTED, ("Content-Transfer-Encoding: quoted-printable", f"Content-Location: {URL}")),
        (QUOTED.replace(b"\n", b"\r\n"), ("Content-Transfer-Encoding: quoted-printable",)),
        (base64.encodebytes(PAGE.encode()), ("Content-Transfer-Encoding: base64",)),
        (PAGE.encode(), ("Content-Transfer-Encoding: binary",)),
    ],
)
def test_the_main_document_of_a_single_file_page_is_read(body: bytes, headers: tuple[str, ...]) -> None:
    page = one(mhtml(body, *headers))
    assert page.text.strip() == PAGE
    assert (page.url, page.saved_at) == (URL, AT)


def test_an_mhtml_page_in_another_charset_is_decoded_by_its_own_word() -> None:
    content = mhtml(PAGE.encode("iso-8859-1"), "Content-Transfer-Encoding: 8bit")
    page = one(content.replace(b"Content-Type: text/html\r\n", b"Content-Type: text/html; charset=iso-8859-1\r\n"))
    assert page.text.strip() == PAGE


def test_a_folded_address_and_a_missing_date_are_no_trouble() -> None:
    content = mhtml(QUOTED, "Content-Transfer-Encoding: quoted-printable")
    content = content.replace(b"MLB-1-x", b"MLB-1-\r\n x").replace(b"Date: Sun,", b"Date: none,")
    page = one(content, saved_at=AT)
    assert (page.url, page.saved_at) == (URL, AT)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (mhtml(b"x" * (saved_pages.MOST_PART_BYTES + 1)), "too_large"),
        (mhtml(QUOTED).replace(b"Content-Type: text/html", b"Content-Type: text/css"), "not_html"),
        (b"Content-Type: multipart/related; boundary=b\r\n" + b"X: y\r\n" * 100_000, "not_html"),
        (b"<html>" + b"x" * (10 * 2**20), "too_large"),
        (b'{"log": {"entries": [' + b"[" * 100_000, "not_html"),
    ],
)
def test_what_cannot_be_read_is_refused_by_code(content: bytes, code: str) -> None:
    assert refusal(content) == code


def entry(text: str | None, *, url: str = URL, at: str = "2026-03-01T12:00:00.000Z", **more: Any) -> dict[str, Any]:
    content: dict[str, Any] = {"size": 1, "mimeType": "text/html; charset=utf-8", **more.pop("content", {})}
    if text is not None:
        content["text"] = text
    request = {"method": "GET", "url": url, "headers": []}
    return {"startedDateTime": at, "request": request, "response": {"status": 200, "content": content}, **more}


def har(*entries: object, **more: Any) -> bytes:
    log = {"version": "1.2", "pages": [{"title": 'x "entries": [ y'}], **more, "entries": list(entries), "comment": "z"}
    return json.dumps({"log": log}, indent=1).encode()


def test_the_documents_of_a_har_are_read_and_nothing_else() -> None:
    in_base64 = entry(base64.b64encode(PAGE.encode()).decode(), url=f"{URL}2", content={"encoding": "base64"})
    redirect, post, picture = entry(PAGE), entry(PAGE), entry("x")
    redirect["response"]["status"], post["request"]["method"] = 302, "POST"
    picture["response"]["content"]["mimeType"] = "image/png"
    script = entry(PAGE, _resourceType="fetch")
    odd: list[object] = [
        None,
        7,
        [],
        {"request": 1},
        {"response": {"content": 1}},
        entry(None, content={"mimeType": 5}),
    ]
    found = read(har(redirect, *odd, entry(PAGE), post, picture, script, in_base64))
    assert [(page.url, page.text) for page in found if isinstance(page, SavedPage)] == [(URL, PAGE), (f"{URL}2", PAGE)]
    assert {page.saved_at for page in found if isinstance(page, SavedPage)} == {AT}
    assert len(found) == 2


def test_a_page_without_content_and_a_damaged_one_are_refused_and_the_rest_goes_on() -> None:
    damaged = entry("%%%", content={"encoding": "base64"})
    large = entry("x" * (10 * 2**20 + 1))
    undated = entry(PAGE)
    del undated["startedDateTime"]
    odd = [entry(PAGE, at=moment) for moment in ("yesterday", "0001-01-01T00:00:00+23:59", "")]
    found = read(har(entry(None), damaged, large, undated, *odd, entry(PAGE)), saved_at=AT)
    codes = [each.error.code for each in found if isinstance(each, Unreadable)]
    assert codes == ["not_html", "not_html", "too_large"]
    assert [each.saved_at for each in found if isinstance(each, SavedPage)] == [AT] * 5


def test_what_stands_before_the_damage_of_a_har_is_read() -> None:
    whole = har(entry(PAGE), entry(PAGE))
    found = read(whole[:-200])
    assert [type(each) for each in found] == [SavedPage, Unreadable]


def test_a_har_is_never_held_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of forty megabytes at most a few are in memory at a time."""
    filler = entry("y" * 400_000)
    filler["response"]["content"]["mimeType"] = "text/javascript"
    content = har(*([filler] * 100), entry(PAGE))
    tracemalloc.start()
    try:
        [page] = read(content)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(page, SavedPage)
    assert peak < len(content) / 3
    monkeypatch.setattr(saved_pages, "MOST_ENTRY_BYTES", 100_000)
    assert refusal(content) == "too_large"


def test_wide_characters_of_a_recorded_text_count_as_the_memory_that_they_take(monkeypatch: pytest.MonkeyPatch) -> None:
    """One emoji makes four bytes of each character: what a shop sent must not cost half a gigabyte."""
    monkeypatch.setattr(saved_pages, "MOST_ENTRY_BYTES", 3 * 2**20)
    script = entry("\U0001f600" + "y" * 1_500_000)
    script["response"]["content"]["mimeType"] = "text/javascript"
    escaped = har(script, entry(PAGE))
    assert one(escaped).text == PAGE
    assert refusal(escaped.replace(b"\\ud83d\\ude00", "\U0001f600".encode())) == "too_large"


def test_a_saved_page_of_millions_of_empty_lines_is_refused_before_they_are_held() -> None:
    head = b"From: <Saved by Blink>\nContent-Type: text/html; charset=utf-8\n\n"
    assert refusal(head + b"\n" * 600_000) == "too_large"


def test_html_is_read_in_its_own_encoding_and_is_of_the_time_its_file_was_written(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(b'<meta charset="iso-8859-1">' + PAGE.encode("iso-8859-1"))
    [page] = read_file(path)
    assert isinstance(page, SavedPage)
    assert PAGE in page.text
    assert page.saved_at == datetime.fromtimestamp(path.stat().st_mtime, UTC)
    [missing] = read_file(tmp_path / "none")
    assert isinstance(missing, Unreadable)


def test_a_folder_gives_its_pages_and_not_their_parts(tmp_path: Path) -> None:
    for name in ("b.html", "a.MHTML", "c/d.har", "b_files/ad.html", "b_arquivos/x.htm", ".hidden/e.html", "f.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert [str(path.relative_to(tmp_path)) for path in find_files(tmp_path)] == ["a.MHTML", "b.html", "c/d.har"]
    with pytest.raises(NotFound):
        find_files(tmp_path / ".hidden" / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFound, match="no saved page"):
        find_files(tmp_path / "empty")
