"""The affiliates' programme: its calls, the links it makes and why it refuses them. Text in, values out.

Source: observed use of an undocumented interface (link builder, v2). HTTP says 200 whatever became of the single
addresses, items come in any order, and asking twice for the same product and label gives the same link.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from offers_cli.errors import MEND_LABEL, LabelRefused, LinkRefused, PageBlocked, PageChanged, WorkError
from offers_cli.marketplaces.bounds import refuse_unbounded_json
from offers_cli.marketplaces.html import split
from offers_cli.marketplaces.mercado_livre.sites import SHORT_HOST
from offers_cli.marketplaces.mercado_livre.state import Json, dicts, dig, text_in
from offers_cli.marketplaces.mercado_livre.urls import is_owned

BUILDER_PAGE = "/afiliados/linkbuilder"
CREATE_CALL = "/affiliate-program/api/v2/affiliates/createLink"
UNKNOWN_LABEL_REST_S = 900.0
"""A label that the programme does not know is not tried again for so long: only a person can mend that."""
UNKNOWN_LABEL = 109

REFUSALS = {
    100: "it is not an address of Mercado Livre",
    101: "the address is badly formed",
    102: "the address has an error",
    107: "the address is empty",
    108: "it belongs to Mercado Livre of another country",
    110: "it is not a product",
    111: "the product is not allowed in the affiliates' programme",
    115: "used products are not allowed",
    116: "it is a shortened link already",
    1001: "it is not a product",
    1002: "used products are not allowed",
    1003: "the product has no price",
    1004: "the product is paused",
    1005: "the product has no photo",
    1006: "the seller's reputation is too low",
    1008: "the product does not meet the requirements of the programme",
}
"""What the link builder's codes mean; they are about one product, for good."""

_TOKENS = (
    re.compile(r"""<meta\b[^>]{0,200}\bname=["']?csrf-token["']?[^>]{0,200}\bcontent=["']([^"'<>]+)""", re.IGNORECASE),
    re.compile(r"""<meta\b[^>]{0,200}\bcontent=["']([^"'<>]+)["'][^>]{0,200}\bname=["']?csrf-token""", re.IGNORECASE),
    re.compile(r'"csrfToken"\s*:\s*"([^"\\]+)"'),
)
_TOKEN = re.compile(r"[!-~]{8,200}")
_PASTE_CODE = re.compile(r"\b[A-Z0-9]{6}-[A-Z0-9]{4}\b")
_LABEL_REFUSED = re.compile(r"\b(?:tag|etiqueta)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An affiliate link.

    Attributes:
        affiliation_id: the code that followers paste into the shop's search; None where the programme gave none.
    """

    url: str
    affiliation_id: str | None


def find_csrf_token(page: str) -> str | None:
    """The token that calls from that page must carry; None on a page for strangers."""
    found = (pattern.search(page) for pattern in _TOKENS)
    tokens = (html.unescape(match[1]) for match in found if match)
    return next((token for token in tokens if _TOKEN.fullmatch(token)), None)


def label_of(url: str) -> str | None:
    """The label ("etiqueta") that a long link credits; None where the address has none, or several."""
    labels = set(parse_qs(split(url).query).get("matt_word", ()))
    return labels.pop() if len(labels) == 1 else None


def paste_code_in(text: str) -> str | None:
    """The code in a text that finds a product in the shop's search, or None."""
    found = _PASTE_CODE.search(text)
    return found[0] if found else None


def create_body(urls: Sequence[str], tag: str) -> Json:
    """The body that asks for links with that label."""
    return {"urls": list(urls), "tag": tag}


def read_json(text: str) -> Any:
    """The data of a call's response, which is JSON, or JSON as base64.

    Raises:
        PageBlocked: it is a page.
        PageChanged: it is neither.
        TooLarge: it is more data than is read.
    """
    if text.lstrip("\ufeff \t\r\n").startswith("<"):
        raise PageBlocked("got an HTML page instead of JSON from the affiliate's account (blocked)")
    data = _loads(text)
    if data is None or isinstance(data, str):
        try:
            packed = base64.b64decode("".join((data or text).split()), validate=True).decode()
        except ValueError:
            packed = ""
        data = _loads(packed)
    if data is None:
        raise PageChanged("unexpected response from the affiliate's account: not JSON")
    return data


def _loads(text: str) -> Any:
    """What a JSON text says; None where it is none."""
    refuse_unbounded_json(text.encode(errors="replace"))
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def read_links(data: Any, urls: Sequence[str], tag: str, *, link_host: str) -> Mapping[str, Link | WorkError]:
    """What became of each address asked for: its link, or why there is none.

    Args:
        link_host: host and port, beside the marketplace's own, that links may lead to.

    Raises:
        LabelRefused: the programme does not know the label.
        PageChanged: the response has no items.
    """
    items = dig(data, "urls")
    if not isinstance(items, list):
        raise PageChanged("the link builder's response has no items")
    by_url: dict[str, list[Json]] = defaultdict(list)
    for item in dicts(items):
        by_url[str(item.get("origin_url"))].append(item)
    return {url: _outcome(by_url.get(url, []), tag, link_host) for url in urls}


def _outcome(items: Sequence[Json], tag: str, link_host: str) -> Link | WorkError:
    if not items:
        return PageChanged("the link builder's response does not include this address")
    outcomes = [_read_item(item, tag, link_host) for item in items]
    if len({(outcome.url if isinstance(outcome, Link) else str(outcome)) for outcome in outcomes}) > 1:
        return PageChanged("the link builder gave two answers for this address")
    return outcomes[0]


def _read_item(item: Json, tag: str, link_host: str) -> Link | WorkError:
    link = text_in(item.get("short_url"))
    if link is None or item.get("error_code"):
        return _refusal(item, tag)
    labels = {label for label in (text_in(item.get("tag")), label_of(text_in(item.get("long_url")) or "")) if label}
    if labels != {tag}:
        return PageChanged(f"the link credits {', '.join(sorted(labels)) or 'nobody'}, not the label {tag}")
    if not _is_link(link, link_host):
        return PageChanged("the link leads to a host outside the marketplace")
    return Link(url=link, affiliation_id=paste_code_in(text_in(item.get("text")) or ""))


def _refusal(item: Json, tag: str) -> WorkError:
    """Why an item has no link; an unknown label is no fault of the product."""
    code, said = _code_of(item), text_in(item.get("message"))
    if code == UNKNOWN_LABEL or (code not in REFUSALS and said and _LABEL_REFUSED.search(said)):
        why = (said or "no reason given")[:200]
        raise LabelRefused(
            f"the affiliates' programme does not accept the label {tag}: {why}",
            hint=MEND_LABEL,
            retry_after_s=UNKNOWN_LABEL_REST_S,
        )
    if code is None and said is None:
        return PageChanged("the link builder gave neither a link nor a reason")
    why = REFUSALS.get(code or 0) or said or "no reason given"
    return LinkRefused(f"the affiliates' programme refuses the product: {why[:200]} (code {code})")


def _code_of(item: Json) -> int | None:
    code = item.get("error_code")
    return int(code) if isinstance(code, int | str) and re.fullmatch(r"[0-9]{1,6}", str(code), re.ASCII) else None


def _is_link(url: str, link_host: str) -> bool:
    parts = split(url)
    if parts.netloc == link_host:
        return parts.scheme in {"https", "http"}
    return parts.scheme == "https" and (parts.hostname == SHORT_HOST or is_owned(url))
