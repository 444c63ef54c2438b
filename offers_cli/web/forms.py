"""The fields of the forms that filter lists, and the addresses that stand for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from flask import url_for
from werkzeug.datastructures import MultiDict


def without_empty(fields: MultiDict[str, str]) -> dict[str, list[str]] | None:
    """What a form says without the fields that were left empty, for a shorter address; None where none was."""
    if all(value.strip() for _, value in fields.items(multi=True)):
        return None
    return {name: given for name in fields if (given := [value for value in fields.getlist(name) if value.strip()])}


def list_address(endpoint: str, fields: Mapping[str, str | Sequence[str]]) -> str:
    """The address of a list with these fields. They are a stranger's words: to `url_for` some would be orders."""
    query = urlencode(fields, doseq=True)
    return f"{url_for(endpoint)}?{query}" if query else url_for(endpoint)
