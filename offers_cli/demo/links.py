"""Affiliate links as the shop makes them: one per product and label, and a refusal where the programme says no."""

from __future__ import annotations

import hashlib
import re
from base64 import b32encode
from typing import Any

from offers_cli.demo.catalogue import CatalogueOffer
from offers_cli.demo.inventory import Inventory

REFUSALS = {
    100: "URL is not from Mercado Livre.",
    110: "URL is not a product.",
    111: "URL not allowed in affiliates program.",
    115: "Used products are not allowed.",
    1004: "The listing is paused.",
    1006: "The seller's reputation is not sufficient.",
    1008: "The product does not meet the requirements of the Program.",
    1010: "The tag does not exist.",
}
"""Reasons per item; the codes are those of the link builder, but for 1010, whose real code is not known."""

NICK = "lojademonstracao"


class LinkBuilder:
    """Makes links; asked again for the same product and label, it gives the same link.

    Attributes:
        tags: the labels that exist in the affiliate's panel.
        foreign_tag: when set, the links carry this label instead of the one asked for.
    """

    def __init__(self, inventory: Inventory, base_url: str, tags: tuple[str, ...]) -> None:
        self._inventory, self._base_url = inventory, base_url
        self.tags = tags
        self.foreign_tag: str | None = None
        self._own_address = re.compile(re.escape(base_url) + r"(?P<path>/[^?#]*)?([?#].*)?", re.DOTALL)
        self._made: dict[str, tuple[str, str]] = {}

    def create(self, url: str, tag: str) -> dict[str, Any]:
        """The link of one product address, or the refusal: HTTP knows no difference."""
        address = self._own_address.fullmatch(url)
        offer = self._inventory.find(address["path"] or "/") if address else None
        refusal = self._refusal(tag, offer, ours=address is not None)
        if offer is None or refusal:
            return _refused(url, tag, refusal or 110)
        code_id = _code(offer, tag, 7)
        self._made[code_id] = tag, offer.item_id
        paste = "-".join((_code(offer, f"{tag} id", 6), _code(offer, f"{tag} check", 4)))
        return {
            "id": code_id,
            "created": True,
            "tag": self.foreign_tag or tag,
            "text": f"🔍 Cole este texto no buscador do Mercado Livre: {paste}",
            "short_url": f"{self._base_url}/sec/{code_id}",
            "long_url": self._long_url(tag, code_id),
            "type_url": "SOCIAL_PROFILE_ENCRYPTED",
            "origin_url": url,
        }

    def follow(self, code_id: str) -> str | None:
        """Where a short link leads, or None for one that was never made."""
        tag, _ = self._made.get(code_id, ("", ""))
        return self._long_url(tag, code_id) if tag else None

    def featured(self, reference: str) -> CatalogueOffer | None:
        """The offer that a long link's reference stands for."""
        _, item_id = self._made.get(reference.removesuffix("x"), ("", ""))
        return next((offer for offer in self._inventory.offers if offer.item_id == item_id), None)

    def _refusal(self, tag: str, offer: CatalogueOffer | None, *, ours: bool) -> int | None:
        if tag not in self.tags:
            return 1010
        if not ours:
            return 100
        return offer.link_refusal_code if offer else None

    def _long_url(self, tag: str, code_id: str) -> str:
        label = self.foreign_tag or tag
        return f"{self._base_url}/social/{NICK}?matt_word={label}&matt_tool=12345678&forceInApp=true&ref={code_id}x"


def _refused(url: str, tag: str, code: int) -> dict[str, Any]:
    return {"created": False, "origin_url": url, "tag": tag, "error_code": code, "message": REFUSALS[code]}


def _code(offer: CatalogueOffer, tag: str, length: int) -> str:
    digest = hashlib.sha256(f"{offer.item_id}:{tag}".encode()).digest()
    return b32encode(digest).decode()[:length]
