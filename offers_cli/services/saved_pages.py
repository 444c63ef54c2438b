"""Saved pages: what a browser's files hold, page by page: HTML, MHTML ("web page, single file"), HAR, a folder of them.

A file is known by how it begins, not by its name. However large it is, no more of it is held than one page: of an
MHTML file the main document is read and the pictures are left, a HAR file is read entry by entry.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import email
import io
import json
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from offers_cli.errors import NotFound, NotHtml, OffersError, PageError, TooLarge, UsageError
from offers_cli.fetch.response import MAX_PAGE_BYTES, decode

SUFFIXES = (".html", ".htm", ".xhtml", ".mhtml", ".mht", ".har")
"""What the names of saved pages in a folder end with."""
PARTS_OF_A_PAGE = re.compile(r"_(?:files|arquivos|archivos)$", re.IGNORECASE)
"""The folder that a browser saves beside a page, with its pictures and frames."""
MHTML_HEAD = re.compile(
    rb"\AFrom: <Saved by|^content-type:[ \t]*(?:multipart/related|text/html)", re.IGNORECASE | re.MULTILINE
)
HAR_HEAD = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*\{\s*\"log\"\s*:\s*\{")
ENTRIES = re.compile(r'(?<!\\)"entries"\s*:\s*\[')
BETWEEN_ENTRIES = re.compile(r"[\s,]*")
HTML = ("text/html", "application/xhtml+xml")
MOST_HEADER_BYTES = 256 * 1024
MOST_PART_BYTES = 3 * MAX_PAGE_BYTES + 2**20
"""Of a page in quoted-printable, which may write three characters for one."""
MOST_LINES = 500_000
"""Of a page in lines of 76 characters, as quoted-printable is written."""
MOST_ENTRY_BYTES = 33 * 2**20
"""In memory, where one wide character makes four bytes of each; twice as much is held while more is read."""
READ_AT_ONCE = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPage:
    """One page of a file.

    Attributes:
        name: the file, for messages.
        url: the address that the file gives the page; empty where only the page itself may tell.
        saved_at: when the browser got or saved it; None where nothing tells.
        is_recorded: one of all the pages that a browser loaded, not one that a person chose to save.
    """

    name: str
    text: str
    url: str
    saved_at: datetime | None
    is_recorded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A file, or a page of one, that cannot be read, and why."""

    name: str
    url: str
    error: OffersError


Found = SavedPage | Unreadable


def find_files(path: Path) -> list[Path]:
    """The file itself, or the saved pages below a folder, in order.

    Raises:
        NotFound: there is nothing of that name, or no saved page in that folder.
        UsageError: we may not look there, with the system's reason.
    """
    try:
        is_folder = stat.S_ISDIR(path.stat().st_mode)
    except FileNotFoundError as exc:
        raise NotFound(f"{path}: no such file", hint="check the path") from exc
    except OSError as exc:
        raise UsageError(f"{path} cannot be read: {exc.strerror}", hint="check the path") from exc
    if not is_folder:
        return [path]
    found = []
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not PARTS_OF_A_PAGE.search(name) and not name.startswith("."))
        found += [Path(folder, name) for name in sorted(names) if name.lower().endswith(SUFFIXES)]
    if not found:
        raise NotFound(f"{path}: no saved page below it", hint=f"their names end with {', '.join(SUFFIXES)}")
    return found


def read_file(path: Path) -> Iterator[Found]:
    """The pages of one file."""
    try:
        with path.open("rb") as file:
            at = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
            yield from read_stream(file, name=str(path), saved_at=at)
    except OSError as exc:
        error = UsageError(f"{path} cannot be read: {exc.strerror}", hint="check the path")
        yield Unreadable(name=str(path), url="", error=error)


def read_stream(file: io.BufferedReader[Any], *, name: str, saved_at: datetime | None) -> Iterator[Found]:
    """The pages of what is read from an open file.

    Args:
        saved_at: when it was saved, where it does not tell that itself.
    """
    head = file.peek()
    try:
        if HAR_HEAD.match(head):
            yield from _har(file, name=name, saved_at=saved_at)
        elif not head.lstrip().startswith((b"<", b"\xef\xbb\xbf<")) and MHTML_HEAD.search(head):
            yield _mhtml(file, name=name, saved_at=saved_at)
        else:
            content = file.read(MAX_PAGE_BYTES + 1)
            yield SavedPage(name=name, text=_page(content, None), url="", saved_at=saved_at)
    except PageError as error:
        yield Unreadable(name=name, url="", error=error)


def _page(content: bytes, content_type: str | None) -> str:
    if len(content) > MAX_PAGE_BYTES:
        raise TooLarge(f"larger than a page may be ({MAX_PAGE_BYTES // 2**20} MB)", hint="is it a page?")
    return decode(content, content_type)[0]


# MHTML (RFC 2557): a message whose first part is the page


def _mhtml(file: io.BufferedReader[Any], *, name: str, saved_at: datetime | None) -> SavedPage:
    head, part = _headers(file), None
    boundary = head.get_boundary()
    if boundary is not None:
        _body(file, boundary)
        part = _headers(file)
    main = part or head
    if main.get_content_type() not in HTML:
        raise NotHtml(f"its main document is {main.get_content_type()}", hint="save the page itself")
    main.set_payload(_body(file, boundary).decode("latin-1"))
    content = main.get_payload(decode=True)
    with suppress(TypeError, ValueError, OverflowError):
        saved_at = _with_zone(parsedate_to_datetime(str(head["Date"])))
    return SavedPage(
        name=name,
        text=_page(content if isinstance(content, bytes) else b"", main.get("Content-Type")),
        url=_address(head.get("Snapshot-Content-Location") or main.get("Content-Location")),
        saved_at=saved_at,
    )


