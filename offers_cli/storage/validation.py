"""What may be stored: checked here once, so that both storages refuse the same rows for the same reasons.

What an offer cannot do without is refused when it is wrong; an optional value that is wrong is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from offers_cli.money import MAX_CENTS
from offers_cli.offer import DiscountKind, Enrichment, EnrichmentFailure, Facts, Offer, PriceCondition, url_problem
from offers_cli.storage.base import OfferFilter, Place, RefusedOffer
from offers_cli.storage.rules import EnrichmentResult
from offers_cli.times import iso_utc, to_utc

MAX_ID_CHARS = 200
MAX_LINK_CHARS = 8_000
MAX_TITLE_CHARS = 1_000
MAX_FACT_CHARS = 300
MAX_INSTALMENTS = 120
MAX_RATING = 500
MAX_COUNT = 10**12

Word = TypeVar("Word", bound=StrEnum)
Noun = TypeVar("Noun", Offer, Enrichment)


def _number(value: object, *, least: int, most: int) -> int | None:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return value if is_whole and least <= value <= most else None  # type: ignore[return-value,operator]


def _words(value: object, *, most_chars: int) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= most_chars and is_storable(value) else None


def _price(value: object, name: str) -> int:
    price_cents = _number(value, least=1, most=MAX_CENTS)
    if price_cents is None:
        raise ValueError(f"{name} is not a price in cents: {value!r}")
    return price_cents


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name} is not a text: {value!r}")  # noqa: TRY004 (one kind of error for what is refused)
    return value


def _word(value: object, name: str) -> str:
    text = _text(value, name)
    if not text:
        raise ValueError(f"{name} is empty")
    if len(text) > MAX_ID_CHARS:
        raise ValueError(f"{name} is longer than {MAX_ID_CHARS} characters")
    if not is_storable(text):
        raise ValueError(f"{name} holds characters that no database stores")
    return text


def _title(value: object, name: str) -> str:
    title = storable_text(_text(value, name))
    if not title:
        raise ValueError(f"{name} is empty")
    return title


def _address(value: object, name: str) -> str:
    url = _text(value, name)
    if problem := url_problem(url):
        raise ValueError(f"{name} {problem}")
    return url


def _yes_or_no(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _moment(value: object) -> str | None:
    text = _words(value, most_chars=MAX_FACT_CHARS)
    try:
        return text and iso_utc(to_utc(datetime.fromisoformat(text)))
    except (ValueError, OverflowError):
        return None


def _one_of(words: type[Word]) -> Callable[[object], Word | None]:
    by_text = {word.value: word for word in words}
    return lambda value: by_text.get(value) if isinstance(value, str) else None


def _facts(value: object) -> Facts:
    """Those of the facts that may be stored."""
    if not isinstance(value, Facts):
        return Facts()
    known = value.known()
    valid = {name: FACT_CHECKS[name](fact) for name, fact in known.items()}
    return value if valid == known else Facts.of(valid)


REQUIRED: dict[str, Callable[[object, str], Any]] = {
    "price_cents": _price,
    "marketplace": _word,
    "external_id": _word,
    "title": _title,
    "url": _address,
    "currency": _word,
    "source": _word,
}
"""What an offer cannot do without: the check of each field, which gives the value as stored or raises `ValueError`."""
_percent = partial(_number, least=0, most=100)
_cents = partial(_number, least=1, most=MAX_CENTS)
_id = partial(_words, most_chars=MAX_ID_CHARS)
_link = partial(_words, most_chars=MAX_LINK_CHARS)
_fact = partial(_words, most_chars=MAX_FACT_CHARS)
_count = partial(_number, least=0, most=MAX_COUNT)
FACT_CHECKS: dict[str, Callable[[object], Any]] = {
    "installments_count": partial(_number, least=1, most=MAX_INSTALMENTS),
    "installment_cents": _cents,
    "interest_free": _yes_or_no,
    "free_shipping": _yes_or_no,
    "free_shipping_note": _fact,
    "full": _yes_or_no,
    "badge": _fact,
    "badge_until": _moment,
    "coupon_label": _fact,
    "coupon_cents": _cents,
    "coupon_pct": partial(_number, least=1, most=100),
    "coupon_min_cents": _cents,
    "rating_hundredths": partial(_number, least=1, most=MAX_RATING),
    "reviews": _count,
    "sold_at_least": _count,
    "seller": _fact,
    "official_store": _yes_or_no,
    "brand": _fact,
    "category": _fact,
}
"""The check of each fact, as of `OPTIONAL`."""
OPTIONAL: dict[str, Callable[[object], Any]] = {
    "old_price_cents": _cents,
    "suspect_old_price_cents": _cents,
    "discount_pct": _percent,
    "price_condition": _one_of(PriceCondition),
    "card_price_cents": _cents,
    "discount_kind": _one_of(DiscountKind),
    "facts": _facts,
    "commission_pct": _percent,
    "image_url": _link,
    "item_id": _id,
    "catalogue_id": _id,
    "affiliate_link": _link,
    "affiliation_id": _id,
}
"""The rest: the check of each field, which gives the value as stored, or None where it is none; facts without them."""
_OPTIONAL_OF = {
    noun: [(spec.name, OPTIONAL[spec.name]) for spec in fields(noun) if spec.name in OPTIONAL]
    for noun in (Offer, Enrichment)
}


def valid_card(card: Offer) -> Offer:
    """The card as it may be stored; raises `ValueError` with the reason when it may not."""
    required = {name: check(getattr(card, name), name) for name, check in REQUIRED.items()}
    return _replaced(card, required | _optional_of(card, required["price_cents"]))


def valid_enrichment(found: Enrichment) -> Enrichment:
    """The enrichment as it may be stored; raises `ValueError` with the reason when it may not."""
    price_cents = None if found.price_cents is None else _price(found.price_cents, "price_cents")
    title = storable_text(found.title) if found.title else None
    valid = {"observed_at": to_utc(found.observed_at), "price_cents": price_cents, "title": title}
    return _replaced(found, valid | _optional_of(found, price_cents or 0))


def _replaced(noun: Noun, valid: Mapping[str, Any]) -> Noun:
    """The noun with these values; most have them already, and a new one costs more than all checks of it."""
    other = {name: value for name, value in valid.items() if value is not getattr(noun, name)}
    return replace(noun, **other) if other else noun


def _optional_of(noun: Offer | Enrichment, price_cents: int) -> dict[str, Any]:
    """Its optional fields as stored; an old price or a card's that is not above the price is none."""
    valid = {name: check(getattr(noun, name)) for name, check in _OPTIONAL_OF[type(noun)]}
    for name in ("old_price_cents", "card_price_cents"):
        if valid[name] is not None and valid[name] <= price_cents:
            valid[name] = None
    if valid["old_price_cents"] is None:
        valid["discount_kind"] = None
    return valid


