"""Lookup: the one place that finds the offer which an operator means, by whatever name it was given.

An offer is named by its id or the beginning of it, by the id of its job, by the marketplace's id in any spelling, by
the id of its catalogue or user product, or by a link that tells one of these. Nothing is fetched.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from offers_cli.errors import Ambiguous, NotFound
from offers_cli.log import without_query
from offers_cli.queue.keys import JOB_ID_PREFIX
from offers_cli.services.sources import AT_HOST, as_address
from offers_cli.storage.base import OfferFilter, Storage, StoredOffer
from offers_cli.text import printable

if TYPE_CHECKING:
    from offers_cli.marketplaces.base import Marketplace

LONGEST_TITLE = 60
MOST_SHOWN = 5
NEIGHBOURS = 1000
"""Offers whose ids a mistyped one is compared with: the ones seen last."""


def as_link(text: str, marketplaces: Sequence[Marketplace]) -> str | None:
    """The address that a word is, with or without scheme, at one of these marketplaces; None for anything else."""
    word = text.strip().strip("<>")
    address = as_address(word) or (f"https://{word}" if AT_HOST.fullmatch(word) else "")
    return address if any(each.owns(address) for each in marketplaces) else None


def find_offer(name: str, *, storage: Storage, marketplaces: Sequence[Marketplace]) -> StoredOffer:
    """The offer of that name.

    Raises:
        NotFound: there is none; the hint names what may have been meant.
        Ambiguous: there are several; it names them.
        StorageUnavailable, StorageRefused: see `Storage`.
    """
    found = find_offers_called(name, storage=storage, marketplaces=marketplaces)
    if len(found) == 1:
        return found[0]
    if not found:
        raise _not_found(name, storage, marketplaces)
    shown = [f"{offer.external_id} ({_cut(offer.title)})" for offer in found[:MOST_SHOWN]]
    if len(found) > MOST_SHOWN:
        shown.append(f"and {len(found) - MOST_SHOWN} more")
    raise Ambiguous(
        f"{printable(name)} names {len(found)} offers: {', '.join(shown)}",
        hint=f"offers show {shlex.quote(found[0].external_id)}",
        candidates=found,
    )


def find_offers_called(name: str, *, storage: Storage, marketplaces: Sequence[Marketplace]) -> tuple[StoredOffer, ...]:
    """Every offer of that name: the one whose own id it is, else those whose product's id or whose id begins so."""
    word = name.strip()
    if not word:
        return ()
    own = word.lower().removeprefix(JOB_ID_PREFIX)
    ids = (word, *ids_in(word, marketplaces))
    found = storage.offers_called(ids=ids, prefix=own)
    for exact in ([offer for offer in found if value in (offer.id, offer.external_id)] for value in (own, *ids)):
        if exact:
            return tuple(exact)
    return tuple(found)


def ids_in(word: str, marketplaces: Sequence[Marketplace]) -> tuple[str, ...]:
    """The ids that a word or a link tells, by the first marketplace that reads it; see `Marketplace.ids_in`."""
    link = as_link(word, marketplaces)
    readers = [each for each in marketplaces if each.owns(link)][:1] if link else marketplaces
    return next((ids for each in readers if (ids := each.ids_in(link or word))), ())


def _not_found(name: str, storage: Storage, marketplaces: Sequence[Marketplace]) -> NotFound:
    link = as_link(name, marketplaces)
    ids = ids_in(name, marketplaces)
    if link is None:
        near = _near(name, ids, storage)
        known = "offers add LINK, with the product's link, saves it" if ids else "offers list --search WORDS"
        hint = f"offers show {shlex.quote(near.external_id)}" if near else known
        return NotFound(f"{printable(name).strip() or repr('')}: no such offer", hint=hint)
    shown = printable(without_query(link))
    if not ids:
        return NotFound(
            f"{shown}: the address does not tell which offer it leads to", hint="offers add LINK follows it"
        )
    return NotFound(f"{shown}: no such offer ({ids[0]})", hint="offers add LINK saves it")


def _near(name: str, ids: Sequence[str], storage: Storage) -> StoredOffer | None:
    """The offer that a mistyped id, or words of a title, may mean."""
    if not name.strip():
        return None
    recent = {offer.external_id: offer for offer in storage.find_offers(OfferFilter(limit=NEIGHBOURS))}
    for word in (*ids, name.strip().upper()):
        if close := get_close_matches(word, recent, n=1, cutoff=0.85):
            return recent[close[0]]
    return next(iter(storage.find_offers(OfferFilter(search=name, limit=1))), None)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_TITLE else f"{text[: LONGEST_TITLE - 1]}…"