def _headers(file: io.BufferedReader[Any]) -> Message:
    lines, size = [], 0
    while (line := file.readline(MOST_HEADER_BYTES)).strip():
        lines.append(line)
        size += len(line)
        if size > MOST_HEADER_BYTES:
            raise NotHtml("its headers do not end", hint="is it a page that a browser saved?")
    return email.message_from_bytes(b"".join(lines))


def _body(file: io.BufferedReader[Any], boundary: str | None) -> bytes:
    """What stands before the next boundary, or before the end where there is none."""
    end = None if boundary is None else b"--" + boundary.encode("latin-1", "replace")
    lines, size = [], 0
    while line := file.readline(READ_AT_ONCE):
        if end is not None and line.startswith(end):
            break
        lines.append(line)
        size += len(line)
        if size > MOST_PART_BYTES or len(lines) > MOST_LINES:
            raise TooLarge(f"larger than a page may be ({MAX_PAGE_BYTES // 2**20} MB)", hint="is it a page?")
    return b"".join(lines)


def _address(header: object) -> str:
    """The address in a header, which may be folded."""
    address = "".join(str(header or "").split())
    return address if address.startswith(("https://", "http://")) else ""


def _with_zone(moment: datetime) -> datetime:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


# HAR (http://www.softwareishard.com/blog/har-12-spec/): what a browser's network tab recorded


def _har(file: io.BufferedReader[Any], *, name: str, saved_at: datetime | None) -> Iterator[Found]:
    for entry in _entries(file):
        request, response = _part(entry, "request"), _part(entry, "response")
        content = _part(response, "content")
        if not _is_document(entry, request, response, content):
            continue
        url = _address(request.get("url"))
        at = saved_at
        with suppress(TypeError, ValueError, OverflowError):
            at = _with_zone(datetime.fromisoformat(entry.get("startedDateTime")))  # type: ignore[arg-type]
        try:
            text = _content(content)
        except PageError as error:
            yield Unreadable(name=name, url=url, error=error)
            continue
        yield SavedPage(name=name, text=text, url=url, saved_at=at, is_recorded=True)


def _part(place: dict[str, Any], name: str) -> dict[str, Any]:
    part = place.get(name)
    return part if isinstance(part, dict) else {}


def _is_document(
    entry: dict[str, Any], request: dict[str, Any], response: dict[str, Any], content: dict[str, Any]
) -> bool:
    """Whether an entry is a document that was shown; not a redirect, a picture, or what a script asked for."""
    kind = str(content.get("mimeType") or "").partition(";")[0].strip().lower()
    is_document = entry.get("_resourceType") in (None, "document")
    return is_document and kind in HTML and request.get("method") == "GET" and response.get("status") == 200


def _content(content: dict[str, Any]) -> str:
    text = content.get("text")
    if not isinstance(text, str) or not text:
        raise NotHtml("the file holds no content of this page", hint='save it again as "HAR with content"')
    if content.get("encoding") == "base64":
        if len(text) > MAX_PAGE_BYTES * 2:
            raise TooLarge(f"larger than a page may be ({MAX_PAGE_BYTES // 2**20} MB)", hint="is it a page?")
        try:
            return _page(base64.b64decode(text, validate=True), str(content.get("mimeType")))
        except binascii.Error as exc:
            raise NotHtml("its content is damaged", hint="save it again") from exc
    return _page(text.encode("utf-8", "surrogatepass"), "text/html; charset=utf-8")


def _entries(file: io.BufferedReader[Any]) -> Iterator[dict[str, Any]]:
    """The entries one by one, of a file of any size.

    Raises:
        NotHtml: the file is damaged or ends early.
        TooLarge: one entry is larger than any page.
    """
    decoder, to_text = json.JSONDecoder(), codecs.getincrementaldecoder("utf-8-sig")("replace")
    text, place = "", 0
    while True:
        if not place and (start := ENTRIES.search(text)):
            place = start.end()
        if place:
            place = BETWEEN_ENTRIES.match(text, place).end()  # type: ignore[union-attr]  # it matches nothing, too
            if text.startswith("]", place):
                return
            try:
                entry, place = decoder.raw_decode(text, place)
            except (ValueError, RecursionError):
                pass  # the rest of the entry has not been read yet, or it is damaged
            else:
                if isinstance(entry, dict):
                    yield entry
                continue
        left = len(text) - place
        if left * sys.getsizeof(text) > MOST_ENTRY_BYTES * len(text):
            raise TooLarge(
                f"one of its entries is larger than {MOST_ENTRY_BYTES // 2**20} MB", hint="record less at once"
            )
        # As much again as could not be read: what is read twice stays a part of the whole.
        more = file.read(max(READ_AT_ONCE, left))
        if not more:
            raise NotHtml("the file is damaged, or ends early; what stands before is read", hint="save it again")
        text, place = text[place - 1 :] if place else text, 1 if place else 0
        text += to_text.decode(more)