def whole_enrichment(found: Enrichment, *, price_cents: int) -> Enrichment:
    """The enrichment as it is stored, for values that somebody gives on purpose: none of them may be left out.

    Args:
        price_cents: the price as stored, for an old price that is given without one.

    Raises:
        ValueError: the value that cannot be stored, and its name.
    """
    valid = valid_enrichment(replace(found, price_cents=price_cents) if found.price_cents is None else found)
    for name, _ in _OPTIONAL_OF[Enrichment]:
        value = getattr(found, name)
        if value is not None and getattr(valid, name) != value:
            raise ValueError(f"{name} cannot be stored: {str(value)[:100]!r}")
    return replace(valid, price_cents=found.price_cents)


def valid_failure(failure: EnrichmentFailure) -> EnrichmentFailure:
    """The failure with a message that can be stored; raises `ValueError` for a time without zone."""
    return replace(failure, observed_at=to_utc(failure.observed_at), message=storable_text(failure.message))


def valid_cards(cards: Iterable[Offer]) -> tuple[list[Offer], list[RefusedOffer]]:
    """The cards that may be stored, and those that may not, with the reason."""
    valid: list[Offer] = []
    refused: list[RefusedOffer] = []
    for card in cards:
        try:
            valid.append(valid_card(card))
        except ValueError as exc:
            refused.append(RefusedOffer(external_id=card.external_id, reason=str(exc)))
    return valid, refused


def valid_results(results: Iterable[EnrichmentResult]) -> tuple[list[EnrichmentResult], dict[str, str]]:
    """The results that may be stored, and by offer id why others may not."""
    valid: list[EnrichmentResult] = []
    refused: dict[str, str] = {}
    for result in results:
        try:
            valid.append(valid_enrichment(result) if isinstance(result, Enrichment) else valid_failure(result))
        except ValueError as exc:
            refused[result.offer_id] = str(exc)
    return valid, refused


def storable_text(text: str) -> str:
    """The text cut to a storable length, with what no database takes (NUL, half a surrogate pair) replaced."""
    text = text[:MAX_TITLE_CHARS]
    if is_storable(text):
        return text
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\N{REPLACEMENT CHARACTER}")


def is_storable(text: str) -> bool:
    """Whether a database takes the text: no NUL, no half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def uuid_range(prefix: str) -> tuple[str | None, str | None]:
    """The lowest and the highest id that begins so (lower-case hex, dashes wherever); None twice where none does."""
    digits = prefix.replace("-", "")
    if not re.fullmatch(r"[0-9a-f]{1,32}", digits):
        return None, None
    return str(UUID(digits.ljust(32, "0"))), str(UUID(digits.ljust(32, "f")))


def is_uuid(text: str) -> bool:
    """Whether the text can be the id of an offer."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def check_page(wanted: OfferFilter, after: Place | None) -> int:
    """The most offers of a page; raises `ValueError` where there is no limit, or no offer can have that place."""
    if wanted.limit is None:
        raise ValueError("a page has a limit")
    if after is None:
        return wanted.limit
    name, value = wanted.sort.removeprefix("-"), after.value
    if name in {"last_seen", "first_seen", "price_changed"}:
        is_fit = isinstance(value, str) and iso_utc(datetime.fromisoformat(value), timespec="microseconds") == value
    elif name == "title":
        is_fit = isinstance(value, str) and is_storable(value)
    else:
        is_fit = (value is None and name != "price") or (isinstance(value, int) and abs(value) < 2**53)
    if not (is_fit and is_storable(after.external_id) and is_uuid(after.id)):
        raise ValueError(f"no place in the order of {name}: {after}")
    return wanted.limit
