"""What may be stored: checked here once, so that both storages refuse the same rows for the same reasons.

What an offer cannot do without is refused when it is wrong; an optional value that is wrong is left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from offers_cli.money import MAX_CENTS
from offers_cli.offer import Enrichment, EnrichmentFailure, Offer, url_problem
from offers_cli.storage.base import RefusedOffer
from offers_cli.storage.rules import EnrichmentResult
from offers_cli.times import to_utc

MAX_ID_CHARS = 200
MAX_LINK_CHARS = 8_000
MAX_TITLE_CHARS = 1_000
GIVEN = ("price_cents", "old_price_cents", "discount_pct", "affiliate_link", "affiliation_id")


def valid_card(card: Offer) -> Offer:
    """The card as it may be stored; raises `ValueError` with the reason when it may not."""
    price_cents = _price(card.price_cents)
    title = _text(card.title, "title")
    return replace(
        card,
        marketplace=_required(card.marketplace, "marketplace", MAX_ID_CHARS),
        external_id=_required(card.external_id, "external_id", MAX_ID_CHARS),
        title=_required(storable_text(title), "title", MAX_TITLE_CHARS),
        url=_address(card.url),
        currency=_required(card.currency, "currency", MAX_ID_CHARS),
        source=_required(card.source, "source", MAX_ID_CHARS),
        price_cents=price_cents,
        old_price_cents=_within(card.old_price_cents, price_cents + 1, MAX_CENTS),
        discount_pct=_within(card.discount_pct, 0, 100),
        commission_pct=_within(card.commission_pct, 0, 100),
        image_url=_optional(card.image_url, MAX_LINK_CHARS),
        item_id=_optional(card.item_id, MAX_ID_CHARS),
        catalogue_id=_optional(card.catalogue_id, MAX_ID_CHARS),
        affiliate_link=_optional(card.affiliate_link, MAX_LINK_CHARS),
        affiliation_id=_optional(card.affiliation_id, MAX_ID_CHARS),
    )


def valid_enrichment(found: Enrichment) -> Enrichment:
    """The enrichment as it may be stored; raises `ValueError` with the reason when it may not."""
    price_cents = None if found.price_cents is None else _price(found.price_cents)
    return replace(
        found,
        observed_at=to_utc(found.observed_at),
        price_cents=price_cents,
        old_price_cents=_within(found.old_price_cents, (price_cents or 0) + 1, MAX_CENTS),
        suspect_old_price_cents=_within(found.suspect_old_price_cents, 1, MAX_CENTS),
        discount_pct=_within(found.discount_pct, 0, 100),
        title=storable_text(found.title) if found.title else None,
        affiliate_link=_optional(found.affiliate_link, MAX_LINK_CHARS),
        affiliation_id=_optional(found.affiliation_id, MAX_ID_CHARS),
    )


def whole_enrichment(found: Enrichment, *, price_cents: int) -> Enrichment:
    """The enrichment as it is stored, for values that somebody gives on purpose: none of them may be left out.

    Args:
        price_cents: the price as stored, for an old price that is given without one.

    Raises:
        ValueError: the value that cannot be stored, and its name.
    """
    valid = valid_enrichment(replace(found, price_cents=price_cents) if found.price_cents is None else found)
    for name in GIVEN:
        value = getattr(found, name)
        if value is not None and getattr(valid, name) != value:
            raise ValueError(f"{name} cannot be stored: {str(value)[:100]!r}")
    return replace(valid, price_cents=found.price_cents)


def valid_failure(failure: EnrichmentFailure) -> EnrichmentFailure:
    """The failure with a message that can be stored."""
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
    storable = text[:MAX_TITLE_CHARS].encode("utf-8", "replace").decode("utf-8")
    return storable.replace("\0", "\N{REPLACEMENT CHARACTER}")


def is_uuid(text: str) -> bool:
    """Whether the text can be the id of an offer."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _price(cents: object) -> int:
    found = _within(cents, 1, MAX_CENTS)
    if found is None:
        raise ValueError(f"price_cents is not a price in cents: {cents!r}")
    return found


def _within(value: object, least: int, most: int) -> int | None:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return value if is_whole and least <= value <= most else None  # type: ignore[return-value,operator]


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name} is not a text: {value!r}")  # noqa: TRY004 (one kind of error for what is refused)
    return value


def _required(value: object, name: str, most_chars: int) -> str:
    text = _text(value, name)
    if not text:
        raise ValueError(f"{name} is empty")
    if len(text) > most_chars:
        raise ValueError(f"{name} is longer than {most_chars} characters")
    if not is_storable(text):
        raise ValueError(f"{name} holds characters that no database stores")
    return text


def _address(value: object) -> str:
    url = _text(value, "url")
    if problem := url_problem(url):
        raise ValueError(f"url {problem}")
    return url


def _optional(text: object, most_chars: int) -> str | None:
    return text if isinstance(text, str) and 0 < len(text) <= most_chars and is_storable(text) else None


def is_storable(text: str) -> bool:
    """Whether a database takes the text: no NUL, no half of a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)
