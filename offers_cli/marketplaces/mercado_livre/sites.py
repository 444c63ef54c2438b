"""The countries of Mercado Livre: what their ids begin with, where they are, how they write money."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Site:
    """One country's shop.

    Attributes:
        id: what its item and catalogue ids begin with, e.g. ``MLB``.
        domain: its registered domain.
        currency: ISO 4217 code of the currency it sells in.
        item_host: first label of the host of its item pages.
        search_host: first label of the host of its searches.
        decimal_mark: what stands before the cents; the other mark groups thousands.
    """

    id: str
    domain: str
    currency: str
    item_host: str = "articulo"
    search_host: str = "listado"
    decimal_mark: str = ","


BRAZIL = Site("MLB", "mercadolivre.com.br", "BRL", "produto", "lista")

SITES = (
    BRAZIL,
    Site("MLA", "mercadolibre.com.ar", "ARS"),
    Site("MLM", "mercadolibre.com.mx", "MXN", decimal_mark="."),
    Site("MCO", "mercadolibre.com.co", "COP"),
    Site("MLC", "mercadolibre.cl", "CLP"),
    Site("MLU", "mercadolibre.com.uy", "UYU"),
    Site("MPE", "mercadolibre.com.pe", "PEN"),
    Site("MEC", "mercadolibre.com.ec", "USD"),
    Site("MLV", "mercadolibre.com.ve", "VES"),
    Site("MBO", "mercadolibre.com.bo", "BOB"),
    Site("MPY", "mercadolibre.com.py", "PYG"),
    Site("MCR", "mercadolibre.co.cr", "CRC"),
    Site("MPA", "mercadolibre.com.pa", "USD", decimal_mark="."),
    Site("MRD", "mercadolibre.com.do", "DOP", decimal_mark="."),
    Site("MGT", "mercadolibre.com.gt", "GTQ", decimal_mark="."),
    Site("MHN", "mercadolibre.com.hn", "HNL", decimal_mark="."),
    Site("MNI", "mercadolibre.com.ni", "NIO", decimal_mark="."),
    Site("MSV", "mercadolibre.com.sv", "USD", decimal_mark="."),
    Site("MCU", "mercadolibre.com.cu", "CUP", decimal_mark="."),
)

VERTICALS = ("metroscubicos.com", "portalinmobiliario.com", "tucarro.com.co", "tucarro.com.ve")
"""Its own houses and cars in Mexico, Chile, Colombia and Venezuela: the same pages and ids under other names."""

SHORT_HOST = "meli.la"
"""Where short affiliate links lead from."""

DOMAINS = (*(site.domain for site in SITES), "mercadolivre.com", "mercadolibre.com", *VERTICALS)

_BY_ID = {site.id: site for site in SITES}


def find_site(site_id: str | None) -> Site | None:
    """The site whose ids begin with that id's first three letters."""
    return _BY_ID.get((site_id or "")[:3].upper())


def site_of_host(host: str) -> Site | None:
    """The site of a host name such as ``produto.mercadolivre.com.br``."""
    return next((site for site in SITES if is_below(host, site.domain)), None)


def is_below(host: str, domain: str) -> bool:
    """Whether a host is the domain itself or one of its subdomains."""
    return host == domain or host.endswith(f".{domain}")
