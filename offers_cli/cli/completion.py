"""What a shell offers after Tab: offer ids, failure codes, sources, settings.

A person waits for it at every keystroke, so it reads the local database alone, and an error completes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from offers_cli.errors import WORK_ERRORS, OffersError

if TYPE_CHECKING:
    from offers_cli.storage.base import StoredOffer

LIMIT = 1000
"""Offers among which an id is looked for: the ones seen last."""


def complete_reason(incomplete: str) -> list[tuple[str, str]]:
    """Failure codes and their meaning."""
    return [
        (code, (error.__doc__ or "").splitlines()[0])
        for code, error in WORK_ERRORS.items()
        if code.startswith(incomplete)
    ]


def complete_source(incomplete: str) -> list[tuple[str, str]]:
    """The words for sources; saved pages are completed by the shell itself."""
    sources = {"ofertas": "the public offers page", "hub": "the affiliates hub", "search:": "a search"}
    return [(word, meaning) for word, meaning in sources.items() if word.startswith(incomplete)]


def complete_setting(incomplete: str) -> list[tuple[str, str]]:
    """Names of settings, with their meaning."""
    from offers_cli.config import SETTINGS

    return [(each.name, each.doc) for each in SETTINGS if each.name.startswith(incomplete)]


def complete_sort(incomplete: str) -> list[str]:
    """Sort orders, both ways."""
    from offers_cli.storage.base import SORTS

    return [word for name in SORTS for word in (name, f"-{name}") if word.startswith(incomplete)]


def complete_deal_sort(incomplete: str) -> list[str]:
    """Sort orders of deals, both ways."""
    from offers_cli.services.deals import DEAL_SORTS

    return [word for name in DEAL_SORTS for word in (name, f"-{name}") if word.startswith(incomplete)]


def complete_offer(incomplete: str) -> list[tuple[str, str]]:
    """Marketplace's ids of the offers seen last, with their titles; or their own, where those begin so."""
    return _offers(_recent(), incomplete)


def complete_failed_offer(incomplete: str) -> list[tuple[str, str]]:
    """The same, of those whose last attempt failed."""
    return _offers((offer for offer in _recent() if offer.enrich_error), incomplete)


def _offers(offers: Iterable[StoredOffer], incomplete: str) -> list[tuple[str, str]]:
    named = [(offer, offer.external_id) for offer in offers]
    found = [(word, _harmless(offer.title)) for offer, word in named if _completes(word, incomplete)]
    return found or [(each.id, _harmless(each.title)) for each, _ in named if _completes(each.id, incomplete)]


def _completes(word: str, incomplete: str) -> bool:
    """A shell evaluates what is offered, and a shop may call its offers anything."""
    return word.startswith(incomplete) and re.fullmatch(r"[\w.-]+", word, re.ASCII) is not None


def _harmless(title: str) -> str:
    return " ".join(re.findall(r"\w+", title))[:60]


def _recent() -> Iterator[StoredOffer]:
    from contextlib import closing

    from offers_cli.config import get_config
    from offers_cli.runtime import Runtime
    from offers_cli.storage.base import OfferFilter

    try:
        config = get_config()
        if config.database.supabase_url is not None or not config.database.sqlite_path.is_file():
            return
        with closing(Runtime(config)) as runtime:
            yield from runtime.brief_storage.find_offers(OfferFilter(limit=LIMIT))
    except OffersError:
        return
